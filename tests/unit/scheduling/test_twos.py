"""V56."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from director.scheduling.twos import PowerOfTwo
from tests.unit.scheduling.fakes import KEY, Server, names, servers, started


class Drawn(Random):
    """Gives the numbers a test names."""

    numbers: list[int]

    def randint(self, a: int, b: int) -> int:
        number = self.numbers.pop(0)
        assert a <= number <= b
        return number


@pytest.mark.parametrize(
    ("draws", "expected"),
    # Weights 2, 1, 3: tickets 1-2 are a's, 3 is b's, 4-6 are c's.  Loads by weight: a 256, b 128, c 256.
    [((1, 2), "a"), ((2, 3), "b"), ((3, 6), "b"), ((1, 4), "a"), ((4, 1), "c"), ((6, 6), "c")],
)
def test_the_less_loaded_of_the_two_draws(draws: tuple[int, int], expected: str) -> None:
    pool = (Server("a", 2, active=2), Server("b", 1, inactive=128), Server("c", 3, active=3))
    random = Drawn()
    random.numbers = list(draws)
    twos = PowerOfTwo("", frozenset(), random)
    twos.start("l7:www", pool)
    assert names([twos.choose(pool, KEY, 0.0)]) == expected


def test_equal_loads_are_drawn_by_weight() -> None:
    pool = servers(1, 1, 2)
    twos = started(PowerOfTwo, pool)
    counted = Counter(names([twos.choose(pool, KEY, 0.0)]) for _ in range(8000))
    assert abs(counted["a"] - 2000) < 200
    assert abs(counted["c"] - 4000) < 200


def test_one_server() -> None:
    pool = servers(1)
    twos = started(PowerOfTwo, pool)
    assert twos.choose(pool, KEY, 0.0) is pool[0]
    assert twos.explain(pool, KEY, 0.0) == (("a", "drawn 1/1, load 0/1"),)
