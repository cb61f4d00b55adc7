from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from director.admin.accounts import Standing
from director.admin.sessions import (
    ABSOLUTE_SECONDS,
    ADDRESSES,
    FAILURES,
    IDLE_SECONDS,
    REFILL_SECONDS,
    SESSIONS,
    Sessions,
    Throttle,
    same,
)


def sessions() -> Sessions:
    numbers = itertools.count()
    return Sessions(lambda: f"id{next(numbers)}")


@given(st.text(), st.text())
def test_same_is_equality(one: str, other: str) -> None:
    assert same(one, other) == (one == other)


def test_a_session_is_found_until_it_idles() -> None:
    table = sessions()
    opened = table.open(Standing(), 0.0)
    assert opened.csrf != opened.identifier
    assert table.find(opened.identifier, IDLE_SECONDS) is opened
    assert table.find(opened.identifier, 2 * IDLE_SECONDS) is opened
    assert table.find(opened.identifier, 3 * IDLE_SECONDS + 1) is None
    assert len(table) == 0


def test_a_session_ends_however_much_it_is_used() -> None:
    table = sessions()
    opened = table.open(Standing(), 0.0)
    now = 0.0
    while now <= ABSOLUTE_SECONDS:
        assert table.find(opened.identifier, now) is opened
        now += IDLE_SECONDS / 2
    assert table.find(opened.identifier, now) is None


def test_a_closed_session_is_gone() -> None:
    table = sessions()
    opened = table.open(Standing(), 0.0)
    table.close(opened.identifier)
    table.close("never was")
    assert table.find(opened.identifier, 0.0) is None


def test_the_table_is_bounded_and_drops_the_longest_unused() -> None:
    table = sessions()
    first, second = table.open(Standing(), 0.0), table.open(Standing(), 0.0)
    table.find(first.identifier, 1.0)
    for _ in range(SESSIONS - 1):
        table.open(Standing(), 2.0)
    assert len(table) == SESSIONS
    assert table.dropped == 1
    assert table.find(first.identifier, 3.0) is first
    assert table.find(second.identifier, 3.0) is None


def test_ten_failures_then_one_each_six_seconds() -> None:
    throttle = Throttle()
    assert [throttle.failed("a", 0.0) for _ in range(FAILURES)] == [0.0] * FAILURES
    assert 0 < throttle.failed("a", 0.0) <= REFILL_SECONDS
    assert throttle.failed("b", 0.0) == 0.0
    assert throttle.failed("a", REFILL_SECONDS + 0.01) == 0.0
    assert throttle.failed("a", REFILL_SECONDS + 0.02) > 0
    assert throttle.refused == 2


def test_the_brake_remembers_so_many_addresses_and_no_more() -> None:
    throttle = Throttle()
    for number in range(5 * ADDRESSES):
        throttle.failed(str(number), 0.0)
    assert len(throttle) == ADDRESSES
