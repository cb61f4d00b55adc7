"""What exists now: live pools, servers and services, and the generations that made them.

The registry holds the running state that belongs to a configuration: load,
health, orders, overload flags, scheduler instances and counters.  Both layers,
the health room and the admin use it; nobody else owns a piece of it.

It knows no socket and no clock: `now` is monotonic seconds, `time` is a wall-clock
stamp for people.  Changes come in as values (`changes`), are checked as a whole and
then applied as a whole; each application makes a new `Generation`.  Servers that
leave keep their object while leases hold it, so nothing that runs is cut.
"""

from __future__ import annotations

import ipaddress
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from director.counters import Requests, Zeroable
from director.errors import ChangeRefused, SchedulerError
from director.model import Configuration, L4Service, L7Service, Pool, Server, State
from director.model import Scheduler as SchedulerSpec

if TYPE_CHECKING:
    from director.changes import Change

TRASH_SECONDS = 120.0
"""How long a removed, idle server can be taken back with its counters (B.8)."""
GENERATIONS_KEPT = 256
"""Generations remembered for people; older ones are dropped."""
LATENCY_DECAY = 10.0
"""Time constant in seconds of the latency average; a peak is taken over at once."""

MakeScheduler = Callable[[SchedulerSpec], Any]
"""Gives an `IScheduler` for what the configuration names; raises `SchedulerError`."""


def folded(host: str) -> int:
    """An address as 32 bits: IPv4 as it is, IPv6 folded by XOR of its four words, names 0 (F.2)."""
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        return 0
    number = 0
    for start in range(0, len(packed), 4):
        number ^= int.from_bytes(packed[start : start + 4], "big")
    return number


class RealServer:
    """One live server of one pool: its order, health, load and counters (`IServer`).

    `active` and `inactive` count leases only; `selection` is the only writer of them and of
    `overloaded`.  `present` is False once it left the pool.
    """

    __slots__ = (
        "active", "address", "available", "config", "failing", "idle_since", "inactive", "key", "last_weight",
        "latency", "max", "min", "name", "number", "overloaded", "persistent", "pool", "port", "present",
        "reachable", "reported", "requests", "since", "state", "stats", "weight", "_latency_at",
    )  # fmt: skip

    def __init__(self, config: Server, pool: LivePool, now: float) -> None:
        self.pool = pool
        self.name = config.name
        self.address = config.address
        self.key = str(config.address)
        self.number = folded(config.address.host)
        self.port = config.address.port
        self.active = 0
        self.inactive = 0
        self.persistent = 0
        self.overloaded = False
        self.present = True
        self.state = State.READY
        self.failing: frozenset[str] = frozenset()
        self.reported: frozenset[str] = frozenset()
        self.reachable = True
        self.available = True
        self.latency = 0.0
        self._latency_at = 0.0
        self.since = now
        self.idle_since: float | None = None
        self.stats = Zeroable()
        self.requests = Requests()
        self.last_weight = 0
        self.configure(config)

    def configure(self, config: Server) -> None:
        """Take over weight and thresholds; raising or removing `max` clears overload (B.3)."""
        old_max = getattr(self, "max", 0)
        self.config = config
        self.weight = config.weight
        if config.weight:
            self.last_weight = config.weight
        self.max = config.max
        self.min = config.min
        if config.max == 0 or config.max > old_max:
            self.overloaded = False

    @property
    def load(self) -> int:
        """Active plus inactive: what the thresholds compare."""
        return self.active + self.inactive

    @property
    def eligible(self) -> bool:
        """May be chosen for new work."""
        return self.available and self.state is State.READY and self.weight > 0 and not self.overloaded

    @property
    def serves_its_own(self) -> bool:
        """May still be chosen for clients that already belong to it (sticky cookie, template)."""
        return self.available

    @property
    def empty(self) -> bool:
        """Nothing runs on it any more: what an operator waits for after `drain`."""
        return self.load == 0

    def refresh(self) -> None:
        """Derive `available` from presence, health and order, and tell the pool."""
        self.available = self.present and not self.failing and self.state is not State.MAINT
        self.pool.invalidate()

    def observe(self, seconds: float, now: float) -> None:
        """Take one response time into `latency`: peaks at once, falls with `LATENCY_DECAY`."""
        if seconds >= self.latency:
            self.latency = seconds
        else:
            keep = math.exp((self._latency_at - now) / LATENCY_DECAY)
            self.latency = self.latency * keep + seconds * (1.0 - keep)
        self._latency_at = now


class LivePool:
    """One live pool: its servers in configured order and a scheduler per service that uses it."""

    def __init__(self, config: Pool) -> None:
        self.config = config
        self.name = config.name
        self.servers: list[RealServer] = []
        self.schedulers: dict[str, Any] = {}
        self.waiting = 0
        self.queue_full = 0
        self.queue_timeouts = 0
        self.no_server = 0
        self._eligible: tuple[RealServer, ...] | None = None

    def invalidate(self) -> None:
        """Forget the cached set of eligible servers."""
        self._eligible = None

    def eligible(self) -> tuple[RealServer, ...]:
        """Servers that may be chosen now, in configured order.

        Backup servers count only while every other server is down, drained or quiesced; a pool
        whose servers are merely full has none (requests then queue or take the fault path).
        """
        found = self._eligible
        if found is None:
            found = self._eligible = self._find_eligible()
        return found

    def _find_eligible(self) -> tuple[RealServer, ...]:
        main = [server for server in self.servers if not server.config.backup]
        if any(server.available and server.state is State.READY and server.weight > 0 for server in main):
            return tuple(server for server in main if server.eligible)
        return tuple(server for server in self.servers if server.config.backup and server.eligible)

    def server(self, name: str) -> RealServer | None:
        """The present server of that name."""
        return next((server for server in self.servers if server.name == name), None)

    def why_none(self) -> str:
        """Why nothing can be chosen, in words for the log and the trace."""
        if not self.servers:
            return "the pool has no servers"
        if any(server.overloaded and server.available and server.weight for server in self.servers):
            return "every live server is at its max"
        if any(server.available for server in self.servers):
            return "every live server is drained or has weight 0"
        return "every server is down or in maintenance"


class LiveService:
    """One live service (`l7:NAME` or `l4:NAME`): counters that survive reloads."""

    def __init__(self, key: str, config: L7Service | L4Service) -> None:
        self.key = key
        self.config: L7Service | L4Service = config
        self.stats = Zeroable()
        self.requests = Requests()
        self.rules: dict[str, Requests] = {}

    def rule(self, name: str) -> Requests:
        """Counters of one of its rules, made when first asked for."""
        found = self.rules.get(name)
        if found is None:
            found = self.rules[name] = Requests()
        return found


@frozen
class Generation:
    """One applied set of changes: who, when, and what as one sentence each."""

    number: int
    author: str
    time: float
    diff: tuple[str, ...]


class Registry:
    """All live pools and services, and the configuration they came from."""

    def __init__(self, make_scheduler: MakeScheduler) -> None:
        self._make_scheduler = make_scheduler
        self.configuration = Configuration()
        self.pools: dict[str, LivePool] = {}
        self.services: dict[str, LiveService] = {}
        self.generations: deque[Generation] = deque(maxlen=GENERATIONS_KEPT)
        self.generation = 0
        self.by_address: dict[str, list[RealServer]] = {}
        self._leaving: list[RealServer] = []

    # -- reading --

    def servers(self) -> Iterator[RealServer]:
        """All present servers, pool by pool."""
        for pool in self.pools.values():
            yield from pool.servers

    def leaving(self) -> tuple[RealServer, ...]:
        """Servers that were removed and still hold connections, or can still be taken back."""
        return tuple(self._leaving)

    def scheduler(self, pool: LivePool, service: str) -> Any:
        """The scheduler of (service, pool), made and started when first asked for."""
        found = pool.schedulers.get(service)
        if found is None:
            found = self._started(self._spec(service, pool.config), service, pool)
            pool.schedulers[service] = found
        return found

    def _spec(self, service: str, pool: Pool) -> SchedulerSpec:
        """What the service says, else what the pool says (design 5: `[l4:…] scheduler`)."""
        live = self.services.get(service)
        config = live.config if live else None
        own = config.scheduler if isinstance(config, L4Service) else None
        return own or pool.scheduler

    def _started(self, spec: SchedulerSpec, service: str, pool: LivePool) -> Any:
        scheduler = self._make_scheduler(spec)
        try:
            scheduler.start(service, tuple(pool.servers))
        except Exception as error:  # a plug-in may raise anything; the service is refused with its words
            message = f"scheduler {spec} refused service {service}: {error}"
            raise SchedulerError(message) from error
        return scheduler

    # -- health and orders --

    def set_health(self, address: str, check: str, alive: bool, now: float) -> tuple[RealServer, ...]:
        """Take a verdict of `check` about an address; returns the servers whose availability changed.

        Every server of any pool with that address and that check shares the evidence (design 3).
        """
        changed = []
        for server in self.by_address.get(address, ()):
            if check not in server.pool.config.checks:
                continue
            before = server.available
            server.reported |= {check}
            server.failing = server.failing - {check} if alive else server.failing | {check}
            server.refresh()
            if server.available != before:
                server.since = now
                changed.append(server)
        return tuple(changed)

    # -- changes --

    def apply(self, changes: Iterable[Change], author: str, now: float, time: float) -> Generation:
        """Check all changes, then apply all of them, and return the new generation.

        Raises ChangeRefused or SchedulerError with nothing applied: each change first proves on a
        copy of the configuration that it holds, and new schedulers are made on probation.
        """
        ordered = tuple(changes)
        desired = self.configuration
        for change in ordered:
            desired = change.on_configuration(desired)
        self._prove_schedulers(desired)
        for change in ordered:
            change.on_registry(self, now)
        self.configuration = desired
        self.generation += 1
        made = Generation(self.generation, author, time, tuple(str(change) for change in ordered))
        self.generations.append(made)
        return made

    def _prove_schedulers(self, desired: Configuration) -> None:
        """Make (and drop) every scheduler that is not running yet, so that mistakes show before."""
        running = {pool.config.scheduler for pool in self.pools.values()}
        running |= {service.scheduler for service in self.configuration.l4 if service.scheduler}
        wanted = {pool.scheduler: f"pool {pool.name}" for pool in desired.pools}
        wanted |= {service.scheduler: f"l4 {service.name}" for service in desired.l4 if service.scheduler}
        for spec, at in wanted.items():
            if spec in running:
                continue
            try:
                self._make_scheduler(spec)
            except SchedulerError as error:
                raise ChangeRefused("ENOENT", str(error), at) from error

    # The methods below are called by `changes` only, after everything was checked.

    def add_pool(self, config: Pool, now: float) -> None:
        """Make a live pool with its servers."""
        pool = self.pools[config.name] = LivePool(config)
        for server in config.servers:
            self.add_server(config.name, server, now)

    def update_pool(self, config: Pool) -> None:
        """Take over the pool's settings and order; a changed scheduler starts anew, health evidence of
        checks that no longer apply is dropped."""
        pool = self.pools[config.name]
        if config.scheduler != pool.config.scheduler:
            self._drop_schedulers(pool)
        pool.config = config
        place = {server.name: index for index, server in enumerate(config.servers)}
        pool.servers.sort(key=lambda server: place.get(server.name, len(place)))
        checks = frozenset(config.checks)
        for server in pool.servers:
            server.failing &= checks
            server.reported &= checks
            server.refresh()

    def remove_pool(self, name: str, now: float) -> None:
        """Take a pool away; its servers finish what they hold."""
        pool = self.pools.pop(name)
        self._drop_schedulers(pool)
        for server in tuple(pool.servers):
            self._leave(server, now)
        pool.servers.clear()

    def add_server(self, pool_name: str, config: Server, now: float) -> None:
        """Add a server, or take back one that left not long ago (B.8)."""
        pool = self.pools[pool_name]
        server = self._returning(pool_name, str(config.address), now)
        if server is None:
            server = RealServer(config, pool, now)
        else:
            server.pool, server.name, server.present, server.idle_since = pool, config.name, True, None
            server.configure(config)
        pool.servers.append(server)
        self.by_address.setdefault(server.key, []).append(server)
        server.refresh()
        for scheduler in pool.schedulers.values():
            scheduler.server_added(server)

    def update_server(self, pool_name: str, config: Server) -> None:
        """Take over weight, thresholds and the rest of a server's settings (same address)."""
        server = self._present(pool_name, config.name)
        server.configure(config)
        server.refresh()
        for scheduler in server.pool.schedulers.values():
            scheduler.server_updated(server)

    def remove_server(self, pool_name: str, name: str, now: float) -> None:
        """Take a server away; what it holds goes on."""
        server = self._present(pool_name, name)
        server.pool.servers.remove(server)
        for scheduler in server.pool.schedulers.values():
            scheduler.server_removed(server)
        self._leave(server, now)

    def order(self, pool_name: str, name: str, state: State, now: float) -> None:
        """Carry out `ready`, `drain` or `maint`."""
        server = self._present(pool_name, name)
        if server.state is not state:
            server.state = state
            server.since = now
            server.refresh()

    def add_service(self, key: str, config: L7Service | L4Service) -> None:
        """Make a live service, or give an existing one its new settings."""
        live = self.services.get(key)
        if live is None:
            self.services[key] = LiveService(key, config)
            return
        old, live.config = live.config, config
        if isinstance(old, L4Service) and isinstance(config, L4Service) and old.scheduler != config.scheduler:
            self._forget_schedulers(key)

    def remove_service(self, key: str) -> None:
        """Take a service away."""
        del self.services[key]
        self._forget_schedulers(key)

    def sweep(self, now: float) -> None:
        """Forget servers that left and have been idle for `TRASH_SECONDS`; call it every minute."""
        kept = []
        for server in self._leaving:
            if not server.empty or server.persistent:
                server.idle_since = None
            elif server.idle_since is None:
                server.idle_since = now
            if server.idle_since is None or now - server.idle_since < TRASH_SECONDS:
                kept.append(server)
        self._leaving = kept

    # -- inside --

    def _present(self, pool_name: str, name: str) -> RealServer:
        server = self.pools[pool_name].server(name)
        if server is None:
            raise ChangeRefused("ENOENT", "No such server in the pool", f"{pool_name}/{name}")
        return server

    def _leave(self, server: RealServer, now: float) -> None:
        server.present = False
        server.since = now
        server.refresh()
        alike = self.by_address[server.key]
        alike.remove(server)
        if not alike:
            del self.by_address[server.key]
        self._leaving.append(server)

    def _returning(self, pool_name: str, address: str, now: float) -> RealServer | None:
        self.sweep(now)
        for server in self._leaving:
            if server.key == address and server.pool.name == pool_name:
                self._leaving.remove(server)
                return server
        return None

    def _drop_schedulers(self, pool: LivePool) -> None:
        for scheduler in pool.schedulers.values():
            scheduler.stop()
        pool.schedulers.clear()

    def _forget_schedulers(self, service: str) -> None:
        for pool in self.pools.values():
            scheduler = pool.schedulers.pop(service, None)
            if scheduler is not None:
                scheduler.stop()
