from __future__ import annotations

from collections import Counter

from attrs import evolve

from director.model.pools import Check, Pool, State
from director.model.settings import Configuration
from director.registry.registry import Registry
from director.registry.warming import LEAST, thinned
from tests.support.registries import live, registry_of, server, turn

POOL = Pool("web", (server("a", 1, weight=100), server("b", 2)), checks=("alive",), slow_start=10.0)
A = "10.0.0.1:80"
B = "10.0.0.2:80"


def world(pool: Pool = POOL) -> Registry:
    return registry_of(configuration=Configuration(pools=(pool,), checks=(Check("alive"),)))


def share(registry: Registry, name: str, rounds: int = 1000) -> float:
    """How often a server may be chosen from, and with what part of its weight."""
    pool = registry.pools["web"]
    came: Counter[str] = Counter()
    for _ in range(rounds):
        came.update(one.name for one in thinned(pool, pool.eligible()))
    one = live(registry, "web", name)
    return came[name] / rounds * one.weight / one.config.weight


def test_a_server_that_comes_back_is_given_its_share_by_and_by() -> None:
    registry = world()
    for address in (A, B):
        registry.set_health(address, "alive", False, 0.0)
        registry.set_health(address, "alive", True, 100.0)
    a, b = live(registry, "web", "a"), live(registry, "web", "b")
    assert (a.weight, b.weight) == (10, 1)
    for now, wanted in ((100.5, LEAST), (105.0, 0.5), (109.0, 0.9)):
        registry.warm(now)
        assert a.weight == round(100 * wanted)
    registry.warm(110.0)
    assert (a.weight, registry.pools["web"].warming) == (100, {})


def test_a_weight_of_one_is_kept_from_being_chosen_instead() -> None:
    registry = world()
    registry.set_health(B, "alive", False, 0.0)
    registry.set_health(B, "alive", True, 100.0)
    for now, wanted in ((100.0, 0.1), (103.0, 0.3), (107.5, 0.75)):
        registry.warm(now)
        assert abs(share(registry, "b") - wanted) < 0.01
        assert share(registry, "a") == 1.0
    registry.warm(111.0)
    assert share(registry, "b") == 1.0


def test_nobody_is_kept_back_when_nobody_else_is_there() -> None:
    registry = world(evolve(POOL, servers=(server("b", 2),)))
    registry.set_health(B, "alive", False, 0.0)
    registry.set_health(B, "alive", True, 100.0)
    assert share(registry, "b") == 1.0


def test_a_new_server_warms_up_and_so_does_one_from_maintenance() -> None:
    registry = world()
    assert registry.pools["web"].warming == {}, "not at the start"
    more = evolve(POOL, servers=(*POOL.servers, server("c", 3, weight=20)))
    turn(registry, Configuration(pools=(more,), checks=(Check("alive"),)), 50.0)
    assert live(registry, "web", "c").weight == 2
    registry.warm(60.0)
    assert live(registry, "web", "c").weight == 20
    registry.order("web", "a", State.MAINT, 61.0)
    registry.order("web", "a", State.READY, 62.0)
    assert live(registry, "web", "a").weight == 10


def test_a_server_that_falls_again_stops_to_warm_up() -> None:
    registry = world()
    registry.set_health(A, "alive", False, 0.0)
    registry.set_health(A, "alive", True, 100.0)
    registry.set_health(A, "alive", False, 101.0)
    registry.warm(102.0)
    assert registry.pools["web"].warming == {}
    assert live(registry, "web", "a").weight == 100
