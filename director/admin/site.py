"""The HTTP server of the admin: Twisted's Site with limits on bodies, time and connections.

Two sites serve the same routes: one on `[admin] listen`, one on the control socket.
"""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request, Site

from director.admin.answers import JSON_TYPE, SECURITY_HEADERS
from director.admin.resource import LARGEST_BODY, AdminResource

ABSOLUTE = re.compile(rb"(?i)(https?)://([^/?#]+)([^#]*)")
"""A target in absolute-form: scheme, authority, path with query."""
CONNECTIONS = 256
"""Connections of one site at once; more are closed at once and counted."""
IDLE_SECONDS = 30
LINGER_SECONDS = 2.0
"""How long the rest of a refused body is thrown away, so that the refusal can be read."""


def bare(status: str, message: str) -> bytes:
    """A whole answer for a request that never became one; the connection is closed after it."""
    body = json.dumps({"error": message, "at": "request"}).encode() + b"\n"
    fields = (
        *SECURITY_HEADERS,
        ("Content-Type", JSON_TYPE),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class AdminChannel(HTTPChannel):
    """HTTP/1.1 only; counted by its site."""

    site: AdminSite
    transport: Any

    def connectionMade(self) -> None:
        """One more."""
        self.site.connections += 1
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """One less."""
        self.site.connections -= 1
        super().connectionLost(reason)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's own 400 has no headers; ours has them all."""
        self.transport.write(bare("400 Bad Request", "the request is malformed or its head is too large"))
        self.loseConnection()

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        """Twisted would close without a word."""
        self._respondToBadRequestAndDisconnect()


class AdminRequest(Request):
    """Refuses a large body by its length, or as soon as it has grown too large, before anything parses it."""

    _taken = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The head has come."""
        super().gotLength(min(length or 0, LARGEST_BODY))
        if length is not None and length > LARGEST_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Some of the body has come."""
        self._taken += len(data)
        if self._taken > LARGEST_BODY and not self._refused:
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        self._refused = True
        channel: Any = self.channel
        channel.transport.write(
            bare("413 Content Too Large", f"the body may have at most {LARGEST_BODY} bytes")
        )
        channel.site.reactor.callLater(LINGER_SECONDS, channel.loseConnection)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802
        """All of it has come; what was refused is not served."""
        if self._refused:
            self.channel.loseConnection()
            return
        super().requestReceived(command, self._in_origin_form(path), version)

    def _in_origin_form(self, target: bytes) -> bytes:
        """The target as Twisted wants it; the authority of an absolute one is the Host (RFC 9112 3.2.2).

        That does not make up for a Host that is missing or comes twice (RFC 9112 3.2).
        """
        found = ABSOLUTE.fullmatch(target)
        scheme = b"https" if self.isSecure() else b"http"
        hosts = self.requestHeaders.getRawHeaders(b"host") or ()
        if found is None or found[1].lower() != scheme or len(hosts) != 1:
            return target
        self.requestHeaders.setRawHeaders(b"host", [found[2]])
        return found[3] if found[3].startswith(b"/") else b"/" + found[3]


class AdminSite(Site):
    """A site with limits.  It keeps no access log: a query may hold a token."""

    displayTracebacks = False  # noqa: N815
    noisy = False

    def __init__(self, resource: AdminResource, reactor: IReactorTime) -> None:
        super().__init__(
            resource,
            requestFactory=AdminRequest,
            parsePOSTFormSubmission=False,
            timeout=IDLE_SECONDS,
            reactor=reactor,
        )
        self.connections = 0
        self.refused = 0

    def buildProtocol(  # type: ignore[override]
        self, addr: IAddress | None
    ) -> AdminChannel | None:
        """A channel, or None when there are too many."""
        if self.connections >= CONNECTIONS:
            self.refused += 1
            return None
        channel: Any = AdminChannel()
        channel.factory = self
        channel.site = self
        channel.requestFactory = self.requestFactory
        channel.timeOut = self.timeOut
        channel.callLater = self.reactor.callLater
        made: AdminChannel = channel
        return made

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """For TLS's ALPN."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """No log file is opened."""

    def stopFactory(self) -> None:
        """No log file is closed."""

    def log(self, request: object) -> None:
        """Nothing: see above."""
