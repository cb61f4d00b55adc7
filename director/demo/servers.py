"""The embedded demo servers (`[demo:NAME]`): small origins to look at a director with.

Each answers with its name and the request it saw.  Some paths misbehave on purpose:

* `/healthz`: 200, for checks.
* `/slow?ms=N`: answers after N milliseconds (at most a minute).
* `/status/N`: answers with that status.
* `/bytes/N`: a body of N octets, streamed (at most 1 GiB).
* `/echo`: the request's body, back.
* Parameters of any path give orders, alone or together: `?slow=2s` waits (a bare number is in ms),
  `?hang` never answers, `?fail` or `?fail=503` fails with that status, `?size=10k` has a body that large.
* `Upgrade: websocket`, anywhere: a WebSocket that greets and echoes (`director.demo.websocket`).

Built on twisted.web, which is good enough for a demo and never stands on the
director's own path.  `service.py` makes one `DemoService` for each section.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXServerEndpoint,
    serverFromString,
)
from twisted.internet.interfaces import IPushProducer, IStreamServerEndpoint
from twisted.internet.ssl import PrivateCertificate
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from director.config.parse import units
from director.config.text.messages import BadValue
from director.demo import websocket
from director.demo.authority import served
from director.errors import unbound
from director.model.pools import Address
from director.model.settings import Demo

SLOWEST_MS = 60_000
LARGEST = 1 << 30
BACKLOG = 4096
"""As the director's own listeners: a burst of connects must not wait for SYN retries."""
_PIECE = b"0123456789abcdef" * 4096


@frozen
class DemoOrders:
    """What a request orders: seconds to wait, never to answer, a status to fail with, octets of the body."""

    slow: float = 0.0
    hang: bool = False
    fail: int = 0
    size: int | None = None


def read_orders(request: Request) -> DemoOrders:
    """The orders in a request's parameters; others are for the application.  Raises BadValue."""
    text = request.uri.partition(b"?")[2].decode("ascii", "replace")
    found = dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    slow, fail, size = found.get("slow"), found.get("fail"), found.get("size")
    status = fail or "500"
    if fail is not None and not (status.isdigit() and len(status) == 3 and 400 <= int(status) <= 599):
        raise BadValue("fail is a status from 400 to 599, such as ?fail=503")
    return DemoOrders(
        slow=0.0 if slow is None else min(_seconds(slow), SLOWEST_MS / 1000),
        hang="hang" in found,
        fail=0 if fail is None else int(status),
        size=None if size is None else min(units.size(size), LARGEST),
    )


def _seconds(text: str) -> float:
    """A duration; a bare number is in milliseconds, as in `/slow?ms=`."""
    return units.duration(f"{text}ms" if text.isdigit() and text != "0" else text)


class DemoResource(Resource):
    """Everything one demo server answers."""

    isLeaf = True

    def __init__(self, name: str, reactor: Any) -> None:
        super().__init__()
        self._name = name
        self._reactor = reactor
        self._paths: dict[bytes, Callable[[Request], bytes | int]] = {
            b"healthz": self._fine,
            b"slow": self._slow,
            b"echo": self._echo,
        }
        self._numbered: dict[bytes, Callable[[Request, int], bytes | int]] = {
            b"status": self._status,
            b"bytes": self._bytes,
        }

    def render(self, request: Request) -> bytes | int:
        """Answer any method; HEAD loses its body in twisted.web."""
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        request.setHeader(b"Server", f"demo {self._name}".encode())
        if websocket.wanted(request):
            return websocket.accept(request, self._name)
        return self._ordered(request)

    def _answer(self, request: Request) -> bytes | int:
        """By the path."""
        first, *rest = request.postpath or [b""]
        if first in self._paths and not rest:
            return self._paths[first](request)
        if first in self._numbered and len(rest) == 1 and rest[0].isdigit() and len(rest[0]) <= 10:
            return self._numbered[first](request, int(rest[0]))
        return self._seen(request)

    def _ordered(self, request: Request) -> bytes | int:
        """As the parameters order; without any, by the path."""
        try:
            orders = read_orders(request)
        except BadValue as error:
            request.setResponseCode(400)
            return f"{error}\n".encode()
        if orders.hang:
            return NOT_DONE_YET
        if not orders.slow:
            return self._carried_out(request, orders)

        def answer() -> None:
            body = self._carried_out(request, orders)
            if isinstance(body, bytes):
                if request.method != b"HEAD":
                    request.write(body)
                request.finish()

        later = self._reactor.callLater(orders.slow, answer)
        request.notifyFinish().addErrback(lambda _gone: later.active() and later.cancel())
        return NOT_DONE_YET

    def _carried_out(self, request: Request, orders: DemoOrders) -> bytes | int:
        if orders.fail:
            request.setResponseCode(orders.fail)
        if orders.size is not None:
            return self._bytes(request, orders.size)
        return f"{self._name} fails as ordered\n".encode() if orders.fail else self._answer(request)

    def _seen(self, request: Request) -> bytes:
        """The name and the request as it arrived."""
        line = b" ".join((request.method, request.uri, request.clientproto))
        fields = [
            name + b": " + value
            for name, values in request.requestHeaders.getAllRawHeaders()
            for value in values
        ]
        lines = [f"server: {self._name}".encode(), b"", line, *fields]
        return b"\n".join(lines) + b"\n"

    def _fine(self, request: Request) -> bytes:
        return f"{self._name} is fine\n".encode()

    def _echo(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", request.getHeader(b"content-type") or b"application/octet-stream")
        body: bytes = request.content.read() if request.content is not None else b""
        return body

    def _status(self, request: Request, number: int) -> bytes:
        if not 200 <= number <= 599:
            request.setResponseCode(400)
            return b"a status is a number from 200 to 599\n"
        request.setResponseCode(number)
        return b"" if number in {204, 205, 304} else f"{self._name} says {number}\n".encode()

    def _slow(self, request: Request) -> int:
        wanted = request.args.get(b"ms", [b"1000"])[0] if request.args else b"1000"
        pause = min(int(wanted), SLOWEST_MS) if wanted.isdigit() and len(wanted) <= 9 else 1000

        def answer() -> None:
            request.write(f"{self._name} took {pause} ms\n".encode())
            request.finish()

        later = self._reactor.callLater(pause / 1000, answer)
        request.notifyFinish().addErrback(lambda _gone: later.cancel())
        return NOT_DONE_YET

    def _bytes(self, request: Request, number: int) -> int:
        number = min(number, LARGEST)
        request.setHeader(b"Content-Type", b"application/octet-stream")
        request.setHeader(b"Content-Length", str(number).encode())
        if request.method == b"HEAD" or not number:
            request.finish()
            return NOT_DONE_YET
        Octets(request, number).start()
        return NOT_DONE_YET


@implementer(IPushProducer)
class Octets:
    """Writes a body as fast as the client takes it, and no faster."""

    def __init__(self, request: Request, number: int) -> None:
        self._request = request
        self._left = number
        self._paused = True
        request.notifyFinish().addErrback(lambda _gone: self.stopProducing())

    def start(self) -> None:
        """Begin."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """The client takes more."""
        self._paused = False
        while self._left and not self._paused:
            piece = _PIECE[: self._left]
            self._left -= len(piece)
            self._request.write(piece)
            if not self._left:
                self._request.unregisterProducer()
                self._request.finish()

    def pauseProducing(self) -> None:
        """The client is behind."""
        self._paused = True

    def stopProducing(self) -> None:
        """The client left."""
        self._left = 0


def endpoint_for(reactor: Any, address: Address) -> IStreamServerEndpoint:
    """Where an address listens."""
    if address.endpoint:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, address.endpoint)
        return endpoint
    if address.path:
        return UNIXServerEndpoint(reactor, address.path, backlog=BACKLOG)
    if ":" in address.host:
        return TCP6ServerEndpoint(reactor, address.port, BACKLOG, address.host)
    return TCP4ServerEndpoint(reactor, address.port, BACKLOG, address.host)


class DemoService(Service):
    """One demo server, as long as it runs.  A refused bind is an event; the director goes on."""

    log = Logger(namespace="director.demo")

    def __init__(self, demo: Demo, reactor: Any, inherited: socket.socket | None = None) -> None:
        """`inherited` is a socket that listens already."""
        self.demo = demo
        self._reactor = reactor
        self._inherited = inherited
        self.port: Any = None

    def startService(self) -> None:
        """Begin to listen."""
        super().startService()
        site = Site(DemoResource(self.demo.name, self._reactor), reactor=self._reactor)
        site.displayTracebacks = False
        site.noisy = False
        factory: Any = site
        if self.demo.tls:
            shown = PrivateCertificate.loadPEM(served(self.demo.listen.host))
            factory = TLSMemoryBIOFactory(shown.options(), False, site)
        left, self._inherited = self._inherited, None
        if left is not None:
            self._listens(self._reactor.adoptStreamPort(left.fileno(), left.family, factory))
            left.close()
            return
        listening = endpoint_for(self._reactor, self.demo.listen).listen(factory)
        listening.addCallbacks(self._listens, self._refused)

    def stopService(self) -> Deferred[None] | None:
        """Stop listening; connections end by themselves."""
        super().stopService()
        port, self.port = self.port, None
        stopped: Deferred[None] | None = port.stopListening() if port is not None else None
        return stopped

    def rest(self) -> None:
        """Accept nobody more; another process does."""
        if self.port is not None:
            self.port.stopReading()

    def _listens(self, port: Any) -> None:
        if self.running:
            self.port = port
        else:
            port.stopListening()

    def _refused(self, failure: Failure) -> None:
        self.log.error(
            "demo server {name} cannot listen on {address}: {reason}",
            name=self.demo.name,
            address=str(self.demo.listen),
            reason=unbound(failure.value, self.demo.listen.path),
        )
