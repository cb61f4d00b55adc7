"""The two closed vocabularies of layer 7 and its one door: what happened, and what to do.

Events go into a `Door`; commands come out, in order, and `io.frontend` carries them out.  A client's
connection may carry many exchanges at a time (HTTP/2) or one after the other (HTTP/1), each with a server
connection of its own; so what concerns a server names the `stream`, the number of the exchange on the
client's connection, and the shell keeps one server connection for each number.  Values without content are
single objects (enum members).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle
    from director.model.drills import Injected
    from director.model.pools import Address
    from director.registry.registry import LivePool, RealServer

CONNECTION = 0
"""In the place of a stream: the connection itself (RFC 9113 5.1.1)."""
ONLY_STREAM = 1
"""The stream of every exchange where they come one after the other: the number that HTTP/2 gives to an
HTTP/1.1 request (RFC 7540 3.2)."""

# --- events --------------------------------------------------------------------------


class ClientBytes:
    """The client sent `data`."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class ServerBytes:
    """The server of `stream` sent `data`."""

    __slots__ = ("data", "stream")

    def __init__(self, stream: int, data: bytes) -> None:
        self.stream = stream
        self.data = data


class ClientPassed:
    """`size` octets of the client went to the server of `stream` unread (`Door.unread`)."""

    __slots__ = ("size", "stream")

    def __init__(self, stream: int, size: int) -> None:
        self.stream = stream
        self.size = size


class ServerPassed:
    """`size` octets of that server went to the client unread."""

    __slots__ = ("size", "stream")

    def __init__(self, stream: int, size: int) -> None:
        self.stream = stream
        self.size = size


class ServerReady:
    """A connection to the server of `stream` is there: a new one, or an idle one (`reused`)."""

    __slots__ = ("reused", "stream")

    def __init__(self, stream: int, reused: bool) -> None:
        self.stream = stream
        self.reused = reused


class ServerEnded:
    """The server of `stream` sent its FIN."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class Loss(enum.Enum):
    """What is known of a request whose server's connection failed."""

    UNKNOWN = "the server may have acted on it"
    UNPROCESSED = "the server has said that it did not look at it (RFC 9113 8.7)"
    JUNK = "the server's answer is none"


class ServerFailed:
    """The connection of `stream` failed: refused or unreachable before it was open, reset after.

    `loss` is what that means for the request.
    """

    __slots__ = ("loss", "reason", "stream")

    def __init__(self, stream: int, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        self.stream = stream
        self.reason = reason
        self.loss = loss


class ServerBlocked:
    """The server of `stream` does not take more; only doors that carry many streams are told."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class ServerDrained:
    """It does again."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class SlotFree:
    """What `stream` waits for in a queue has changed: a server has room, or waiting helps no more.

    It has left the queue.
    """

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class Expired:
    """The deadline of `stream` has passed; says which peer does not take what we wrote.

    `moving`: one of them does take it, only slowly.
    """

    __slots__ = ("client_stalls", "moving", "server_stalls", "stream")

    def __init__(
        self, stream: int, *, client_stalls: bool = False, server_stalls: bool = False, moving: bool = False
    ) -> None:
        self.stream = stream
        self.client_stalls = client_stalls
        self.server_stalls = server_stalls
        self.moving = moving


class Happened(enum.Enum):
    """Events without content: they concern the client's connection as a whole."""

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    CLIENT_OPENED = "a connection to relay was accepted (`protocol = tcp`)"
    CLIENT_ENDED = "the client sent its FIN; it may still read"
    CLIENT_GONE = "the client's connection is lost"
    CLIENT_TAKES = "the client has taken most of what it was given (the answer to AWAIT_CLIENT)"
    DRAIN = "the service stops: finish what is at hand, start nothing new"
    RETIRE = "another process serves from now on: whatever this client asks next is answered, as its last"


ServerEvent = (
    ServerBytes
    | ServerPassed
    | ClientPassed
    | ServerReady
    | ServerEnded
    | ServerFailed
    | ServerBlocked
    | ServerDrained
    | SlotFree
    | Expired
)
"""What concerns one exchange (an `Expired` may concern the connection)."""
ProxyEvent = ClientBytes | Happened | ServerEvent

# --- commands ------------------------------------------------------------------------


class ToClient:
    """Write to the client."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class ToServer:
    """Write to the server of `stream`."""

    __slots__ = ("data", "stream")

    def __init__(self, stream: int, data: bytes) -> None:
        self.stream = stream
        self.data = data


class Open:
    """Get a connection to `target` for `stream`: an idle one unless `fresh`, else a new one.

    `careful` asks for proof that an idle connection is still alive: the request must not be sent twice.
    """

    __slots__ = ("careful", "fresh", "stream", "target")

    def __init__(
        self, stream: int, target: RealServer | Address, fresh: bool = False, careful: bool = False
    ) -> None:
        self.stream = stream
        self.target = target
        self.fresh = fresh
        self.careful = careful


class OpenFaulty:
    """Get a connection to `target` for `stream` on which a fault is injected; it is nobody else's."""

    __slots__ = ("injected", "stream", "target")

    def __init__(self, stream: int, target: RealServer, injected: Injected) -> None:
        self.stream = stream
        self.target = target
        self.injected = injected


class KeepServer:
    """Give the connection of `stream` back for reuse."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class DropServer:
    """Close the connection of `stream`, or give up opening it."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class AbortServer:
    """Reset the connection of `stream`: what the server got must not look complete."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class EndServer:
    """Send FIN to the server of `stream`, go on reading."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class HoldServer:
    """Read no more from the server of `stream`: its client does not take what came."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class ReleaseServer:
    """Read from it again."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class Wait:
    """Put `stream` into the queue of `pool`; `SlotFree` comes when it is decided anew."""

    __slots__ = ("pool", "stream")

    def __init__(self, stream: int, pool: LivePool) -> None:
        self.stream = stream
        self.pool = pool


class LeaveQueue:
    """`stream` waits no more."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class Do(enum.Enum):
    """Commands without content: they concern the client's connection as a whole."""

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    END_CLIENT = "send FIN to the client, go on reading"
    CLOSE_CLIENT = "close the client's connection when all is written"
    LINGER_CLIENT = "send FIN when all is written, read and drop what still comes, then close"
    ABORT_CLIENT = "reset the client's connection: the response must not look complete"
    PAUSE_CLIENT = "stop reading from the client"
    RESUME_CLIENT = "read from the client again"
    AWAIT_CLIENT = "say when the client has taken most of what it was given"


ServerCommand = (
    ToServer
    | Open
    | OpenFaulty
    | KeepServer
    | DropServer
    | AbortServer
    | EndServer
    | HoldServer
    | ReleaseServer
    | Wait
    | LeaveQueue
)
ProxyCommand = ToClient | Do | ServerCommand

# --- the door ------------------------------------------------------------------------


class Door(Protocol):
    """All that the shell may ask of a client's connection; `conversation` is this for HTTP/1.

    `receive` takes every event.  Three events come with every request: for them there is a way in without an
    object that carries them, which does the same.
    """

    @property
    def deadline(self) -> float:
        """The monotonic second at which something is due; infinity for never."""

    @property
    def client_ended(self) -> bool:
        """The client sent FIN: there is nothing more to read."""

    peer: Peer
    """Who called whom, and what is known of the client by now."""
    multiplexes: bool
    """Many exchanges at a time: each is held back by itself, by `ServerBlocked` and `HoldServer`."""

    @property
    def repeats(self) -> bool:
        """What the client sent last is remembered, because it came twice."""

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        """Take one event; returns the commands that follow from it, in order."""

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        """Take `ClientBytes(data)`."""

    def server_bytes(self, data: bytes, now: float, stream: int = ONLY_STREAM) -> list[ProxyCommand]:
        """Take `ServerBytes(stream, data)`."""

    def server_reused(self, stream: int, now: float) -> list[ProxyCommand]:
        """Take `ServerReady(stream, True)`."""

    def due(self, now: float) -> Sequence[int]:
        """The streams whose deadline has passed: for each of them an `Expired` must come."""

    def postpone(self, seconds: float) -> None:
        """The shell's clock went on while nobody looked at the sockets: that counts against no peer."""

    def move(self, handle: ServiceHandle) -> None:
        """The client's address went to another service, which serves the next request."""

    def wanted(self) -> int:
        """Octets that can be passed on at once; 0 where only requests may follow."""

    def unread(self) -> tuple[int, int]:
        """Octets that may pass without being seen here: from the client to its only server, and back.

        `ClientPassed` and `ServerPassed` say of those that did.
        """

    def fail(self) -> list[ProxyCommand]:
        """A defect of ours: give back what is held, forget the rest, and end everything."""
