from __future__ import annotations

from attrs import evolve

from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.registry.changes import Ordered, ServerChanged, plan, weight
from director.store.overlay import Overlay

A = Server("a", Address("10.0.0.1", 80), weight=2, max=10)
B = Server("b", Address("10.0.0.2", 80))
READ = Configuration(pools=(Pool("web", (A, B)),))


def of(*servers: Server) -> Configuration:
    return Configuration(pools=(Pool("web", servers),))


def servers(configuration: Configuration) -> dict[str, Server]:
    return {one.name: one for one in configuration.pools[0].servers}


def running(read: Configuration = READ) -> Overlay:
    """The overlay of a director that runs `read`."""
    overlay = Overlay()
    overlay.settle(read, ())
    return overlay


def test_what_a_command_changed_stays_when_the_file_is_read_again() -> None:
    overlay = running()
    overlay.note([weight(READ, "web", "a", 7), Ordered("web", "b", State.DRAIN)])
    assert overlay.orders() == {("web", "a"): {"weight": 7}, ("web", "b"): {"state": "drain"}}
    over, stale = overlay.over(READ)
    assert (servers(over)["a"], servers(over)["b"], stale) == (evolve(A, weight=7), B, {})
    # What the command did not touch follows the file.
    assert servers(overlay.over(of(evolve(A, max=20), B))[0])["a"] == evolve(A, weight=7, max=20)


def test_nothing_remembered_changes_nothing() -> None:
    assert Overlay().over(READ) == (READ, {})
    assert Overlay().states(READ) == []


def test_states_are_ordered_again() -> None:
    overlay = running()
    overlay.note([Ordered("web", "a", State.MAINT), Ordered("web", "b", State.DRAIN)])
    assert overlay.states(READ) == [Ordered("web", "a", State.MAINT), Ordered("web", "b", State.DRAIN)]
    overlay.note([Ordered("web", "a", State.READY)])
    assert overlay.states(READ) == [Ordered("web", "b", State.DRAIN)]


def test_an_order_that_says_what_the_file_says_is_none() -> None:
    overlay = running()
    overlay.note([weight(READ, "web", "a", 7)])
    overlay.note([weight(READ, "web", "a", 2)])
    assert overlay.orders() == {}
    overlay.note([weight(READ, "web", "a", 7)])
    overlay.settle(of(evolve(A, weight=7), B), ())
    assert overlay.orders() == {}
    # So the file decides again.
    assert servers(overlay.over(READ)[0])["a"].weight == 2


def test_what_no_longer_applies_is_named_and_goes_when_the_file_has_become_the_running_one() -> None:
    overlay = running()
    overlay.note([ServerChanged("web", evolve(A, min=5)), ServerChanged("web", evolve(B, weight=0))])
    overlay.note([Ordered("web", "a", State.DRAIN), Ordered("web", "b", State.DRAIN)])
    read = of(evolve(A, max=3))
    over, stale = overlay.over(read)
    assert servers(over)["a"] == evolve(A, max=3)
    assert stale == {
        ("web", "a"): "web/a: server a: min=5 is larger than max=3",
        ("web", "b"): "web/b is gone",
    }
    assert set(overlay.orders()) == {("web", "a"), ("web", "b")}
    overlay.settle(read, stale)
    # The bound does not go with the file any more, the drain still does.
    assert overlay.orders() == {("web", "a"): {"state": "drain"}}


def test_a_reload_then_changes_nothing_on_the_server() -> None:
    overlay = running()
    change = weight(READ, "web", "a", 7)
    overlay.note([change])
    assert plan(of(change.server, B), overlay.over(READ)[0]) == ()


def test_orders_of_an_earlier_run_count_from_the_first_reading_on() -> None:
    overlay = Overlay({("web", "a"): {"weight": 7, "state": "maint"}, ("old", "x"): {"weight": 0}})
    over, stale = overlay.over(READ)
    assert servers(over)["a"].weight == 7
    assert stale == {("old", "x"): "old/x is gone"}
    overlay.settle(READ, stale)
    assert overlay.orders() == {("web", "a"): {"weight": 7, "state": "maint"}}
    assert overlay.states(READ) == [Ordered("web", "a", State.MAINT)]


def test_servers_that_no_file_names_are_not_remembered() -> None:
    overlay = running(of(A))
    overlay.note([ServerChanged("web", evolve(B, weight=5)), Ordered("web", "b", State.DRAIN)])
    assert overlay.orders() == {}
