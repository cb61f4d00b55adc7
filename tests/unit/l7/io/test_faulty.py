"""Connections under a fault, against a server that listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from director.config.parse.faults import action
from director.l7.io.backend import Backends
from director.l7.io.faulty import FaultySide, meet
from director.l7.io.misframed import NO_CHUNK
from director.l7.routing.facts import Peer
from director.model.drills import Injected
from director.model.pools import Address, Pool, Server
from director.registry.live import LivePool, RealServer
from tests.support.loops import Loop, loop_of

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
INJECTED = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 35\r\nConnection: close\r\n\r\n503 Service Unavailable (injected)\n"
)
MISCHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + NO_CHUNK
TRAILED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Injected\r\n\r\n"
    b"a\r\n0123456789\r\n0\r\nX-Injected: late\r\n\r\n"
)
ASKED = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"

PEER = Peer("127.0.0.1", 40000, "127.0.0.1", 80)


class Client:
    """A link that writes down what its server connection tells it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.data = b""

    def server_connected(self) -> None:
        self.told.append("connected")

    def server_received(self, data: bytes) -> None:
        self.data += data

    def server_ended(self) -> None:
        self.told.append("ended")

    def server_lost(self, reason: str, loss: Any = None) -> None:
        self.told.append(f"lost {reason}")

    def server_blocked(self) -> None:
        self.told.append("blocked")

    def server_drained(self) -> None:
        self.told.append("drained")


class Place:
    """A listening server, and the director's connections to it."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(3)
        self.address = Address(*self.server.getsockname())
        self.backends = Backends(loop.reactor)
        self.client = Client()
        self.peers: list[socket.socket] = []

    def meet(self, text: str, delay: float = 0.0) -> FaultySide:
        """A connection that meets a fault, and its first news."""
        client: Any = self.client
        target = RealServer(Server("a", self.address), LivePool(Pool("web")), 0.0)
        side = meet(self.backends, Injected("x", action(text), delay), target, client, PEER)
        assert client.told == []
        self.loop.turn(lambda: client.told)
        return side

    def answer(self, side: FaultySide, answer: bytes = ANSWER) -> socket.socket:
        """The server gets the request, and answers."""
        side.stream.write(ASKED)
        peer, _ = self.server.accept()
        self.peers.append(peer)
        peer.settimeout(3)
        assert peer.recv(1000) == ASKED
        peer.sendall(answer)
        return peer

    def nobody_came(self) -> bool:
        self.server.settimeout(0)
        try:
            self.server.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def place() -> Iterator[Place]:
    with loop_of() as loop:
        made = Place(loop)
        yield made
        made.client = Client()
        for peer in made.peers:
            peer.close()
        made.server.close()
        made.backends.sweep(0.0, set())


def test_refused(place: Place) -> None:
    place.meet("refuse")
    assert place.client.told == ["lost connection refused"]
    assert place.nobody_came()


@pytest.mark.parametrize(
    ("text", "told", "data"),
    [
        ("reset", ["connected", "lost connection reset"], b""),
        ("close", ["connected", "ended"], b""),
        (
            "status 503 retry_after 5s",
            ["connected"],
            INJECTED,
        ),
        ("status 204", ["connected"], b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        ("1xx", ["connected"], b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        ("reset_peer 10ms", ["connected", "lost connection reset"], b""),
        ("timeout 10ms", ["connected", "ended"], b""),
        ("stops_reading", ["connected", "blocked"], b""),
    ],
)
def test_what_no_server_sees(place: Place, text: str, told: list[str], data: bytes) -> None:
    side = place.meet(text)
    side.stream.write(ASKED)
    place.loop.turn(lambda: place.client.data == data and place.client.told == told)
    assert (place.client.told, place.client.data) == (told, data)
    assert place.nobody_came()


@pytest.mark.parametrize(
    ("text", "data"), [("1xx", b"HTTP/1.1 103 Early Hints\r\n\r\n"), ("status 503 retry_after 5s", INJECTED)]
)
def test_a_request_in_pieces_has_one_answer(place: Place, text: str, data: bytes) -> None:
    side = place.meet(text)
    for _ in range(3):
        side.stream.write(ASKED)
        place.loop.quiet()
    assert place.client.data == data


def test_an_answer_to_head_has_no_body(place: Place) -> None:
    side = place.meet("status 503")
    side.stream.write(ASKED.replace(b"GET", b"HEAD"))
    place.loop.turn(lambda: place.client.data)
    assert place.client.data.endswith(b"\r\n\r\n")
    assert b"Content-Length: 35" in place.client.data


def test_one_that_hangs_says_nothing_more(place: Place) -> None:
    side = place.meet("hang")
    side.stream.write(ASKED)
    side.stream.close()
    place.loop.quiet()
    assert (place.client.told, place.client.data) == (["connected"], b"")


@pytest.mark.parametrize(
    ("text", "told", "data"),
    [
        ("truncate 4", ["connected", "ended"], ANSWER[:-6]),
        ("reset after 20", ["connected", "lost connection reset"], ANSWER[:20]),
        ("bandwidth 100k", ["connected"], ANSWER),
        ("drip 1000/s", ["connected"], ANSWER),
        ("slicer 4 10ms", ["connected"], ANSWER),
        ("close after 20", ["connected", "ended"], ANSWER[:20]),
        ("wrong_length +5", ["connected"], ANSWER.replace(b"10\r\n", b"15\r\n")),
        ("garbage chunk", ["connected", "ended"], MISCHUNKED),
        ("late_trailers 10ms", ["connected"], TRAILED),
    ],
)
def test_an_answer_that_goes_wrong(place: Place, text: str, told: list[str], data: bytes) -> None:
    side = place.meet(text)
    place.answer(side)
    place.loop.turn(lambda: (place.client.told, place.client.data) == (told, data))
    assert (place.client.told, place.client.data) == (told, data)
    side.stream.close()


def test_the_end_stands_behind_what_comes_slowly(place: Place) -> None:
    side = place.meet("drip 500/s")
    place.answer(side).close()
    place.loop.turn(lambda: "ended" in place.client.told)
    assert (place.client.told, place.client.data) == (["connected", "ended"], ANSWER)


def test_a_delayed_answer_waits(place: Place) -> None:
    side = place.meet("delay 1h", delay=3600.0)
    place.answer(side)
    # Who reads the answer may pause and go on: the fault holds it back all the same.
    side.stream.pause()
    side.stream.resume()
    place.loop.quiet()
    assert place.client.data == b""
    side.stream.abort()


def test_a_delay_passes(place: Place) -> None:
    side = place.meet("delay 10ms", delay=0.01)
    place.answer(side)
    place.loop.turn(lambda: place.client.data)
    assert place.client.data == ANSWER
    side.stream.abort()


def test_it_is_kept_for_nobody(place: Place) -> None:
    side: Any = place.meet("bandwidth 100k")
    place.answer(side)
    place.loop.turn(lambda: place.client.data)
    place.backends.keep(side, 64, 0.0)
    assert place.backends.idle_count() == 0
    place.loop.turn(lambda: place.backends.open == 0)
    assert place.backends.open == 0


def test_a_server_that_is_not_there_is_not_there(place: Place) -> None:
    place.server.close()
    place.meet("bandwidth 100k")
    assert place.client.told == ["lost connection refused"]


@pytest.mark.parametrize("text", ["blackhole", "tls stall"])
def test_nothing_comes_of_it(place: Place, text: str) -> None:
    client: Any = place.client
    target = RealServer(Server("a", place.address), LivePool(Pool("web")), 0.0)
    side = meet(place.backends, Injected("x", action(text)), target, client, PEER)
    place.loop.quiet()
    assert place.client.told == []
    assert place.nobody_came()
    side.stream.close()


def test_a_server_that_stops_reading_takes_so_much(place: Place) -> None:
    side = place.meet("stops_reading after 50")
    side.stream.write(ASKED)
    place.loop.quiet()
    assert (side.stream.is_blocked, side.stream.progress) == (False, len(ASKED))
    side.stream.write(b"x" * 100)
    place.loop.turn(lambda: "blocked" in place.client.told)
    assert (side.stream.is_blocked, side.stream.progress) == (True, 50)
    side.stream.write(b"x" * 100)
    place.loop.quiet()
    assert place.client.told == ["connected", "blocked"]


def test_the_end_of_a_connection_comes_later(place: Place) -> None:
    side = place.meet("slow_close 50ms")
    peer = place.answer(side)
    began = place.loop.reactor.seconds()
    peer.close()
    place.loop.turn(lambda: "ended" in place.client.told)
    assert place.client.data == ANSWER
    assert place.loop.reactor.seconds() - began >= 0.05
    side.stream.close()


def named(place: Place, text: str) -> FaultySide:
    address = Address("a-name-of-nobody.invalid", place.address.port)
    target = RealServer(Server("a", address), LivePool(Pool("web")), 0.0)
    client: Any = place.client
    side = meet(place.backends, Injected("x", action(text)), target, client, PEER)
    place.loop.turn(lambda: place.client.told)
    return side


def test_a_name_without_an_address(place: Place) -> None:
    named(place, "dns empty")
    assert place.client.told == ["lost the name a-name-of-nobody.invalid cannot be resolved"]
    assert place.nobody_came()


def test_a_name_that_leads_to_an_old_address(place: Place) -> None:
    side = named(place, "dns old 127.0.0.1")
    assert place.client.told == ["connected"]
    place.answer(side)
    place.loop.turn(lambda: place.client.data)
    assert place.client.data == ANSWER
    side.stream.close()
