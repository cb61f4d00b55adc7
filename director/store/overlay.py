"""Orders given to the running director, laid over every configuration that is read later.

An operator's weight, threshold or drain must not vanish because somebody reloads the file or restarts the
program.  `Overlay` remembers where a server differs from its line in the file because of a command, and
lays that over what is read next; what no longer applies, because its server is gone from the file, is
dropped and named.  An order that says what the file says is no order any more.

`service` calls it; `document` is its form as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from director.errors import DirectorError
from director.model.pools import Pool, Server, State
from director.model.settings import Configuration
from director.registry.changes import Change, Ordered, ServerChanged

Place = tuple[str, str]
"""A pool's and a server's name."""
Order = dict[str, int | str]
"""What commands changed on one server: any of `weight`, `max`, `min` (numbers) and `state` (drain, maint)."""
FIELDS = ("weight", "max", "min")
"""What a command can change of a server's line in the file."""
STATE = "state"
"""The administrator's order; a file knows none, so there every server is ready."""


class Overlay:
    """What commands changed, by pool and server."""

    def __init__(self, orders: Mapping[Place, Order] | None = None) -> None:
        """`orders` are those of an earlier run; they count from the first `over` on."""
        self._orders: dict[Place, Order] = {place: {**order} for place, order in (orders or {}).items()}
        self._written: dict[Place, Server] = {}

    def orders(self) -> dict[Place, Order]:
        """All orders that hold, as a copy."""
        return {place: {**order} for place, order in self._orders.items()}

    def note(self, changes: Iterable[Change]) -> None:
        """Remember what `changes`, which were applied, order; a server that no file names needs no order."""
        for change in changes:
            for place, name, value, default in self._said(change):
                order = self._orders.setdefault(place, {})
                if value == default:
                    order.pop(name, None)
                else:
                    order[name] = value
                if not order:
                    del self._orders[place]

    def _said(self, change: Change) -> Iterator[tuple[Place, str, int | str, int | str]]:
        """Of one change: server, field, its new value, and what it is without any order."""
        if isinstance(change, ServerChanged):
            place = change.pool, change.server.name
            written = self._written.get(place)
            if written is not None:
                for name in FIELDS:
                    yield place, name, getattr(change.server, name), getattr(written, name)
        elif isinstance(change, Ordered) and (change.pool, change.name) in self._written:
            yield (change.pool, change.name), STATE, change.state.value, State.READY.value

    def over(self, read: Configuration) -> tuple[Configuration, dict[Place, str]]:
        """`read` with the orders laid over it, and why which of them no longer apply.

        States are orders of the live servers and not in a configuration: `states` has them.
        """
        if not self._orders:
            return read, {}
        stale = {place: f"{place[0]}/{place[1]} is gone" for place in self._orders}
        pools = tuple(self._pool_over(pool, stale) for pool in read.pools)
        return evolve(read, pools=pools), stale

    def states(self, read: Configuration) -> list[Ordered]:
        """The changes that give the servers of `read` the states that were ordered."""
        return [
            Ordered(pool.name, server.name, State(self._orders[pool.name, server.name][STATE]))
            for pool in read.pools
            for server in pool.servers
            if STATE in self._orders.get((pool.name, server.name), ())
        ]

    def settle(self, read: Configuration, stale: Iterable[Place]) -> None:
        """`read` runs now: forget what no longer applies to it, and what it says itself.

        A drain still applies to a server whose ordered numbers do not go with the file any more.
        """
        self._written = {(pool.name, server.name): server for pool in read.pools for server in pool.servers}
        stale = frozenset(stale)
        for place, order in tuple(self._orders.items()):
            written = self._written.get(place)
            for name in FIELDS:
                if place in stale or order.get(name) == getattr(written, name, None):
                    order.pop(name, None)
            if written is None or not order:
                del self._orders[place]

    def _pool_over(self, pool: Pool, stale: dict[Place, str]) -> Pool:
        servers = []
        for server in pool.servers:
            place = pool.name, server.name
            order = self._orders.get(place)
            if order is not None:
                del stale[place]
                try:
                    server = _ordered(server, order)  # noqa: PLW2901 - laid over what the file says
                except DirectorError as error:
                    stale[place] = f"{place[0]}/{place[1]}: {error}"
            servers.append(server)
        return evolve(pool, servers=tuple(servers))


def _ordered(server: Server, order: Order) -> Server:
    """The server with the numbers of its order.  Raises DirectorError when they do not go with the rest."""
    numbers: Any = {name: order[name] for name in FIELDS if name in order}
    return evolve(server, **numbers)
