"""V51, K35."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.wlc import WeightedLeastConnections, lightest, overhead
from tests.unit.scheduling.fakes import KEY, Server, servers, started

LOADS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4), st.integers(0, 600)), min_size=1, max_size=8)


def test_the_first_wins_ties() -> None:
    pool = (Server("a", 1, active=1), Server("b", 2, active=2), Server("c", 3, active=4))
    assert started(WeightedLeastConnections, pool).choose(pool, KEY, 0.0) is pool[0]


def test_long_connections_are_split_by_weight() -> None:
    a, b = pool = servers(1, 3)
    wlc = started(WeightedLeastConnections, pool)
    for _ in range(400):
        chosen = wlc.choose(pool, KEY, 0.0)
        assert isinstance(chosen, Server)
        chosen.active += 1
    assert (a.active, b.active) == (100, 300)


@given(LOADS)
def test_nobody_is_lighter_and_nobody_before_is_as_light(loads: list[tuple[int, int, int]]) -> None:
    pool = [Server(str(i), w, active=a, inactive=n) for i, (w, a, n) in enumerate(loads)]
    quotients = [Fraction(256 * a + n, w) for w, a, n in loads]
    assert lightest(pool) is pool[quotients.index(min(quotients))]


def test_it_explains_the_quotient() -> None:
    pool = (Server("a", 2, active=2), Server("b"))
    assert overhead(pool[0]) == 512
    explained = started(WeightedLeastConnections, pool).explain(pool, KEY, 0.0)
    assert explained == (("a", "load 512/2 = 256"), ("b", "load 0/1 = 0"))
