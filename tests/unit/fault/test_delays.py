from __future__ import annotations

from math import exp, log
from statistics import fmean, median, pstdev

import pytest

from director.config.parse.faults import action
from director.fault.choice import drawn
from director.fault.delays import LONGEST, delay, usual
from director.registry.counters import LATENCY_BOUNDS


def drawings(text: str, buckets: tuple[int, ...] = ()) -> list[float]:
    made = action(text)
    return [delay(made, drawn(7, str(number)), buckets) for number in range(5000)]


def buckets(**counts: int) -> tuple[int, ...]:
    """By the upper bound of a bucket in ms; `more` is the last one."""
    at = {f"ms{bound * 1000:g}".replace(".", "_"): place for place, bound in enumerate(LATENCY_BOUNDS)}
    found = [0] * (len(LATENCY_BOUNDS) + 1)
    for name, count in counts.items():
        found[at.get(name, -1)] = count
    return tuple(found)


def test_fixed_and_uniform() -> None:
    assert set(drawings("delay 200ms")) == {0.2}
    found = drawings("delay 200ms..400ms")
    assert 0.2 <= min(found) < 0.21
    assert 0.39 < max(found) < 0.4
    assert fmean(found) == pytest.approx(0.3, rel=0.02)


def test_log_normal_as_its_definition_says() -> None:
    """The logarithm is normal: its mean is ln m and its deviation s; the mean itself is m * exp(s^2 / 2)."""
    found = drawings("delay lognormal 200ms 0.5")
    logs = [log(one) for one in found]
    assert median(found) == pytest.approx(0.2, rel=0.03)
    assert fmean(logs) == pytest.approx(log(0.2), abs=0.03)
    assert pstdev(logs) == pytest.approx(0.5, rel=0.03)
    assert fmean(found) == pytest.approx(0.2 * exp(0.125), rel=0.03)


@pytest.mark.parametrize("drawing", [0.0, 0.9999999999999999])
def test_the_tail_has_an_end(drawing: float) -> None:
    assert 0.0 <= delay(action("delay lognormal 50m 5"), drawing) <= LONGEST


def test_a_servers_own_times_n() -> None:
    found = drawings("delay x3", buckets(ms10=80, ms100=20))
    assert sum(one <= 0.03 for one in found) / len(found) == pytest.approx(0.8, abs=0.02)
    assert all(0.015 < one <= 0.03 or 0.15 < one <= 0.3 for one in found)


def test_of_a_server_without_answers_nothing_is_known() -> None:
    assert set(drawings("delay x3", (0,) * 16)) == {0.0}
    assert set(drawings("delay x3")) == {0.0}


def test_what_a_histogram_cannot_say_is_its_last_bound() -> None:
    assert usual(buckets(more=3), 0.5) == LATENCY_BOUNDS[-1]
    assert usual(buckets(ms1=1, more=1), 0.9) == LATENCY_BOUNDS[-1]
