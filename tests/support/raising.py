"""Tests whose whole point is that something is taken without complaint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def nothing_raised(what: str) -> Iterator[None]:
    """Fail with `what` was to be taken, and what was raised instead."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - any exception is the failure that is looked for
        pytest.fail(f"{what}: {type(error).__name__}: {error}")
