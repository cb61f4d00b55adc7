"""Identifiers of requests (composition)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable


def new_run() -> str:
    """What tells one run from every other."""
    return secrets.token_hex(3)


def identifiers(run: str) -> Callable[[], str]:
    """Makes identifiers that no other run makes: one call of C code for each."""
    return map(f"{run}-%x".__mod__, itertools.count(1)).__next__
