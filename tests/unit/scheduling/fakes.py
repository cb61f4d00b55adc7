"""A server and a key as schedulers see them, and a pool that counts as `lvs-semantics` B.5 says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

from zope.interface import implementer

from director.interfaces import IKey, IScheduler, IServer
from director.model.pools import Address
from director.scheduling.base import Scheduler

Kind = TypeVar("Kind", bound=Scheduler)


@implementer(IServer)
class Server:
    """A live server with nothing behind it."""

    def __init__(
        self, name: str, weight: int = 1, *, active: int = 0, inactive: int = 0, latency: float = 0.0
    ) -> None:
        self.name = name
        self.number = 0x0A000000 + sum(ord(letter) << 8 * place for place, letter in enumerate(name[-3:]))
        self.port = 80
        self.address = Address(name, 80)
        self.weight = self.last_weight = weight
        self.active = active
        self.inactive = inactive
        self.available = True
        self.overloaded = False
        self.latency = latency

    def __repr__(self) -> str:
        return self.name


@implementer(IKey)
class Key:
    """A key made of the facts a test names."""

    def __init__(
        self,
        client: int = 0,
        port: int = 0,
        virtual: str = "192.0.2.1",
        *,
        virtual_number: int = 0xC0000201,
        path: str = "",
        host: str = "",
        hash_key: str | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self.client = f"client-{client}"
        self.client_port = port
        self.client_number = client
        self.virtual = virtual
        self.virtual_port = 80
        self.virtual_number = virtual_number
        self.host = host
        self.path = self.uri = path
        self.method = "GET"
        self.hash_key = hash_key
        self.facts = facts or {}

    def header(self, name: str) -> str | None:
        return self.facts.get(f"header {name}")

    def cookie(self, name: str) -> str | None:
        return self.facts.get(f"cookie {name}")

    def query(self, name: str) -> str | None:
        return self.facts.get(f"query {name}")

    def group(self, number: int) -> str | None:
        return self.facts.get(f"group {number}")


KEY = Key()


def servers(*weights: int) -> tuple[Server, ...]:
    """Servers a, b, c … of these weights."""
    return tuple(Server(chr(ord("a") + place), weight) for place, weight in enumerate(weights))


def many(count: int, weight: int = 1) -> tuple[Server, ...]:
    """That many servers of one weight with addresses of their own."""
    made = tuple(Server(f"s{place}", weight) for place in range(count))
    for place, server in enumerate(made):
        server.number = 0x0A010000 + place
    return made


def started(cls: type[Kind], pool: Sequence[Server], *flags: str, argument: str = "", seed: int = 1) -> Kind:
    """A scheduler of that class at work for the pool."""
    scheduler = cls(argument, frozenset(flags), Random(seed))
    scheduler.start("l7:www", tuple(pool))
    return scheduler


def names(chosen: Sequence[IServer | None]) -> str:
    """The names of what was chosen, `-` for None, as one word."""
    return "".join(server.name if server else "-" for server in chosen)


class Pool:
    """Servers with thresholds: counts connections and keeps OVERLOAD by B.5, as `selection` does."""

    def __init__(self, scheduler: IScheduler, pool: Sequence[Server], most: int, least: int) -> None:
        self.scheduler = scheduler
        self.servers = tuple(pool)
        self.most = most
        self.least = least
        scheduler.start("l7:www", self.servers)

    def connect(self) -> str:
        """One connection; the name of the server that got it, or `-`."""
        eligible = tuple(server for server in self.servers if not server.overloaded)
        server = self.scheduler.choose(eligible, KEY, 0.0) if eligible else None
        if server is None:
            return "-"
        server.active += 1
        if self.most and server.active + server.inactive >= self.most:
            server.overloaded = True
        return server.name

    def close(self, name: str) -> None:
        """One connection of that server ends."""
        server = next(server for server in self.servers if server.name == name)
        server.active -= 1
        total = server.active + server.inactive
        clear = total < self.least if self.least else total * 4 < self.most * 3
        if clear:
            server.overloaded = False
