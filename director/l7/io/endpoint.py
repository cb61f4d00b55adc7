"""Listening on, and connecting to, any Twisted endpoint string (`systemd:domain=INET:index=0`, `tcp:…`).

Such transports are Twisted's; `TransportStream` gives them the shape of a `Stream`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from director.errors import unbound
from director.l7.io.listener import BindError
from director.l7.io.stream import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

TRY_AGAIN = 2.0
"""Seconds until an endpoint that could not be opened is tried again."""


@implementer(IHalfCloseableProtocol, IPushProducer)
class TransportStream(Protocol):
    """A Twisted transport with the methods of a `Stream`."""

    transport: Any

    def __init__(self, accepted: Callable[..., None]) -> None:
        self._accepted = accepted
        self._gone = False
        self._handing_on = False
        self.owner: Any = None
        self.is_blocked = False
        self.progress = self.spliced = 0

    def connectionMade(self) -> None:
        """Hand ourselves to the listening service."""
        self.transport.registerProducer(self, True)
        peer, own = self.transport.getPeer(), self.transport.getHost()
        self._accepted(self, _socket_address(peer), _socket_address(own))

    @property
    def socket(self) -> object | None:
        """None once the connection is gone."""
        return None if self._gone else self

    def waiting(self) -> bytes | None:
        """What waits to be read, as of a `Stream`; inside TLS an octet may be no more than its own business.

        While octets are being handed on, more may follow of which no socket knows: such a connection counts
        as ended.
        """
        if self._gone or self._handing_on:
            return b""
        transport: Any = self.transport
        while hasattr(transport, "transport"):
            transport = transport.transport
        handle = transport.getHandle() if hasattr(transport, "getHandle") else None
        if not isinstance(handle, socket.socket):
            return None
        try:
            return handle.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def dataReceived(self, data: bytes) -> None:
        """Octets came."""
        self._handing_on = True
        try:
            self.owner.received(data)
        finally:
            self._handing_on = False

    def readConnectionLost(self) -> None:
        """FIN came."""
        self.owner.ended()

    def writeConnectionLost(self) -> None:
        """Our FIN went."""

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Gone."""
        self._gone = True
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.lost("" if reason is None or reason.check(ConnectionDone) else "connection reset")

    def pauseProducing(self) -> None:
        """The transport has too much queued."""
        self.is_blocked = True
        if self.owner is not None:
            self.owner.blocked()

    def resumeProducing(self) -> None:
        """The transport's queue is empty."""
        self.is_blocked = False
        self.progress += 1
        if self.owner is not None:
            self.owner.drained()

    def stopProducing(self) -> None:
        """The transport is closing."""

    def write(self, data: bytes) -> None:
        """Send."""
        self.progress += len(data)
        self.transport.write(data)

    def read_now(self) -> None:
        """Nothing to do: Twisted's transport reads in a turn of the loop, and tells by itself."""

    def has_hung_up(self) -> bool:
        """Twisted's transport tells an end only when it reads."""
        return False

    def read_to_end(self) -> None:
        """Nothing to do, as above."""

    def pause(self) -> None:
        """Stop reading."""
        if not self._gone:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again."""
        if not self._gone:
            self.transport.resumeProducing()

    def end(self) -> None:
        """Send FIN."""
        self.transport.unregisterProducer()
        if hasattr(self.transport, "loseWriteConnection"):
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def close(self) -> None:
        """Close behind what is queued."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Reset."""
        self.transport.abortConnection()


class _Streams(Factory):
    """Makes a `TransportStream` of each connection that there is room for."""

    noisy = False

    def __init__(self, accepted: Callable[..., None], room: Callable[[], bool]) -> None:
        self.accepted = accepted
        self.room = room

    def buildProtocol(self, addr: object) -> Protocol | None:
        """None refuses the connection."""
        return TransportStream(self.accepted) if self.room() else None


class _EndpointPort:
    """What `listen_on_endpoint` gives: opens the port, tries again while it cannot, and closes it.

    `error` says why it is not open, and is empty otherwise.
    """

    def __init__(self, reactor: Any, description: str, streams: _Streams) -> None:
        self.accepted = 0
        self.pauses = 0
        self.error = ""
        self._reactor, self._description, self._streams = reactor, description, streams
        self._port: Any = None
        self._again: Any = None
        self._closed = False
        self._open()

    def _open(self) -> None:
        self._again = None
        opening = serverFromString(self._reactor, self._description).listen(self._streams)
        opening.addCallbacks(self._opened, self._failed)

    def _opened(self, port: Any) -> None:
        self._port = port
        self.error = ""
        if self._closed:
            port.stopListening()

    def _failed(self, failure: Failure) -> None:
        if not self._closed:
            self.error = unbound(failure.value)
            self._again = self._reactor.callLater(TRY_AGAIN, self._open)

    def hand_over(
        self, accepted: Callable[..., None], room: Callable[[], bool], nobody: Callable[[], object]
    ) -> None:
        """From now on what is accepted belongs to another service; somebody came whenever `room` is asked."""
        self._streams.accepted = accepted
        self._streams.room = room

    def close(self) -> None:
        """Stop accepting."""
        self._closed = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._port is not None:
            self._port.stopListening()


def check_endpoint(reactor: Any, description: str) -> None:
    """Refuse what Twisted cannot read, before anything changes.  Raises BindError."""
    try:
        serverFromString(reactor, description)
    except Exception as error:  # each kind of endpoint has its own parser, which may raise anything
        raise BindError(
            f"cannot listen on {description}: {error}; see the list of endpoint strings of Twisted"
        ) from error


def listen_on_endpoint(
    reactor: Any, description: str, accepted: Callable[..., None], room: Callable[[], bool]
) -> _EndpointPort:
    """Listen on a Twisted endpoint string; connections come as `TransportStream`s."""
    return _EndpointPort(reactor, description, _Streams(accepted, room))


def connect_to_endpoint(
    reactor: Any, description: str, connected: Callable[..., None], failed: Callable[[str], None]
) -> Callable[[], None]:
    """Connect to a Twisted endpoint string; `connected` gets a `TransportStream`, `failed` the reason.

    Returns what gives the connect up, after which `failed` is called at once if nothing was yet.
    """
    streams = _Streams(connected, lambda: True)

    def refused(failure: Failure) -> None:
        failed(_reason(failure.value))

    try:
        connecting = clientFromString(reactor, description).connect(streams)
    except Exception as error:  # noqa: BLE001  # each kind of endpoint may raise anything
        failed(_reason(error))
        return lambda: None
    connecting.addErrback(refused)
    return connecting.cancel  # type: ignore[no-any-return]


def _reason(error: BaseException | None) -> str:
    """Why a connect failed, in the words that the log has for other addresses."""
    code = getattr(error, "osError", None) or getattr(error, "errno", None)
    return words(OSError(code, "")) if isinstance(code, int) else str(error)


def _socket_address(address: Any) -> Any:
    return (address.host, address.port) if hasattr(address, "host") else ""
