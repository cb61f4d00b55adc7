"""V57."""

from __future__ import annotations

from director.scheduling.lblc import LocalityLeastConnections
from tests.unit.scheduling.fakes import Key, Server, started

ONE, TWO = Key(virtual="192.0.2.1"), Key(virtual="192.0.2.2")
DAY = 24 * 3600.0


def test_an_address_keeps_its_server_whatever_its_load() -> None:
    pool = (Server("a", 4), Server("b", 4, active=2))
    lblc = started(LocalityLeastConnections, pool)
    assert lblc.choose(pool, ONE, 0.0) is pool[0]
    pool[0].active = 4
    assert lblc.choose(pool, ONE, 1.0) is pool[0]
    assert lblc.choose(pool, TWO, 1.0) is pool[1]


def test_it_leaves_an_overburdened_server_when_another_has_room() -> None:
    pool = (Server("a", 4), Server("b", 4, active=2))
    lblc = started(LocalityLeastConnections, pool)
    lblc.choose(pool, ONE, 0.0)
    pool[0].active = 5
    assert lblc.choose(pool, ONE, 1.0) is pool[0]
    pool[1].active = 1
    assert lblc.choose(pool, ONE, 2.0) is pool[1]
    pool[0].active = 0
    assert lblc.choose(pool, ONE, 3.0) is pool[1]


def test_it_leaves_a_server_that_is_not_eligible_for_good() -> None:
    _, b = pool = (Server("a"), Server("b", active=1))
    lblc = started(LocalityLeastConnections, pool)
    lblc.choose(pool, ONE, 0.0)
    assert lblc.choose((b,), ONE, 1.0) is b
    assert lblc.choose(pool, ONE, 2.0) is b


def test_an_entry_expires_after_a_day_without_use() -> None:
    pool = (Server("a"), Server("b", active=1))
    lblc = started(LocalityLeastConnections, pool)
    lblc.choose(pool, ONE, 0.0)
    pool[0].active, pool[1].active = 1, 0
    assert lblc.choose(pool, ONE, DAY - 3600) is pool[0]
    assert lblc.choose(pool, ONE, 2 * DAY) is pool[1]


def test_a_stop_forgets() -> None:
    pool = (Server("a"), Server("b"))
    lblc = started(LocalityLeastConnections, pool)
    lblc.choose(pool, ONE, 0.0)
    lblc.stop()
    pool[0].active = 1
    assert lblc.choose(pool, ONE, 0.0) is pool[1]
