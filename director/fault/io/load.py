"""The load of a drill: requests sent at their moments, whatever became of those before them.

Each request has a connection of its own and says `Connection: close`, so a broken one spoils no other.  It
carries `X-Drill: yes`, an id that the director believes of this client, and the cookies of its user.  How an
answer went is put into its `DrillRequest`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.python.failure import Failure

from director.errors import MessageError
from director.fault.samples import USERS, DrillRequest
from director.l7.http.body import Body
from director.l7.http.responses import ResponseFramer
from director.model.drills import LoadLine
from director.model.pools import Address

MOST_UNDER_WAY = 1000
"""Requests that wait for their answers at a time; more are not sent, and count as unanswered."""
PATIENCE = 60.0
"""Seconds after which a user gives up."""
TAG = b"X-Drill: yes\r\n"
BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})


@frozen
class LoadTarget:
    """Where the load goes: the service's address, and from which one it comes ("" = any)."""

    address: Address
    source: str = ""
    tls: bool = False


class Load:
    """Sends requests.

    Args:
        done: told of each sample when nothing more comes of it.
        run: stands in the ids of the requests.

    Attributes:
        under_way: requests that wait for their answers.
    """

    def __init__(
        self,
        reactor: Any,
        target: LoadTarget,
        lines: tuple[LoadLine, ...],
        run: str,
        done: Callable[[DrillRequest], None],
    ) -> None:
        self.under_way: set[_Asking] = set()
        self.reactor = reactor
        self._target = target
        self._lines = lines
        self._run = run
        self._done = done
        self._cookies: dict[tuple[int, int], dict[bytes, bytes]] = {}

    def send(self, sample: DrillRequest) -> None:
        """Send one; `number`, `line`, `sent` and `phase` are set."""
        line = self._lines[sample.line]
        sample.user = sample.number % USERS
        sample.asked = f"{line.method} {line.uri}"
        sample.identity = f"drill-{self._run}-{sample.number}"
        if len(self.under_way) >= MOST_UNDER_WAY:
            sample.error = f"not sent: {MOST_UNDER_WAY} requests wait for their answers already"
            self._done(sample)
            return
        asking = _Asking(self, sample, line.method, self._request(sample, line))
        self.under_way.add(asking)
        asking.start(self._endpoint())

    def give_up(self) -> None:
        """Wait for nothing any more."""
        for one in tuple(self.under_way):
            one.end("no answer by the end of the drill")

    def _endpoint(self) -> IStreamClientEndpoint:
        target, reactor = self._target, self.reactor
        address = target.address
        endpoint: Any
        if address.path:
            endpoint = UNIXClientEndpoint(reactor, address.path, timeout=PATIENCE)
        else:
            kind = TCP6ClientEndpoint if ":" in address.host else TCP4ClientEndpoint
            bound = (target.source, 0) if target.source else None
            endpoint = kind(reactor, address.host, address.port, timeout=PATIENCE, bindAddress=bound)
        # The director's own certificate: it is what is tried here, not who it is.
        return wrapClientTLS(CertificateOptions(), endpoint) if target.tls else endpoint

    def _request(self, sample: DrillRequest, line: LoadLine) -> bytes:
        parts = urlsplit(line.uri)
        host = parts.netloc or str(self._target.address if not self._target.address.path else "localhost")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        jar = self._cookies.get((sample.line, sample.user), {})
        cookies = b"; ".join(name + b"=" + value for name, value in jar.items())
        fields = [
            f"{line.method} {path} HTTP/1.1\r\nHost: {host}\r\n".encode("ascii", "replace"),
            TAG,
            f"X-Request-Id: {sample.identity}\r\nUser-Agent: director-drill\r\n".encode(),
            b"Cookie: " + cookies + b"\r\n" if cookies else b"",
            b"" if line.method in BODILESS else b"Content-Length: 0\r\n",
            b"Connection: close\r\n\r\n",
        ]
        return b"".join(fields)

    def remember(self, sample: DrillRequest, cookies: list[bytes]) -> None:
        """Cookies that a user was given."""
        jar = self._cookies.setdefault((sample.line, sample.user), {})
        for one in cookies[:20]:
            name, equals, value = one.partition(b";")[0].strip().partition(b"=")
            if equals and len(value) < 4096 and len(jar) < 20:
                jar[name] = value

    def ended(self, asking: _Asking) -> None:
        """Nothing more comes of one."""
        self.under_way.discard(asking)
        self._done(asking.sample)


class _Asking:
    """One request on its way, and its answer."""

    def __init__(self, load: Load, sample: DrillRequest, method: str, request: bytes) -> None:
        self.sample = sample
        self.request = request
        self.transport: Any = None
        self._load = load
        self._heads = ResponseFramer(method.encode())
        self._body: Body | None = None
        self._began = load.reactor.seconds()
        self._connecting: Deferred[Any] | None = None
        self._timer = load.reactor.callLater(PATIENCE, self.end, f"no answer within {PATIENCE:g} s")
        self._over = False

    def start(self, endpoint: IStreamClientEndpoint) -> None:
        """Connect."""
        protocol = _Connection(self)
        self._connecting = endpoint.connect(Factory.forProtocol(lambda: protocol))
        self._connecting.addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.end(f"no connection: {failure.getErrorMessage()}")

    def connected(self, transport: Any) -> None:
        """Ask."""
        self.transport, self._connecting = transport, None
        transport.write(self.request)

    def received(self, data: bytes) -> None:
        """Octets of the answer."""
        try:
            if self._body is not None:
                self._read(data)
                return
            self._heads.feed(data)
            while self._body is None and (head := self._heads.head()) is not None:
                if head.status >= 200:
                    self.sample.status = head.status
                    cookies = head.lines.values(b"set-cookie")
                    if cookies:
                        self._load.remember(self.sample, list(cookies))
                    self._body = head.body()
                    self._read(self._heads.take())
        except MessageError as error:
            self.end(f"an answer that is none: {error.reason}")

    def _read(self, data: bytes) -> None:
        body = self._body
        if body is None:
            return
        _payload, surplus = body.read(data)
        if surplus:
            self.sample.surplus = True
        if body.done and not self.sample.whole:
            self.sample.whole = True
            self.sample.seconds = self._load.reactor.seconds() - self._began

    def lost(self) -> None:
        """The connection is gone."""
        if self.sample.whole or (self._body is not None and self._body.end()):
            self.end("")
        elif self.sample.status:
            self.end("the answer broke off")
        else:
            self.end("the connection ended without an answer")

    def end(self, error: str) -> None:
        """Nothing more is waited for."""
        if self._over:
            return
        self._over = True
        if self._timer.active():
            self._timer.cancel()
        sample = self.sample
        if not sample.whole:
            sample.seconds = self._load.reactor.seconds() - self._began
            sample.whole, sample.error = not error, error
        if self._connecting is not None:
            self._connecting.cancel()
        if self.transport is not None:
            self.transport.abortConnection()
        self._load.ended(self)


class _Connection(Protocol):
    def __init__(self, asking: _Asking) -> None:
        self._asking = asking

    def connectionMade(self) -> None:
        self._asking.connected(self.transport)

    def dataReceived(self, data: bytes) -> None:
        self._asking.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._asking.lost()
