"""Listening on any Twisted endpoint string (`systemd:domain=INET:index=0`, `tcp:…`).

Such transports are Twisted's; `TransportStream` gives them the shape of a `Stream`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from zope.interface import implementer

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

_log = Logger(namespace="director.listener")


@implementer(IHalfCloseableProtocol, IPushProducer)
class TransportStream(Protocol):
    """A Twisted transport with the methods of a `Stream`."""

    owner: Any = None
    is_blocked = False
    progress = 0
    _gone = False

    def connectionMade(self) -> None:
        """Hand ourselves to the listening service."""
        transport: Any = self.transport
        transport.registerProducer(self, True)
        accepted: Callable[..., None] = self.factory.accepted  # type: ignore[union-attr]
        peer, own = transport.getPeer(), transport.getHost()
        accepted(self, _socket_address(peer), _socket_address(own))

    @property
    def socket(self) -> object | None:
        """None once the connection is gone."""
        return None if self._gone else self

    def dataReceived(self, data: bytes) -> None:
        """Octets came."""
        self.owner.received(data)

    def readConnectionLost(self) -> None:
        """FIN came."""
        self.owner.ended()

    def writeConnectionLost(self) -> None:
        """Our FIN went."""

    def connectionLost(self, reason: Failure | None = None) -> None:  # type: ignore[override]
        """Gone."""
        self._gone = True
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.lost("" if reason is None or reason.check(ConnectionDone) else "connection reset")

    def pauseProducing(self) -> None:
        """The transport has too much queued."""
        self.is_blocked = True
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
        self.transport.write(data)  # type: ignore[union-attr]

    def pause(self) -> None:
        """Stop reading."""
        if not self._gone:
            self.transport.pauseProducing()  # type: ignore[union-attr]

    def resume(self) -> None:
        """Read again."""
        if not self._gone:
            self.transport.resumeProducing()  # type: ignore[union-attr]

    def end(self) -> None:
        """Send FIN."""
        transport: Any = self.transport
        transport.unregisterProducer()
        if hasattr(transport, "loseWriteConnection"):
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    def close(self) -> None:
        """Close behind what is queued."""
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()

    def abort(self) -> None:
        """Reset."""
        self.transport.abortConnection()  # type: ignore[union-attr]


class _EndpointPort:
    """What `listen_on_endpoint` gives: closes the port once it is there."""

    def __init__(self, waiting: Any, description: str) -> None:
        self._port: Any = None
        self._closed = False
        self.accepted = 0
        self.pauses = 0
        waiting.addCallbacks(self._opened, self._failed, errbackKeywords={"description": description})

    def _opened(self, port: Any) -> None:
        self._port = port
        if self._closed:
            port.stopListening()

    def _failed(self, failure: Failure, description: str) -> None:
        _log.error(
            "cannot listen on {description}: {why}", description=description, why=failure.getErrorMessage()
        )

    def close(self) -> None:
        """Stop accepting."""
        self._closed = True
        if self._port is not None:
            self._port.stopListening()


def listen_on_endpoint(
    reactor: Any, description: str, accepted: Callable[..., None], room: Callable[[], bool]
) -> _EndpointPort:
    """Listen on a Twisted endpoint string; connections come as `TransportStream`s."""

    class _Factory(Factory):
        protocol = TransportStream
        noisy = False

        def buildProtocol(self, addr: object) -> Protocol | None:
            return super().buildProtocol(addr) if room() else None  # type: ignore[arg-type]

    factory = _Factory()
    factory.accepted = accepted  # type: ignore[attr-defined]
    return _EndpointPort(serverFromString(reactor, description).listen(factory), description)


def _socket_address(address: Any) -> Any:
    return (address.host, address.port) if hasattr(address, "host") else ""
