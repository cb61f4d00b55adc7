"""V52."""

from __future__ import annotations

from director.scheduling.nq import NeverQueue
from tests.unit.scheduling.fakes import KEY, Server, started


def test_the_first_idle_server_at_once() -> None:
    pool = (Server("a", 9, active=1), Server("b", 1, inactive=500), Server("c", 5))
    assert started(NeverQueue, pool).choose(pool, KEY, 0.0) is pool[1]


def test_else_as_sed() -> None:
    pool = (Server("a", 1, active=1), Server("b", 3, active=2), Server("c", 3, active=2))
    nq = started(NeverQueue, pool)
    assert nq.choose(pool, KEY, 0.0) is pool[1]
    pool[2].active = 0
    assert nq.explain(pool, KEY, 0.0) == (("a", "(1+1)/1 = 2"), ("b", "(2+1)/3 = 1"), ("c", "idle"))
