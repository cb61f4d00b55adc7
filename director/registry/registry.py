"""What exists now: all live pools and services, and the generations that made them.

The registry holds the running state that belongs to a configuration: load,
health, orders, overload flags, scheduler instances and counters.  Both layers,
the health room and the admin use it; nobody else owns a piece of it.

It knows no socket and no clock: `now` is monotonic seconds, `time` is a wall-clock
stamp for people.  Changes come in as values (`changes`), are checked as a whole and
then applied as a whole; each application makes a new `Generation`.  Servers that
leave keep their object while leases hold it, so nothing that runs is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from director.errors import ChangeRefused, SchedulerError
from director.model.http import L7Service
from director.model.pools import CustomScheduler, Pool, SchedulerSpec, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service
from director.registry.draft import Draft, named, uses
from director.registry.edits import Edit, States, between
from director.registry.health_book import HealthBook
from director.registry.live import Books, LivePool, LiveScheduler, LiveService, RealServer, folded
from director.registry.warming import begin, go_on
from director.registry.watch import Watch

if TYPE_CHECKING:
    from director.registry.books import MappedBooks
    from director.registry.changes import Change

# The live objects stand in `director.registry.live`; most callers know them as part of the registry.
__all__ = ["LivePool", "LiveService", "RealServer", "Registry", "folded"]

TRASH_SECONDS = 120.0
"""How long a removed server must have been seen idle before it is forgotten (B.8)."""
SWEEP_PERIOD = 60.0
"""How often `Registry.sweep` is called (B.8: half of the above), so re-adding works for 120 to 180 s."""
GENERATIONS_KEPT = 256
"""Generations remembered for people; older ones are dropped."""
FALLBACK = SchedulerSpec("wlc")
"""What picks when a scheduler that was proven cannot be started after all."""

Saw = Callable[[RealServer, str], None]
"""Told what real work shows of a server of a pool with `eject`: see `watch.Tell`."""

MakeScheduler = Callable[[SchedulerSpec], LiveScheduler]
"""Gives an `IScheduler` with a `name` for what the configuration names; raises `SchedulerError`."""


@frozen
class Generation:
    """One applied set of changes: who, from where, when, and what as one sentence each.

    `edits` are what it made different, `back` what takes that back; both are empty for the first of a run,
    which came from the file.
    """

    number: int
    author: str
    time: float
    diff: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    back: tuple[Edit, ...] = ()
    origin: str = ""


class Registry:
    """All live pools and services, and the configuration they came from.

    Attributes:
        running: a configuration was applied in this run.
    """

    def __init__(self, make_scheduler: MakeScheduler, books: Books | MappedBooks | None = None) -> None:
        self._make_scheduler = make_scheduler
        self.books = books or Books()
        self.configuration = Configuration()
        self.pools: dict[str, LivePool] = {}
        self.services: dict[str, LiveService] = {}
        self.generations: deque[Generation] = deque(maxlen=GENERATIONS_KEPT)
        self.generation = 0
        self.running = False
        self.by_address: dict[str, dict[RealServer, None]] = {}
        self._health = HealthBook(self.by_address, self._tell)
        self.set_health = self._health.set_health
        self.set_advice = self._health.set_advice
        self.forget_health = self._health.forget_health
        self.verdicts = self._health.verdicts
        self.saw: Saw | None = None
        self._pools_served: dict[str, set[LivePool]] = {}
        self._leaving: dict[str, list[RealServer]] = {}
        self._going: dict[str, list[RealServer]] = {}

    # -- reading --

    def servers(self) -> Iterator[RealServer]:
        """All present servers, pool by pool."""
        for pool in self.pools.values():
            yield from pool.servers

    def leaving(self) -> tuple[RealServer, ...]:
        """Servers that were removed and still hold connections, or can still be taken back."""
        return tuple(server for alike in self._leaving.values() for server in alike)

    def scheduler(self, pool: LivePool, service: str) -> LiveScheduler:
        """The scheduler of (service, pool), made and started when first asked for.

        It was proven when its configuration was applied; should it fail now all the same, wlc works
        in its place and `pool.scheduler_failures` counts it.  Raises SchedulerError when that fails too.
        """
        found = pool.schedulers.get(service)
        if found is None:
            spec = self._spec(service, pool.config)
            try:
                found = self._started(spec, service, pool.servers)
            except SchedulerError:
                pool.scheduler_failures += 1
                found = self._started(FALLBACK, service, pool.servers)
            pool.schedulers[service] = found
            self._pools_served.setdefault(service, set()).add(pool)
        return found

    def _spec(self, service: str, pool: Pool) -> SchedulerSpec:
        """What the service says, else what the pool says (design 5: `[l4:…] scheduler`)."""
        live = self.services.get(service)
        config = live.config if live else None
        own = config.scheduler if isinstance(config, L4Service) else None
        return own or pool.scheduler

    def _started(self, spec: SchedulerSpec, service: str, servers: tuple[RealServer, ...]) -> LiveScheduler:
        try:
            scheduler = self._make_scheduler(spec)
            # A user's own, or a pair with one in it.
            equip = getattr(scheduler, "equip", None)
            if equip is not None:
                equip(self.books.processes, self.books.shared)
            scheduler.start(service, servers)
        except SchedulerError:
            raise
        except Exception as error:  # a plug-in may raise anything; the service is refused with its words
            raise SchedulerError(f"scheduler {spec} refused service {service}: {error}") from error
        return scheduler

    # -- health and orders --

    def reached(self, address: str) -> None:
        """A connect to `address` succeeded: its servers are marked reachable (KTCPVS's `active`, A.7)."""
        for server in self.by_address.get(address, ()):
            server.reachable = True

    # -- changes --

    def apply(
        self, changes: Iterable[Change], author: str, now: float, time: float, origin: str = ""
    ) -> Generation:
        """Check all changes, then apply all of them, and return the new generation.

        What changes nothing makes none: what is returned then has the number that stands, and no diff.
        Raises ChangeRefused with nothing applied and no live object touched (see `proven`).
        """
        ordered = tuple(changes)
        if self.running and not ordered:
            return Generation(self.generation, author, time, ())
        desired = self.proven(ordered, now)
        before, states = self.configuration, self.states()
        self.books.room_for(sum(change.adds for change in ordered))
        for change in ordered:
            for server in change.leavers(self.pools):
                self._going.setdefault(server.key, []).append(server)
        for change in ordered:
            change.on_registry(self, now)
        self._going.clear()
        self._health.forget_strangers()
        self.configuration = desired
        self.generation += 1
        edits: tuple[Edit, ...] = ()
        back: tuple[Edit, ...] = ()
        if self.running:
            after = self.states()
            edits = between(before, desired, states, after)
            back = between(desired, before, after, states)
        self.running = True
        diff = tuple(str(change) for change in ordered)
        made = Generation(self.generation, author, time, diff, edits, back, origin)
        self.generations.append(made)
        return made

    def resume(self, generations: Iterable[Generation]) -> None:
        """Take up those of earlier runs, oldest first: the next one has the next number."""
        self.generations.extend(generations)
        self.generation = self.generations[-1].number if self.generations else 0

    def states(self) -> States:
        """The servers that are not ready, by pool and name."""
        ready = State.READY
        return {(one.pool.name, one.name): one.state for one in self.servers() if one.state is not ready}

    def proven(self, changes: Iterable[Change], now: float) -> Configuration:
        """The configuration that `changes` would make; applies nothing (a dry run).

        Every change must hold on a draft, and every scheduler that would begin work is started on
        probation with servers of its own.  Raises ChangeRefused.
        """
        draft = Draft(self.configuration)
        for change in changes:
            change.on_draft(draft)
        draft.verify()
        desired = draft.closed()
        self._prove_schedulers(desired, now)
        return desired

    def _prove_schedulers(self, desired: Configuration, now: float) -> None:
        running = uses(self.configuration)
        pools = {pool.name: pool for pool in desired.pools}
        servers: dict[str, tuple[RealServer, ...]] = {}
        for (pool_name, service), (spec, code) in uses(desired).items():
            if running.get((pool_name, service)) == (spec, code):
                continue
            if pool_name not in servers:
                trial = LivePool(pools[pool_name])
                servers[pool_name] = tuple(RealServer(one, trial, now) for one in trial.config.servers)
            try:
                self._started(spec, service, servers[pool_name]).stop()
            except SchedulerError as error:
                raise ChangeRefused("ENOENT", str(error), f"pool {pool_name}") from error
            except Exception as error:  # `stop` of a plug-in may raise anything, too
                raise ChangeRefused(
                    "EINVAL", f"scheduler {spec} refused to stop: {error}", pool_name
                ) from error

    def zero(self, services: Iterable[str]) -> None:
        """Show the traffic of these services, and of their pools' servers, from 0 on (H); totals go on."""
        for key in services:
            service = self.services[key]
            service.stats.zero()
            pool = self.pools.get(service.config.pool)
            for server in pool.servers if pool is not None else ():
                server.stats.zero()

    # The methods below are called by `changes` only, after everything was checked.

    def add_pool(self, config: Pool, now: float) -> None:
        """Make a live pool with its servers."""
        self.pools[config.name] = self.books.pool(config)
        for server in config.servers:
            self.add_server(config.name, server, now)

    def update_pool(self, config: Pool) -> None:
        """Take over the pool's settings and order.

        A changed scheduler or order starts the schedulers anew; health evidence of checks that no
        longer apply is dropped, that of checks which now apply counts at once.
        """
        pool = self.pools[config.name]
        names = [server.name for server in config.servers]
        if config.scheduler != pool.config.scheduler or names != [*pool.by_name]:
            self._drop_schedulers(pool)
        pool.config = config
        pool.arrange(names)
        for server in pool.servers:
            self._watch(server)
            self._health.judge(server)

    def _watch(self, server: RealServer) -> None:
        """Have it watched as its pool says; what was counted goes on."""
        eject, saw = server.pool.config.eject, self.saw
        if eject is None or saw is None:
            server.watch = None
        elif server.watch is None or server.watch.eject != eject:
            server.watch = Watch(eject, partial(saw, server))

    def warm(self, now: float) -> None:
        """Give servers that come back more of their share; call it every second."""
        for pool in self.pools.values():
            for server in go_on(pool, now) if pool.warming else ():
                self._tell(pool, "server_updated", server)

    def remove_pool(self, name: str, now: float) -> None:
        """Take a pool away; its servers finish what they hold."""
        pool = self.pools.pop(name)
        self._drop_schedulers(pool)
        for server in pool.servers:
            self._leave(server, now)
        self.books.dropped(pool)

    def rearrange(self, pools: Iterable[str]) -> None:
        """Put the pools in the order of these names, which are exactly theirs."""
        self.pools = {name: self.pools[name] for name in pools}

    def add_server(self, pool_name: str, config: Server, now: float) -> None:
        """Add a server, or take back one that left not long ago or leaves now (B.8).

        A server is known by its address: one that comes back under another name or in another pool brings
        its connections, templates and counters with it.
        """
        pool = self.pools[pool_name]
        server = self._returning(pool_name, config)
        if server is None:
            server = self.books.server(config, pool, now)
        else:
            if server.present:
                self._detach(server)
                self._tell(server.pool, "server_removed", server)
            server.pool, server.name, server.present = pool, config.name, True
            # An order went with its server; counters and connections are what comes back.
            server.state = State.READY
            server.idle_since, server.since = None, now
            self.books.returned(server)
            server.configure(config)
        pool.put(server)
        self.by_address.setdefault(server.key, {})[server] = None
        self._watch(server)
        self._health.judge(server)
        if self.running:
            begin(server, now)
        self._tell(pool, "server_added", server)

    def update_server(self, pool_name: str, config: Server) -> None:
        """Take over weight, thresholds and the rest of a server's settings (same address)."""
        server = self.pools[pool_name].by_name[config.name]
        server.configure(config)
        server.refresh()
        self._tell(server.pool, "server_updated", server)

    def remove_server(self, pool_name: str, name: str, now: float) -> None:
        """Take a server away; what it holds goes on.  Nothing when another pool has it already."""
        server = self.pools[pool_name].by_name.get(name)
        if server is not None:
            self._leave(server, now)
            self._tell(server.pool, "server_removed", server)

    def order(self, pool_name: str, name: str, state: State, now: float) -> None:
        """Carry out `ready`, `drain` or `maint`."""
        server = self.pools[pool_name].by_name[name]
        if server.state is not state:
            able, server.state = server.able, state
            server.since = now
            server.refresh()
            if server.able and not able and begin(server, now):
                self._tell(server.pool, "server_updated", server)

    def add_service(self, key: str, config: L7Service | L4Service) -> None:
        """Make a live service, or give an existing one its new settings."""
        live = self.services.get(key)
        if live is None:
            self.services[key] = LiveService(key, config, self.books.seats(key))
            return
        old, live.config = live.config, config
        if isinstance(old, L4Service) and isinstance(config, L4Service) and old.scheduler != config.scheduler:
            self._forget_schedulers(key)

    def remove_service(self, key: str) -> None:
        """Take a service away."""
        self.books.closed(self.services.pop(key))
        self._forget_schedulers(key)

    def update_custom_schedulers(self, desired: tuple[CustomScheduler, ...]) -> None:
        """Let the schedulers start anew whose `[scheduler:NAME]` changed, at their next choice."""
        changed = {one.name for one in {*desired} ^ {*self.configuration.schedulers}}
        if changed:
            self.restart_schedulers(changed)

    def restart_schedulers(self, names: set[str]) -> None:
        """Let all schedulers of these names start anew, as when a user's own file was edited."""
        for pool in self.pools.values():
            for service in tuple(pool.schedulers):
                if names & named(self._spec(service, pool.config)):
                    self._stop(pool, service)

    def sweep(self, now: float) -> None:
        """Forget servers that left and have been idle for `TRASH_SECONDS`; call it every `SWEEP_PERIOD`."""
        for address, alike in tuple(self._leaving.items()):
            kept = []
            for server in alike:
                if _expired(server, now):
                    self.books.forgotten(server)
                else:
                    kept.append(server)
            if kept:
                self._leaving[address] = kept
            else:
                del self._leaving[address]

    # -- inside --

    def _leave(self, server: RealServer, now: float) -> None:
        self._detach(server)
        going = self._going.get(server.key, [])
        if server in going:
            going.remove(server)
        server.since = now
        server.refresh()
        self._leaving.setdefault(server.key, []).append(server)

    def _detach(self, server: RealServer) -> None:
        server.pool.drop(server)
        server.present = False
        alike = self.by_address[server.key]
        del alike[server]
        if not alike:
            del self.by_address[server.key]

    def _returning(self, pool: str, config: Server) -> RealServer | None:
        """The server of that address that left last, or leaves now; one of the same pool or name first."""
        address = str(config.address)
        for waiting in (self._leaving, self._going):
            alike = waiting.get(address)
            if alike:
                best = max(reversed(alike), key=lambda one: (one.pool.name == pool, one.name == config.name))
                alike.remove(best)
                if not alike:
                    del waiting[address]
                return best
        return None

    def _tell(self, pool: LivePool, news: str, server: RealServer) -> None:
        """Tell the pool's schedulers; one that raises starts anew at its next choice."""
        for service, scheduler in tuple(pool.schedulers.items()):
            try:
                getattr(scheduler, news)(server)
            except Exception:  # noqa: BLE001 - a plug-in's fault must not leave a change half applied
                pool.scheduler_failures += 1
                self._stop(pool, service)

    def _drop_schedulers(self, pool: LivePool) -> None:
        for service in tuple(pool.schedulers):
            self._stop(pool, service)

    def _forget_schedulers(self, service: str) -> None:
        for pool in tuple(self._pools_served.get(service, ())):
            self._stop(pool, service)

    def _stop(self, pool: LivePool, service: str) -> None:
        scheduler = pool.schedulers.pop(service)
        pools = self._pools_served[service]
        pools.discard(pool)
        if not pools:
            del self._pools_served[service]
        try:
            scheduler.stop()
        except Exception:  # noqa: BLE001 - a plug-in's fault must not leave a change half applied
            pool.scheduler_failures += 1


def _expired(server: RealServer, now: float) -> bool:
    """Whether a server that left can go; the first look at an idle one only starts its time (B.8)."""
    if not server.empty or server.persistent:
        server.idle_since = None
    elif server.idle_since is None:
        server.idle_since = now
    return server.idle_since is not None and now - server.idle_since >= TRASH_SECONDS
