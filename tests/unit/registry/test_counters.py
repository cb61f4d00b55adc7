from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from director.registry.counters import (
    CONNS,
    LATENCY_BOUNDS,
    Estimator,
    Histogram,
    Requests,
    Traffic,
    Zeroable,
)


def kernel_rates(samples: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Part H, row by row, with floor division in place of shifts: an independent second version."""
    averages = [0] * 5
    for sample in samples:
        for place, added in enumerate(sample):
            scaled = added * (2**9 if place < 3 else 2**4)
            averages[place] += (scaled - averages[place]) // 4
    packets = [(average + 511) // 1024 for average in averages[:3]]
    return (*packets, *[(average + 15) // 32 for average in averages[3:]])


def step(traffic: Traffic, sample: tuple[int, ...]) -> None:
    for place, added in enumerate(sample):
        traffic.cells[place] += added


def test_a_steady_ten_per_second_tends_to_ten() -> None:
    """V64: 20 connections each 2 s."""
    traffic = Traffic()
    estimator = Estimator(traffic)
    for _ in range(60):
        traffic.cells[CONNS] += 20
        estimator.tick()
    assert estimator.rates()[0] == 10


def test_one_step_moves_a_quarter_of_the_way() -> None:
    """V64: 8000 connections in one period are 4000 per second; a quarter of that is 1000."""
    traffic = Traffic()
    estimator = Estimator(traffic)
    shown = []
    for _ in range(3):
        traffic.cells[CONNS] += 8000
        estimator.tick()
        shown.append(estimator.rates()[0])
    assert shown == [1000, 1750, 2312]  # 4000 * (1 - 0.75 ** n); 0x1FF is just below a half


def test_a_single_burst_shows_an_eighth_at_first() -> None:
    """H: a single burst of N conns shows N/8 in the first period."""
    traffic = Traffic()
    estimator = Estimator(traffic)
    traffic.cells[CONNS] += 800
    estimator.tick()
    assert estimator.rates()[0] == 100


@given(st.lists(st.tuples(*[st.integers(0, 10**9)] * 5), max_size=20))
def test_the_estimator_is_that_of_part_h(samples: list[tuple[int, ...]]) -> None:
    traffic = Traffic()
    estimator = Estimator(traffic)
    for sample in samples:
        step(traffic, sample)
        estimator.tick()
    assert estimator.rates() == kernel_rates(samples)


def test_zeroing_keeps_a_base_and_clears_the_rates() -> None:
    """H: -Z stores a base and shows differences; the totals themselves go on."""
    stats = Zeroable()
    step(stats.traffic, (5, 4, 3, 2, 1))
    stats.estimator.tick()
    stats.zero()
    assert stats.shown() == (0, 0, 0, 0, 0)
    assert stats.estimator.rates() == (0, 0, 0, 0, 0)
    step(stats.traffic, (1, 1, 1, 1, 1))
    assert stats.shown() == (1, 1, 1, 1, 1)
    assert stats.traffic.conns == 6


def test_a_histogram_knows_nothing_at_first() -> None:
    assert Histogram().quantile(0.5) is None


def test_a_latency_on_a_bound_belongs_below_it() -> None:
    """As in Prometheus: `le` buckets."""
    histogram = Histogram()
    histogram.add(LATENCY_BOUNDS[3])
    assert histogram.buckets[3] == 1


def test_beyond_the_last_bound_is_infinite() -> None:
    histogram = Histogram()
    histogram.add(31.0)
    assert histogram.quantile(0.5) == float("inf")


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_bounds_its_share(seconds: list[float], share: float) -> None:
    histogram = Histogram()
    for one in seconds:
        histogram.add(one)
    bound = histogram.quantile(share)
    assert bound is not None
    assert sum(1 for one in seconds if one <= bound) >= share * len(seconds)
    assert abs(histogram.total - sum(seconds)) < 1e-6


def test_requests_begin_at_nothing() -> None:
    requests = Requests()
    requests.errors["connect"] += 1
    assert (requests.requests, requests.responses, requests.errors["connect"]) == (0, [0] * 6, 1)
