"""A client of whom it is not known yet whether it speaks HTTP/1 or, with prior knowledge.

HTTP/2 (`h2c = prior`).

A client that knows says so with its first octets (RFC 9113 3.3, 3.4): the preface is no request of HTTP/1.
Until they are here this stands where the connection's door will be, and then gives way to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from director.l7.proxy.commands import ClientBytes, Door, ProxyCommand, ProxyEvent
from director.l7.proxy.conversation import Conversation
from director.l7.proxy.multiplexed import Multiplexed

if TYPE_CHECKING:
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Undecided(Conversation):
    """An HTTP/1 conversation that lets go when the first octets are HTTP/2's.

    Attributes:
        decided: called with the door that takes over, and once.
    """

    __slots__ = ("_first", "decided")

    decided: Callable[[Door], None]
    shown: ClassVar[str] = "h2c"

    def __init__(self, handle: ServiceHandle, peer: Peer, now: float) -> None:
        super().__init__(handle, peer, now)
        self._first = b""

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        """Take one event."""
        if isinstance(event, ClientBytes):
            return self.client_bytes(event.data, now)
        return super().receive(event, now)

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        """Look at the first octets; the rest is for who takes over."""
        first = self._first = self._first + data
        if len(first) < len(PREFACE) and PREFACE.startswith(first):
            return []
        if first.startswith(PREFACE):
            door = Multiplexed(self.handle, self.peer, now)
            self.decided(door)
            return [*door.greet(), *door.client_bytes(first, now)]
        plain = Conversation(self.handle, self.peer, now)
        self.decided(plain)
        return plain.client_bytes(first, now)
