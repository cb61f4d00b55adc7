"""Arrivals on real sockets: headers and handshakes, good, bad, slow and many."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from director.l7.io import arrivals as module
from director.l7.io.arrivals import Arrival, Arrivals
from director.l7.io.reactor import LeanReactor
from director.l7.io.stream import Stream
from director.l7.io.tls_stream import TLSStream
from director.l7.prologue.proxy_protocol import write_v1, write_v2
from director.tls.acme.proof import alpn_pair
from director.tls.io.certificates import make_pair
from director.tls.io.contexts import ServerContexts, challenge_context
from tests.support.certificates import make
from tests.support.loops import Loop, Owner, loop_of
from tests.support.said import said

LEAF = make("shop.example")
SOURCE, DESTINATION = ("192.0.2.7", 4000), ("198.51.100.1", 443)


OPEN: list[socket.socket] = []
"""Sockets that a test made; they are closed behind it."""


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_of(LeanReactor) as made:
        yield made
    while OPEN:
        OPEN.pop().close()


class Door:
    """A listening socket and what comes through it."""

    def __init__(self, loop: Loop, *, tls: bool = False, header: bool = False) -> None:
        self.loop = loop
        self.arrivals = Arrivals(loop.reactor)
        self.through: list[tuple[Stream, Any, Any]] = []
        self.gone = 0
        self.header = header
        self.context: Any = None
        self.challenges: dict[str, Any] = {}
        if tls:
            contexts = ServerContexts("intermediate", (b"http/1.1",), b"t")
            contexts.serve([make_pair("t", LEAF.chain, LEAF.key, "", "")])
            self.context = contexts.base
        self._server = socket.create_server(("127.0.0.1", 0), backlog=100)
        OPEN.append(self._server)

    def client(self) -> tuple[socket.socket, Arrival]:
        peer = socket.create_connection(self._server.getsockname())
        OPEN.append(peer)
        near, address = self._server.accept()
        near.setblocking(False)
        peer.setblocking(False)
        return peer, Arrival(
            self.arrivals,
            Stream(self.loop.reactor, near),
            (address, near.getsockname()),
            through=lambda *what: self.through.append(what),
            gone=self._left,
            context=self.context,
            challenges=self.challenges,
            header=self.header,
            deadline=self.loop.reactor.seconds() + 5,
        )

    def _left(self) -> None:
        self.gone += 1


class Shaker:
    """A TLS client that goes on when it is told to."""

    def __init__(self, plain: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(plain, do_handshake_on_connect=False, server_hostname="a.example")
        OPEN.append(self.socket)

    def step(self) -> bool:
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


@pytest.mark.parametrize("written", [write_v1(SOURCE, DESTINATION), write_v2(SOURCE, DESTINATION)])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_header_is_taken_and_nothing_behind_it(loop: Loop, written: bytes, size: int) -> None:
    door = Door(loop, header=True)
    peer, _ = door.client()
    whole = written + b"GET /"
    for at in range(0, len(whole), size):
        peer.send(whole[at : at + size])
        loop.quiet(2)
    loop.turn(lambda: door.through)
    stream, client, virtual = door.through[0]
    assert (client, virtual) == (SOURCE, DESTINATION)
    owner = Owner()
    stream.owner = owner
    stream.resume()
    loop.turn(lambda: owner.data == b"GET /")
    assert not door.arrivals.under_way
    stream.abort()


def test_a_header_that_knows_no_addresses_leaves_those_of_the_connection(loop: Loop) -> None:
    door = Door(loop, header=True)
    peer, _ = door.client()
    peer.send(write_v1(None, None))
    loop.turn(lambda: door.through)
    assert door.through[0][1] == peer.getsockname()
    door.through[0][0].abort()


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n", b""])
def test_without_its_header_a_connection_is_closed(loop: Loop, octets: bytes) -> None:
    door = Door(loop, header=True)
    peer, _ = door.client()
    if octets:
        peer.send(octets)
    else:
        peer.shutdown(socket.SHUT_WR)
    with said() as lines:
        loop.turn(lambda: door.gone)
    assert any("PROXY" in line for line in lines)
    assert door.arrivals.counters.failed["proxy_header"] == 1
    assert not door.through


def test_tls_behind_a_header(loop: Loop) -> None:
    door = Door(loop, tls=True, header=True)
    peer, _ = door.client()
    peer.send(write_v2(SOURCE, DESTINATION))
    shaker = Shaker(peer)
    loop.turn(lambda: shaker.step() and door.through)
    stream, client, _ = door.through[0]
    assert client == SOURCE
    assert isinstance(stream, TLSStream)
    assert (door.arrivals.counters.handshakes, door.arrivals.counters.resumed) == (1, 0)
    stream.abort()


def test_a_failed_handshake_is_counted(loop: Loop) -> None:
    door = Door(loop, tls=True)
    peer, arrival = door.client()
    peer.send(b"GET / HTTP/1.1\r\n\r\n")
    loop.turn(lambda: door.gone)
    assert door.arrivals.counters.failed["tls"] == 1
    assert arrival.reason.startswith("TLS: ")


def test_a_client_that_says_nothing_has_its_time(loop: Loop) -> None:
    door = Door(loop, tls=True)
    peer, _ = door.client()
    door.arrivals.postpone(10)
    door.arrivals.sweep(loop.reactor.seconds() + 6)
    assert door.arrivals.under_way
    door.arrivals.sweep(loop.reactor.seconds() + 16)
    assert door.gone == 1
    assert door.arrivals.counters.failed["timeout"] == 1
    peer.close()


def test_of_too_many_the_oldest_goes(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_NUMBER", 3)
    door = Door(loop, tls=True)
    made = [door.client() for _ in range(5)]
    assert list(door.arrivals.under_way) == [arrival for _, arrival in made[2:]]
    assert door.arrivals.counters.failed["crowded"] == 2
    door.arrivals.stop()
    assert door.gone == 5


def test_a_turn_does_so_many_steps_and_all_get_theirs(loop: Loop) -> None:
    door = Door(loop, tls=True)
    shakers = [Shaker(door.client()[0]) for _ in range(20)]
    for one in shakers:
        one.step()
    loop.turn(lambda: len([one for one in shakers if one.step()]) == 20 and len(door.through) == 20)
    assert door.arrivals.counters.handshakes == 20
    for stream, _, _ in door.through:
        stream.abort()


@pytest.mark.parametrize(("name", "proved"), [("shop.example", True), ("other.example", False)])
def test_an_authority_gets_its_proof_and_nothing_else(loop: Loop, name: str, proved: bool) -> None:
    """RFC 8737 3: by name and protocol; other clients of the name get what they always get."""
    door = Door(loop, tls=True)
    octets = alpn_pair("shop.example", "x.y", dt.datetime.now(dt.UTC))
    pair = make_pair("p", octets, octets, "", "")
    door.challenges = {"shop.example": challenge_context(pair)}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    peer, _ = door.client()
    peer.setblocking(False)
    inside = context.wrap_socket(peer, server_hostname=name, do_handshake_on_connect=False)
    OPEN.append(inside)
    outcome: list[Any] = []

    def stepped() -> bool:
        try:
            inside.do_handshake()
            outcome.append(inside.getpeercert(binary_form=True))
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            outcome.append(error)
        return True

    loop.turn(stepped)
    if proved:
        assert outcome == [ssl.PEM_cert_to_DER_cert(octets.decode()[: octets.index(b"-----BEGIN PRIVATE")])]
        loop.turn(lambda: door.gone == 1)
    else:
        assert isinstance(outcome[0], ssl.SSLError)
    assert door.through == []
