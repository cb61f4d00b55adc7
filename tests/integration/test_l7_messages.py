"""Whole messages between every kind of client and server (RFC 9110 and RFC 9112)."""

from __future__ import annotations

import socket

import pytest

from tests.integration.conftest import StartDirector
from tests.integration.texts import web
from tests.support import needs
from tests.support.client import RawClient, fetch
from tests.support.origin import (
    Close,
    Echo,
    HalfClose,
    Origin,
    Pause,
    Send,
    Step,
    chunked,
    plain,
    response,
)
from tests.support.running import wait_until
from tests.support.strict import Message

pytestmark = [pytest.mark.integration, needs.director]

WORKERS = "0"

GET = b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"
WAITING = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def answering(*steps: Step) -> Origin:
    return Origin(lambda _: steps)


def test_a_client_that_waits_gets_its_100_and_the_body_arrives_once(
    start: StartDirector, origin: Origin
) -> None:
    origin.continues = True
    director = start(web({"s": origin.address}))
    with RawClient(director.place) as client:
        client.ask(WAITING)
        assert client.until(lambda: client.interim)
        assert [message.status for message in client.interim] == [100]
        client.send(b"abc")
        client.wait(1)
    assert [message.status for message in client.interim] == [100], "100 was sent twice"
    assert client.statuses == [200]
    assert [bytes(message.body) for message in origin.log] == [b"abc"]


def test_a_client_that_waits_is_refused_before_its_body(start: StartDirector, origin: Origin) -> None:
    origin.early = lambda _: [Send(response(403, b"no"))]
    director = start(web({"s": origin.address}))
    with RawClient(director.place) as client:
        client.ask(WAITING)
        client.wait(1)
    # Either the origin's 403 came through, or the director had said 100 on its own account.
    assert client.statuses == [403] or [message.status for message in client.interim] == [100]


def test_interim_answers_come_first_and_in_order(start: StartDirector) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </%d>; rel=preload\r\n\r\n"
    with answering(Send(hints % 1), Pause(0.1), Send(hints % 2 + response(200, b"done"))) as origin:
        director = start(web({"s": origin.address}))
        with RawClient(director.place) as client:
            client.ask(GET)
            client.wait(1)
    assert [message.value(b"link")[:4] for message in client.interim] == [
        b"</1>",
        b"</2>",
    ]
    assert client.statuses == [200]


def test_trailers_of_an_answer_pass_or_are_dropped_whole(start: StartDirector) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    with answering(Send(head + chunked(b"abc", trailers=b"X-Sum: 1\r\n"))) as origin:
        answer = fetch(start(web({"s": origin.address})).place, GET)
    assert bytes(answer.body) == b"abc"
    assert [(name.lower(), value) for name, value in answer.trailers] in ([], [(b"x-sum", b"1")])


BODILESS: dict[str, tuple[bytes, bytes]] = {
    # name: (method, the origin's answer)
    "head-length": (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    "head-chunked": (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "head-nothing": (b"HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    "get-204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "get-304": (b"GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'),
    "get-304-length": (
        b"GET",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ),
    "head-304": (b"HEAD", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    "post-204": (b"POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "get-205": (b"GET", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", BODILESS)
def test_an_answer_without_body_leaves_the_connection_usable(start: StartDirector, name: str) -> None:
    method, raw = BODILESS[name]

    def answer(message: Message) -> list[Step]:
        return [Send(raw if message.target == b"/bodiless" else plain(message))]

    with (
        Origin(answer) as origin,
        RawClient(start(web({"s": origin.address})).place) as client,
    ):
        client.ask(method + b" /bodiless HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")
        client.wait(1)
        client.ask(GET)
        client.wait(2)
        assert [answer.status for answer in client.answers] == [int(raw[9:12]), 200]
        assert client.answers[0].size == 0
        assert bytes(client.answers[1].body) == b"origin saw GET /x"


SERVERS: dict[str, list[Step]] = {
    "1.1-length": [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")],
    "1.1-chunked": [Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a", b"bc"))],
    "1.1-close": [Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"), Close()],
    "1.0-length": [Send(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"), Close()],
    "1.0-close": [Send(b"HTTP/1.0 200 OK\r\n\r\nabc"), Close()],
    "1.0-keep-alive": [Send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc")],
}
CLIENTS = {
    "1.1": b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "1.1-close": b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
    "1.0": b"GET /x HTTP/1.0\r\n\r\n",
    "1.0-host": b"GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n",
    "1.0-keep-alive": b"GET /x HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n",
}


@pytest.mark.parametrize("server", SERVERS)
def test_each_kind_of_client_with_each_kind_of_server(start: StartDirector, server: str) -> None:
    with answering(*SERVERS[server]) as origin:
        director = start(web({"s": origin.address}))
        for name, request in CLIENTS.items():
            with RawClient(director.place) as client:
                client.ask(request)
                assert client.wait(1), f"no whole answer for {name}"
                answer = client.answers[0]
                assert (name, answer.status, bytes(answer.body)) == (name, 200, b"abc")
                if name.startswith("1.0"):
                    assert answer.framing in {"length", "close"}, "an HTTP/1.0 client got chunks"
                if name in {"1.0", "1.0-host", "1.1-close"}:
                    assert client.wait(patience=2), f"{name} was left open"


def test_a_websocket_tunnel_carries_both_ways_and_ends_with_the_server(
    start: StartDirector,
) -> None:
    with answering(Send(SWITCHED + b"hello"), Echo()) as origin:
        director = start(web({"s": origin.address}))
        with RawClient(director.place) as client:
            client.ask(UPGRADE)
            assert client.until(lambda: client.raw.endswith(b"hello"))
            for number in range(100):
                client.send(b"frame %d;" % number)
            assert client.until(lambda: client.raw.endswith(b"frame 99;"))
            assert client.raw.split(b"\r\n\r\n", 1)[1] == b"hello" + b"".join(
                b"frame %d;" % n for n in range(100)
            )
            origin.drop_connections()
            assert client.wait(), "the tunnel was left open"


def test_bytes_sent_with_the_upgrade_belong_to_the_tunnel(start: StartDirector) -> None:
    with (
        answering(Send(SWITCHED), Echo()) as origin,
        RawClient(start(web({"s": origin.address})).place) as client,
    ):
        client.asked(b"GET")
        client.send(UPGRADE + b"\x00\x01GET /x HTTP")
        assert client.until(lambda: client.raw)
        client.send(b"/1.1\r\n\r\n")
        assert client.until(lambda: client.raw.endswith(b"HTTP/1.1\r\n\r\n"))
        assert client.raw.split(b"\r\n\r\n", 1)[1] == b"\x00\x01GET /x HTTP/1.1\r\n\r\n"


def test_half_close_of_the_client_lets_the_server_finish(start: StartDirector) -> None:
    with answering(Send(SWITCHED), Echo(b"goodbye")) as origin:
        with RawClient(start(web({"s": origin.address})).place) as client:
            client.ask(UPGRADE)
            assert client.until(lambda: client.raw)
            client.send(b"last words;")
            client.fin()
            assert client.wait(), "the tunnel was left open"
        assert client.raw.endswith(b"last words;goodbye")


def test_half_close_of_the_server_lets_the_client_finish(start: StartDirector) -> None:
    with (
        answering(Send(SWITCHED + b"done"), HalfClose(), Echo()) as origin,
        RawClient(start(web({"s": origin.address})).place) as client,
    ):
        client.ask(UPGRADE)
        assert client.until(lambda: client.raw.endswith(b"done"))
        client.socket.sendall(b"still here")
        assert wait_until(lambda: origin.tunnelled)
    assert origin.tunnelled == b"still here"


@pytest.mark.parametrize("first", [b"", b"half of it"])
def test_a_reset_of_a_tcp_client_is_a_reset_for_the_server(start: StartDirector, first: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        director = start(web({"a": address}, "", "protocol = tcp"))
        client = socket.create_connection(director.place, 5)
        client.sendall(first)
        with _the_one(server, first) as far:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
            with pytest.raises(ConnectionResetError):
                far.recv(100)


def _the_one(server: socket.socket, first: bytes) -> socket.socket:
    """The connection that stands and on which `first` came; the start's tries of the port have ended."""
    while True:
        far, _ = server.accept()
        far.settimeout(5 if first else 1)
        try:
            found = far.recv(100)
        except TimeoutError:
            found = None  # it says nothing, and stands
        if found == (first or None):
            far.settimeout(5)
            return far
        far.close()


def test_pipelined_answers_keep_their_order(start: StartDirector) -> None:
    """The first is slow, the others are quick, and there are several servers."""

    def answer(message: Message) -> list[Step]:
        return [Pause(0.3 if message.target == b"/0" else 0), Send(plain(message))]

    with Origin(answer) as a, Origin(answer) as b:
        director = start(web({"a": a.address, "b": b.address}))
        with RawClient(director.place) as client:
            client.asked(*[b"GET"] * 20)
            client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n" % n for n in range(20)))
            assert client.wait(20)
    assert [bytes(each.body) for each in client.answers] == [b"origin saw GET /%d" % n for n in range(20)]


def test_requests_of_one_connection_go_where_their_rules_say(start: StartDirector, origin: Origin) -> None:
    with Origin(lambda _: [Send(response(200, b"images"))]) as images:
        ini = web({"s": origin.address}) + f"\n[pool:img]\nserver.i = {images.address}\n"
        ini += "\n[rule:100 images]\nservice = www\nwhen = path ^= /images/\npool = img\n"
        with RawClient(start(ini).place) as client:
            for number, path in enumerate((b"/images/a", b"/x", b"/images/b"), 1):
                client.ask(b"GET %s HTTP/1.1\r\nHost: a.example\r\n\r\n" % path)
                client.wait(number)
    bodies = [bytes(answer.body) for answer in client.answers]
    assert bodies == [b"images", b"origin saw GET /x", b"images"]
