"""All connections to servers that carry many requests: which one a request goes to.

The one that was made last and has room; when none has, a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from director.l7.io.carrier import Carrier, Connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.carried import CarriedStream
    from director.l7.io.manner import Manner
    from director.l7.io.server_side import ServerCaller
    from director.model.pools import Address


class CountedConnections(Connections, Protocol):
    """The same, with the count of those that were used again."""

    reused: int


class Carriers:
    """All connections of one director that carry many requests."""

    def __init__(self, backends: CountedConnections) -> None:
        self.backends = backends
        self._by_key: dict[str, list[Carrier]] = {}
        self._all: set[Carrier] = set()

    def stream(
        self, key: str, address: Address, client: ServerCaller, manner: Manner, *, fresh: bool, careful: bool
    ) -> tuple[CarriedStream, bool]:
        """A stream for one request, and whether its connection is there already.

        `fresh`: on a connection of its own for now, since another one has just failed it.  A connection with
        a PROXY header tells of one client and is not shared.
        """
        if not (fresh or manner.header):
            for carrier in reversed(self._by_key.get(key, ())):
                if carrier.has_room(careful=careful):
                    self.backends.reused += carrier.connected
                    return carrier.take(client), carrier.connected
        made = Carrier(self, key, secure=manner.secure)
        self._all.add(made)
        if manner.header:
            made.retired = True
        else:
            self._by_key.setdefault(key, []).append(made)
        stream = made.take(client)
        made.open(address, manner)
        return stream, False

    def idle_count(self) -> int:
        """Connections that carry nothing now."""
        return sum(not one.load for one in self._all)

    def sweep(self, now: float, unwanted: Callable[[str], bool]) -> None:
        """Close what is idle for long, or whose server is not wanted any more."""
        for carrier in list(self._all):
            if unwanted(carrier.key):
                carrier.retire()
            carrier.sweep(now)

    def forget(self, carrier: Carrier) -> None:
        """It takes no more requests."""
        line = self._by_key.get(carrier.key)
        if line is not None and carrier in line:
            line.remove(carrier)
            if not line:
                del self._by_key[carrier.key]

    def gone(self, carrier: Carrier) -> None:
        """It is closed."""
        self._all.discard(carrier)
