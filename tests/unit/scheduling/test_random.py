from __future__ import annotations

from collections import Counter

from director.scheduling.random import WeightedRandom
from tests.unit.scheduling.fakes import KEY, names, servers, started


def test_in_proportion_to_the_weights() -> None:
    pool = servers(1, 3, 4)
    scheduler = started(WeightedRandom, pool)
    counted = Counter(names([scheduler.choose(pool, KEY, 0.0)]) for _ in range(8000))
    assert [round(counted[name] / 1000) for name in "abc"] == [1, 3, 4]
    assert scheduler.explain(pool, KEY, 0.0)[1] == ("b", "chance 3/8")


def test_one_seed_gives_one_sequence() -> None:
    pool = servers(1, 1, 1)
    one, two = (started(WeightedRandom, pool, seed=7) for _ in range(2))
    assert [one.choose(pool, KEY, 0.0) for _ in range(50)] == [two.choose(pool, KEY, 0.0) for _ in range(50)]
