"""The load against a server that answers as it is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from director.fault.io import load as module
from director.fault.io.load import Load, LoadTarget
from director.fault.samples import DrillRequest
from director.model.drills import LoadLine
from director.model.pools import Address
from tests.support.loops import Loop, loop_of

LINES = (LoadLine(1.0, "GET", "/a?b=c"), LoadLine(1.0, "POST", "http://www.example.org/x"))
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Place:
    """A server, and a load that goes there."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(3)
        self.done: list[DrillRequest] = []
        self.peers: list[socket.socket] = []
        target = LoadTarget(Address(*self.server.getsockname()), "127.9.8.7")
        self.load = Load(loop.reactor, target, LINES, "r", self.done.append)

    def send(self, number: int = 1, line: int = 0) -> DrillRequest:
        sample = DrillRequest(number, 0.0, "inject", line)
        self.load.send(sample)
        return sample

    def accept(self) -> tuple[socket.socket, bytes]:
        """The next request as it came; the loop turns until it is there."""
        self.server.settimeout(0)
        taken: list[socket.socket] = []

        def came() -> bool:
            try:
                taken.append(self.server.accept()[0])
            except BlockingIOError:
                return False
            return True

        self.loop.turn(came)
        peer = taken[0]
        self.peers.append(peer)
        peer.settimeout(0)
        data = b""

        def whole() -> bool:
            nonlocal data
            try:
                data += peer.recv(4096)
            except BlockingIOError:
                return False
            return data.endswith(b"\r\n\r\n")

        self.loop.turn(whole)
        peer.settimeout(3)
        return peer, data

    def answered(self, answer: bytes) -> DrillRequest:
        """What becomes of a request that is answered so, with the end of the connection behind it."""
        sample = self.send()
        peer, _ = self.accept()
        peer.sendall(answer)
        peer.close()
        self.loop.turn(lambda: self.done)
        assert self.done == [sample]
        return sample


@pytest.fixture
def place() -> Iterator[Place]:
    with loop_of() as loop:
        made = Place(loop)
        yield made
        made.load.give_up()
        loop.quiet()
        for peer in made.peers:
            peer.close()
        made.server.close()


def test_what_is_sent(place: Place) -> None:
    place.send(7)
    peer, data = place.accept()
    host = b"%s:%d" % (b"127.0.0.1", place.server.getsockname()[1])
    assert data == (
        b"GET /a?b=c HTTP/1.1\r\nHost: " + host + b"\r\nX-Drill: yes\r\nX-Request-Id: drill-r-7\r\n"
        b"User-Agent: director-drill\r\nConnection: close\r\n\r\n"
    )
    assert peer.getpeername()[0] == "127.9.8.7"
    place.send(8, line=1)
    _, data = place.accept()
    assert data.startswith(b"POST /x HTTP/1.1\r\nHost: www.example.org\r\n")
    assert b"\r\nContent-Length: 0\r\n" in data


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (GOOD, 200, ""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD, 200, ""),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, ""),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, ""),
        (GOOD[:-1], 200, "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 200, "the answer broke off"),
        (b"", 0, "the connection ended without an answer"),
        (b"HTTP/1.1 200", 0, "the connection ended without an answer"),
        (b"SSH-2.0-x\r\n\r\n", 0, "an answer that is none: malformed response"),
    ],
)
def test_how_answers_end(place: Place, answer: bytes, status: int, error: str) -> None:
    sample = place.answered(answer)
    assert (sample.status, sample.error, sample.whole) == (status, error, not error)
    assert sample.seconds > 0
    assert not place.load.under_way


def test_octets_behind_an_answer_are_seen(place: Place) -> None:
    assert place.answered(GOOD + GOOD).surplus
    assert not DrillRequest(1, 0.0, "inject").surplus


def test_nobody_there(place: Place) -> None:
    place.server.close()
    sample = place.send()
    place.loop.turn(lambda: place.done)
    assert sample.error.startswith("no connection:")


def test_a_user_keeps_its_cookies(place: Place) -> None:
    place.answered(GOOD.replace(b"\r\n\r\n", b"\r\nSet-Cookie: DIRECTOR=a; HttpOnly\r\n\r\n"))
    place.send(11)
    _, data = place.accept()
    assert b"\r\nCookie: DIRECTOR=a\r\n" in data
    # Another user, and another line of the load, have none.
    place.send(12)
    _, data = place.accept()
    assert b"Cookie" not in data
    place.send(11, line=1)
    _, data = place.accept()
    assert b"Cookie" not in data


def test_given_up(place: Place) -> None:
    sample = place.send()
    place.accept()
    place.load.give_up()
    assert (sample.error, place.done) == ("no answer by the end of the drill", [sample])


def test_no_more_than_so_many_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNDER_WAY", 1)
    place.send(1)
    sample = place.send(2)
    assert sample.error == "not sent: 1 requests wait for their answers already"
    assert place.done == [sample]
