"""Connections to servers: kept, handed out again, given up."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock, StringTransport

from director.l7.io.backend import (
    CLOSE_SECONDS,
    DISTRUST_SECONDS,
    GOODBYE_SECONDS,
    IDLE_SECONDS,
    Backends,
)
from director.l7.io.resolver import FRESH_SECONDS, Found, Resolver
from director.l7.io.server_side import LOOKS, ServerSide
from director.l7.io.stream import Stream
from director.model.pools import Address
from tests.support.loops import Loop, loop_of


class Client:
    """A client side that writes down what its server connection tells it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.data = b""

    def server_connected(self) -> None:
        self.told.append("connected")

    def server_received(self, data: bytes) -> None:
        self.data += data

    def server_ended(self) -> None:
        self.told.append("ended")

    def server_lost(self, reason: str) -> None:
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
        self.key = str(self.address)
        self.backends = Backends(loop.reactor)
        self.peers: list[socket.socket] = []

    def open(self) -> ServerSide:
        """A connection that is up."""
        client: Any = Client()
        side = self.backends.connect(self.address, client)
        self.loop.turn(lambda: client.told)
        assert client.told == ["connected"]
        peer, _ = self.server.accept()
        peer.settimeout(3)
        self.peers.append(peer)
        return side

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.server.close()
        self.backends.sweep(0.0, set())


@pytest.fixture
def place() -> Iterator[Place]:
    with loop_of() as loop:
        made = Place(loop)
        yield made
        made.close()


def test_the_last_kept_is_the_first_handed_out(place: Place) -> None:
    first, second = place.open(), place.open()
    place.backends.keep(first, 64, 0.0)
    place.backends.keep(second, 64, 0.0)
    client: Any = Client()
    taken = place.backends.take(place.key, client, careful=False)
    assert taken is second
    assert taken.client == client
    assert place.backends.take(place.key, client, careful=True) is first
    assert place.backends.take(place.key, client, careful=False) is None
    assert place.backends.reused == 2


def test_more_than_the_limit_are_kept_only_while_they_are_used(place: Place) -> None:
    sides = [place.open() for _ in range(3)]
    for side in sides:
        place.backends.keep(side, 2, 0.0)
    place.backends.sweep(0.9)
    assert place.backends.idle_count() == 3
    place.backends.sweep(1.1)
    assert place.backends.idle_count() == 2
    assert sides[0].stream.socket is None
    assert place.backends.open == 2
    place.backends.keep(place.open(), 0, 0.0)
    assert place.backends.open == 2


def test_an_idle_connection_expires(place: Place) -> None:
    place.backends.keep(place.open(), 64, 0.0)
    place.backends.sweep(IDLE_SECONDS)
    assert place.backends.idle_count() == 1
    place.backends.sweep(IDLE_SECONDS + 1)
    assert (place.backends.idle_count(), place.backends.open) == (0, 0)
    assert place.backends._idle == {}


def test_connections_to_a_server_that_left_are_closed(place: Place) -> None:
    place.backends.keep(place.open(), 64, 0.0)
    place.backends.sweep(0.0, {place.key})
    assert place.backends.idle_count() == 1
    place.backends.sweep(0.0, {"10.0.0.1:80"})
    assert place.backends.idle_count() == 0


def test_an_idle_connection_that_speaks_is_reset(place: Place) -> None:
    place.backends.keep(place.open(), 64, 0.0)
    place.peers[0].sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    place.loop.turn(lambda: place.backends.open == 0)
    assert place.backends.idle_spoke == 1
    assert place.backends._idle == {}


def test_an_idle_connection_that_ends_is_forgotten(place: Place) -> None:
    place.backends.keep(place.open(), 64, 0.0)
    place.peers[0].close()
    place.loop.turn(lambda: place.backends.open == 0)
    assert place.backends.idle_count() == 0


def test_a_careful_taker_gets_no_connection_that_has_ended(place: Place) -> None:
    place.backends.keep(place.open(), 64, 0.0)
    place.peers[0].close()
    client: Any = Client()
    assert place.backends.take(place.key, client, careful=True) is None
    assert place.backends.open == 0


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def test_octets_behind_an_answer_are_seen_when_it_is_taken_in_the_same_turn(place: Place) -> None:
    """Nobody has looked since the answer was read (RFC 9112 6.3: they belong to no answer)."""
    side = place.open()
    place.peers[0].sendall(EVIL)
    now = place.loop.reactor.seconds()
    place.backends.keep(side, 64, now)
    client: Any = Client()
    assert place.backends.take(place.key, client, careful=False) is None
    assert (place.backends.open, place.backends.idle_spoke) == (0, 1)
    assert client.data == b""


def test_octets_whose_event_was_not_dispatched_yet_are_seen(place: Place) -> None:
    """The poll that brought them also brought the request that takes the connection, and that came first."""
    side = place.open()
    place.backends.keep(side, 64, place.loop.reactor.seconds())
    taken: list[ServerSide | None] = []
    client: Any = Client()
    near, far = socket.socketpair()

    class Asking:
        def fileno(self) -> int:
            return near.fileno()

        def logPrefix(self) -> str:
            return "asking"

        def doRead(self) -> None:
            near.recv(1)
            taken.append(place.backends.take(place.key, client, careful=False))

        def connectionLost(self, reason: object) -> None:
            pass

    asking = Asking()
    with near, far:
        place.loop.reactor.addReader(asking)
        far.send(b"x")
        place.peers[0].sendall(EVIL)
        place.loop.turn(lambda: taken)
        place.loop.reactor.removeReader(asking)
    assert (taken, client.data, place.backends.open) == ([None], b"", 0)


def test_a_connection_that_the_loop_saw_idle_is_taken_without_a_look(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, fresh = place.open(), place.open()
    seen.looks = fresh.looks = 0
    looked: list[Stream] = []
    monkeypatch.setattr(Stream, "waiting", lambda stream: looked.append(stream))  # noqa: PLW0108 - binds self
    place.backends.keep(seen, 64, 0.0)
    place.loop.quiet()
    place.backends.keep(fresh, 64, 0.0)
    client: Any = Client()
    # The one of this turn would have to be looked at, so an older one goes first.
    assert place.backends.take(place.key, client, careful=False) is seen
    assert looked == []
    assert place.backends.take(place.key, client, careful=False) is fresh
    assert looked == [fresh.stream]


def test_a_new_connection_is_looked_at_the_first_times(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes between the last poll and the taking is missed else; a wrong server is so from the begin."""
    side = place.open()
    looked: list[Stream] = []
    monkeypatch.setattr(Stream, "waiting", lambda stream: looked.append(stream))  # noqa: PLW0108 - binds self
    for _ in range(LOOKS + 3):
        place.backends.keep(side, 64, 0.0)
        place.loop.quiet()
        assert place.backends.take(place.key, cast("Any", Client()), careful=False) is side
    assert looked == [side.stream] * LOOKS


def test_no_connection_is_kept_to_a_server_that_spoke_behind_its_answer(place: Place) -> None:
    first, second, third = place.open(), place.open(), place.open()
    now = place.loop.reactor.seconds()
    place.backends.keep(first, 64, now)
    place.backends.keep(second, 64, now)
    place.peers[0].sendall(b"\n")
    place.loop.turn(lambda: place.backends.open == 1)
    place.backends.keep(third, 64, now)
    assert (place.backends.open, place.backends.idle_spoke) == (0, 1)
    place.backends.sweep(now + DISTRUST_SECONDS + 1)
    last = place.open()
    place.backends.keep(last, 64, now)
    assert place.backends.idle_count() == 1


def test_a_word_of_farewell_on_a_long_idle_connection_is_no_offence(place: Place) -> None:
    """Servers announce the end of an idle connection by a 408 (RFC 9110 15.5.9)."""
    first, second = place.open(), place.open()
    now = place.loop.reactor.seconds()
    for side in (first, second):
        place.backends.keep(side, 64, now - GOODBYE_SECONDS - 1)
    place.peers[0].sendall(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
    place.loop.turn(lambda: place.backends.open == 1)
    assert (place.backends.idle_spoke, place.backends.idle_count()) == (1, 1)


def test_what_a_server_says_on_a_connection_that_is_given_up_is_no_offence(place: Place) -> None:
    side, other = place.open(), place.open()
    now = place.loop.reactor.seconds()
    place.backends.keep(other, 64, now)
    side.idle_since = now
    side.stream.write(b"x" * 9_000_000)
    place.backends.drop(side, now)
    place.peers[0].sendall(EVIL)
    place.loop.turn(lambda: place.backends.open == 1)
    assert (place.backends.idle_spoke, place.backends.idle_count()) == (0, 1)


def test_a_dropped_connection_whose_server_takes_nothing_is_cut_in_the_end(place: Place) -> None:
    side = place.open()
    side.stream.write(b"x" * 9_000_000)
    place.backends.drop(side, 0.0)
    assert place.backends.open == 1
    place.backends.sweep(CLOSE_SECONDS)
    assert place.backends.open == 1
    place.backends.sweep(CLOSE_SECONDS + 1)
    assert place.backends.open == 0
    assert place.backends._closing == {}


def test_a_dropped_connection_is_not_cut_for_a_pause_of_ours(place: Place) -> None:
    side = place.open()
    side.stream.write(b"x" * 9_000_000)
    place.backends.drop(side, 0.0)
    place.backends.postpone(CLOSE_SECONDS)
    place.backends.sweep(CLOSE_SECONDS + 1)
    assert place.backends.open == 1
    place.backends.sweep(2 * CLOSE_SECONDS + 1)
    assert place.backends.open == 0


def test_a_dropped_connection_whose_server_takes_it_slowly_is_waited_for(place: Place) -> None:
    side = place.open()
    side.stream.write(b"x" * 9_000_000)
    place.backends.drop(side, 0.0)
    before = side.stream.progress
    while side.stream.progress == before:
        place.peers[0].recv(1 << 20)
        place.loop.once()
    place.backends.sweep(CLOSE_SECONDS + 1)
    assert place.backends.open == 1
    side.stream.abort()


# --- connecting --------------------------------------------------------------------------------


def test_a_refused_connect_is_told_later(place: Place) -> None:
    place.server.close()
    client: Any = Client()
    place.backends.connect(place.address, client)
    assert client.told == []
    place.loop.turn(lambda: client.told)
    assert client.told == ["lost connection refused"]
    assert place.backends.open == 0


def test_a_socket_file_that_is_not_there(place: Place) -> None:
    client: Any = Client()
    place.backends.connect(Address(path="/nonexistent/s"), client)
    place.loop.turn(lambda: client.told)
    assert client.told == ["lost no such socket"]
    assert place.backends.open == 0


def test_an_endpoint_string_is_connected_to_by_twisted(place: Place) -> None:
    address = Address(endpoint=f"tcp:127.0.0.1:{place.address.port}")
    client: Any = Client()
    side = place.backends.connect(address, client)
    assert client.told == []
    place.loop.turn(lambda: client.told)
    peer, _ = place.server.accept()
    peer.sendall(b"hello")
    place.loop.turn(lambda: client.data)
    side.stream.write(b"and back")
    place.loop.quiet()
    assert (client.told, client.data, peer.recv(99)) == (["connected"], b"hello", b"and back")
    place.backends.keep(side, 1, 0.0)
    assert place.backends.take(str(address), client, careful=True) is side
    peer.close()
    place.loop.turn(lambda: client.told[1:])
    assert client.told == ["connected", "ended"]
    side.stream.close()
    place.loop.turn(lambda: not place.backends.open)


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("tcp:127.0.0.1:{}", "connection refused"),
        ("systemd:domain=INET:index=0", "Unknown endpoint type: 'systemd'"),
    ],
)
def test_an_endpoint_that_cannot_be_reached_is_told_why(place: Place, description: str, reason: str) -> None:
    place.server.close()
    client: Any = Client()
    place.backends.connect(Address(endpoint=description.format(place.address.port)), client)
    place.loop.turn(lambda: client.told)
    assert client.told == [f"lost {reason}"]
    assert place.backends.open == 0


def test_who_left_while_twisted_connected_leaves_nothing(place: Place) -> None:
    client: Any = Client()
    side = place.backends.connect(Address(endpoint=f"tcp:127.0.0.1:{place.address.port}"), client)
    side.client = None
    side.stream.abort()
    place.loop.turn(lambda: not place.backends.open)
    assert client.told == []


def test_a_connect_of_twisted_that_is_given_up_ends_at_once() -> None:
    """Not when Twisted's own time-out is over, 30 s later."""
    reactor: Any = MemoryReactorClock()
    backends = Backends(reactor)
    client: Any = Client()
    side = backends.connect(Address(endpoint="tcp:192.0.2.1:80"), client)
    reactor.advance(0)
    assert [connector.stoppedConnecting for connector in reactor.connectors] == [False]
    backends.drop(side, 0.0)
    backends.drop(side, 0.0)
    assert [connector.stoppedConnecting for connector in reactor.connectors] == [True]
    assert (client.told, backends.open) == ([], 0)


def test_a_connect_of_twisted_that_comes_though_it_was_given_up_is_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An endpoint from somewhere else may not know how to end a connect."""

    class Stubborn:
        def connect(self, factory: Factory) -> Deferred[object]:
            self.factory = factory
            return Deferred()

    stubborn = Stubborn()
    monkeypatch.setattr("director.l7.io.endpoint.clientFromString", lambda *_: stubborn)
    reactor: Any = MemoryReactorClock()
    backends = Backends(reactor)
    client: Any = Client()
    side = backends.connect(Address(endpoint="stubborn:1"), client)
    reactor.advance(0)
    backends.drop(side, 0.0)
    transport = StringTransport()
    protocol: Any = stubborn.factory.buildProtocol(cast("Any", None))
    protocol.makeConnection(transport)
    assert transport.disconnected
    protocol.connectionLost()
    assert (client.told, backends.open) == ([], 0)


class Asked:
    """Names whose answers the test gives; the addresses are looked after by a resolver."""

    def __init__(self, loop: Loop) -> None:
        self.answers: list[Found] = [LOOPBACK]
        self.threads: list[Callable[[], None]] = []
        self.resolver = Resolver(self, lambda _: self.answers)
        self.seconds = loop.reactor.seconds
        self.refused = 0

    def getThreadPool(self) -> Asked:
        return self

    def callInThreadWithCallback(self, done: Any, work: Any, *given: Any) -> None:
        self.threads.append(lambda: done(True, work(*given)))

    def callFromThread(self, work: Any, *given: Any) -> None:
        work(*given)

    def answer(self, *found: Found) -> None:
        """All look-ups under way get this."""
        self.answers = list(found)
        threads, self.threads = self.threads, []
        for thread in threads:
            thread()


LOOPBACK = (socket.AF_INET, "127.0.0.1")
NOBODY = (socket.AF_INET, "127.99.99.99")
"""An address of this machine at which nothing listens: it refuses."""


@pytest.fixture
def asked(place: Place) -> Asked:
    """Names are asked for here instead of at the system."""
    made = Asked(place.loop)
    place.backends.resolver = made.resolver
    return made


def named(place: Place) -> Address:
    return Address("web.example", place.address.port)


def test_a_name_is_asked_for_unless_it_is_known(place: Place, asked: Asked) -> None:
    client: Any = Client()
    place.backends.connect(named(place), client)
    asked.answer(LOOPBACK)
    place.loop.turn(lambda: client.told)
    again: Any = Client()
    place.backends.connect(named(place), again)
    place.loop.turn(lambda: again.told)
    assert (client.told, again.told) == (["connected"], ["connected"])
    assert (asked.resolver.asked, asked.threads) == (1, [])


def test_a_name_that_does_not_resolve_is_told(place: Place, asked: Asked) -> None:
    client: Any = Client()
    place.backends.connect(named(place), client)
    asked.answer()
    assert client.told == ["lost the name web.example cannot be resolved"]
    assert place.backends.open == 0


@pytest.mark.parametrize("answer", [(LOOPBACK,), ()])
def test_who_left_while_a_name_was_resolved_opens_nothing(
    place: Place, asked: Asked, answer: tuple[Found, ...]
) -> None:
    client: Any = Client()
    side = place.backends.connect(named(place), client)
    side.stream.abort()
    asked.answer(*answer)
    place.loop.quiet()
    assert client.told == []
    assert place.backends.open == 0


def test_a_dead_address_of_a_name_costs_no_try(place: Place, asked: Asked) -> None:
    """Another address of the same server is tried within the same try (RFC 8305 5)."""
    clients: list[Any] = [Client() for _ in range(4)]
    for client in clients:
        place.backends.connect(named(place), client)
        asked.answer(NOBODY, LOOPBACK)
        place.loop.turn(lambda: client.told)  # noqa: B023 - asked at once
    assert [client.told for client in clients] == [["connected"]] * 4
    assert place.backends.open == 4


def test_when_all_addresses_refuse_the_try_fails_once(place: Place, asked: Asked) -> None:
    place.server.close()
    client: Any = Client()
    place.backends.connect(named(place), client)
    asked.answer(NOBODY, LOOPBACK)
    place.loop.turn(lambda: client.told)
    place.loop.quiet()
    assert client.told == ["lost connection refused"]
    assert (place.backends.open, place.backends._named) == (0, {})


def test_who_leaves_while_addresses_are_tried_leaves_nothing(place: Place, asked: Asked) -> None:
    client: Any = Client()
    side = place.backends.connect(named(place), client)
    asked.answer(NOBODY, LOOPBACK)
    place.backends.drop(side, 0.0)
    place.loop.quiet()
    assert (client.told, place.backends.open) == ([], 0)


def test_connections_end_when_their_name_has_another_address(place: Place, asked: Asked) -> None:
    sides = []
    for _ in range(2):
        client: Any = Client()
        sides.append(place.backends.connect(named(place), client))
        asked.answer(LOOPBACK)
        place.loop.turn(lambda: client.told)  # noqa: B023 - asked at once
    idle, busy = sides
    now = place.loop.reactor.seconds()
    place.backends.keep(idle, 64, now)
    asked.seconds = lambda: now + FRESH_SECONDS
    place.backends.sweep(now)
    assert place.backends.open == 2
    asked.answer(NOBODY)
    place.backends.sweep(now)
    assert (place.backends.open, idle.stream.socket) == (1, None)
    place.backends.keep(busy, 64, now)
    assert place.backends.open == 0
    # Nobody uses the name any more, so nobody asks for it.
    asked.seconds = lambda: now + 10 * FRESH_SECONDS
    place.backends.sweep(now)
    assert asked.threads == []


def test_without_descriptors_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("director.l7.io.attempts.socket.socket", exhausted)
    stays: Any = Client()
    leaves: Any = Client()
    place.backends.connect(place.address, stays)
    place.backends.connect(place.address, leaves).stream.abort()
    place.loop.turn(lambda: stays.told)
    place.loop.quiet()
    assert stays.told == ["lost out of file descriptors"]
    assert leaves.told == []
    assert place.backends.open == 0
