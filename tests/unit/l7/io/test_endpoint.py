"""Twisted's transports in the shape of a stream."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from director.l7.io.endpoint import TransportStream, check_endpoint, listen_on_endpoint
from director.l7.io.listener import BindError
from director.l7.io.stream import Stream
from tests.support.loops import Owner, loop_of


class Accepted:
    """What a listening service would do with a stream."""

    def __init__(self) -> None:
        self.owner = Owner()
        self.came: list[Any] = []

    def __call__(self, stream: Any, peer: Any, own: Any) -> None:
        stream.owner = self.owner
        self.came.append((stream, peer, own))


def connected() -> tuple[TransportStream, StringTransport, Owner]:
    accepted = Accepted()
    stream = TransportStream(accepted)
    transport = StringTransport()
    stream.makeConnection(transport)
    return stream, transport, accepted.owner


def test_it_is_what_twisted_wants() -> None:
    stream, _, _ = connected()
    assert verifyObject(IPushProducer, stream)
    assert verifyObject(IHalfCloseableProtocol, stream)


def test_owners_may_ask_of_it_what_they_ask_of_a_stream() -> None:
    """What the reactor, a connect and another stream ask of a `Stream` is not theirs to ask."""
    reactors = {"fileno", "logPrefix", "doRead", "doWrite", "readConnectionLost", "writeConnectionLost"}
    others = reactors | {"connectionLost", "wait_for_connect", "fail", "pour"}
    asked = {name for name, kind in vars(Stream).items() if callable(kind) and name[0] != "_"} - others
    assert asked >= {"write", "read_now", "close"}
    assert not [name for name in sorted(asked) if not callable(getattr(TransportStream, name, None))]


def test_octets_and_ends_go_both_ways() -> None:
    stream, transport, owner = connected()
    stream.dataReceived(b"in")
    stream.write(b"out")
    stream.readConnectionLost()
    assert owner.data == b"in"
    assert transport.value() == b"out"
    assert owner.told == ["ended"]
    stream.connectionLost(Failure(ConnectionLost()))
    assert owner.told == ["ended", "lost connection reset"]
    assert stream.socket is None


def test_what_waits_in_the_socket_below_is_seen() -> None:
    stream, transport, _ = connected()
    assert stream.waiting() is None
    near, far = socket.socketpair()
    with near, far:
        # As inside TLS, whose transport stands on that of the connection.
        below = StringTransport()
        below.getHandle = lambda: near  # type: ignore[attr-defined]
        transport.transport = below  # type: ignore[attr-defined]
        assert stream.waiting() is None
        far.send(b"xy")
        assert stream.waiting() == b"x"
        near.recv(2)
        far.close()
        assert stream.waiting() == b""


def test_while_octets_are_handed_on_a_connection_is_in_nobody_s_reach() -> None:
    stream, _, _ = connected()
    seen: list[bytes | None] = []

    class Looking(Owner):
        def received(self, data: bytes) -> None:
            seen.append(stream.waiting())

    stream.owner = Looking()
    stream.dataReceived(b"the end of an answer")
    assert (seen, stream.waiting()) == ([b""], None)


def test_back_pressure_is_told() -> None:
    stream, _, owner = connected()
    stream.pauseProducing()
    assert stream.is_blocked
    stream.resumeProducing()
    assert not stream.is_blocked
    assert owner.told == ["blocked", "drained"]


def test_reading_can_be_paused() -> None:
    stream, transport, _ = connected()
    stream.pause()
    assert transport.producerState == "paused"
    stream.resume()
    assert transport.producerState == "producing"


def test_closing_and_resetting() -> None:
    stream, transport, _ = connected()
    stream.close()
    assert transport.disconnecting
    stream, transport, _ = connected()
    stream.abort()
    assert transport.disconnected


def test_after_the_end_nothing_fails() -> None:
    stream, _, owner = connected()
    stream.connectionLost()
    for call in (stream.pause, stream.resume, stream.resumeProducing, stream.pauseProducing):
        call()
    assert owner.told == ["lost"]


def test_who_connects_belongs_to_whom_the_port_was_handed_over() -> None:
    reactor: Any = MemoryReactorClock()
    first, second = Accepted(), Accepted()
    port = listen_on_endpoint(reactor, "tcp:80", first, lambda: True)
    factory = reactor.tcpServers[0][1]
    port.hand_over(second, lambda: True, list)
    factory.buildProtocol(None).makeConnection(StringTransport())
    assert (len(first.came), len(second.came)) == (0, 1)
    port.hand_over(first, lambda: False, list)
    assert factory.buildProtocol(None) is None


def test_a_connection_without_room_is_refused() -> None:
    reactor: Any = MemoryReactorClock()
    room = [True]
    accepted = Accepted()
    port = listen_on_endpoint(reactor, "tcp:8080:interface=127.0.0.1", accepted, lambda: room[0])
    factory = reactor.tcpServers[0][1]
    assert isinstance(factory.buildProtocol(None), TransportStream)
    room[0] = False
    assert factory.buildProtocol(None) is None
    port.close()


@pytest.mark.parametrize("text", ["nonsense", "nonsense:1", "tcp:", "tcp:x", "ssl:443"])
def test_what_twisted_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(BindError, match="cannot listen on"):
        check_endpoint(MemoryReactorClock(), text)


def test_an_endpoint_that_cannot_be_opened_is_tried_again() -> None:
    with loop_of() as loop, socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        port = listen_on_endpoint(
            loop.reactor, f"tcp:{number}:interface=127.0.0.1", lambda *_: None, lambda: True
        )
        assert "the address is in use" in port.error
        (again,) = loop.reactor.getDelayedCalls()
        taken.close()
        again.reset(0)
        loop.turn(lambda: not port.error)
        port.close()
        loop.quiet()
        assert loop.reactor.getDelayedCalls() == []


def test_an_endpoint_that_is_given_up_is_not_tried_again() -> None:
    with loop_of() as loop, socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        port = listen_on_endpoint(
            loop.reactor, f"tcp:{number}:interface=127.0.0.1", lambda *_: None, lambda: True
        )
        port.close()
        assert loop.reactor.getDelayedCalls() == []
