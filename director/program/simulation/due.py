"""What a schedule leaves to be held against the promises: who was without a fault, what may take how long.

Pure reasoning over the configuration and the schedule; the director is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from director.model.http import L7Service
from director.model.pools import OnDown, Pool, Server
from director.program.simulation.clients import Asked
from director.program.simulation.likeness import Likeness
from director.program.simulation.orders import MOVING
from director.program.simulation.routes import DueRoute, Routes
from director.program.simulation.run import Run
from director.program.simulation.schedule import Trouble
from director.program.simulation.servers import PlayedServer

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""RFC 9110 9.2.2."""
LARGEST_KEPT = 60_000
"""Octets of a body that are certainly kept for another try (`SPOOL_LIMIT` less what chunks cost)."""
ALWAYS = frozenset(
    {"rr", "wrr", "lc", "wlc", "sed", "nq", "fo", "ovf", "random", "p2c", "ewma", "least-time", "twos"}
)
"""Schedulers that choose somebody whenever there is somebody."""
LOCAL_SECONDS = 32.0
"""A local server: two seconds to connect and thirty to answer."""
SPARE = 2.0
"""Seconds for what the network and the sweeps of deadlines add."""
HOLD_UPS = frozenset({"freeze", "hog", "starve"})
"""Orders that keep the process from its work for so many seconds."""
SHORTEST = 0.5
"""Seconds: time-outs that are shorter may pass in a network that is well."""
FAULTS = frozenset({502, 503, 504})
TIMEOUT_KINDS = frozenset({"hang", "deaf"})
CONNECT, EMPTY, TIMEOUT = "connect", "empty", "timeout"
CAUSES = {
    "refuse": {CONNECT}, "silent": {CONNECT}, "crash": {CONNECT, EMPTY}, "leave": {CONNECT, EMPTY},
    "hang": {TIMEOUT}, "deaf": {TIMEOUT}, "slow": {TIMEOUT}, "drip": {TIMEOUT}, "empty": {EMPTY},
    "idle": {EMPTY}, "sick": set(), "status": set(),
}  # fmt: skip
"""What a kind of trouble can do to a request, in the words of `retry`; what is not here cannot be retried."""


class Due:
    """What is due in one run."""

    def __init__(self, run: Run, likeness: Likeness, routes: Routes) -> None:
        self._run = run
        self._schedule = run.schedule
        self._routes = routes
        configuration = likeness.configuration
        self._services = {one.name: one for one in configuration.l7}
        self._pools = {one.name: one for one in configuration.pools}
        self._rules = configuration.rules
        self._pages = configuration.pages
        self._checks = {one.name: one for one in configuration.checks}
        self._faults = {one.name: one for one in configuration.faults}
        self._names: dict[str, str] = {}
        shared: dict[str, set[str]] = {}
        for pool in configuration.pools:
            for server in pool.servers:
                name = likeness.servers[server.address.host, server.address.port]
                self._names[f"{pool.name}/{server.name}"] = name
                shared.setdefault(name, set()).add(f"{pool.name}/{server.name}")
        self._alone = {name for name, places in shared.items() if len(places) == 1}
        self._reloads = {int(one.number) for one in self._schedule.orders if one.verb == "reload"}

    # -- what is what --

    @property
    def _is_moved(self) -> bool:
        """A reload may have changed where requests belong."""
        return bool(self._reloads & MOVING)

    def _route(self, asked: Asked) -> DueRoute:
        return self._routes.of(asked.client.service, asked.ask)

    def _service(self, asked: Asked) -> L7Service:
        return self._services[asked.client.service]

    def _pool(self, asked: Asked) -> Pool | None:
        return self._pools.get(self._route(asked).pool)

    def is_sticky(self, pool: str) -> bool:
        """Clients may come back to a server that takes nobody new."""
        found = self._pools.get(pool)
        return found is not None and found.persist is not None

    def may_come_back(self, pool: str, why: str) -> bool:
        """A drained or quiesced server keeps its sticky clients; `active` does not look at weights."""
        active = any(step.kind == "active" for one in self._services.values() for step in one.fault)
        return self.is_sticky(pool) or (active and why == "weight 0")

    def played(self, pool: str, server: str) -> PlayedServer | None:
        """The server of that name, when no other place shares its address."""
        name = self._names.get(f"{pool}/{server}", f"{pool}/{server}")
        local = any(step.kind == "local" for one in self._services.values() for step in one.fault)
        return (
            self._run.servers.get(name) if name in self._alone and not (local and "local" in name) else None
        )

    def limits(self) -> Iterator[tuple[str, str, int]]:
        """Servers with a `max`, and it."""
        for pool in self._pools.values():
            for server in pool.servers:
                if server.max:
                    yield pool.name, server.name, server.max

    # -- answers --

    def answers(self, asked: Asked) -> bool:
        """It is the director that has to answer, and not whoever is behind a relay."""
        service = self._service(asked)
        return service.protocol == "http" and service.switch == "request"

    def is_cut_off(self, asked: Asked) -> bool:
        """The director had stopped by then: who does not end within the grace is cut.

        So is who waits in front of a full house (`max_connections`), and was never let in.
        """
        stopped, settings = self._run.operator.stopped_at, self._run.director.registry.configuration.settings
        if stopped is None:
            return False
        grace = 0.0 if self._service(asked).max_connections else settings.shutdown_grace - SPARE
        return asked.over_at >= stopped + grace

    def ruled(self, asked: Asked) -> set[int]:
        """The statuses that its rules give."""
        route = self._route(asked)
        if self._is_moved:
            own = [rule.redirect or rule.respond for rule in self._rules]
            return {one[0] for one in own if one is not None}
        return set() if route.pool or not route.status else {route.status}

    def own_statuses(self, asked: Asked) -> set[int]:
        """The statuses that an answer of the director's own may have."""
        pages = {page.status for page in self._pages if page.status is not None}
        return self.ruled(asked) | FAULTS | pages

    def cuts(self, server: str) -> bool:
        """Work on that server may be cut: by a fault, or because it may go down where that ends its work."""
        return any(
            self._names[f"{pool.name}/{one.name}"] == server
            and (pool.on_down is OnDown.CLOSE or self._is_injected(pool, one))
            for pool in self._pools.values()
            for one in pool.servers
        )

    def _is_injected(self, pool: Pool, server: Server) -> bool:
        """A fault may be injected there."""
        places = {(pool.name, server.name), (pool.name, "")}
        started = [self._faults[one.pool] for one in self._schedule.orders if one.verb == "inject"]
        return any(place in places for fault in started for place in fault.servers)

    def stays(self, asked: Asked) -> bool:
        """The server of its cookie belongs to its pool, and was well all the time."""
        pool = self._pool(asked)
        if pool is None or not self.is_sticky(pool.name) or not self.answers(asked) or self._is_moved:
            return False
        checks = [self._checks[name] for name in pool.checks]
        return (
            not self._is_starved
            and all(one.timeout >= SHORTEST / 5 for one in checks)
            and any(
                self._names[f"{pool.name}/{one.name}"] == asked.keeper and not self._is_troubled(pool, one)
                for one in pool.servers
            )
        )

    # -- how often, how long --

    def sendings(self, asked: Asked) -> int:
        """How often it may reach a server."""
        if asked.ask.method not in IDEMPOTENT:
            return 1
        pool, service = self._pool(asked), self._service(asked)
        tries = 1 + (pool.retry.tries if pool is not None else 0)
        for step in service.fault:
            tries += self._steps(step.kind, service)
        # Each may have been on a kept connection that ended without an answer.
        return 2 * tries

    def _steps(self, kind: str, service: L7Service) -> int:
        if kind == "page":
            return 0
        if kind == "local":
            return 1
        return sum(len(pool.servers) for pool in self._pools.values()) + len(self._schedule.orders)

    def longest(self, asked: Asked) -> float:
        """Seconds until an answer of the director's own, at most."""
        service, pool = self._service(asked), self._pool(asked)
        pools = [*self._pools.values()] if any(one.kind != "page" for one in service.fault) else [pool]
        total = SPARE + sum(one.number for one in self._schedule.orders if one.verb in HOLD_UPS)
        total += sum(LOCAL_SECONDS for one in service.fault if one.kind == "local")
        for one in pools:
            if one is not None:
                each = 2 * (one.timeouts.connect + one.timeouts.response)
                total += one.queue.timeout + each * (1 + one.retry.tries + len(one.servers))
        return total

    # -- what must not be lost --

    def keeps(self, asked: Asked) -> str:
        """Why a fault answer to it would be a loss; "" when it may be none."""
        pool, service = self._pool(asked), self._service(asked)
        if pool is None or not self._could_be_sent_again(asked) or not self.answers(asked):
            return ""
        if self._is_moved or not self._is_plain(pool, service) or self._is_starved:
            return ""
        troubled = [one for one in pool.servers if self._is_troubled(pool, one)]
        sound = [
            one
            for one in pool.servers
            if one not in troubled and one.weight and not one.backup
            and not one.max and (pool.name, one.name) not in self._schedule.absent
        ]  # fmt: skip
        if not sound or len(troubled) > pool.retry.tries or not self._can_be_retried(pool, troubled):
            return ""
        return f"{pool.name}/{sound[0].name} was well and retries were left"

    @property
    def _is_starved(self) -> bool:
        """It may lack descriptors, and then no server can be reached."""
        return any(one.verb == "starve" for one in self._schedule.orders)

    def _could_be_sent_again(self, asked: Asked) -> bool:
        return asked.ask.method in IDEMPOTENT and asked.ask.upload <= LARGEST_KEPT

    def _is_plain(self, pool: Pool, service: L7Service) -> bool:
        """Nothing but faults stands between a request and a server that is well."""
        checks = [self._checks[name] for name in pool.checks]
        return (
            pool.scheduler.name in ALWAYS
            and min(pool.timeouts.response, service.timeouts.client) >= SHORTEST
            and (pool.eject is None or not {"latency", "rate"} & pool.eject.causes)
            and all(check.first is not False and check.timeout >= SHORTEST / 5 for check in checks)
        )

    def _is_troubled(self, pool: Pool, server: Server) -> bool:
        if any(self._of(pool, server)) or not server.weight or self._is_injected(pool, server):
            return True
        return any((one.pool, one.server) == (pool.name, server.name) for one in self._schedule.orders)

    def _of(self, pool: Pool, server: Server) -> Iterator[Trouble]:
        name = self._names[f"{pool.name}/{server.name}"]
        return (one for one in self._schedule.troubles if one.server == name)

    def _can_be_retried(self, pool: Pool, troubled: list[Server]) -> bool:
        """Whatever the troubled servers do to a request, the pool tries again."""
        if any(one.verb == "inject" for one in self._schedule.orders):
            return False
        retried = pool.retry.on
        for server in troubled:
            for trouble in self._of(pool, server):
                causes = self._causes(pool, trouble)
                if causes is None or not causes <= retried:
                    return False
        ordered = any(one.pool == pool.name for one in self._schedule.orders)
        return not (ordered or troubled) or pool.on_down is OnDown.KEEP or retried >= {CONNECT, EMPTY}

    def _causes(self, pool: Pool, trouble: Trouble) -> set[str] | None:
        """What it may do to a request; None when that cannot be retried."""
        if trouble.kind in {"slow", "drip"} and pool.timeouts.response > 4 * (trouble.number + 5.0):
            return set()
        if trouble.kind in {"reset", "truncate"} and not trouble.number:
            return {EMPTY}
        return CAUSES.get(trouble.kind)
