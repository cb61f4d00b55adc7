from __future__ import annotations

import pytest

from director.config.text.messages import render
from director.model.settings import Guard
from tests.support.configurations import read_ini

POOL = "[pool:pay]\nserver.a = 10.0.0.1:80\n"


def test_a_guard_is_read() -> None:
    text = POOL + "[guard:two]\npool = pay\nready = 2\ndrains = 1\naction = warn\nreason = we need them\n"
    assert read_ini(text).require().guards == (
        Guard("two", ("pay",), ready=2, drains=1, veto=False, reason="we need them"),
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("pool = pay\n", "what does it guard?"),
        ("pool = pya\nready = 2\n", "there is no pool pya"),
        ("ready = 0\n", "0 is out of range"),
        ("python = mine\n", "expected FILE.py:CLASS"),
        ("ready = 1\naction = ask\n", "'ask' is none of: veto, warn"),
    ],
)
def test_what_is_no_guard_is_refused(lines: str, message: str) -> None:
    assert message in render(read_ini(POOL + "[guard:g]\n" + lines).problems)
