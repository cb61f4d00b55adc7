"""Forecasts are held against work that ends at random in a simulation, and against sums done by hand."""

from __future__ import annotations

from random import Random

import pytest

from director.admin.emptying import SAMPLES, Emptying, harmonic
from director.model.pools import State
from director.registry.changes import Ordered
from tests.unit.admin import sample


def drained(loads: list[int], seconds: float = 2.0) -> Emptying:
    """Server a had these loads, one sample after the other."""
    control, made = sample.control(), Emptying()
    control.apply([Ordered("web", "a", State.DRAIN)], "ops")
    a = control.registry.pools["web"].servers[0]
    for number, load in enumerate(loads):
        a.active = load
        made.sample(control.snapshot(), 100.0 + number * seconds)
    return made


def test_the_time_left_is_worked_out_from_what_ended() -> None:
    """Two of four ended: 2 in 4*2 + 3*2 = 14 connection-seconds, 7 s each; two left: 7 * (1 + 1/2)."""
    assert drained([4, 3, 2]).seconds("web", "a") == pytest.approx(10.5)


def test_while_nothing_ended_nothing_is_foretold() -> None:
    assert drained([4]).seconds("web", "a") is None
    assert drained([4, 4, 4]).seconds("web", "a") is None
    assert drained([4, 3]).seconds("web", "b") is None


def test_what_is_empty_or_takes_work_again_is_forgotten() -> None:
    control, made = sample.control(), Emptying()
    a = control.registry.pools["web"].servers[0]
    control.apply([Ordered("web", "a", State.DRAIN)], "ops")
    for load in (4, 2):
        a.active = load
        made.sample(control.snapshot(), 100.0 - load)
    assert made.seconds("web", "a") is not None
    a.active = 0
    made.sample(control.snapshot(), 100.0)
    assert made.seconds("web", "a") is None


def test_only_the_last_minute_counts() -> None:
    slow = drained([1000, *(500 - number for number in range(SAMPLES))])
    fast_start_forgotten = slow.seconds("web", "a")
    assert fast_start_forgotten is not None
    assert fast_start_forgotten > 1000


@pytest.mark.parametrize("number", [1, 2, 19, 20, 100, 5000])
def test_the_harmonic_sum_is_near_enough(number: int) -> None:
    assert harmonic(number) == pytest.approx(sum(1 / each for each in range(1, number + 1)), rel=1e-3)


def test_a_forecast_is_right_on_average_for_work_that_ends_at_random() -> None:
    """A hundred connections of 30 s on average, looked at after ten seconds; 200 runs."""
    random = Random(4)
    forecasts, truths = [], []
    for _ in range(200):
        ends = [random.expovariate(1 / 30) for _ in range(100)]
        loads = [sum(end > now for end in ends) for now in range(0, 12, 2)]
        forecast = drained(loads).seconds("web", "a")
        assert forecast is not None
        forecasts.append(forecast)
        truths.append(max(ends) - 10)
    assert sum(forecasts) / len(forecasts) == pytest.approx(sum(truths) / len(truths), rel=0.15)
