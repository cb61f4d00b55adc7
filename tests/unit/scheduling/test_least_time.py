from __future__ import annotations

from director.scheduling.least_time import LeastTime
from tests.unit.scheduling.fakes import KEY, Server, names, servers, started


def test_least_latency_times_load_by_weight_first_on_ties() -> None:
    pool = (
        Server("a", 1, active=1, latency=0.02),
        Server("b", 2, active=1, latency=0.03),
        Server("c", 1, active=2, latency=0.01),
    )
    scheduler = started(LeastTime, pool)
    assert scheduler.choose(pool, KEY, 0.0) is pool[1]
    assert scheduler.explain(pool[:1], KEY, 0.0) == (("a", "20.0 ms * (1+1)/1"),)


def test_servers_without_a_figure_first_each_with_one_request() -> None:
    pool = (Server("a", latency=0.001), Server("b"), Server("c"))
    scheduler = started(LeastTime, pool)
    assert scheduler.choose(pool, KEY, 0.0) is pool[1]
    pool[1].active = 1
    assert scheduler.choose(pool, KEY, 0.0) is pool[2]
    pool[2].active = 1
    assert scheduler.choose(pool, KEY, 0.0) is pool[0]
    assert scheduler.explain(pool[1:2], KEY, 0.0) == (("b", "no figure yet"),)


def test_one_that_hangs_from_the_start_does_not_draw_all() -> None:
    pool = (Server("a", active=3, latency=0.01), Server("b", active=5))
    assert started(LeastTime, pool).choose(pool, KEY, 0.0) is pool[0]


def test_without_any_figure_load_decides() -> None:
    pool = servers(1, 2)
    scheduler = started(LeastTime, pool)
    chosen: list[Server] = []
    for _ in range(6):
        server = scheduler.choose(pool, KEY, 0.0)
        assert isinstance(server, Server)
        server.active += 1
        chosen.append(server)
    # Each once, then (active + 1) / weight: b at 2/2 and 3/2 against 2, a on the tie 4/2 = 2/1, b at 4/2.
    assert names(chosen) == "abbbab"
