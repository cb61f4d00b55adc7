"""What outsiders see of the registry: frozen copies, never a live object.

`Registry.snapshot` makes them; admin and cli read nothing else.  A snapshot is true
for the moment it was taken; `since` and other times are monotonic seconds, as in the
registry.  Nothing here knows how the values are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from director.model.http import L7Service
from director.model.pools import Pool, Server, State
from director.model.virtual import L4Service
from director.registry.counters import Requests, Zeroable

if TYPE_CHECKING:
    from director.registry.registry import Generation, LivePool, LiveService, RealServer, Registry

QUANTILES = (0.5, 0.9, 0.99)
"""The shares of all responses whose latency bounds are shown: `latency` of `RequestFigures`."""


@frozen
class TrafficFigures:
    """Totals since the last zeroing and rates per second (`lvs-semantics` H)."""

    conns: int = 0
    inpkts: int = 0
    outpkts: int = 0
    inbytes: int = 0
    outbytes: int = 0
    rates: tuple[int, ...] = (0, 0, 0, 0, 0)
    """Conns, packets in and out, bytes in and out, per second."""


@frozen
class RequestFigures:
    """Requests, final responses of class 1xx to 5xx, failures by cause, and latency.

    `latency` holds, for each share of `QUANTILES`, the upper bound in seconds of the histogram's bucket
    (infinity above the last), or None when nothing was answered yet.
    """

    requests: int = 0
    responses: tuple[int, ...] = (0, 0, 0, 0, 0)
    errors: tuple[tuple[str, int], ...] = ()
    latency: tuple[float | None, ...] = (None, None, None)
    buckets: tuple[int, ...] = ()
    latency_sum: float = 0.0


@frozen
class ServerSnapshot:
    """One server: what was said about it, what is known, and what it carries."""

    pool: str
    name: str
    address: str
    config: Server
    state: State
    health: str
    """`up`, `down`, `unknown` (checks have not reported yet) or `unchecked` (the pool has no checks)."""
    failing: tuple[str, ...]
    since: float
    weight: int
    max: int
    min: int
    active: int
    inactive: int
    persistent: int
    overloaded: bool
    eligible: bool
    reachable: bool
    present: bool
    latency: float
    traffic: TrafficFigures
    requests: RequestFigures

    @property
    def empty(self) -> bool:
        """Nothing runs on it any more: what an operator waits for after `drain`."""
        return self.active + self.inactive == 0


@frozen
class PoolSnapshot:
    """One pool with its servers in configured order; `waiting` is the length of its queue now."""

    name: str
    config: Pool
    scheduler: str
    servers: tuple[ServerSnapshot, ...]
    eligible: int
    waiting: int
    queue_full: int
    queue_timeouts: int
    no_server: int
    scheduler_failures: int
    why_none: str
    """Why nothing can be chosen, in words; empty when something can."""


@frozen
class ServiceSnapshot:
    """One service, `key` = `l7:NAME` or `l4:NAME`, with its rules' figures by rule name."""

    key: str
    config: L7Service | L4Service
    traffic: TrafficFigures
    requests: RequestFigures
    rules: tuple[tuple[str, RequestFigures], ...]


@frozen
class RegistrySnapshot:
    """Everything; `generations` has the newest last, `leaving` are servers that were removed."""

    generation: int
    services: tuple[ServiceSnapshot, ...]
    pools: tuple[PoolSnapshot, ...]
    leaving: tuple[ServerSnapshot, ...]
    generations: tuple[Generation, ...]

    def pool(self, name: str) -> PoolSnapshot | None:
        """The pool of that name."""
        return next((pool for pool in self.pools if pool.name == name), None)

    def service(self, key: str) -> ServiceSnapshot | None:
        """The service `l7:NAME` or `l4:NAME`."""
        return next((service for service in self.services if service.key == key), None)


def taken(registry: Registry) -> RegistrySnapshot:
    """A snapshot of the whole registry; its cost grows with servers, services and rules only."""
    return RegistrySnapshot(
        generation=registry.generation,
        services=tuple(service_taken(service) for service in registry.services.values()),
        pools=tuple(pool_taken(pool) for pool in registry.pools.values()),
        leaving=tuple(server_taken(server) for server in registry.leaving()),
        generations=tuple(registry.generations),
    )


def service_taken(service: LiveService) -> ServiceSnapshot:
    """A snapshot of one service."""
    return ServiceSnapshot(
        key=service.key,
        config=service.config,
        traffic=traffic_taken(service.stats),
        requests=requests_taken(service.requests),
        rules=tuple((name, requests_taken(figures)) for name, figures in service.rules.items()),
    )


def pool_taken(pool: LivePool) -> PoolSnapshot:
    """A snapshot of one pool and its servers."""
    eligible = pool.eligible()
    return PoolSnapshot(
        name=pool.name,
        config=pool.config,
        scheduler=str(pool.config.scheduler),
        servers=tuple(server_taken(server) for server in pool.servers),
        eligible=len(eligible),
        waiting=pool.waiting,
        queue_full=pool.queue_full,
        queue_timeouts=pool.queue_timeouts,
        no_server=pool.no_server,
        scheduler_failures=pool.scheduler_failures,
        why_none="" if eligible else pool.why_none(),
    )


def server_taken(server: RealServer) -> ServerSnapshot:
    """A snapshot of one server."""
    return ServerSnapshot(
        pool=server.pool.name,
        name=server.name,
        address=server.key,
        config=server.config,
        state=server.state,
        health=health(server),
        failing=tuple(sorted(server.failing)),
        since=server.since,
        weight=server.weight,
        max=server.max,
        min=server.min,
        active=server.active,
        inactive=server.inactive,
        persistent=server.persistent,
        overloaded=server.overloaded,
        eligible=server.present and server.eligible,
        reachable=server.reachable,
        present=server.present,
        latency=server.latency,
        traffic=traffic_taken(server.stats),
        requests=requests_taken(server.requests),
    )


def health(server: RealServer) -> str:
    """The word for what its checks say: `down` when one fails, `unknown` until all have reported."""
    checks = server.pool.config.checks
    if not checks:
        return "unchecked"
    if server.failing:
        return "down"
    return "up" if server.reported.issuperset(checks) else "unknown"


NOTHING = TrafficFigures()


def traffic_taken(stats: Zeroable) -> TrafficFigures:
    """Totals and rates."""
    shown, rates = stats.shown(), stats.estimator.rates()
    if not any(shown) and not any(rates):
        return NOTHING
    conns, inpkts, outpkts, inbytes, outbytes = shown
    return TrafficFigures(conns, inpkts, outpkts, inbytes, outbytes, rates)


def requests_taken(requests: Requests) -> RequestFigures:
    """Counts and latency quantiles."""
    histogram = requests.latency
    return RequestFigures(
        requests=requests.requests,
        responses=tuple(requests.responses[1:]),
        errors=tuple(sorted(requests.errors.items())),
        latency=tuple(histogram.quantile(share) for share in QUANTILES),
        buckets=tuple(histogram.buckets),
        latency_sum=histogram.total,
    )
