"""What the tests of the foundation share: a scheduler that needs no room of its own, and small registries."""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import implementer

from director.interfaces import IKey, IScheduler, IServer
from director.model.pools import Address, Pool, SchedulerSpec, Server
from director.model.settings import Configuration
from director.registry.changes import plan
from director.registry.ledger import Lease
from director.registry.registry import LivePool, RealServer, Registry
from director.registry.selection import select


@implementer(IScheduler)
class FirstFit:
    """Takes the first eligible server; writes its life down."""

    def __init__(self, spec: SchedulerSpec) -> None:
        self.name = spec.name
        self.life: list[str] = []

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        self.life.append(f"start {service} {' '.join(server.name for server in servers)}".rstrip())

    def server_added(self, server: IServer) -> None:
        self.life.append(f"added {server.name}")

    def server_removed(self, server: IServer) -> None:
        self.life.append(f"removed {server.name}")

    def server_updated(self, server: IServer) -> None:
        self.life.append(f"updated {server.name}")

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        return servers[0]

    def stop(self) -> None:
        self.life.append("stop")


@implementer(IKey)
class Key:
    """The facts of a request about which nothing is known."""

    client = virtual = "192.0.2.1"
    client_port = virtual_port = 80
    client_number = virtual_number = 0xC0000201
    host = path = uri = method = ""
    hash_key = None

    def header(self, name: str) -> str | None:
        return None

    def cookie(self, name: str) -> str | None:
        return None

    def query(self, name: str) -> str | None:
        return None

    def group(self, number: int) -> str | None:
        return None


KEY = Key()


def server(name: str = "a", last: int = 1, **settings: object) -> Server:
    """A server at 10.0.0.LAST:80."""
    return Server(name, Address(f"10.0.0.{last}", 80), **settings)  # type: ignore[arg-type]


def registry_of(*pools: Pool, configuration: Configuration | None = None) -> Registry:
    """A registry at generation 1."""
    registry = Registry(FirstFit)
    desired = configuration or Configuration(pools=pools)
    registry.apply(plan(registry.configuration, desired), "test", 0.0, 0.0)
    return registry


def turn(registry: Registry, desired: Configuration, now: float = 0.0) -> None:
    """Reload."""
    registry.apply(plan(registry.configuration, desired), "test", now, 0.0)


def live(registry: Registry, pool: str, name: str) -> RealServer:
    """A server that is there."""
    found = registry.pools[pool].server(name)
    assert found is not None
    return found


def take(registry: Registry, pool: LivePool | str, service: str = "l7:www") -> Lease | None:
    """One choice."""
    return select(registry, registry.pools[pool] if isinstance(pool, str) else pool, service, KEY, 0.0)


def taken(registry: Registry, pool: LivePool | str, service: str = "l7:www") -> Lease:
    """One choice that must succeed."""
    lease = take(registry, pool, service)
    assert lease is not None
    return lease
