from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from director.admin.answers import Refusal
from director.admin.passwords import AT_ONCE, NOBODY, WAITING, PasswordCheck, fits

REFERENCE = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"
"""Of `password`, from the README of the reference implementation (github.com/P-H-C/phc-winner-argon2)."""


@pytest.mark.parametrize(
    ("hashed", "password", "right"),
    [
        (REFERENCE, "password", True),
        (REFERENCE, "passwore", False),
        (REFERENCE, "", False),
        (NOBODY, "", False),
        ("no hash", "password", False),
    ],
)
def test_a_password_fits_its_hash_alone(hashed: str, password: str, right: bool) -> None:
    assert fits(hashed, password) is right


class Threads:
    """Work that was given away and is done when the test says so."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Deferred[bool]]] = []

    def __call__(self, work: Any) -> Deferred[bool]:
        done: Deferred[bool] = Deferred()
        self.given.append((work, done))
        return done

    def do(self) -> None:
        work, done = self.given.pop(0)
        done.callback(work())


def test_few_are_looked_at_at_once_and_few_wait() -> None:
    threads = Threads()
    check = PasswordCheck(threads, lambda hashed, password: hashed == password)
    told: list[bool] = []
    for number in range(AT_ONCE + WAITING):
        check.check("0", str(number)).addCallback(told.append)
    assert len(threads.given) == AT_ONCE
    with pytest.raises(Refusal) as refused:
        check.check("0", "0")
    assert refused.value.status == 503
    while threads.given:
        threads.do()
    assert told == [True] + [False] * (AT_ONCE + WAITING - 1)
    check.check("0", "0").addCallback(told.append)
    threads.do()
    assert told[-1] is True


def test_for_nobody_the_same_work_is_done() -> None:
    looked: list[tuple[str, str]] = []

    def look(hashed: str, password: str) -> bool:
        looked.append((hashed, password))
        return False

    threads = Threads()
    PasswordCheck(threads, look).check("", "x")
    threads.do()
    assert looked == [(NOBODY, "x")]
    assert NOBODY.split("$")[:4] == ["", "argon2id", "v=19", "m=65536,t=3,p=4"]
