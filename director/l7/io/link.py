"""The way of one exchange to its server: a connection, or a place in a queue.

A client's side has one for each exchange under way; `backend` and `queue` tell it what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from director.l7.io.stream import Stream
from director.l7.proxy.commands import (
    ONLY_STREAM,
    Door,
    Loss,
    ProxyEvent,
    ServerBlocked,
    ServerDrained,
    ServerEnded,
    ServerFailed,
    ServerPassed,
    ServerReady,
    SlotFree,
)

if TYPE_CHECKING:
    from director.l7.io.faulty import FaultySide
    from director.l7.io.server_side import ServerSide
    from director.registry.live import LivePool, RealServer


class LinkOwner(Protocol):
    """What a link asks of its client's side."""

    stream: Stream
    door: Door

    def tell(self, event: ProxyEvent) -> None:
        """Give an event to the conversation."""

    def deliver(self, way_in: Callable[[Any, float], Any], what: Any) -> None:
        """Take one of the ways into the door."""

    def forget(self, number: int) -> None:
        """A link is not needed any more."""

    def resume(self) -> None:
        """Read from the client, unless somebody holds it back."""


class ServerLink:
    """The way of one exchange to its server: a connection, or a place in a queue.

    Attributes:
        server: the connection, None while there is none.
        target: whom of the registry it leads to, None for a local server.
        pool: in whose queue the exchange stands.
        limit: idle connections that the server's pool keeps.
        holds_client: the server does not take more, so the client is not read.
        held: what the server sent is more than its stream takes, so it is not read.
    """

    __slots__ = ("client", "held", "holds_client", "limit", "number", "pool", "server", "target")

    def __init__(self, client: LinkOwner, number: int) -> None:
        self.client = client
        self.number = number
        self.server: ServerSide | FaultySide | None = None
        self.target: RealServer | None = None
        self.pool: LivePool | None = None
        self.limit = 64
        self.holds_client = False
        self.held = False

    # -- from the server's stream --

    def server_connected(self) -> None:
        """A new connection is open."""
        if self.client.stream.is_blocked:
            self.hold()
        self.client.tell(ServerReady(self.number, False))

    def server_received(self, data: bytes) -> None:
        """Octets from the server."""
        client = self.client
        if self.number == ONLY_STREAM:
            client.deliver(client.door.server_bytes, data)
        else:
            client.deliver(partial(client.door.server_bytes, stream=self.number), data)

    def server_passage(self) -> tuple[Stream | None, int]:
        """To the client's socket, where its conversation need not see what comes."""
        client = self.client
        most = client.door.unread()[1]
        stream = client.stream
        return (stream if most and stream.__class__ is Stream else None), most

    def server_passed(self, size: int) -> None:
        """Octets of the server went to the client unread."""
        self.client.tell(ServerPassed(self.number, size))

    def server_ended(self) -> None:
        """FIN from the server."""
        self.client.tell(ServerEnded(self.number))

    def server_lost(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        """The server's connection failed; when we closed it ourselves nobody listens any more."""
        if self.server is not None:
            self.let_go()
            self.client.tell(ServerFailed(self.number, reason, loss))

    def server_blocked(self) -> None:
        """The server does not take more: stop reading from the client, or from its stream."""
        if self.client.door.multiplexes:
            self.client.tell(ServerBlocked(self.number))
            return
        self.holds_client = True
        self.client.stream.pause()

    def server_drained(self) -> None:
        """It does again."""
        if self.client.door.multiplexes:
            self.client.tell(ServerDrained(self.number))
            return
        self.holds_client = False
        self.client.resume()

    def cut_down(self) -> None:
        """End what runs here, if its server went down and its pool says that this ends it (`on_down`)."""
        server = self.server
        if server is not None and self.target is not None and self.target.cut:
            self.server_lost("the server went down")
            server.stream.abort()

    # -- from the queue --

    def slot_free(self) -> None:
        """What was waited for has changed."""
        self.pool = None
        self.client.forget(self.number)
        self.client.tell(SlotFree(self.number))

    # -- from the client's side --

    def hold(self) -> None:
        """A client that has not taken its last octets yet gets no more of the next ones."""
        if self.server is not None:
            self.server.stream.pause()

    def let_go(self) -> ServerSide | FaultySide | None:
        """No server any more; a client that was held back for it reads on."""
        server, self.server = self.server, None
        self.held = False
        if server is not None:
            server.client = None
            if self.holds_client:
                self.holds_client = False
                self.client.resume()
        if self.number != ONLY_STREAM:
            self.client.forget(self.number)
        return server
