"""The overlay: what commands changed goes over every file that is read, as long as it applies."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from director.model.http import L7Service, Rule
from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.registry.changes import (
    Change,
    Ordered,
    PoolAdded,
    PoolRemoved,
    RestReplaced,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
    ServiceSet,
    plan,
    weight,
)
from director.registry.edits import Laid
from director.registry.registry import Registry
from director.store.overlay import Overlay
from tests.support.registries import registry_of

A = Server("a", Address("10.0.0.1", 80), weight=2, max=10)
B = Server("b", Address("10.0.0.2", 80))
C = Server("c", Address("10.0.0.3", 80))
WWW = L7Service("www", (Address("", 80),), pool="web")
READ = Configuration(pools=(Pool("web", (A, B)),), l7=(WWW,))


class Running:
    """A registry and what commands changed in it."""

    def __init__(self, read: Configuration = READ) -> None:
        self.registry: Registry = registry_of(configuration=read)
        self.overlay = Overlay()
        self.overlay.settle(read, read, {})

    def order(self, *changes: Change) -> None:
        made = self.registry.apply(changes, "ops", 0.0, 0.0)
        self.overlay.note(made.edits, self.registry.configuration, self.registry.states())

    def reload(self, read: Configuration) -> Laid:
        laid = self.overlay.over(read)
        states = [Ordered(*place, state) for place, state in laid.states.items()]
        self.registry.apply(
            [*plan(self.registry.configuration, laid.configuration), *states], "reload", 0.0, 0.0
        )
        self.overlay.settle(read, self.registry.configuration, self.registry.states())
        return laid


def of(*servers: Server) -> Configuration:
    return evolve(READ, pools=(Pool("web", servers),))


def said(overlay: Overlay) -> Iterable[str]:
    return [str(edit) for edit in overlay.edits]


def servers(configuration: Configuration) -> dict[str, Server]:
    return {one.name: one for one in configuration.pools[0].servers}


def test_what_a_command_changed_stays_when_the_file_is_read_again() -> None:
    running = Running()
    running.order(weight(READ, "web", "a", 7), Ordered("web", "b", State.DRAIN))
    assert said(running.overlay) == ["server web/a: weight = 7", "server web/b: state = drain"]
    laid = running.overlay.over(READ)
    assert (servers(laid.configuration), laid.stale) == ({"a": evolve(A, weight=7), "b": B}, {})
    assert laid.states == {("web", "b"): State.DRAIN}
    # What the command did not touch follows the file.
    assert servers(running.reload(of(evolve(A, max=20), B)).configuration)["a"] == evolve(A, weight=7, max=20)


def test_added_and_removed_things_stay_added_and_removed() -> None:
    """A reload would have taken back a server that a command added, and brought back a removed one."""
    running = Running()
    other = Pool("other", (A,))
    running.order(ServerAdded("web", C), ServerRemoved("web", "b"), PoolAdded(other))
    running.order(ServiceSet(evolve(WWW, name="more", listen=(Address("", 81),), pool="other")))
    running.order(
        RestReplaced(evolve(running.registry.configuration, rules=(Rule(1, "x", "www", pool="other"),)))
    )
    assert said(running.overlay) == [
        "server web/b removed",
        "server web/c added",
        "pool other added",
        "service l7 more added",
        "rule 1 x added",
    ]
    laid = running.reload(of(A, B, Server("d", Address("10.0.0.4", 80))))
    assert laid.stale == {}
    assert [*servers(laid.configuration)] == ["a", "d", "c"]
    assert laid.configuration.pools[1] == other
    assert [one.name for one in laid.configuration.l7] == ["www", "more"]
    assert said(running.overlay) == said(Overlay(running.overlay.edits)), "kept as it was"


def test_a_change_of_an_added_pool_is_part_of_it() -> None:
    running = Running()
    running.order(PoolAdded(Pool("other", (A,))))
    running.order(ServerChanged("other", evolve(A, weight=0)), Ordered("other", "a", State.MAINT))
    assert said(running.overlay) == ["pool other added", "server other/a: state = maint"]
    again = Overlay(running.overlay.edits).over(READ)
    assert again.configuration.pools[1].servers == (evolve(A, weight=0),)
    running.order(PoolRemoved("other"))
    assert said(running.overlay) == []


def test_a_removed_pool_takes_what_was_ordered_with_it() -> None:
    read = evolve(READ, pools=(*READ.pools, Pool("spare", (C,))))
    running = Running(read)
    running.order(Ordered("spare", "c", State.DRAIN), ServerChanged("spare", evolve(C, weight=9)))
    running.order(PoolRemoved("spare"))
    assert said(running.overlay) == ["pool spare removed"]


def test_what_says_what_the_file_says_is_none() -> None:
    running = Running()
    running.order(weight(READ, "web", "a", 7), Ordered("web", "a", State.DRAIN))
    running.order(weight(READ, "web", "a", 2), Ordered("web", "a", State.READY))
    assert running.overlay.edits == ()
    running.order(weight(READ, "web", "a", 7))
    running.reload(of(evolve(A, weight=7), B))
    assert running.overlay.edits == ()
    # So the file decides again.
    assert servers(running.reload(READ).configuration)["a"].weight == 2


def test_what_no_longer_applies_is_named_and_goes_when_the_file_has_become_the_running_one() -> None:
    running = Running()
    running.order(ServerChanged("web", evolve(A, min=5)), ServerChanged("web", evolve(B, weight=0)))
    running.order(Ordered("web", "a", State.DRAIN), Ordered("web", "b", State.DRAIN))
    read = of(evolve(A, max=3))
    laid = running.overlay.over(read)
    assert [*laid.stale.values()] == [
        "server web/a: min = 5: server a: min=5 is larger than max=3",
        "server web/b: weight = 0: No such server in pool web: b",
        "server web/b: state = drain: No such server in pool web: b",
    ]
    assert len(running.overlay.edits) == 4
    running.reload(read)
    # The bound does not go with the file any more, the drain still does.
    assert said(running.overlay) == ["server web/a: state = drain"]


def test_edits_of_an_earlier_run_count_from_the_first_reading_on() -> None:
    first = Running()
    first.order(weight(READ, "web", "a", 7), ServerChanged("web", evolve(B, weight=3)))
    again = Overlay(first.overlay.edits)
    laid = again.over(of(A))
    assert servers(laid.configuration) == {"a": evolve(A, weight=7)}
    assert [edit.name for edit in laid.stale] == [("web", "b")]
    again.settle(of(A), laid.configuration, {})
    assert said(again) == ["server web/a: weight = 7"]


def test_what_commands_made_stands_in_the_order_in_which_they_made_it() -> None:
    """Also after a restart: `ipvsadm -Ln --nosort` and rr go by it (`lvs-semantics` F.2, I.3)."""
    running = Running()
    for name in "zxm":
        running.order(PoolAdded(Pool(name, (A,))))
        running.order(ServerAdded("web", evolve(C, name=name)))
    running.order(ServerChanged("web", evolve(C, name="z", weight=9)), PoolRemoved("x"))
    running.order(PoolAdded(Pool("x", (B,))))
    again = Overlay(running.overlay.edits).over(READ).configuration
    assert again == running.registry.configuration
    assert [one.name for one in again.pools] == ["web", "z", "m", "x"]
    assert [*servers(again)] == ["a", "b", "z", "x", "m"]
