"""A connection on which a probe of the pure room talks, in clear text or inside TLS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet.interfaces import IHandshakeListener, IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from director.health.probes.base import Reporter, StreamProbe
from director.health.probes.tls import Handshake, TlsProbe, judge
from director.tls.io.contexts import refusal, verify_name

if TYPE_CHECKING:
    from director.model.pools import ServerTLS


class ProbeProtocol(Protocol):
    """A connection on which a probe of the pure room talks; its end is the end of the probe.

    A connection of which nothing more is wanted ends as the probe says; where it said good-bye, the server
    closes.
    """

    transport: Any = None

    def __init__(self, probe: Reporter, talk: StreamProbe) -> None:
        self.probe = probe
        self._talk = talk

    def connectionMade(self) -> None:
        """The server accepted."""
        self.probe.mark("connect")
        self._go_on(self._talk.begin)

    def dataReceived(self, data: bytes) -> None:
        """Octets of the answer."""
        self.probe.saw(data)
        self._go_on(self._talk.feed, data)

    def _go_on(self, step: Callable[..., bytes], *what: bytes) -> None:
        try:
            reply = step(*what)
        except Exception as error:  # noqa: BLE001 - a fault of ours says nothing of the server
            self.probe.report(None, f"not probed: the check failed itself: {type(error).__name__}: {error}")
            self.cut()
            return
        if reply:
            self.transport.write(reply)
        if self._talk.judgement is not None:
            self._report(*self._talk.judgement)
            if self._talk.enough and self._talk.resets:
                self.cut()
            elif self._talk.enough:
                self.transport.loseConnection()

    def _report(self, alive: bool | None, reason: str) -> None:
        self.probe.report(alive, reason, getattr(self._talk, "advice", None))

    def cut(self) -> None:
        """Reset the connection."""
        if self.transport is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._report(*self._talk.closed())
        self.probe.over()


@implementer(IOpenSSLClientConnectionCreator)
class Secrecy:
    """How TLS begins with one server.

    Attributes:
        connection: OpenSSL's, once it began.
    """

    def __init__(self, context: SSL.Context, wanted: ServerTLS, host: str) -> None:
        self.connection: SSL.Connection | None = None
        self._context = context
        self.name = wanted.name or host
        self.verifies = wanted.verify

    def clientConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:  # noqa: N802, N803 - Twisted's
        """OpenSSL's side of a connection; an address is not asked for by SNI (RFC 6066 3)."""
        self.connection = SSL.Connection(self._context, None)
        if self.name and not (":" in self.name or self.name.replace(".", "").isdigit()):
            self.connection.set_tlsext_host_name(self.name.encode("ascii"))
        return self.connection

    def refused(self, cause: SSL.Error) -> str:
        """Why there was no handshake, as precisely as OpenSSL knows."""
        said = refusal(cause, self.connection)
        return "TLS: the server answers in clear text" if "wrong version number" in said else f"TLS: {said}"


@implementer(IHandshakeListener)
class SecureProtocol(ProbeProtocol):
    """The same inside TLS: nothing is said before the server has shown who it is."""

    def __init__(self, probe: Reporter, talk: StreamProbe, secrecy: Secrecy) -> None:
        super().__init__(probe, talk)
        self._secrecy = secrecy
        self._is_shaken = False

    def connectionMade(self) -> None:
        """The server accepted; the handshake begins."""
        self.probe.mark("connect")
        self.probe.waits_for = "no TLS handshake"

    def handshakeCompleted(self) -> None:
        """OpenSSL is content."""
        self._is_shaken = True
        self.probe.mark("handshake")
        self.probe.waits_for = "no answer"
        connection = self._secrecy.connection
        assert connection is not None  # noqa: S101 - it has just shaken hands
        wrong = verify_name(connection, self._secrecy.name) if self._secrecy.verifies else ""
        shown = connection.get_peer_certificate(as_cryptography=True)
        lasts = shown.not_valid_after_utc.timestamp() - time.time() if shown is not None else None
        version = connection.get_protocol_version_name()
        alive, said = judge(self.probe.target.check, Handshake(version, lasts))
        if wrong or not alive:
            self.probe.report(False, f"TLS: {wrong or said}")
            self.cut()
            return
        if isinstance(self._talk, TlsProbe):
            self._talk.said = said
        self._go_on(self._talk.begin)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, perhaps in the handshake."""
        if isinstance(reason.value, SSL.Error):
            self.probe.lacks(self._secrecy.refused(reason.value))
        elif not self._is_shaken:
            self.probe.lacks("TLS: the connection was closed in the handshake")
        super().connectionLost(reason)
