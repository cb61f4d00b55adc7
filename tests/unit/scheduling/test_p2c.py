from __future__ import annotations

from collections import Counter
from random import Random

from director.scheduling.p2c import PowerOfTwoUniform, pair
from tests.unit.scheduling.fakes import KEY, Server, names, servers, started


def test_the_two_differ_and_each_pair_is_as_likely() -> None:
    pool, random = servers(1, 1, 1, 1), Random(3)
    counted = Counter("".join(sorted(names(pair(pool, random)))) for _ in range(6000))
    assert set(counted) == {"ab", "ac", "ad", "bc", "bd", "cd"}
    assert all(abs(count - 1000) < 150 for count in counted.values())


def test_the_most_loaded_is_never_chosen() -> None:
    pool = (Server("a", active=1), Server("b", active=2), Server("c", 2, active=7))
    p2c = started(PowerOfTwoUniform, pool)
    assert {names([p2c.choose(pool, KEY, 0.0)]) for _ in range(200)} == {"a", "b"}
    assert p2c.explain(pool, KEY, 0.0)[2] == ("c", "(7+1)/2 = 4")


def test_load_evens_out() -> None:
    pool = servers(*[1] * 20)
    p2c = started(PowerOfTwoUniform, pool)
    for _ in range(2000):
        chosen = p2c.choose(pool, KEY, 0.0)
        assert isinstance(chosen, Server)
        chosen.active += 1
    assert max(server.active for server in pool) - min(server.active for server in pool) <= 6


def test_one_server() -> None:
    pool = servers(1)
    assert started(PowerOfTwoUniform, pool).choose(pool, KEY, 0.0) is pool[0]
