"""Orders given to the running director, laid over every configuration that is read later.

An operator's weight or threshold must not vanish because somebody reloads the file.  `Overlay` remembers
what commands changed on a server and lays it over what a reload reads; what no longer applies, because its
server is gone from the file, is dropped and named.  Drains are orders of the live server and need none of
this.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from director.changes import Change, ServerChanged
from director.errors import DirectorError
from director.model import Configuration, Pool, Server

Place = tuple[str, str]
"""A pool's and a server's name."""
FIELDS = ("weight", "max", "min")
"""What a command can change on a server."""


class Overlay:
    """What commands changed, by pool and server."""

    def __init__(self) -> None:
        self._orders: dict[Place, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def note(self, before: Configuration, changes: Iterable[Change]) -> None:
        """Remember what `changes` change on the servers of `before`."""
        old = {(pool.name, server.name): server for pool in before.pools for server in pool.servers}
        for change in changes:
            if isinstance(change, ServerChanged) and (change.pool, change.server.name) in old:
                place = (change.pool, change.server.name)
                was = old[place]
                changed = {
                    name: getattr(change.server, name)
                    for name in FIELDS
                    if getattr(change.server, name) != getattr(was, name)
                }
                self._orders.setdefault(place, {}).update(changed)

    def over(self, desired: Configuration) -> tuple[Configuration, dict[Place, str]]:
        """`desired` with the orders laid over it, and why which of them no longer apply."""
        if not self._orders:
            return desired, {}
        stale = {place: f"{place[0]}/{place[1]} is gone" for place in self._orders}
        pools = tuple(self._pool_over(pool, stale) for pool in desired.pools)
        return evolve(desired, pools=pools), stale

    def drop(self, places: Iterable[Place]) -> None:
        """Forget orders, after the configuration to which they no longer apply has become the running one."""
        for place in places:
            del self._orders[place]

    def _pool_over(self, pool: Pool, stale: dict[Place, str]) -> Pool:
        servers = []
        for server in pool.servers:
            place = pool.name, server.name
            orders = self._orders.get(place)
            if orders is not None:
                del stale[place]
                try:
                    servers.append(_ordered(server, orders))
                except DirectorError as error:
                    stale[place] = f"{place[0]}/{place[1]}: {error}"
                    servers.append(server)
            else:
                servers.append(server)
        return evolve(pool, servers=tuple(servers))


def _ordered(server: Server, orders: dict[str, int]) -> Server:
    """The server with its orders.  Raises DirectorError when they do not go with what the file says now."""
    return evolve(
        server,
        weight=orders.get("weight", server.weight),
        max=orders.get("max", server.max),
        min=orders.get("min", server.min),
    )
