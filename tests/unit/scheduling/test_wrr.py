"""V50.  The oracle walks every level, as the text of F.2 does."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import reduce
from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from director.scheduling.wrr import WeightedRoundRobin
from tests.unit.scheduling.fakes import KEY, Server, names, servers, started


class Oracle:
    """F.2, line by line."""

    def __init__(self, weights: Sequence[int]) -> None:
        self.cw = 0
        self.changed(weights)

    def changed(self, weights: Sequence[int]) -> None:
        self.weights = weights
        positive = [weight for weight in weights if weight > 0]
        self.di = reduce(gcd, positive) if positive else 1
        self.mw = max(positive) - (self.di - 1) if positive else 0
        self.cl = -1
        if self.cw > self.mw or self.cw == 0:
            self.cw = self.mw
        elif self.di > 1:
            self.cw = (self.cw // self.di) * self.di + 1

    def schedule(self, overloaded: Container[int]) -> int | None:
        if self.mw == 0:
            return None
        cl, cw = self.cl, self.cw
        for _ in range(2 * self.mw + 2):
            for place in range(cl + 1, len(self.weights)):
                if self.weights[place] >= cw and place not in overloaded:
                    self.cl, self.cw = place, cw
                    return place
            cl, cw = -1, cw - self.di
            if cw <= 0:
                cw = self.mw
        return None


def test_weights_4_3_2() -> None:
    pool = servers(4, 3, 2)
    wrr = started(WeightedRoundRobin, pool)
    assert names([wrr.choose(pool, KEY, 0.0) for _ in range(18)]).upper() == "AABABCABC" * 2


def test_a_common_divisor_makes_no_difference() -> None:
    pool = servers(40, 30, 20)
    wrr = started(WeightedRoundRobin, pool)
    assert names([wrr.choose(pool, KEY, 0.0) for _ in range(9)]) == "aababcabc"


def test_an_edit_recomputes() -> None:
    a, b, c = pool = servers(4, 3, 2)
    wrr = started(WeightedRoundRobin, pool)
    wrr.choose(pool, KEY, 0.0)
    a.weight = b.weight = c.weight = 1
    wrr.server_updated(a)
    assert names([wrr.choose(pool, KEY, 0.0) for _ in range(6)]) == "abcabc"


def test_a_quiesced_server_gets_nothing_and_a_removed_one_leaves_the_round() -> None:
    a, _, c = pool = servers(2, 0, 1)
    wrr = started(WeightedRoundRobin, pool)
    assert names([wrr.choose((a, c), KEY, 0.0) for _ in range(6)]) == "aacaac"
    wrr.server_removed(a)
    wrr.server_added(Server("d", 1))
    assert wrr.choose((c,), KEY, 0.0) is c


def test_a_heavy_server_that_is_down_costs_no_walk_over_its_levels() -> None:
    _, b, c = pool = servers(10**9, 2, 1)
    wrr = started(WeightedRoundRobin, pool)
    assert names([wrr.choose((b, c), KEY, 0.0) for _ in range(6)]) == "bbcbbc"


def test_nobody_has_a_weight_or_nobody_is_known() -> None:
    a, b = servers(0, 1)
    assert started(WeightedRoundRobin, (a,)).choose((b,), KEY, 0.0) is None
    assert started(WeightedRoundRobin, ()).choose((b,), KEY, 0.0) is None
    assert started(WeightedRoundRobin, servers(3)).choose((b,), KEY, 0.0) is None


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.data())
def test_it_is_the_walk_of_the_text(weights: list[int], data: st.DataObject) -> None:
    pool = servers(*weights)
    wrr = started(WeightedRoundRobin, pool)
    oracle, changed = Oracle(weights), False
    for _ in range(data.draw(st.integers(1, 30))):
        if data.draw(st.integers(0, 9)) == 0:
            place = data.draw(st.integers(0, len(pool) - 1))
            pool[place].weight = data.draw(st.integers(0, 12))
            wrr.server_updated(pool[place])
            changed = True
        usable = [place for place, server in enumerate(pool) if server.weight]
        if not usable:
            continue
        if changed:
            oracle.changed([server.weight for server in pool])
            changed = False
        up = set(data.draw(st.lists(st.sampled_from(usable), min_size=1)))
        eligible = tuple(server for place, server in enumerate(pool) if place in up)
        expected = oracle.schedule(set(range(len(pool))) - up)
        chosen = wrr.choose(eligible, KEY, 0.0)
        assert chosen is (None if expected is None else pool[expected])
