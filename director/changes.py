"""Changes of the registry as values, and the comparison of desired against running.

A change knows two things: what it does to a `Configuration` (pure; this is where it
is checked) and which primitive of the registry carries it out (cannot fail after the
check).  `plan` gives the ordered changes from one configuration to another: what is
added comes before what is removed, pools before the services that use them.
`Registry.apply` is the only caller of both methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
from attrs import evolve, frozen

from director.errors import ChangeRefused, DirectorError
from director.model import Configuration, L4Service, L7Service, Pool, Server, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.registry import Registry


class Named(Protocol):
    """Anything that a name tells from its like."""

    @property
    def name(self) -> str:
        """The name."""


T = TypeVar("T", bound=Named)


class Change(Protocol):
    """One change; `str(change)` is the sentence an operator reads in the generation's diff."""

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """The configuration with the change; raises ChangeRefused when it does not hold."""

    def on_registry(self, registry: Registry, now: float) -> None:
        """Carry it out on the live objects."""


def _by_name(items: tuple[T, ...]) -> dict[str, T]:
    return {item.name: item for item in items}


def _found(items: tuple[T, ...], name: str, kind: str) -> T:
    for item in items:
        if item.name == name:
            return item
    raise ChangeRefused("ESRCH", f"No such {kind}", name)


def _with(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    """`items` with the one of that name replaced, or with the new one at the end."""
    if any(one.name == item.name for one in items):
        return tuple(item if one.name == item.name else one for one in items)
    return (*items, item)


def _without(items: tuple[T, ...], name: str) -> tuple[T, ...]:
    return tuple(one for one in items if one.name != name)


@frozen
class PoolAdded:
    """A pool with all its servers."""

    pool: Pool

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """EEXIST when the pool is there."""
        if self.pool.name in _by_name(configuration.pools):
            raise ChangeRefused("EEXIST", "Pool already exists", self.pool.name)
        return evolve(configuration, pools=(*configuration.pools, self.pool))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Make it live."""
        registry.add_pool(self.pool, now)

    def __str__(self) -> str:
        return f"pool {self.pool.name} added with {len(self.pool.servers)} server(s)"


@frozen
class PoolChanged:
    """Settings or order of a pool; its servers are changed by changes of their own, before this one."""

    pool: Pool

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH when the pool is not there."""
        _found(configuration.pools, self.pool.name, "pool")
        return evolve(configuration, pools=_with(configuration.pools, self.pool))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Take over settings and order."""
        registry.update_pool(self.pool)

    def __str__(self) -> str:
        return f"pool {self.pool.name} changed"


@frozen
class PoolRemoved:
    """A pool leaves; refused while a service or rule names it."""

    name: str

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH when it is not there, EBUSY while something uses it."""
        _found(configuration.pools, self.name, "pool")
        users = [f"l7 {one.name}" for one in configuration.l7 if one.pool == self.name]
        users += [f"l4 {one.name}" for one in configuration.l4 if one.pool == self.name]
        users += [f"rule {one.name}" for one in configuration.rules if one.pool == self.name]
        if users:
            raise ChangeRefused("EBUSY", f"Pool is in use by {', '.join(users)}", self.name)
        return evolve(configuration, pools=_without(configuration.pools, self.name))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Take it away."""
        registry.remove_pool(self.name, now)

    def __str__(self) -> str:
        return f"pool {self.name} removed"


@frozen
class ServerAdded:
    """A server joins a pool, at the end of its order."""

    pool: str
    server: Server

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH without the pool, EEXIST when the name is taken."""
        pool = _found(configuration.pools, self.pool, "pool")
        if self.server.name in _by_name(pool.servers):
            raise ChangeRefused("EEXIST", "Destination already exists", f"{self.pool}/{self.server.name}")
        return _with_servers(configuration, pool, (*pool.servers, self.server))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Make it live."""
        registry.add_server(self.pool, self.server, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.server.name} added at {self.server.address}"


@frozen
class ServerChanged:
    """Weight, thresholds or other settings of a server; the address stays (else remove and add)."""

    pool: str
    server: Server

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH without the pool, ENOENT without the server, EINVAL for another address."""
        pool = _found(configuration.pools, self.pool, "pool")
        old = _by_name(pool.servers).get(self.server.name)
        at = f"{self.pool}/{self.server.name}"
        if old is None:
            raise ChangeRefused("ENOENT", "No such destination", at)
        if old.address != self.server.address:
            raise ChangeRefused("EINVAL", "An address cannot be changed; remove the server and add it anew", at)
        return _with_servers(configuration, pool, _with(pool.servers, self.server))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Take over the settings."""
        registry.update_server(self.pool, self.server)

    def __str__(self) -> str:
        server = self.server
        return f"server {self.pool}/{server.name} now weight={server.weight} max={server.max} min={server.min}"


@frozen
class ServerRemoved:
    """A server leaves its pool; connections it holds go on."""

    pool: str
    name: str

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH without the pool, ENOENT without the server."""
        pool = _found(configuration.pools, self.pool, "pool")
        if self.name not in _by_name(pool.servers):
            raise ChangeRefused("ENOENT", "No such destination", f"{self.pool}/{self.name}")
        return _with_servers(configuration, pool, _without(pool.servers, self.name))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Take it away."""
        registry.remove_server(self.pool, self.name, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.name} removed"


@frozen
class Ordered:
    """An administrator's order for a server: ready, drain or maint."""

    pool: str
    name: str
    state: State

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """Orders are running state: nothing changes, but the server must be there."""
        pool = _found(configuration.pools, self.pool, "pool")
        if self.name not in _by_name(pool.servers):
            raise ChangeRefused("ENOENT", "No such destination", f"{self.pool}/{self.name}")
        return configuration

    def on_registry(self, registry: Registry, now: float) -> None:
        """Carry the order out."""
        registry.order(self.pool, self.name, self.state, now)

    def __str__(self) -> str:
        return f"server {self.pool}/{self.name} ordered to {self.state.value}"


def weight(configuration: Configuration, pool_name: str, name: str, value: int) -> ServerChanged:
    """The change that gives a server another weight.  Raises ChangeRefused when there is none such."""
    pool = _found(configuration.pools, pool_name, "pool")
    server = _by_name(pool.servers).get(name)
    if server is None:
        raise ChangeRefused("ENOENT", "No such destination", f"{pool_name}/{name}")
    try:
        return ServerChanged(pool_name, evolve(server, weight=value))
    except DirectorError as error:
        raise ChangeRefused("ERANGE", str(error), f"{pool_name}/{name}") from error


@frozen
class ServiceSet:
    """A service of either layer is added, or takes over new settings."""

    service: L7Service | L4Service

    @property
    def key(self) -> str:
        """`l7:NAME` or `l4:NAME`."""
        return f"{'l4' if isinstance(self.service, L4Service) else 'l7'}:{self.service.name}"

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH when it names a pool that is not there."""
        if self.service.pool:
            _found(configuration.pools, self.service.pool, "pool")
        if isinstance(self.service, L4Service):
            return evolve(configuration, l4=_with(configuration.l4, self.service))
        return evolve(configuration, l7=_with(configuration.l7, self.service))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Make or change it."""
        registry.add_service(self.key, self.service)

    def __str__(self) -> str:
        return f"service {self.key} set"


@frozen
class ServiceRemoved:
    """A service leaves; what it has open goes on."""

    key: str

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """ESRCH when it is not there."""
        layer, _, name = self.key.partition(":")
        if layer == "l4":
            _found(configuration.l4, name, "service")
            return evolve(configuration, l4=_without(configuration.l4, name))
        _found(configuration.l7, name, "service")
        return evolve(configuration, l7=_without(configuration.l7, name))

    def on_registry(self, registry: Registry, now: float) -> None:
        """Take it away."""
        registry.remove_service(self.key)

    def __str__(self) -> str:
        return f"service {self.key} removed"


SHARED_FIELDS = tuple(
    one.name for one in attrs.fields(Configuration) if one.name not in ("pools", "l7", "l4")
)
"""What of a configuration has no live object in the registry (rules, pages, checks, …)."""


@frozen
class RestReplaced:
    """Everything of the configuration that has no live object of its own here."""

    desired: Configuration

    def on_configuration(self, configuration: Configuration) -> Configuration:
        """Nothing to check: `config.build` did."""
        return evolve(configuration, **{name: getattr(self.desired, name) for name in SHARED_FIELDS})

    def on_registry(self, registry: Registry, now: float) -> None:
        """The shells read the configuration itself."""

    def __str__(self) -> str:
        return "rules, pages, checks and settings replaced"


def plan(running: Configuration, desired: Configuration) -> tuple[Change, ...]:
    """Ordered changes that turn `running` into `desired`; empty when they are equal.

    Order: new pools, changes inside pools, services set, the rest (rules), services removed, pools
    removed; so at no point does anything name what is not there.
    """
    return tuple(_changes(running, desired))


def _changes(running: Configuration, desired: Configuration) -> Iterator[Change]:
    old_pools, new_pools = _by_name(running.pools), _by_name(desired.pools)
    for name, pool in new_pools.items():
        if name not in old_pools:
            yield PoolAdded(pool)
        elif pool != old_pools[name]:
            yield from _pool_changes(old_pools[name], pool)
    yield from _services_set(running, desired)
    if any(getattr(running, name) != getattr(desired, name) for name in SHARED_FIELDS):
        yield RestReplaced(desired)
    for name in _by_name(running.l7).keys() - _by_name(desired.l7).keys():
        yield ServiceRemoved(f"l7:{name}")
    for name in _by_name(running.l4).keys() - _by_name(desired.l4).keys():
        yield ServiceRemoved(f"l4:{name}")
    for name in old_pools.keys() - new_pools.keys():
        yield PoolRemoved(name)


def _services_set(running: Configuration, desired: Configuration) -> Iterator[Change]:
    old_l7, old_l4 = _by_name(running.l7), _by_name(running.l4)
    for l7 in desired.l7:
        if old_l7.get(l7.name) != l7:
            yield ServiceSet(l7)
    for l4 in desired.l4:
        if old_l4.get(l4.name) != l4:
            yield ServiceSet(l4)


def _pool_changes(old: Pool, new: Pool) -> Iterator[Change]:
    before, after = _by_name(old.servers), _by_name(new.servers)
    moved = {name for name, one in after.items() if name in before and before[name].address != one.address}
    for name in moved:
        yield ServerRemoved(old.name, name)
    for name, server in after.items():
        if name not in before or name in moved:
            yield ServerAdded(old.name, server)
        elif before[name] != server:
            yield ServerChanged(old.name, server)
    for name in before.keys() - after.keys():
        yield ServerRemoved(old.name, name)
    yield PoolChanged(new)


def _with_servers(configuration: Configuration, pool: Pool, servers: tuple[Server, ...]) -> Configuration:
    return evolve(configuration, pools=_with(configuration.pools, evolve(pool, servers=servers)))
