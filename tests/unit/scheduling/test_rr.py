"""V49."""

from __future__ import annotations

from director.scheduling.rr import RoundRobin
from tests.unit.scheduling.fakes import KEY, names, servers, started


def test_it_goes_round() -> None:
    pool = servers(1, 5, 1)
    rr = started(RoundRobin, pool)
    assert names([rr.choose(pool, KEY, 0.0) for _ in range(7)]) == "abcabca"


def test_it_passes_over_who_is_not_eligible_and_goes_on_behind_the_last_one() -> None:
    a, b, c, d = pool = servers(1, 1, 1, 1)
    rr = started(RoundRobin, pool)
    assert names([rr.choose(pool, KEY, 0.0), rr.choose((a, c, d), KEY, 0.0)]) == "ac"
    assert names([rr.choose((b, d), KEY, 0.0), rr.choose((b,), KEY, 0.0), rr.choose((b,), KEY, 0.0)]) == "dbb"


def test_removing_the_current_one_keeps_the_order() -> None:
    a, b, c, d = pool = servers(1, 1, 1, 1)
    rr = started(RoundRobin, pool)
    assert names([rr.choose(pool, KEY, 0.0) for _ in range(2)]) == "ab"
    rr.server_removed(b)
    assert names([rr.choose((a, c, d), KEY, 0.0) for _ in range(4)]) == "cdac"


def test_removing_others_keeps_the_order() -> None:
    a, b, c, d = pool = servers(1, 1, 1, 1)
    rr = started(RoundRobin, pool)
    names([rr.choose(pool, KEY, 0.0) for _ in range(3)])
    rr.server_removed(a)
    assert names([rr.choose((b, c, d), KEY, 0.0) for _ in range(2)]) == "db"
    rr.server_removed(d)
    assert names([rr.choose((b, c), KEY, 0.0) for _ in range(2)]) == "cb"


def test_a_new_server_comes_last() -> None:
    a, b, c = servers(1, 1, 1)
    rr = started(RoundRobin, (a, b))
    rr.choose((a, b), KEY, 0.0)
    rr.server_added(c)
    assert names([rr.choose((a, b, c), KEY, 0.0) for _ in range(4)]) == "bcab"


def test_none_when_nobody_of_the_roster_is_eligible() -> None:
    a, b = servers(1, 1)
    assert started(RoundRobin, (a,)).choose((b,), KEY, 0.0) is None
    assert started(RoundRobin, ()).choose((b,), KEY, 0.0) is None
