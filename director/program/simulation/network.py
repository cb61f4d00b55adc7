"""Who listens where in memory: the director's own addresses, and the servers that are played.

A listener of the director is a socket with a backlog; a played server says at each SYN what becomes of it.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from director.program.simulation.sockets import Cable, Clock, End

if TYPE_CHECKING:
    from collections.abc import Callable

ACCEPT, REFUSE, SILENCE = "accept", "refuse", "silence"


class Venue(Protocol):
    """A played server."""

    def called(self) -> str:
        """Somebody connects: ACCEPT, REFUSE or SILENCE."""

    def came(self, end: End) -> None:
        """Somebody is connected."""


class Doorway:
    """A listening socket of the director."""

    def __init__(self, network: Network, name: tuple[str, int]) -> None:
        self.network = network
        self.family = socket.AF_INET
        self.number = network.take_number(self)
        self.broken = False
        self._name = name
        self._waiting: deque[End] = deque()

    @property
    def readable(self) -> bool:
        """Somebody waits."""
        return bool(self._waiting)

    writable = False

    def fileno(self) -> int:
        """The descriptor."""
        return self.number

    def getsockname(self) -> tuple[str, int]:
        """Where it listens."""
        return self._name

    def setsockopt(self, _level: int, _option: int, _value: Any) -> None:
        """None of its options matter here."""

    def accept(self) -> tuple[End, Any]:
        """The one that waits longest."""
        if not self._waiting:
            raise BlockingIOError(errno.EAGAIN, "nobody is here")
        if self.network.loop.starving:
            raise OSError(errno.EMFILE, "no descriptor is left")
        end = self._waiting.popleft()
        return end, end.peer_name

    def came(self, end: End) -> None:
        """One more."""
        self._waiting.append(end)
        self.network.loop.changed(self.number)

    def close(self) -> None:
        """Listen no more."""
        for end in self._waiting:
            end.abort()
        self._waiting.clear()
        self.network.give_back(self)
        self.network.doorways.pop(self._name, None)
        self.number = -1


class Network:
    """All of it.

    Attributes:
        ends: what has a descriptor, by its number.
        places: played servers, by address.
        doorways: where the director listens.
        closing: the director was told to stop.
        wires: gives each connection what is between its ends; `who` it is between as text.
    """

    def __init__(self, loop: Clock) -> None:
        self.loop: Any = loop
        self.ends: dict[int, Any] = {}
        self.places: dict[tuple[str, int], Venue] = {}
        self.doorways: dict[tuple[str, int], Doorway] = {}
        self.wires: Callable[[], Cable] = lambda: Cable.drawn(Random(0))
        self.closing = False
        self._number = 100
        self._port = 20000

    def take_number(self, one: Any) -> int:
        """A descriptor."""
        self._number += 1
        self.ends[self._number] = one
        return self._number

    def give_back(self, one: Any) -> None:
        """It is closed."""
        self.ends.pop(one.number, None)

    def socket(self, family: int) -> End:
        """A socket of the director."""
        return End(self, family, own=True)

    def listen(self, name: tuple[str, int]) -> Doorway:
        """The director listens there."""
        made = self.doorways[name] = Doorway(self, name)
        return made

    def own_ends(self) -> list[End]:
        """Connections of the director that are open."""
        return [one for one in self.ends.values() if isinstance(one, End) and one.own]

    # -- from the director to a server --

    def connect(self, end: End, target: Any) -> None:
        """SYN."""
        end.wire = self.wires()
        end.peer_name = target[:2]
        end.own_name = ("10.255.0.1", self._next_port())
        self.loop.after(end.wire.latency, self._arrives, end)

    def _next_port(self) -> int:
        self._port += 1
        return self._port

    def _arrives(self, end: End) -> None:
        place = self.places.get(end.peer_name)
        how = REFUSE if place is None else place.called()
        if how is SILENCE:
            return
        if place is None or how is REFUSE:
            self.loop.after(end.wire.latency, end.failed, errno.ECONNREFUSED)
            return
        other = self._other(end)
        self.loop.after(end.wire.latency, end.established, other)
        place.came(other)

    def _other(self, end: End) -> End:
        other = End(self, own=not end.own)
        other.wire = end.wire
        other.peer = end
        other.own_name, other.peer_name = end.peer_name, end.own_name
        return other

    # -- from a client to the director --

    def call(
        self, name: tuple[str, int], address: str, wire: Cable, answer: Callable[[End | None], None]
    ) -> None:
        """A client connects; `answer` gets its end, or None when nobody listens there."""
        self.loop.after(wire.latency, self._called, name, address, wire, answer)

    def _called(
        self, name: tuple[str, int], address: str, wire: Cable, answer: Callable[[End | None], None]
    ) -> None:
        doorway = self.doorways.get(name)
        if doorway is None:
            self.loop.after(wire.latency, answer, None)
            return
        mine = End(self)
        mine.wire = wire
        mine.own_name, mine.peer_name = (address, self._next_port()), name
        theirs = self._other(mine)
        mine.peer = theirs
        doorway.came(theirs)
        self.loop.after(wire.latency, answer, mine)
