"""A configuration being changed: what many changes work on before any of them is carried out.

A `Configuration` is a frozen tuple of tuples, so a change of one server by itself
costs a walk over all pools.  A `Draft` opens the tuples once, takes any number of
changes in constant time each, and closes to a `Configuration` again.

`changes` is the only writer; `registry` makes one per application.  A draft knows no
live object: throwing it away is how a refused change leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

import attrs
from attrs import evolve

from director.errors import ChangeRefused
from director.model.http import L7Service
from director.model.pools import CustomScheduler, Pool, SchedulerSpec, Server
from director.model.settings import Configuration
from director.model.virtual import L4Service


class Named(Protocol):
    """Anything that a name tells from its like."""

    @property
    def name(self) -> str:
        """The name."""


T = TypeVar("T", bound=Named)

REST_FIELDS = tuple(one.name for one in attrs.fields(Configuration) if one.name not in {"pools", "l7", "l4"})
"""What of a configuration has no live object in the registry (rules, pages, checks, …)."""


def by_name(items: Iterable[T]) -> dict[str, T]:
    """`items` under their names, in the same order."""
    return {item.name: item for item in items}


def pools_of(service: L7Service) -> Iterator[str]:
    """The pools a layer-7 service names itself: its default and those of its fault steps."""
    if service.pool:
        yield service.pool
    for step in service.fault:
        if step.kind == "pool":
            yield step.name


class Draft:
    """The open form of one configuration.

    Attributes:
        pools, l7, l4: by name, in file order.
        rest: the configuration whose `REST_FIELDS` count.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.pools = by_name(configuration.pools)
        self.l7 = by_name(configuration.l7)
        self.l4 = by_name(configuration.l4)
        self.rest = configuration
        self._servers: dict[str, dict[str, Server]] = {}
        self._users: dict[str, list[str]] | None = None

    def closed(self) -> Configuration:
        """The configuration as it is now."""
        for name, servers in self._servers.items():
            self.pools[name] = evolve(self.pools[name], servers=tuple(servers.values()))
        self._servers.clear()
        return evolve(
            self.rest,
            pools=tuple(self.pools.values()),
            l7=tuple(self.l7.values()),
            l4=tuple(self.l4.values()),
        )

    # -- pools --

    def pool(self, name: str) -> Pool:
        """The pool of that name (its `servers` may be behind).  Raises ChangeRefused (ESRCH)."""
        found = self.pools.get(name)
        if found is None:
            raise ChangeRefused("ESRCH", f"No such pool: {name}", f"pool {name}")
        return found

    def put_pool(self, pool: Pool) -> None:
        """Add it, or put it in the place of its old self."""
        self.pools[pool.name] = pool
        self._servers.pop(pool.name, None)

    def drop_pool(self, name: str) -> None:
        """Take it away.  Raises ChangeRefused: ESRCH when it is not there, EBUSY while something uses it."""
        self.pool(name)
        users = self._pool_users().get(name)
        if users:
            message = f"Pool {name} is in use by {', '.join(users[:3])}; change or remove that first"
            raise ChangeRefused("EBUSY", message, f"pool {name}")
        del self.pools[name]
        self._servers.pop(name, None)

    def servers(self, pool: str) -> dict[str, Server]:
        """The servers of a pool by name, to be changed in place.  Raises ChangeRefused (ESRCH)."""
        found = self._servers.get(pool)
        if found is None:
            found = self._servers[pool] = by_name(self.pool(pool).servers)
        return found

    def server(self, pool: str, name: str) -> Server:
        """One server.  Raises ChangeRefused: ESRCH without the pool, ENOENT without the server."""
        found = self.servers(pool).get(name)
        if found is None:
            raise ChangeRefused("ENOENT", f"No such server in pool {pool}: {name}", f"{pool}/{name}")
        return found

    # -- services and the rest --

    def put_service(self, service: L7Service | L4Service) -> None:
        """Add it, or put it in the place of its old self.  Raises ChangeRefused (ESRCH) for unknown pools."""
        self._users = None
        if isinstance(service, L4Service):
            self.pool(service.pool)
            self.l4[service.name] = service
            return
        for name in pools_of(service):
            self.pool(name)
        self.l7[service.name] = service

    def drop_service(self, key: str) -> None:
        """Take `l7:NAME` or `l4:NAME` away.  Raises ChangeRefused: ESRCH, EBUSY while it has rules."""
        layer, _, name = key.partition(":")
        services: dict[str, L4Service] | dict[str, L7Service] = self.l4 if layer == "l4" else self.l7
        if name not in services or layer not in {"l4", "l7"}:
            raise ChangeRefused("ESRCH", f"No such service: {key}", key)
        rules = [rule.name for rule in self.rest.rules if rule.service == name] if layer == "l7" else []
        if rules:
            message = f"Service {name} has rules ({', '.join(rules[:3])}); remove them first"
            raise ChangeRefused("EBUSY", message, key)
        self._users = None
        del services[name]

    def put_rest(self, desired: Configuration) -> None:
        """Take over everything but pools and services.  Raises ChangeRefused (ESRCH) for unknown names."""
        for rule in desired.rules:
            if rule.pool:
                self.pool(rule.pool)
            if rule.service not in self.l7:
                raise ChangeRefused("ESRCH", f"No such service: {rule.service}", f"rule {rule.name}")
        self._users = None
        self.rest = desired

    def verify(self) -> None:
        """What only the whole can show: checks that pools name exist.  Raises ChangeRefused (ENOENT)."""
        known = {check.name for check in self.rest.checks}
        for pool in self.pools.values():
            for name in pool.checks:
                if name not in known:
                    message = (
                        f"Pool {pool.name} names the check {name}, which is not there; add [check:{name}]"
                    )
                    raise ChangeRefused("ENOENT", message, f"pool {pool.name}")

    def _pool_users(self) -> dict[str, list[str]]:
        """Who names which pool; kept until a service or the rules change."""
        if self._users is None:
            users: dict[str, list[str]] = {}
            for l7 in self.l7.values():
                for pool in pools_of(l7):
                    users.setdefault(pool, []).append(f"l7 {l7.name}")
            for l4 in self.l4.values():
                users.setdefault(l4.pool, []).append(f"l4 {l4.name}")
            for rule in self.rest.rules:
                users.setdefault(rule.pool, []).append(f"rule {rule.name}")
            self._users = users
        return self._users


def named(spec: SchedulerSpec) -> set[str]:
    """The names of a scheduler and of those behind its `else`."""
    return {spec.name} | (named(spec.otherwise) if spec.otherwise else set())


Use = tuple[SchedulerSpec, frozenset[CustomScheduler]]


def uses(configuration: Configuration) -> dict[tuple[str, str], Use]:
    """Which scheduler, with which users' own behind it, works for each (pool, service).

    A pool that no service names counts as used by the service `""`, so that its scheduler is proven too.
    """
    custom = {one.name: one for one in configuration.schedulers}

    def use(spec: SchedulerSpec) -> Use:
        return spec, frozenset(custom[name] for name in named(spec) if name in custom)

    pools = {pool.name: use(pool.scheduler) for pool in configuration.pools}
    pairs = [(pool, f"l7:{one.name}") for one in configuration.l7 for pool in pools_of(one)]
    pairs += [(rule.pool, f"l7:{rule.service}") for rule in configuration.rules if rule.pool]
    found = {(pool, service): pools[pool] for pool, service in pairs}
    for l4 in configuration.l4:
        found[l4.pool, f"l4:{l4.name}"] = use(l4.scheduler) if l4.scheduler else pools[l4.pool]
    named_pools = {pool for pool, _service in found}
    return found | {(name, ""): one for name, one in pools.items() if name not in named_pools}
