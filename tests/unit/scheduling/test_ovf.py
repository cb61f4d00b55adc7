"""V53."""

from __future__ import annotations

from director.scheduling.ovf import WeightedOverflow
from tests.unit.scheduling.fakes import KEY, Server, servers, started


def test_a_server_takes_weight_plus_one_before_the_next() -> None:
    pool = servers(2, 3, 1)
    ovf = started(WeightedOverflow, pool)
    taken = ""
    while (chosen := ovf.choose(pool, KEY, 0.0)) is not None:
        assert isinstance(chosen, Server)
        chosen.active += 1
        taken += chosen.name
    assert taken == "bbbb" + "aaa" + "cc"


def test_the_first_of_equals_and_inactive_do_not_count() -> None:
    pool = (Server("a", 2, active=3), Server("b", 2, inactive=99), Server("c", 2))
    ovf = started(WeightedOverflow, pool)
    assert ovf.choose(pool, KEY, 0.0) is pool[1]
    assert ovf.explain(pool[:2], KEY, 0.0) == (("a", "active 3 > weight 2"), ("b", "active 0 <= weight 2"))
