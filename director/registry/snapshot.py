"""What outsiders see of the registry: values that no change touches any more.

`Snapshots.take` reads every figure at once, so what a page says of two servers was true at one moment; what
follows from the configuration alone is worked out once for each generation.  Admin and commands know these
values only: they will sit in another process than the leases.  Servers are named tuples, because ten
thousand of them are made for one look.  Times are monotonic seconds, as in the registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from attrs import field, frozen

from director.model.http import L7Service
from director.model.pools import NO_ADVICE, Advice, Pool, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service
from director.registry.counters import RequestFigures, TrafficFigures
from director.registry.draft import pools_of
from director.registry.live import LivePool, LiveService
from director.registry.registry import Generation, Registry

Table = MappingProxyType


class ServerSnapshot(NamedTuple):
    """One server: what was said about it, what is known, and what it carries.

    `checks` are those of its pool, `ill` says that too many of them fail, or its traffic did; `eligible` says
    that it may be chosen now (a backup server only while the others cannot).
    """

    pool: str
    checks: tuple[str, ...]
    eligible: bool
    traffic: TrafficFigures
    requests: RequestFigures
    name: str
    address: str
    config: Server
    state: State
    failing: frozenset[str]
    reported: frozenset[str]
    since: float
    weight: int
    max: int
    min: int
    active: int
    inactive: int
    persistent: int
    overloaded: bool
    available: bool
    reachable: bool
    latency: float
    advice: Advice = NO_ADVICE
    takes_new: bool = True
    ill: bool = False

    @property
    def load(self) -> int:
        """Active plus inactive: what the thresholds compare."""
        return self.active + self.inactive

    @property
    def empty(self) -> bool:
        """Nothing runs on it any more: what an operator waits for after `drain`."""
        return self.load == 0


_READ: Any = attrgetter(
    "name", "key", "config", "state", "failing", "reported", "since", "weight", "max", "min", "active",
    "inactive", "persistent", "overloaded", "available", "reachable", "latency", "advice", "takes_new", "ill",
)  # fmt: skip
"""The last fields of a `ServerSnapshot`, in one call."""


@frozen
class PoolSnapshot:
    """One pool with its servers in configured order.

    Attributes:
        waiting: the length of its queue now.
        panic: why servers are used that checks call dead, in words; empty when none are.
        why_none: why nothing can be chosen, in words; empty when something can.
        replaced: which users' schedulers had to be replaced, for which service, why, and at which line.
        used_by: keys of the services that send to it, by themselves, by a rule or by their fault path.
    """

    name: str
    config: Pool
    servers: tuple[ServerSnapshot, ...]
    eligible: int
    waiting: int
    queue_full: int
    queue_timeouts: int
    no_server: int
    scheduler_failures: int
    why_none: str
    used_by: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    panic: str = ""

    def server(self, name: str) -> ServerSnapshot | None:
        """The server of that name."""
        return next((server for server in self.servers if server.name == name), None)


@frozen
class ServiceSnapshot:
    """One service, `key` = `l7:NAME` or `l4:NAME`, with its rules' figures by rule name."""

    key: str
    config: L7Service | L4Service
    traffic: TrafficFigures
    requests: RequestFigures
    rules: Mapping[str, RequestFigures] = field(factory=dict)


@frozen
class RegistrySnapshot:
    """Everything; `generations` has the newest last."""

    generation: int = 0
    configuration: Configuration = field(factory=Configuration)
    services: Mapping[str, ServiceSnapshot] = field(factory=dict)
    pools: Mapping[str, PoolSnapshot] = field(factory=dict)
    generations: tuple[Generation, ...] = ()

    def servers(self) -> Iterator[ServerSnapshot]:
        """All servers, pool by pool."""
        for pool in self.pools.values():
            yield from pool.servers

    def server(self, pool: str, name: str) -> ServerSnapshot | None:
        """One server, None when there is no such pool or server."""
        found = self.pools.get(pool)
        return found.server(name) if found is not None else None


class Snapshots:
    """Takes snapshots of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._used_by: dict[str, tuple[str, ...]] = {}
        self._read: Configuration | None = None

    def take(self) -> RegistrySnapshot:
        """Everything as it is now; its cost grows with servers, services and rules only."""
        registry = self._registry
        if registry.configuration is not self._read:
            self._read = registry.configuration
            self._used_by = users(registry.configuration)
        return RegistrySnapshot(
            registry.generation,
            registry.configuration,
            Table({key: _service(live) for key, live in registry.services.items()}),
            Table({name: self._pool(pool) for name, pool in registry.pools.items()}),
            tuple(registry.generations),
        )

    def _pool(self, pool: LivePool) -> PoolSnapshot:
        eligible = pool.eligible()
        return PoolSnapshot(
            pool.name,
            pool.config,
            tuple(_servers(pool)),
            len(eligible),
            pool.waiting,
            pool.queue_full,
            pool.queue_timeouts,
            pool.no_server,
            pool.scheduler_failures,
            "" if eligible else pool.why_none(),
            self._used_by.get(pool.name, ()),
            pool.replaced,
            why_panic(pool.healthy, pool.config.panic) if pool.panic else "",
        )


def _servers(pool: LivePool) -> Iterator[ServerSnapshot]:
    checks, name, eligible = pool.config.checks, pool.name, frozenset(pool.eligible())
    for one in pool.servers:
        figures = one.stats.figures(), one.requests.figures()
        # As `ServerSnapshot(…)`, at half its price.
        yield tuple.__new__(ServerSnapshot, (name, checks, one in eligible, *figures, *_READ(one)))


def _service(live: LiveService) -> ServiceSnapshot:
    return ServiceSnapshot(
        live.key,
        live.config,
        live.stats.figures(),
        live.requests.figures(),
        Table({name: counters.figures() for name, counters in live.rules.items()}),
    )


def users(configuration: Configuration) -> dict[str, tuple[str, ...]]:
    """For each pool that something names: the keys of the services that may send to it, each once."""
    found: dict[str, dict[str, None]] = {}
    for l7 in configuration.l7:
        for pool in pools_of(l7):
            found.setdefault(pool, {})[f"l7:{l7.name}"] = None
    for l4 in configuration.l4:
        found.setdefault(l4.pool, {})[f"l4:{l4.name}"] = None
    for rule in configuration.rules:
        if rule.pool:
            found.setdefault(rule.pool, {})[f"l7:{rule.service}"] = None
    return {pool: tuple(keys) for pool, keys in found.items()}


def why_panic(healthy: tuple[int, int], least: float) -> str:
    """Why a pool uses servers that checks call dead: how many of how many are healthy, and its setting."""
    good, every = healthy
    return (
        f"{good} of {every} servers are healthy, less than panic = {least * 100:g}%, so all of them are "
        "used, also those that checks call dead"
    )
