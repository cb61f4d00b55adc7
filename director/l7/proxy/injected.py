"""A try that meets a fault on purpose: what `exchange` does where one is laid on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from director.l7.proxy.commands import OpenFaulty

if TYPE_CHECKING:
    from director.registry.live import RealServer


class Trying(Protocol):
    """What is needed of an exchange."""

    client: Any
    stream: int
    facts: Any
    identity: str
    met: tuple[tuple[str, str], ...]


def meets_fault(exchange: Trying, server: RealServer) -> bool:
    """Ask what is laid on the server; True when this try is hit, and has asked for a connection with it."""
    met = server.injected.meet(exchange.facts, exchange.identity)
    if met is not None:
        exchange.met += ((f"{server.pool.name}/{server.name}", met.fault),)
        exchange.client.out.append(OpenFaulty(exchange.stream, server, met))
    return met is not None
