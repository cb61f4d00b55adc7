"""Changes of the registry as values, and the comparison of desired against running.

A change knows two things: what it does to a `Draft` of the configuration (pure; this
is where it is checked) and which primitive of the registry carries it out (cannot fail
after the check).  `plan` gives the ordered changes from one configuration to another:
what is added comes before what is removed, pools before the services that use them.
`Registry.apply` is the only one that carries changes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from director.errors import ChangeRefused, DirectorError
from director.model.http import L7Service
from director.model.pools import Pool, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service
from director.registry.draft import REST_FIELDS, Draft, by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from director.registry.live import LivePool, RealServer
    from director.registry.primitives import Primitives


class Change:
    """One change; `str(change)` is the sentence an operator reads in the generation's diff."""

    __slots__ = ()

    @property
    def adds(self) -> int:
        """How many servers, pools and services it may make."""
        return 0

    def leavers(self, pools: Mapping[str, LivePool]) -> Iterable[RealServer]:
        """The live servers that it takes out of their pool."""
        return ()

    def on_draft(self, draft: Draft) -> None:
        """Make the change in `draft`; raises ChangeRefused, perhaps with half of it done."""
        raise NotImplementedError

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Carry it out on the live objects; it was checked, so it does not fail."""
        raise NotImplementedError

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """The configuration with the change; raises ChangeRefused when it does not hold."""
        return changed(configuration, (self,))


def changed(configuration: Configuration, changes: Iterable[Change]) -> Configuration:
    """`configuration` with all of `changes`.  Raises ChangeRefused when one does not hold."""
    draft = Draft(configuration)
    for change in changes:
        change.on_draft(draft)
    return draft.closed()


# --- pools ------------------------------------------------------------------------------


@frozen
class PoolAdded(Change):
    """A pool with all its servers."""

    pool: Pool

    @property
    def adds(self) -> int:
        """The pool and its servers."""
        return 1 + len(self.pool.servers)

    def on_draft(self, draft: Draft) -> None:
        """EEXIST when the pool is there."""
        if self.pool.name in draft.pools:
            raise ChangeRefused("EEXIST", f"Pool already exists: {self.pool.name}", f"pool {self.pool.name}")
        draft.put_pool(self.pool)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Make it live."""
        registry.add_pool(self.pool, now)

    def __str__(self) -> str:
        return f"pool {self.pool.name} added with {len(self.pool.servers)} server(s)"


@frozen
class PoolChanged(Change):
    """Settings or order of a pool; its servers are changed by changes of their own, before this one."""

    pool: Pool

    def on_draft(self, draft: Draft) -> None:
        """ESRCH when the pool is not there, EINVAL when its servers are not those it has now."""
        if draft.servers(self.pool.name) != by_name(self.pool.servers):
            message = f"The servers of pool {self.pool.name} are changed one by one, not with its settings"
            raise ChangeRefused("EINVAL", message, f"pool {self.pool.name}")
        draft.put_pool(self.pool)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Take over settings and order."""
        registry.update_pool(self.pool)

    def __str__(self) -> str:
        return f"pool {self.pool.name} changed"


@frozen
class PoolRemoved(Change):
    """A pool leaves; refused while a service, a fault step or a rule names it."""

    name: str

    def on_draft(self, draft: Draft) -> None:
        """ESRCH when it is not there, EBUSY while something uses it."""
        draft.drop_pool(self.name)

    def leavers(self, pools: Mapping[str, LivePool]) -> Iterable[RealServer]:
        """All of its servers."""
        pool = pools.get(self.name)
        return () if pool is None else pool.servers

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Take it away."""
        registry.remove_pool(self.name, now)

    def __str__(self) -> str:
        return f"pool {self.name} removed"


# --- servers ----------------------------------------------------------------------------


@frozen
class ServerAdded(Change):
    """A server joins a pool, at the end of its order."""

    pool: str
    server: Server

    @property
    def adds(self) -> int:
        """The server."""
        return 1

    def on_draft(self, draft: Draft) -> None:
        """ESRCH without the pool, EEXIST when the name is taken."""
        servers = draft.servers(self.pool)
        name = self.server.name
        if name in servers:
            raise ChangeRefused("EEXIST", f"Server already exists: {self.pool}/{name}", f"{self.pool}/{name}")
        servers[name] = self.server

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Make it live."""
        registry.add_server(self.pool, self.server, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.server.name} added at {self.server.address}"


@frozen
class ServerChanged(Change):
    """Weight, thresholds or other settings of a server; the address stays (else remove and add)."""

    pool: str
    server: Server

    def on_draft(self, draft: Draft) -> None:
        """ESRCH without the pool, ENOENT without the server, EINVAL for another address."""
        name = self.server.name
        if draft.server(self.pool, name).address != self.server.address:
            message = "An address cannot be changed; remove the server and add it anew"
            raise ChangeRefused("EINVAL", message, f"{self.pool}/{name}")
        draft.servers(self.pool)[name] = self.server

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Take over the settings."""
        registry.update_server(self.pool, self.server)

    def __str__(self) -> str:
        server = self.server
        return (
            f"server {self.pool}/{server.name} now weight={server.weight} max={server.max} min={server.min}"
        )


@frozen
class ServerRemoved(Change):
    """A server leaves its pool; connections it holds go on."""

    pool: str
    name: str

    def on_draft(self, draft: Draft) -> None:
        """ESRCH without the pool, ENOENT without the server."""
        draft.server(self.pool, self.name)
        del draft.servers(self.pool)[self.name]

    def leavers(self, pools: Mapping[str, LivePool]) -> Iterable[RealServer]:
        """That one, if it is there already."""
        pool = pools.get(self.pool)
        server = None if pool is None else pool.server(self.name)
        return () if server is None else (server,)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Take it away."""
        registry.remove_server(self.pool, self.name, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.name} removed"


@frozen
class Ordered(Change):
    """An administrator's order for a server: ready, drain or maint."""

    pool: str
    name: str
    state: State

    def on_draft(self, draft: Draft) -> None:
        """Orders are running state: nothing changes, but the server must be there (ESRCH, ENOENT)."""
        draft.server(self.pool, self.name)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Carry the order out."""
        registry.order(self.pool, self.name, self.state, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.name} ordered to {self.state.value}"


def weight(configuration: Configuration, pool_name: str, name: str, value: int) -> ServerChanged:
    """The change that gives a server another weight.

    Raises ChangeRefused: ESRCH, ENOENT when it is not there, ERANGE for a weight below 0.
    """
    server = Draft(configuration).server(pool_name, name)
    try:
        return ServerChanged(pool_name, evolve(server, weight=value))
    except DirectorError as error:
        raise ChangeRefused("ERANGE", str(error), f"{pool_name}/{name}") from error


# --- services and the rest ----------------------------------------------------------------


@frozen
class ServiceSet(Change):
    """A service of either layer is added, or takes over new settings."""

    service: L7Service | L4Service

    @property
    def key(self) -> str:
        """`l7:NAME` or `l4:NAME`."""
        return f"{'l4' if isinstance(self.service, L4Service) else 'l7'}:{self.service.name}"

    @property
    def adds(self) -> int:
        """The service, if it is new."""
        return 1

    def on_draft(self, draft: Draft) -> None:
        """ESRCH when it names a pool that is not there."""
        draft.put_service(self.service)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Make or change it."""
        registry.add_service(self.key, self.service)

    def __str__(self) -> str:
        return f"service {self.key} set"


@frozen
class ServiceRemoved(Change):
    """A service leaves; what it has open goes on."""

    key: str

    def on_draft(self, draft: Draft) -> None:
        """ESRCH when it is not there, EBUSY while rules belong to it."""
        draft.drop_service(self.key)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Take it away."""
        registry.remove_service(self.key)

    def __str__(self) -> str:
        return f"service {self.key} removed"


@frozen
class RestReplaced(Change):
    """Everything of the configuration that has no live object of its own here."""

    desired: Configuration

    def on_draft(self, draft: Draft) -> None:
        """ESRCH when a rule names a pool or a service that is not there."""
        draft.put_rest(self.desired)

    def on_registry(self, registry: Primitives, now: float) -> None:
        """The shells read the configuration itself; only the users' own schedulers are live."""
        registry.update_custom_schedulers(self.desired.schedulers)

    def __str__(self) -> str:
        return "rules, pages, checks and settings replaced"


@frozen
class Rearranged(Change):
    """Pools and services stand in another order; it matters to the reader of a list alone."""

    pools: tuple[str, ...]
    l7: tuple[str, ...]
    l4: tuple[str, ...]

    def on_draft(self, draft: Draft) -> None:
        """EINVAL when the names are not exactly those that are there."""
        if {*self.pools} != {*draft.pools} or {*self.l7} != {*draft.l7} or {*self.l4} != {*draft.l4}:
            raise ChangeRefused("EINVAL", "An order names every pool and service exactly once")
        draft.pools = {name: draft.pools[name] for name in self.pools}
        draft.l7 = {name: draft.l7[name] for name in self.l7}
        draft.l4 = {name: draft.l4[name] for name in self.l4}

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Put the live pools in that order."""
        registry.rearrange(self.pools)

    def __str__(self) -> str:
        return "order of pools and services changed"


@frozen
class SchedulersRead(Change):
    """The users' own schedulers, whose files a reload reads anew: each starts afresh when next asked."""

    names: tuple[str, ...]

    def on_draft(self, draft: Draft) -> None:
        """Their files were read before, and nothing in the configuration differs."""

    def on_registry(self, registry: Primitives, now: float) -> None:
        """Stop them."""
        registry.restart_schedulers(set(self.names))

    def __str__(self) -> str:
        return f"scheduler {', '.join(self.names)} read anew"


# --- desired against running ----------------------------------------------------------------


def plan(running: Configuration, desired: Configuration) -> tuple[Change, ...]:
    """Ordered changes that turn `running` into `desired`; empty when they are equal.

    Order: new pools, changes inside pools, services set, the rest (rules), services removed, pools
    removed; so at no point does anything name what is not there.
    """
    return tuple(_changes(running, desired))


def _changes(running: Configuration, desired: Configuration) -> Iterator[Change]:
    old, new = by_name(running.pools), by_name(desired.pools)
    for name, pool in new.items():
        if name not in old:
            yield PoolAdded(pool)
        elif pool != old[name]:
            yield from _pool_changes(old[name], pool)
    services = _set_and_removed("l7", running.l7, desired.l7), _set_and_removed("l4", running.l4, desired.l4)
    for set_, _removed in services:
        yield from set_
    if any(getattr(running, name) != getattr(desired, name) for name in REST_FIELDS):
        yield RestReplaced(desired)
    for _set, removed in services:
        yield from removed
    yield from (PoolRemoved(name) for name in old if name not in new)
    yield from _rearranged(running, desired)


def _set_and_removed(
    layer: str, running: tuple[L7Service | L4Service, ...], desired: tuple[L7Service | L4Service, ...]
) -> tuple[list[Change], list[Change]]:
    old, new = by_name(running), by_name(desired)
    set_: list[Change] = [ServiceSet(one) for name, one in new.items() if old.get(name) != one]
    removed: list[Change] = [ServiceRemoved(f"{layer}:{name}") for name in old if name not in new]
    return set_, removed


def _pool_changes(old: Pool, new: Pool) -> Iterator[Change]:
    """Who goes goes first: a server that only gets another name is then taken back as what it was."""
    before, after = by_name(old.servers), by_name(new.servers)
    for name, one in tuple(before.items()):
        if name not in after or after[name].address != one.address:
            yield ServerRemoved(old.name, name)
            del before[name]
    for name, server in after.items():
        if name not in before:
            yield ServerAdded(old.name, server)
        elif before[name] != server:
            yield ServerChanged(old.name, server)
    if _order(before, after) != [*after] or evolve(old, servers=new.servers) != new:
        yield PoolChanged(new)


def _rearranged(running: Configuration, desired: Configuration) -> Iterator[Change]:
    lists = (running.pools, desired.pools), (running.l7, desired.l7), (running.l4, desired.l4)
    names = [(by_name(old), by_name(new)) for old, new in lists]
    if any(_order(old, new) != [*new] for old, new in names):
        pools, l7, l4 = (tuple(new) for _old, new in names)
        yield Rearranged(pools, l7, l4)


def _order(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """How names stand when those of `before` that stay keep their places and new ones follow."""
    wanted = dict.fromkeys(after)
    stay = [name for name in before if name in wanted]
    known = set(stay)
    return [*stay, *(name for name in wanted if name not in known)]
