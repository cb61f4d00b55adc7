"""V57."""

from __future__ import annotations

from director.scheduling.lblcr import LocalityReplicated, heaviest
from tests.unit.scheduling.fakes import Key, Server, started

ONE = Key(virtual="192.0.2.1")
DAY = 24 * 3600.0


def grown(pool: tuple[Server, ...]) -> LocalityReplicated:
    """A scheduler with a and b in the set of the address, changed at 1.0; both loads are then 0."""
    lblcr = started(LocalityReplicated, pool)
    assert isinstance(lblcr, LocalityReplicated)
    assert lblcr.choose(pool, ONE, 0.0) is pool[0]
    pool[0].active = pool[0].weight + 1
    assert lblcr.choose(pool, ONE, 1.0) is pool[1]
    pool[0].active = 0
    return lblcr


def test_the_set_grows_when_its_lightest_is_overburdened() -> None:
    pool = (Server("a", 4), Server("b", 4), Server("c", 4))
    lblcr = grown(pool)
    # The lightest of the set, though c is idle as well.
    pool[0].active, pool[1].active = 2, 1
    assert lblcr.choose(pool, ONE, 2.0) is pool[1]
    pool[1].active = 3
    assert lblcr.choose(pool, ONE, 3.0) is pool[0]


def test_it_stays_in_the_set_when_nobody_has_room() -> None:
    pool = (Server("a", 4), Server("b", 4), Server("c", 4, active=2))
    lblcr = grown(pool)
    pool[0].active = pool[1].active = 5
    assert lblcr.choose(pool, ONE, 2.0) is pool[0]


def test_a_set_unchanged_for_a_day_loses_its_most_loaded_member() -> None:
    pool = (Server("a", 4), Server("b", 4), Server("c", 4))
    lblcr = grown(pool)
    pool[0].active, pool[1].active = 2, 1
    for hour in range(1, 25):
        assert lblcr.choose(pool, ONE, hour * 3600.0) is pool[1]
    assert lblcr.choose(pool, ONE, DAY + 2.0) is pool[1]
    # a is out: though idle now, it is not chosen.
    pool[0].active = 0
    assert lblcr.choose(pool, ONE, DAY + 3.0) is pool[1]


def test_members_that_are_not_eligible_are_passed_over() -> None:
    a, b, c = pool = (Server("a", 4), Server("b", 4), Server("c", 4))
    lblcr = grown(pool)
    b.active = 1
    assert lblcr.choose((b, c), ONE, 2.0) is b
    b.available = False
    a.active = 1
    assert lblcr.choose((c,), ONE, 3.0) is c
    # a was only full and is still a member; b had died and is not.
    b.available, b.active, c.active = True, 0, 2
    assert lblcr.choose(pool, ONE, 4.0) is a
    lblcr.stop()
    assert lblcr.choose(pool, ONE, 5.0) is b


def test_the_heaviest_by_weight_first_on_ties_never_one_of_weight_0() -> None:
    pool = (
        Server("a", 0, active=9),
        Server("b", 1, active=2),
        Server("c", 2, active=5),
        Server("d", 2, active=5),
    )
    assert heaviest(pool) is pool[2]
