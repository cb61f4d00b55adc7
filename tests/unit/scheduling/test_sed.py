"""V52."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.sed import ShortestExpectedDelay, shortest
from tests.unit.scheduling.fakes import KEY, Server, servers, started


def test_idle_servers_are_chosen_by_weight() -> None:
    pool = servers(1, 3, 2)
    assert started(ShortestExpectedDelay, pool).choose(pool, KEY, 0.0) is pool[1]


def test_a_fast_busy_server_beats_a_slow_idle_one() -> None:
    pool = (Server("a", 1), Server("b", 3, active=1, inactive=10**6))
    assert started(ShortestExpectedDelay, pool).choose(pool, KEY, 0.0) is pool[1]
    pool[1].active = 2
    assert started(ShortestExpectedDelay, pool).choose(pool, KEY, 0.0) is pool[0]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_least_expected_delay_first_on_ties(loads: list[tuple[int, int]]) -> None:
    pool = [Server(str(place), weight, active=active) for place, (weight, active) in enumerate(loads)]
    delays = [Fraction(active + 1, weight) for weight, active in loads]
    assert shortest(pool) is pool[delays.index(min(delays))]


def test_it_explains_the_delay() -> None:
    pool = (Server("a", 2, active=2),)
    assert started(ShortestExpectedDelay, pool).explain(pool, KEY, 0.0) == (("a", "(2+1)/2 = 1.5"),)
