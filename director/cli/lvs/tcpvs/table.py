"""Virtual services of KTCPVS as values (`lvs-semantics` A.2), and what may be asked of whoever holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import evolve, frozen

from director.model.pools import Address

DEFAULT_RULES = frozenset({".*", "^/.*"})
"""Patterns that match whatever the others leave: they stand behind all others (A.9)."""
HASHING = "hhttp"
"""The scheduler that looks at the `match` of a rule."""
RELAYING = "wlc"
"""The scheduler that reads no request (A.12)."""


EVERYWHERE = Address("0.0.0.0", 8080)
"""Where a service listens that says nothing of it."""


@frozen
class TcpvsServer:
    """A server of a service."""

    address: Address
    weight: int = 1


@frozen
class TcpvsRule:
    """A pattern and the servers for the requests that it matches, those that were added first coming first.

    Attributes:
        match: which group of the pattern the scheduler `hhttp` hashes; 0 = all that it matched.
        number: of the director's rule; None while there is none yet.
        pool: the director's pool that has its servers; "" while there is none yet.
    """

    pattern: str
    match: int = 0
    servers: tuple[Address, ...] = ()
    number: int | None = None
    pool: str = ""

    @property
    def last(self) -> bool:
        """It matches what the others leave."""
        return self.pattern in DEFAULT_RULES


@frozen
class TcpvsService:
    """A virtual service; the defaults are those of `tcpvsadm -A` (A.4), also for files.

    Attributes:
        servers: in the order of their addresses.
        rules: in the order in which they are tried.
        running: it listens.
        pool: the director's pool that has the servers of no rule; "" = that of the service's name.
        catch_all: requests that no rule matches go to that pool, too: never so in KTCPVS but with `wlc`.
        checks: what a new pool of the service checks its servers by.
        notes: what the director has and a KTCPVS file cannot say.
    """

    ident: str
    listen: Address = EVERYWHERE
    scheduler: str = "http"
    start_servers: int = 8
    max_clients: int = 256
    min_spare: int = 6
    max_spare: int = 18
    redirect: Address | None = None
    servers: tuple[TcpvsServer, ...] = ()
    rules: tuple[TcpvsRule, ...] = ()
    running: bool = False
    pool: str = ""
    catch_all: bool = False
    checks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def own_pool(self) -> str:
        """The name of the pool that has the servers of no rule."""
        return self.pool or self.ident

    def server(self, address: Address) -> TcpvsServer | None:
        """The server at an address."""
        return next((one for one in self.servers if one.address == address), None)

    def rule(self, pattern: str) -> TcpvsRule | None:
        """The rule with that very pattern."""
        return next((one for one in self.rules if one.pattern == pattern), None)

    def with_server(self, server: TcpvsServer) -> TcpvsService:
        """The same with a server added, or in the place of the one with its address."""
        others = [one for one in self.servers if one.address != server.address]
        return evolve(self, servers=tuple(sorted([*others, server], key=_by_address)))

    def with_rule(self, rule: TcpvsRule) -> TcpvsService:
        """The same with a rule: in the place of the one with its pattern, or in front of all others (A.9).

        One that matches what the others leave goes to the end.
        """
        if self.rule(rule.pattern) is not None:
            rules = tuple(rule if one.pattern == rule.pattern else one for one in self.rules)
        else:
            rules = (*self.rules, rule) if rule.last else (rule, *self.rules)
        return evolve(self, rules=rules)


def _by_address(server: TcpvsServer) -> tuple[object, ...]:
    host = server.address.host
    parts = host.split(".")
    numeric = len(parts) == 4 and all(part.isdigit() for part in parts)
    return (not numeric, [int(part) for part in parts] if numeric else [], host, server.address.port)


class TcpvsTable(Protocol):
    """Whoever holds the services.  Every method may raise `table.KernelError`."""

    def services(self) -> tuple[TcpvsService, ...]:
        """All of them, those that were added first coming first."""

    def put(self, old: Sequence[TcpvsService], new: Sequence[TcpvsService]) -> None:
        """Make `new` of `old`, both without those that stay as they are: all of it or nothing.

        ENOENT for a scheduler that is not known.
        """
