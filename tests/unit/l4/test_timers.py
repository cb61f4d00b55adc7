from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.l4.timers import STEP, UNSET, Wheel


class Thing:
    def __init__(self) -> None:
        self.slot = UNSET


def test_due_after_its_time_and_not_before() -> None:
    wheel: Wheel[Thing] = Wheel()
    thing = Thing()
    wheel.schedule(thing, 10.0)
    assert wheel.due(9.9, 9) == []
    assert wheel.due(10.0 + STEP, 9) == [thing]
    assert thing.slot == UNSET


def test_scheduling_again_moves() -> None:
    wheel: Wheel[Thing] = Wheel()
    thing = Thing()
    wheel.schedule(thing, 10.0)
    wheel.schedule(thing, 2.0)
    assert wheel.due(3.0, 9) == [thing]
    assert wheel.due(20.0, 9) == []


def test_cancelled_is_never_due() -> None:
    wheel: Wheel[Thing] = Wheel()
    thing = Thing()
    wheel.schedule(thing, 1.0)
    wheel.cancel(thing)
    wheel.cancel(thing)
    assert wheel.due(20.0, 9) == []


def test_limit_leaves_the_rest_for_the_next_call() -> None:
    wheel: Wheel[Thing] = Wheel()
    things = [Thing() for _ in range(10)]
    for thing in things:
        wheel.schedule(thing, 1.0)
    found = wheel.due(5.0, 4)
    assert len(found) == 4
    wheel.schedule(found[0], 5.0)
    rest = wheel.due(5.0, 100)
    assert set(rest) == set(things) - set(found)
    assert wheel.due(6.0, 9) == [found[0]]


def test_a_time_that_has_passed_is_due_next() -> None:
    wheel: Wheel[Thing] = Wheel()
    wheel.due(100.0, 9)
    thing = Thing()
    wheel.schedule(thing, 3.0)
    assert wheel.due(101.0, 9) == [thing]


@given(st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 50)), max_size=30))
def test_everything_comes_once_within_a_step_of_its_time(plan: list[tuple[float, float]]) -> None:
    wheel: Wheel[Thing] = Wheel()
    now, wanted = 0.0, {}
    for when, pause in plan:
        thing = Thing()
        wheel.schedule(thing, now + when)
        wanted[thing] = now + when
        now += pause
        for due in wheel.due(now, 1000):
            assert wanted.pop(due) <= now
    assert all(when + 2 * STEP > now for when in wanted.values())
    assert set(wheel.due(now + 5000, 1000)) == set(wanted)
    assert not wheel._slots
