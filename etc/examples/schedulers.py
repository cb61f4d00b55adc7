"""A scheduler of one's own: each tenant has a home server, and leaves it only when it must.

`servers` holds the ones that may be chosen now (healthy, ready, with weight, below `max`), in the
order of the configuration; it is never empty.  Return one of them, or None for "ask the next one"
(`scheduler = tenant else wlc`).  No I/O and no clock in here: `now` is the time in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from director.interfaces import IKey, IServer


class Tenant:
    """Picks by the request field X-Tenant."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The home of the tenant, or None for a request without one."""
        tenant = key.header("x-tenant")
        if tenant is None:
            return None
        return max(servers, key=lambda server: blake2b(f"{tenant} {server.name}".encode()).digest())
