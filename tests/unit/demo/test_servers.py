from __future__ import annotations

from typing import Any

import h11
import pytest
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, UNIXServerEndpoint
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.server import Site
from zope.interface import implementer

from director.demo.servers import LARGEST, DemoResource, DemoService, endpoint_for
from director.model.pools import Address
from director.model.settings import Demo


class Visit:
    """One connection to a demo server in memory, read by h11."""

    def __init__(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        site: Any = Site(DemoResource("red", self.reactor), reactor=self.reactor)
        self.protocol = site.buildProtocol(None)
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)
        self.client = h11.Connection(h11.CLIENT)

    def ask(self, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        """Send octets; the whole answer."""
        method = request.split(b" ", 1)[0]
        self.client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        self.client.send(h11.EndOfMessage())
        self.protocol.dataReceived(request)
        return self.read()

    def read(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """What came, as (status, fields, body)."""
        self.client.receive_data(self.transport.value())
        status, fields, body = 0, {}, b""
        while not isinstance(event := self.client.next_event(), h11.EndOfMessage):
            assert event is not h11.NEED_DATA
            if isinstance(event, h11.Response):
                status, fields = event.status_code, dict(event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
        return status, fields, body


def got(
    path: str, method: str = "GET", fields: str = "", body: str = ""
) -> tuple[int, dict[bytes, bytes], bytes]:
    request = f"{method} {path} HTTP/1.1\r\nHost: www.example.org\r\n{fields}\r\n{body}"
    return Visit().ask(request.encode())


def test_it_tells_its_name_and_what_it_saw() -> None:
    status, fields, body = got("/images/a.png?x=1", fields="X-Forwarded-For: 192.0.2.7\r\n")
    assert (status, fields[b"server"]) == (200, b"demo red")
    lines = body.decode().splitlines()
    assert lines[0] == "server: red"
    assert lines[2] == "GET /images/a.png?x=1 HTTP/1.1"
    assert "X-Forwarded-For: 192.0.2.7" in lines


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_any_method_is_answered(method: str) -> None:
    status, _fields, body = got("/x", method, "Content-Length: 0\r\n")
    assert status == 200
    assert f"{method} /x HTTP/1.1".encode() in body


def test_head_has_no_body() -> None:
    status, _fields, body = got("/", "HEAD")
    assert (status, body) == (200, b"")


def test_it_is_fine() -> None:
    assert got("/healthz")[::2] == (200, b"red is fine\n")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/status/503", 503, b"red says 503\n"),
        ("/status/204", 204, b""),
        ("/status/99", 400, b"a status is a number from 200 to 599\n"),
        ("/status/101", 400, b"a status is a number from 200 to 599\n"),
    ],
)
def test_a_status_on_request(path: str, status: int, body: bytes) -> None:
    assert got(path)[::2] == (status, body)


@pytest.mark.parametrize("path", ["/status/x", "/status", "/bytes/-1", "/bytes/99999999999", "/healthz/x"])
def test_other_spellings_are_just_seen(path: str) -> None:
    status, _fields, body = got(path)
    assert (status, body.splitlines()[0]) == (200, b"server: red")


def test_echo() -> None:
    status, fields, body = got("/echo", "POST", "Content-Type: text/x\r\nContent-Length: 5\r\n", "hello")
    assert (status, fields[b"content-type"], body) == (200, b"text/x", b"hello")


@pytest.mark.parametrize("number", [0, 1, 65536, 100_000])
def test_bytes_are_streamed(number: int) -> None:
    visit = Visit()
    request = f"GET /bytes/{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    visit.protocol.dataReceived(request)
    head, _, body = visit.transport.value().partition(b"\r\n\r\n")
    assert f"Content-Length: {number}".encode() in head
    assert len(body) == number


def test_no_body_is_larger_than_a_gigabyte() -> None:
    status, fields, _body = got("/bytes/9999999999", "HEAD")
    assert (status, int(fields[b"content-length"])) == (200, LARGEST)


def test_a_body_waits_for_the_client() -> None:
    visit = Visit()
    wait = visit.transport.write
    producer: Any = visit.transport.producer

    def write(data: bytes) -> None:
        wait(data)
        if len(visit.transport.value()) > 100_000 and visit.transport.producerState == "producing":
            producer.pauseProducing()
            visit.transport.producerState = "paused"

    visit.transport.write = write  # type: ignore[method-assign]
    visit.protocol.dataReceived(b"GET /bytes/1000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert 100_000 < len(visit.transport.value()) < 300_000
    visit.transport.write = wait  # type: ignore[method-assign]
    producer.resumeProducing()
    assert len(visit.transport.value()) > 1_000_000


def test_slow_takes_its_time_and_ends_with_the_client() -> None:
    visit = Visit()
    visit.protocol.dataReceived(b"GET /slow?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n")
    visit.reactor.advance(0.4)
    assert visit.transport.value() == b""
    visit.reactor.advance(0.2)
    assert b"red took 500 ms" in visit.transport.value()

    gone = Visit()
    gone.protocol.dataReceived(b"GET /slow?ms=junk HTTP/1.1\r\nHost: x\r\n\r\n")
    gone.transport.loseConnection()
    gone.reactor.advance(2.0)
    assert gone.transport.value() == b""


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (Address("127.0.0.1", 1), TCP4ServerEndpoint),
        (Address("", 1), TCP4ServerEndpoint),
        (Address("::1", 1), TCP6ServerEndpoint),
        (Address(path="/run/x"), UNIXServerEndpoint),
        (Address(endpoint="tcp:1"), TCP4ServerEndpoint),
    ],
)
def test_each_shape_of_address_is_listened_on(address: Address, kind: type) -> None:
    assert isinstance(endpoint_for(MemoryReactorClock(), address), kind)


def test_a_service_listens_while_it_runs() -> None:
    reactor: Any = MemoryReactorClock()
    service = DemoService(Demo("red", Address("127.0.0.1", 9001)), reactor)
    service.startService()
    [(port, _factory, backlog, interface)] = reactor.tcpServers
    assert (port, backlog, interface) == (9001, 4096, "127.0.0.1")
    service.stopService()
    assert service.port is None


def test_one_that_speaks_tls() -> None:
    reactor: Any = MemoryReactorClock()
    service = DemoService(Demo("red", Address("127.0.0.1", 9001), tls=True), reactor)
    service.startService()
    [(_port, factory, *_)] = reactor.tcpServers
    assert isinstance(factory, TLSMemoryBIOFactory)
    assert isinstance(factory.wrappedFactory, Site)
    service.stopService()


def test_a_refused_bind_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    reactor: Any = MemoryReactorClock()

    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(reactor, "listenTCP", refuse)
    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(observe)
    service = DemoService(Demo("red", Address("127.0.0.1", 9001)), reactor)
    service.startService()
    globalLogPublisher.removeObserver(observe)
    assert events[0]["name"] == "red"
    assert "the address is in use; stop" in events[0]["reason"]
    service.stopService()


@pytest.mark.parametrize(
    ("query", "status", "length"),
    [
        ("fail", 500, None),
        ("fail=503", 503, None),
        ("size=10k", 200, 10240),
        ("size=0", 200, 0),
        ("fail=502&size=7", 502, 7),
        ("x=1&fail=404", 404, None),
    ],
)
def test_parameters_give_orders(query: str, status: int, length: int | None) -> None:
    found, _, body = got(f"/any/path?{query}")
    assert found == status
    assert length is None or len(body) == length


@pytest.mark.parametrize("query", ["fail=200", "fail=abc", "fail=5000", "size=x", "slow=soon", "slow=5y"])
def test_wrong_orders_say_what_to_write(query: str) -> None:
    status, _, body = got(f"/?{query}")
    assert status == 400
    assert body.isascii()
    assert b"\n" in body


@pytest.mark.parametrize(
    ("query", "seconds"), [("slow=2s", 2.0), ("slow=500", 0.5), ("slow=1s&fail=503", 1.0)]
)
def test_a_slow_answer_takes_its_time(query: str, seconds: float) -> None:
    visit = Visit()
    visit.client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    visit.client.send(h11.EndOfMessage())
    visit.protocol.dataReceived(f"GET /?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    visit.reactor.advance(seconds - 0.01)
    assert visit.transport.value() == b""
    visit.reactor.advance(0.02)
    assert visit.read()[0] == (503 if "fail" in query else 200)


def test_who_hangs_never_answers() -> None:
    visit = Visit()
    visit.protocol.dataReceived(b"GET /healthz?hang&slow=1s HTTP/1.1\r\nHost: x\r\n\r\n")
    visit.reactor.advance(100_000)
    assert visit.transport.value() == b""
    assert visit.transport.connected
