from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from director.admin.turns import REST, SLICE_SECONDS, STEP_SECONDS, Turns


class WorkingClock(Clock):
    """A clock that steps can move, as work does."""

    def work(self, seconds: float) -> None:
        self.rightNow += seconds


def counting(times: int, each: Callable[[], None], seen: list[str], name: str) -> Callable[[], bool]:
    left = [times]

    def step() -> bool:
        each()
        seen.append(name)
        left[0] -= 1
        return left[0] > 0

    return step


def test_steps_of_all_take_turns() -> None:
    clock, seen = Clock(), list[str]()
    turns = Turns(clock)
    turns.add(counting(3, lambda: None, seen, "a"))
    turns.add(counting(2, lambda: None, seen, "b"))
    assert seen == [], "nothing is done in the turn of who asks"
    clock.pump([0, SLICE_SECONDS * REST])
    assert seen == ["a", "b", "a", "b", "a"]
    assert not clock.getDelayedCalls()


def test_a_slice_of_work_is_followed_by_a_rest() -> None:
    clock, seen = WorkingClock(), list[str]()
    turns = Turns(clock)
    turns.add(counting(4, lambda: clock.work(SLICE_SECONDS / 2), seen, "a"))
    clock.advance(0)
    assert seen == ["a", "a"]
    [due] = clock.getDelayedCalls()
    assert due.getTime() - clock.seconds() == SLICE_SECONDS * REST
    clock.advance(SLICE_SECONDS * REST)
    assert len(seen) == 4


def test_many_small_steps_are_a_slice_too() -> None:
    clock, seen = Clock(), list[str]()
    turns = Turns(clock)
    turns.add(counting(100, lambda: None, seen, "a"))
    clock.advance(0)
    assert len(seen) == round(SLICE_SECONDS / STEP_SECONDS)


def test_time_that_others_took_is_not_rested_from() -> None:
    """On a busy machine the clock goes on while a step is not running at all."""
    clock, seen = WorkingClock(), list[str]()
    turns = Turns(clock, spent=lambda: 0.0)
    turns.add(counting(99, lambda: clock.work(1.0), seen, "a"))
    clock.advance(0)
    assert len(seen) == round(SLICE_SECONDS / STEP_SECONDS)
    [due] = clock.getDelayedCalls()
    assert due.getTime() - clock.seconds() == pytest.approx(SLICE_SECONDS * REST)


def test_a_long_step_is_followed_by_a_long_rest() -> None:
    clock, seen = WorkingClock(), list[str]()
    turns = Turns(clock)
    turns.add(counting(2, lambda: clock.work(0.1), seen, "a"))
    clock.advance(0)
    clock.advance(0.1 * REST - 0.01)
    assert len(seen) == 1
    clock.advance(0.02)
    assert len(seen) == 2


def test_a_step_that_fails_stops_nobody_else() -> None:
    clock, seen = Clock(), list[str]()
    turns = Turns(clock)

    def broken() -> bool:
        seen.append("broken")
        raise RuntimeError

    turns.add(broken)
    turns.add(counting(1, lambda: None, seen, "a"))
    clock.advance(0)
    assert seen == ["broken", "a"]
