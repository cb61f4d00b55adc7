from __future__ import annotations

from attrs import evolve

from director.changes import Ordered, ServerChanged, plan, weight
from director.model import Address, Configuration, Pool, Server, State
from director.overlay import Overlay

A = Server("a", Address("10.0.0.1", 80), weight=2, max=10)
B = Server("b", Address("10.0.0.2", 80))
READ = Configuration(pools=(Pool("web", (A, B)),))


def servers(configuration: Configuration) -> dict[str, Server]:
    return {one.name: one for one in configuration.pools[0].servers}


def test_what_a_command_changed_stays_when_the_file_is_read_again() -> None:
    overlay = Overlay()
    overlay.note(READ, [weight(READ, "web", "a", 7), Ordered("web", "b", State.DRAIN)])
    assert len(overlay) == 1
    over, dropped = overlay.over(READ)
    assert (servers(over)["a"], servers(over)["b"], dropped) == (evolve(A, weight=7), B, {})
    # What the command did not touch follows the file.
    moved = evolve(READ, pools=(Pool("web", (evolve(A, max=20), B)),))
    assert servers(overlay.over(moved)[0])["a"] == evolve(A, weight=7, max=20)


def test_nothing_remembered_changes_nothing() -> None:
    assert Overlay().over(READ) == (READ, {})


def test_what_no_longer_applies_is_dropped_and_named() -> None:
    overlay = Overlay()
    overlay.note(READ, [ServerChanged("web", evolve(A, min=5)), ServerChanged("web", evolve(B, weight=0))])
    over, dropped = overlay.over(evolve(READ, pools=(Pool("web", (evolve(A, max=3),)),)))
    assert servers(over)["a"] == evolve(A, max=3)
    assert dropped == {
        ("web", "a"): "web/a: server a: min=5 is larger than max=3",
        ("web", "b"): "web/b is gone",
    }
    assert len(overlay) == 2
    overlay.drop(dropped)
    assert len(overlay) == 0


def test_a_reload_then_changes_nothing_on_the_server() -> None:
    overlay = Overlay()
    change = weight(READ, "web", "a", 7)
    overlay.note(READ, [change])
    running = evolve(READ, pools=(Pool("web", (change.server, B)),))
    assert plan(running, overlay.over(READ)[0]) == ()
