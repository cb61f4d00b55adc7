from __future__ import annotations

import attrs
import pytest

from director.model.http import FaultStep, L7Service, Rule
from director.model.pools import Check, Pool, SchedulerSpec, State
from director.model.settings import Configuration
from director.registry.changes import Ordered, ServiceSet
from director.registry.counters import CONNS, INBYTES
from director.registry.registry import Registry
from director.registry.snapshot import RegistrySnapshot, ServerSnapshot, Snapshots, users
from tests.support.registries import live, registry_of, server, taken

CONFIGURATION = Configuration(
    pools=(
        Pool("web", (server("a", 1, weight=2, max=9, min=1), server("b", 2)), checks=("alive",)),
        Pool("raw", scheduler=SchedulerSpec("sh", flags=("port",))),
    ),
    checks=(Check("alive"),),
    l7=(L7Service("www", (), pool="web"),),
)


def of(registry: Registry) -> RegistrySnapshot:
    return Snapshots(registry).take()


def seen(registry: Registry, name: str) -> ServerSnapshot:
    found = of(registry).server("web", name)
    assert found is not None
    return found


def test_a_snapshot_shows_servers_as_they_are() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    lease = taken(registry, "web")
    registry.set_health("10.0.0.2:80", "alive", False, 7.0)
    a, b = seen(registry, "a"), seen(registry, "b")
    assert (a.name, a.address, a.weight, a.max, a.min) == ("a", "10.0.0.1:80", 2, 9, 1)
    assert (a.active, a.inactive, a.load, a.empty, a.eligible) == (1, 0, 1, False, True)
    assert (b.failing, b.since, b.eligible, b.empty) == (frozenset({"alive"}), 7.0, False, True)
    assert (a.reported, b.reported, b.checks) == (frozenset(), frozenset({"alive"}), ("alive",))
    pool = of(registry).pools["web"]
    assert (pool.eligible, pool.why_none) == (1, "")
    lease.release()


def test_each_attribute_is_the_one_of_its_name() -> None:
    """The fields are read in one call, by their places."""
    registry = registry_of(configuration=CONFIGURATION)
    one = live(registry, "web", "a")
    one.active, one.inactive, one.persistent, one.latency = 2, 3, 5, 0.7
    shown = seen(registry, "a")
    for name in ServerSnapshot._fields:
        if name not in {"pool", "checks", "address", "eligible", "traffic", "requests"}:
            assert getattr(shown, name) == getattr(one, name), name


def test_a_snapshot_does_not_change_afterwards() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    before = of(registry)
    taken(registry, "web")
    figures = live(registry, "web", "a").requests
    figures.requests += 1
    figures.responses[2] += 1
    figures.errors["connect"] += 1
    figures.latency.add(0.1)
    live(registry, "web", "a").stats.traffic.cells[CONNS] += 1
    registry.apply([Ordered("web", "a", State.MAINT)], "test", 0.0, 0.0)
    a = before.server("web", "a")
    assert a is not None
    assert (a.active, a.state, a.traffic.totals[0]) == (0, State.READY, 0)
    assert (a.requests.requests, sum(a.requests.responses), a.requests.errors) == (0, 0, ())
    assert (sum(a.requests.buckets), a.requests.seconds) == (0, 0.0)
    assert before.generation == len(before.generations) == 1


def test_nothing_of_a_snapshot_can_be_written() -> None:
    shown = of(registry_of(configuration=CONFIGURATION))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        shown.generation = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        shown.pools["other"] = shown.pools["web"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        shown.pools["web"].servers[0].weight = 0  # type: ignore[misc]


def test_an_empty_pool_says_why() -> None:
    pool = of(registry_of(configuration=CONFIGURATION)).pools["raw"]
    assert (pool.eligible, pool.why_none, pool.servers) == (0, "the pool has no servers", ())


def test_services_rules_and_requests() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    figures = registry.services["l7:www"].rule("1 all")
    figures.requests, figures.responses[2] = 3, 2
    figures.errors["connect"] = 1
    figures.latency.add(0.002)
    registry.services["l7:www"].stats.traffic.cells[INBYTES] = 10
    service = of(registry).services["l7:www"]
    assert service.traffic.totals == service.traffic.shown == (0, 0, 0, 10, 0)
    shown = service.rules["1 all"]
    assert (shown.requests, shown.responses, shown.errors) == (3, (0, 0, 2, 0, 0, 0), (("connect", 1),))
    assert (sum(shown.buckets), shown.seconds) == (1, 0.002)


def test_a_zeroed_counter_keeps_its_total() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    stats = live(registry, "web", "a").stats
    stats.traffic.cells[CONNS] = 3
    stats.zero()
    stats.traffic.cells[CONNS] = 5
    figures = seen(registry, "a").traffic
    assert (figures.totals[0], figures.shown[0]) == (5, 2)


def test_a_pool_is_used_by_services_rules_and_fault_paths() -> None:
    configuration = Configuration(
        pools=(Pool("web"), Pool("images"), Pool("spare"), Pool("idle")),
        l7=(L7Service("www", (), pool="web", fault=(FaultStep("pool", "spare"), FaultStep("active"))),),
        rules=(Rule(1, "i", "www", pool="images"), Rule(2, "w", "www", pool="web")),
    )
    assert users(configuration) == {"web": ("l7:www",), "spare": ("l7:www",), "images": ("l7:www",)}


def test_who_uses_a_pool_follows_the_generations() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    snapshots = Snapshots(registry)
    assert snapshots.take().pools["raw"].used_by == ()
    registry.apply([ServiceSet(L7Service("raw", (), pool="raw"))], "test", 0.0, 0.0)
    assert snapshots.take().pools["raw"].used_by == ("l7:raw",)


def test_what_is_not_there_is_none() -> None:
    assert RegistrySnapshot().server("web", "a") is None
    assert of(registry_of(configuration=CONFIGURATION)).server("web", "z") is None
