"""The two closed vocabularies of a conversation: what happened, and what to do.

Events go into `Conversation.receive`; commands come out, in order, and `io.frontend`
carries them out.  Values without content are single objects (enum members).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.model.pools import Address
    from director.registry.registry import LivePool, RealServer

# --- events --------------------------------------------------------------------------


class ClientBytes:
    """The client sent `data`."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class ServerBytes:
    """The server sent `data`."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class ServerFailed:
    """The server's connection failed: refused or unreachable before it was open, reset after."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Expired:
    """The conversation's deadline has passed; says which peer does not take what we wrote.

    `moving`: one of them does take it, only slowly.
    """

    __slots__ = ("client_stalls", "moving", "server_stalls")

    def __init__(
        self, *, client_stalls: bool = False, server_stalls: bool = False, moving: bool = False
    ) -> None:
        self.client_stalls = client_stalls
        self.server_stalls = server_stalls
        self.moving = moving


class Happened(enum.Enum):
    """Events without content."""

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    CLIENT_OPENED = "a connection to relay was accepted (`protocol = tcp`)"
    CLIENT_ENDED = "the client sent its FIN; it may still read"
    CLIENT_GONE = "the client's connection is lost"
    CLIENT_TAKES = "the client has taken most of what it was given (the answer to AWAIT_CLIENT)"
    SERVER_READY = "a new connection to the server is open"
    SERVER_REUSED = "an idle connection to the server was taken"
    SERVER_ENDED = "the server sent its FIN"
    SLOT_FREE = "a server of the pool that the request waits for has room"
    DRAIN = "the service stops: finish what is at hand, start nothing new"


SERVER_REUSED = Happened.SERVER_REUSED
"""By itself, because it comes with every request: reading a member from its class is slow (CPython 3.11)."""

Event = ClientBytes | ServerBytes | ServerFailed | Expired | Happened

# --- commands ------------------------------------------------------------------------


class ToClient:
    """Write to the client."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class ToServer:
    """Write to the server."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Open:
    """Get a connection to `target`: an idle one unless `fresh`, else a new one.

    `careful` asks for proof that an idle connection is still alive: the request must not be sent twice.
    """

    __slots__ = ("careful", "fresh", "target")

    def __init__(self, target: RealServer | Address, fresh: bool = False, careful: bool = False) -> None:
        self.target = target
        self.fresh = fresh
        self.careful = careful


class Wait:
    """Stand in line for room in `pool`; SLOT_FREE comes when it is our turn."""

    __slots__ = ("pool",)

    def __init__(self, pool: LivePool) -> None:
        self.pool = pool


class Do(enum.Enum):
    """Commands without content."""

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    KEEP_SERVER = "give the server's connection back for reuse"
    DROP_SERVER = "close the server's connection"
    ABORT_SERVER = "reset the server's connection: what it got must not look complete"
    END_SERVER = "send FIN to the server, go on reading"
    END_CLIENT = "send FIN to the client, go on reading"
    CLOSE_CLIENT = "close the client's connection when all is written"
    LINGER_CLIENT = "send FIN when all is written, read and drop what still comes, then close"
    ABORT_CLIENT = "reset the client's connection: the answer must not look complete"
    PAUSE_CLIENT = "stop reading from the client"
    RESUME_CLIENT = "read from the client again"
    AWAIT_CLIENT = "say when the client has taken most of what it was given"
    LEAVE_QUEUE = "stop waiting for room"


KEEP_SERVER, DROP_SERVER = Do.KEEP_SERVER, Do.DROP_SERVER
"""By themselves, as `SERVER_REUSED`."""

Command = ToClient | ToServer | Open | Wait | Do
