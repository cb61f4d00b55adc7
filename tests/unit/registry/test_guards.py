from __future__ import annotations

from attrs import evolve

from director.model.pools import Check, Pool, State
from director.model.settings import Configuration, Guard
from director.registry.changes import Change, Ordered, ServerRemoved, changed, plan, weight
from director.registry.guards import objections, outlook
from director.registry.registry import Registry
from tests.support.registries import registry_of, server

PAY = Pool("pay", tuple(server(f"p{n}", n) for n in (1, 2, 3)), checks=("alive",))
WEB = Pool("web", (server("w", 9),))
READ = Configuration(pools=(PAY, WEB), checks=(Check("alive"),))
TWO_READY = Guard("two", ("pay",), ready=2)
ONE_DRAIN = Guard("one", drains=1)


def world(*down: int) -> Registry:
    registry = registry_of(configuration=READ)
    for last in (1, 2, 3):
        registry.set_health(f"10.0.0.{last}:80", "alive", last not in down, 0.0)
    return registry


def against(registry: Registry, guard: Guard, *changes: Change) -> list[str]:
    desired = changed(registry.configuration, changes)
    return objections(guard, outlook(registry, desired, changes, "ops"))


def test_never_fewer_than_so_many_are_ready() -> None:
    registry = world()
    assert against(registry, TWO_READY, Ordered("pay", "p1", State.DRAIN)) == []
    [text] = against(
        registry, TWO_READY, Ordered("pay", "p1", State.DRAIN), Ordered("pay", "p2", State.MAINT)
    )
    assert text == ("pool pay would have 1 ready server(s) instead of 3, and never fewer than 2 are allowed")
    assert against(registry, TWO_READY, Ordered("web", "w", State.MAINT)) == [], "another pool"
    assert against(world(1), TWO_READY, Ordered("pay", "p2", State.DRAIN))
    assert against(world(1), TWO_READY, weight(READ, "pay", "p2", 0))
    assert against(world(1), TWO_READY, ServerRemoved("pay", "p2"))


def test_what_fails_by_itself_is_not_held_against_a_change() -> None:
    registry = world(1, 2)
    assert against(registry, TWO_READY, Ordered("pay", "p1", State.MAINT)) == []
    assert against(registry, TWO_READY, weight(READ, "pay", "p3", 7)) == []
    assert against(registry, TWO_READY, Ordered("pay", "p3", State.DRAIN))


def test_a_new_server_is_ready_when_it_has_proved_itself() -> None:
    registry = world()
    moved = evolve(PAY, servers=(evolve(PAY.servers[0], address=server("x", 77).address), *PAY.servers[1:]))
    desired = evolve(READ, pools=(evolve(moved, servers=moved.servers[:2]), WEB))
    changes = plan(READ, desired)
    [text] = objections(TWO_READY, outlook(registry, desired, changes, "reload"))
    assert "would have 1 ready server(s) instead of 3" in text


def test_so_many_are_drained_at_a_time() -> None:
    registry = world()
    assert against(registry, ONE_DRAIN, Ordered("pay", "p1", State.DRAIN)) == []
    registry.order("pay", "p1", State.DRAIN, 1.0)
    [text] = against(registry, ONE_DRAIN, Ordered("pay", "p2", State.MAINT))
    assert text == (
        "pool pay would have 2 drained server(s) instead of 1, and no more than 1 at a time are allowed"
    )
    assert (
        against(registry, ONE_DRAIN, Ordered("pay", "p2", State.DRAIN), Ordered("pay", "p1", State.READY))
        == []
    )
    registry.order("pay", "p2", State.DRAIN, 2.0)
    assert against(registry, ONE_DRAIN, weight(READ, "pay", "p3", 3)) == [], "it makes nothing worse"
