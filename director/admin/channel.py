"""One connection of the admin, with a limit on everything a client can be slow at.

A whole request must come within `REQUEST_SECONDS` of its beginning, however it dribbles; an answer must be
taken at more than a trickle (`STALL_SECONDS`) and be over in `ANSWER_SECONDS`.  Whoever is slower is cut and
counted.  Requests are served in the admin's `turns`, those of one connection one after the other.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request

from director.admin.answers import JSON_TYPE, SECURITY_HEADERS
from director.admin.resource import LARGEST_BODY
from director.admin.turns import Turns

ABSOLUTE = re.compile(rb"(?i)(https?)://([^/?#]+)([^#]*)")
"""A target in absolute-form: scheme, authority, path with query."""
REQUEST_SECONDS = 10.0
"""From the first octet of a request, or from the connect, to its last."""
STALL_SECONDS = 15.0
"""For a reader to take what the transport holds, 64 kB at most."""
ANSWER_SECONDS = 90.0
"""From a whole request to the end of its answer: the work it waits for (`WORK_SECONDS`) and the way."""
LINGER_SECONDS = 2.0
"""How long the rest of a refused body is thrown away, so that the refusal can be read."""


class ChannelHost(Protocol):
    """What a connection needs of its site."""

    turns: Turns
    reactor: Any
    resource: Any

    def opened(self, channel: AdminChannel) -> None:
        """It is there, and waits for a request."""

    def busy(self, channel: AdminChannel) -> None:
        """It has a request that is being served."""

    def idle(self, channel: AdminChannel) -> None:
        """It waits for another request."""

    def closed(self, channel: AdminChannel) -> None:
        """It is gone."""

    def cut(self, channel: AdminChannel) -> None:
        """It is cut for its slowness."""


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
    """HTTP/1.1 only."""

    site: ChannelHost
    transport: Any
    abortTimeout = 5  # noqa: N815 - Twisted's name: seconds for the last octets of an idle connection
    peer = ""
    _clock: Any = None
    _stall: Any = None
    _rest = b""

    def connectionMade(self) -> None:
        """The first request may take its time from now on."""
        super().connectionMade()
        self.peer = str(getattr(self.transport.getPeer(), "host", ""))
        self.site.opened(self)
        self._limit(REQUEST_SECONDS, self._slow)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """No clock outlives it."""
        self._limit(None)
        self._unstall()
        self.site.closed(self)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """What is behind a request that is served waits for its own turn."""
        if self._rest:
            self._rest += data
            return
        if self._clock is None:
            self._limit(REQUEST_SECONDS, self._slow)
        super().dataReceived(data)

    def allContentReceived(self) -> None:
        """A whole request."""
        self.site.busy(self)
        self._limit(ANSWER_SECONDS, self.cut)
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """Its answer is written; what came behind it is read in a later turn."""
        self._limit(None)
        self._rest, self._dataBuffer = b"".join(self._dataBuffer), []
        self.site.idle(self)
        super().requestDone(request)
        if self._rest:
            self.site.turns.add(self._read_on)

    def _read_on(self) -> bool:
        data, self._rest = self._rest, b""
        if self.transport is not None and not self.transport.disconnecting:
            self.dataReceived(data)
        return False

    # -- slowness --

    def endless(self) -> None:
        """Its answer has no end; a reader that does not take it is still cut."""
        self._limit(None)

    def _limit(self, seconds: float | None, then: Any = None) -> None:
        if self._clock is not None and self._clock.active():
            self._clock.cancel()
        self._clock = None if seconds is None else self.site.reactor.callLater(seconds, then)

    def _slow(self) -> None:
        """The request did not come in time (RFC 9110 15.5.9)."""
        text = f"a request must be whole within {REQUEST_SECONDS:g} s"
        self.site.cut(self)
        self.transport.write(bare("408 Request Timeout", text))
        self.loseConnection()

    def cut(self) -> None:
        """End it without waiting for anything."""
        self.site.cut(self)
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        """End it when all is written; who does not take it is not waited for."""
        super().loseConnection()
        self._limit(STALL_SECONDS, self.cut)

    def pauseProducing(self) -> None:
        """The transport holds more than it should: from now on the reader is watched."""
        super().pauseProducing()
        if self._stall is None:
            self._stall = self.site.reactor.callLater(STALL_SECONDS, self.cut)

    def resumeProducing(self) -> None:
        """All was taken."""
        self._unstall()
        super().resumeProducing()

    def _unstall(self) -> None:
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        self._stall = None

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

    def process(self) -> None:
        """In the admin's turn; by then its client may have gone."""
        channel: Any = self.channel
        channel.site.turns.add(self._process)

    def _process(self) -> bool:
        if not self._disconnected:
            super().process()
        return False

    def _handleStar(self) -> None:
        """Twisted answers `*` by itself, without the headers of ours; it passes the gate like the rest."""
        channel: Any = self.channel
        self.render(channel.site.resource)

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
