from __future__ import annotations

from director.scheduling.ewma import PeakEwma, cost
from tests.unit.scheduling.fakes import KEY, Server, names, started


def test_cost_is_latency_times_load_by_weight() -> None:
    assert cost(Server("a", 2, active=3, latency=0.05)) == 0.05 * 4 / 2


def test_an_idle_server_without_a_figure_is_tried_and_a_busy_one_is_dear() -> None:
    assert cost(Server("a")) == 0.0
    assert cost(Server("a", active=1)) > cost(Server("b", active=10, latency=0.1))


def test_the_dearest_is_never_chosen() -> None:
    pool = (
        Server("a", active=1, latency=0.02),
        Server("b", active=0, latency=0.05),
        Server("c", active=9, latency=0.01),
    )
    ewma = started(PeakEwma, pool)
    assert {names([ewma.choose(pool, KEY, 0.0)]) for _ in range(200)} == {"a", "b"}
    assert ewma.explain(pool[:1], KEY, 0.0) == (("a", "20.0 ms * (1+1)/1, cost 0.04 s"),)


def test_of_two_the_cheaper_one() -> None:
    pool = (Server("a", 1, active=3, latency=0.01), Server("b", 4, active=3, latency=0.03))
    ewma = started(PeakEwma, pool)
    assert {names([ewma.choose(pool, KEY, 0.0)]) for _ in range(50)} == {"b"}
