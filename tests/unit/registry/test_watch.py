from __future__ import annotations

import pytest

from director.model.pools import Eject
from director.registry.watch import GOOD, NOTHING, Sample, Watch


def watch(*causes: str) -> tuple[Watch, list[str]]:
    told: list[str] = []
    return Watch(Eject(frozenset(causes)), told.append), told


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        ("connect", "connect"),
        ("empty", "empty"),
        ("junk", "empty"),
        ("timeout", "timeout"),
        ("idle", "timeout"),
        ("truncated", "reset"),
        ("5xx", "5xx"),
    ],
)
def test_failures_are_told_in_the_words_of_the_configuration(cause: str, word: str) -> None:
    one, told = watch(word)
    one.failed(cause)
    assert told == [word]
    other, told = watch("latency")
    other.failed(cause)
    assert told == []


def test_the_first_success_behind_a_failure_is_told_and_no_other() -> None:
    one, told = watch("5xx", "connect")
    one.ended(2, 0.125, "ok")
    one.ended(5, 0.125, "ok")
    one.failed("connect")
    one.ended(2, 0.125, "ok")
    one.ended(2, 0.125, "ok")
    assert told == ["5xx", "connect", GOOD]
    assert one.take() == Sample(3, 2, 4, 0.5)
    assert one.take() == NOTHING


def test_what_was_counted_as_a_failure_and_what_a_client_broke_off_is_no_success() -> None:
    one, told = watch("reset")
    one.failed("truncated")
    one.ended(2, 0.125, "truncated")
    one.ended(2, 0.125, "client_gone")
    assert told == ["reset"]
    assert one.take() == Sample(0, 1, 2, 0.25)


def test_a_5xx_that_does_not_count_is_an_answer() -> None:
    one, told = watch("connect")
    one.failed("connect")
    one.ended(5, 0.125, "ok")
    assert told == ["connect", GOOD]
