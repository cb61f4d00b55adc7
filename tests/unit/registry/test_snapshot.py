from __future__ import annotations

import attrs
import pytest
from attrs import evolve

from director.model.http import L7Service
from director.model.pools import Check, Pool, Scheduler, State
from director.model.settings import Configuration
from director.registry.changes import Ordered, ServerRemoved
from director.registry.counters import CONNS, INBYTES
from director.registry.snapshot import QUANTILES, RegistrySnapshot
from tests.support.registries import live, registry_of, server, taken

CONFIGURATION = Configuration(
    pools=(
        Pool("web", (server("a", 1, weight=2, max=9, min=1), server("b", 2)), checks=("alive",)),
        Pool("raw", scheduler=Scheduler("sh", flags=("port",))),
    ),
    checks=(Check("alive"),),
    l7=(L7Service("www", (), pool="web"),),
)


def test_a_snapshot_shows_servers_as_they_are() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    lease = taken(registry, "web")
    registry.set_health("10.0.0.2:80", "alive", False, 7.0)
    pool = registry.snapshot().pool("web")
    assert pool is not None
    a, b = pool.servers
    assert (a.name, a.address, a.weight, a.max, a.min) == ("a", "10.0.0.1:80", 2, 9, 1)
    assert (a.active, a.inactive, a.empty, a.eligible, a.health) == (1, 0, False, True, "unknown")
    assert (b.health, b.failing, b.since, b.eligible, b.empty) == ("down", ("alive",), 7.0, False, True)
    assert (pool.eligible, pool.why_none) == (1, "")
    lease.release()


def test_a_snapshot_does_not_change_afterwards() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    before = registry.snapshot()
    taken(registry, "web")
    live(registry, "web", "a").requests.requests += 1
    live(registry, "web", "a").stats.traffic.cells[CONNS] += 1
    registry.apply([Ordered("web", "a", State.MAINT)], "test", 0.0, 0.0)
    assert before.pools[0].servers[0].active == 0
    assert before.pools[0].servers[0].state is State.READY
    assert before.pools[0].servers[0].requests.requests == 0
    assert before.pools[0].servers[0].traffic.conns == 0
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        before.generation = 5  # type: ignore[misc]


def test_words_of_health() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    registry.set_health("10.0.0.1:80", "alive", True, 0.0)
    shown = registry.snapshot().pools[0].servers
    assert [one.health for one in shown] == ["up", "unknown"]
    unchecked = registry_of(Pool("web", (server(),))).snapshot()
    assert unchecked.pools[0].servers[0].health == "unchecked"


def test_an_empty_pool_says_why() -> None:
    pool = registry_of(configuration=CONFIGURATION).snapshot().pool("raw")
    assert pool is not None
    assert (pool.scheduler, pool.eligible, pool.why_none) == ("sh port", 0, "the pool has no servers")


def test_services_rules_and_requests() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    figures = registry.services["l7:www"].rule("1 all")
    figures.requests, figures.responses[2] = 3, 2
    figures.errors["connect"] = 1
    figures.latency.add(0.002)
    registry.services["l7:www"].stats.traffic.cells[INBYTES] = 10
    service = registry.snapshot().service("l7:www")
    assert service is not None
    assert service.traffic.inbytes == 10
    [(name, shown)] = service.rules
    assert (name, shown.requests, shown.responses, shown.errors) == (
        "1 all",
        3,
        (0, 2, 0, 0, 0),
        (("connect", 1),),
    )
    assert shown.latency == (0.0025,) * len(QUANTILES)


def test_leaving_servers_and_generations() -> None:
    registry = registry_of(configuration=CONFIGURATION)
    lease = taken(registry, "web")
    registry.apply([ServerRemoved("web", "a")], "ops", 4.0, 0.0)
    shown = registry.snapshot()
    assert [(one.name, one.active, one.present, one.eligible) for one in shown.leaving] == [
        ("a", 1, False, False)
    ]
    assert (shown.generation, shown.generations[-1].author) == (2, "ops")
    lease.release()


def test_what_is_not_there_is_none() -> None:
    empty = RegistrySnapshot(0, (), (), (), ())
    assert empty.pool("web") is None
    assert empty.service("l7:www") is None
    assert evolve(empty, generation=1).generation == 1
