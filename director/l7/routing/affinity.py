"""Affinity: a cookie of ours that brings a client back to its server (`persist = cookie …`).

The value does not show the server's name or address: it is a hash of pool and server
name, so it stays valid over restarts and reloads.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from director.caches import remember

if TYPE_CHECKING:
    from director.l7.routing.facts import ConnectionFacts, RequestFacts
    from director.model.pools import CookiePersistence
    from director.registry.registry import LivePool, RealServer

_DIGITS = 16
_MOST = 4
"""Values of a cookie that are looked up: each costs a look at all servers."""


@remember("affinity_tokens", 16384)
def token(pool: str, server: str) -> str:
    """The cookie value that stands for a server: 16 hexadecimal digits."""
    return hashlib.blake2s(f"{pool}\0{server}".encode(), digest_size=8, person=b"affinity").hexdigest()


def find(pool: LivePool, value: str) -> RealServer | None:
    """The server of the pool that a cookie value stands for, if it still is there."""
    if len(value) != _DIGITS:
        return None
    for server in pool.servers:
        if token(pool.name, server.name) == value:
            return server
    return None


def preferred(pool: LivePool, facts: RequestFacts | ConnectionFacts) -> RealServer | None:
    """The server that a client's cookie names.

    A cookie may come more than once, set for several paths or domains (RFC 6265 4.2.2); the first value that
    is one of ours counts.
    """
    persist = pool.config.persist
    values = facts.cookies(persist.name)[:_MOST] if persist is not None else ()
    return next((server for value in values if (server := find(pool, value)) is not None), None)


def set_cookie(persist: CookiePersistence, server: RealServer) -> bytes:
    """The Set-Cookie line that binds a client to a server (RFC 6265 4.1)."""
    line = f"Set-Cookie: {persist.name}={token(server.pool.name, server.name)}; Path=/"
    if persist.httponly:
        line += "; HttpOnly"
    if persist.secure:
        line += "; Secure"
    if persist.samesite:
        line += f"; SameSite={persist.samesite.capitalize()}"
    return line.encode("latin-1") + b"\r\n"
