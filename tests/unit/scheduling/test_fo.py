"""V53."""

from __future__ import annotations

from director.scheduling.fo import WeightedFailover
from tests.unit.scheduling.fakes import KEY, servers, started


def test_the_heaviest_takes_all_and_the_first_of_equals() -> None:
    a, b, c = pool = servers(1, 5, 5)
    fo = started(WeightedFailover, pool)
    b.active = 10**6
    assert fo.choose(pool, KEY, 0.0) is b
    assert fo.choose((a, c), KEY, 0.0) is c
    assert fo.choose((a,), KEY, 0.0) is a
    assert fo.explain((a, c), KEY, 0.0) == (("a", "weight 1"), ("c", "weight 5"))
