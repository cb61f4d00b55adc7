"""V51."""

from __future__ import annotations

from director.scheduling.lc import LeastConnections
from tests.unit.scheduling.fakes import KEY, Server, started


def test_the_least_overhead_whatever_the_weight() -> None:
    pool = (
        Server("a", 100, active=2),
        Server("b", active=1, inactive=255),
        Server("c", active=1, inactive=256),
    )
    assert started(LeastConnections, pool).choose(pool, KEY, 0.0) is pool[1]


def test_256_inactive_are_one_active() -> None:
    pool = (Server("a", active=1), Server("b", inactive=256), Server("c", inactive=255))
    lc = started(LeastConnections, pool)
    assert lc.choose(pool, KEY, 0.0) is pool[2]
    assert lc.choose(pool[:2], KEY, 0.0) is pool[0]


def test_the_first_wins_ties() -> None:
    pool = (Server("a", active=3), Server("b", active=2), Server("c", active=2))
    assert started(LeastConnections, pool).choose(pool, KEY, 0.0) is pool[1]


def test_it_explains_the_load() -> None:
    pool = (Server("a", active=1, inactive=1), Server("b"))
    assert started(LeastConnections, pool).explain(pool, KEY, 0.0) == (("a", "load 257"), ("b", "load 0"))
