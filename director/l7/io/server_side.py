"""One connection to a server, and what stands for it while there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from director.l7.io.stream import LARGE_READ, Stream
from director.l7.proxy.commands import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.resolver import HostAddress


LOOKS = 8
"""Times that a connection is looked at when it is taken, whatever the loop knows of it."""


class Keeper(Protocol):
    """Who has the connections to servers."""

    def spoke(self, side: ServerSide) -> None:
        """A server sent octets that nobody asked for."""

    def forget(self, side: ServerSide) -> None:
        """A connection is gone."""

    def drop(self, side: ServerSide, now: float) -> None:
        """Close a connection behind what is still queued for it."""


class ServerCaller(Protocol):
    """For whom a connection to a server is busy."""

    def server_connected(self) -> None:
        """The new connection is open."""

    def server_received(self, data: bytes) -> None:
        """Octets came."""

    def server_ended(self) -> None:
        """The server sent FIN."""

    def server_lost(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        """The connection failed."""

    def server_blocked(self) -> None:
        """The server does not take more."""

    def server_drained(self) -> None:
        """It does again."""

    def server_passage(self) -> tuple[Stream | None, int]:
        """Where what the server sends may go unread, and how much of it."""

    def server_passed(self, size: int) -> None:
        """So much went there."""


class ServerSide:
    """One connection to a server, busy for one client or idle."""

    __slots__ = (
        "backends", "client", "descriptor", "host", "idle_since", "kept_in", "key", "limit", "looks", "name",
        "stream",
    )  # fmt: skip

    stream: Stream
    host: HostAddress | None
    """The address that its server's name had when it was made; None where no name was asked for."""

    def __init__(self, backends: Keeper, key: str, client: ServerCaller | None) -> None:
        self.backends = backends
        self.key = key
        self.client = client
        self.idle_since = 0.0
        self.limit = 0
        self.looks = LOOKS
        self.host = None
        self.name = ""
        self.kept_in = self.descriptor = -1

    def connected(self) -> None:
        """The connect succeeded."""
        if self.client is not None:
            self.client.server_connected()

    def received(self, data: bytes) -> None:
        """Octets for the client; from an idle connection nothing may come."""
        if self.client is not None:
            self.client.server_received(data)
        else:
            self.backends.spoke(self)
            self.stream.abort()

    def ended(self) -> None:
        """FIN from the server."""
        if self.client is not None:
            self.client.server_ended()
        else:
            self.stream.close()

    def lost(self, reason: str) -> None:
        """Gone."""
        self.backends.forget(self)
        if self.client is not None:
            self.client.server_lost(reason)

    def blocked(self) -> None:
        """The server does not take more: stop reading from the client."""
        if self.client is not None:
            self.client.server_blocked()

    def drained(self) -> None:
        """It does again."""
        if self.client is not None:
            self.client.server_drained()

    def spent(self, now: float) -> None:
        """What was asked for was done, and nothing more is wanted here."""
        self.backends.drop(self, now)

    def wanted(self) -> int:
        """As much as there is: clients that do not keep up hold us back."""
        return LARGE_READ

    def passage(self) -> tuple[Stream | None, int]:
        """To the client, when it is so far."""
        return (None, 0) if self.client is None else self.client.server_passage()

    def passed(self, size: int) -> None:
        """So much went to the client."""
        if self.client is not None:
            self.client.server_passed(size)


class PendingStream:
    """Stands for a stream that is not there yet (a name is being resolved, Twisted is connecting).

    `give_up` ends what it waits for, where that can be ended.
    """

    __slots__ = ("give_up", "gone")
    socket = None
    is_blocked = False
    progress = spliced = 0

    def __init__(self) -> None:
        self.gone = False
        self.give_up: Callable[[], None] | None = None

    def abort(self) -> None:
        """Give up; the answer will find nobody."""
        gone, self.gone = self.gone, True
        if self.give_up is not None and not gone:
            self.give_up()

    close = abort

    def pause(self) -> None:
        """Nothing to pause."""

    resume = pause

    def fail(self, side: ServerSide, reason: str) -> None:
        """Tell the owner, unless it has left."""
        if self.gone:
            side.backends.forget(side)
        else:
            self.gone = True
            side.lost(reason)
