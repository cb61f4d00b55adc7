"""Affinity: a cookie of ours that brings a client back to its server (`persist = cookie …`).

The value does not show the server's name or address: it is a hash of pool and server
name, so it stays valid over restarts and reloads.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from director.caches import remember

if TYPE_CHECKING:
    from director.l7.http.fields import FieldBlock
    from director.l7.routing.facts import ConnectionFacts, RequestFacts
    from director.model.pools import CookiePersistence
    from director.registry.registry import LivePool, RealServer

_DIGITS = 16
SESSION_SECONDS = 1800
"""How long a session of KTCPVS lasts whose cookie says nothing of it (A.16)."""
_MAX_AGE = re.compile(rb";\s*max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
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


def follows(persist: CookiePersistence, server: RealServer, block: FieldBlock) -> bytes:
    """The line beside the cookies that the server sets; none when it sets none (`lvs-semantics` A.16).

    It lasts as long as the longest of them; one that says nothing of it counts as half an hour.  Where only
    cookies of the older kind are set (RFC 2965), so is ours.
    """
    plain, older = (block.values(name) for name in (b"set-cookie", b"set-cookie2"))
    ages = [int(found[1]) if (found := _MAX_AGE.search(one)) else SESSION_SECONDS for one in (*plain, *older)]
    if not ages:
        return b""
    if plain:
        return set_cookie(persist, server, max(ages))
    line = f"Set-Cookie2: {persist.name}={token(server.pool.name, server.name)}; Version=1; Path=/"
    return f"{line}; Max-Age={max(ages)}\r\n".encode("latin-1")


def set_cookie(persist: CookiePersistence, server: RealServer, age: int | None = None) -> bytes:
    """The Set-Cookie line that binds a client to a server (RFC 6265 4.1), for `age` seconds when given."""
    line = f"Set-Cookie: {persist.name}={token(server.pool.name, server.name)}; Path=/"
    if age is not None:
        line += f"; Max-Age={age}"
    if persist.httponly:
        line += "; HttpOnly"
    if persist.secure:
        line += "; Secure"
    if persist.samesite:
        line += f"; SameSite={persist.samesite.capitalize()}"
    return line.encode("latin-1") + b"\r\n"
