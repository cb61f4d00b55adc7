from __future__ import annotations

import errno
from typing import Any, ClassVar

import pytest
from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock

from director.health.io.probes import Probe
from director.health.schedule import CheckTarget
from director.model.pools import Address, Check
from tests.support.watched import Watched

TCP = Check("alive", timeout=1.0)
HTTP = Check("alive", kind="http", timeout=1.0, statuses=((200, 299),))


class Datagrams(MemoryReactorClock):
    """A reactor of memory with sockets for datagrams."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[object, ...]] = []
        self.protocol: Any = None
        self.refuse = False
        self.asked = ""

    def listenUDP(self, port: int, protocol: Any, interface: str = "") -> None:  # noqa: N802 - Twisted's name
        if self.refuse:
            raise error.CannotListenError(interface, port, OSError(errno.EMFILE, "Too many open files"))
        self.protocol = protocol
        protocol.transport = self
        protocol.startProtocol()

    def connect(self, host: str, port: int) -> None:
        self.sent.append((host, port))

    def write(self, data: bytes) -> None:
        self.sent.append((data,))

    def stopListening(self) -> None:  # noqa: N802 - Twisted's name
        self.sent.append(("closed",))


PING = Check("ping", kind="udp", timeout=1.0, payload=b"ping")


class Asking(Watched):
    """A probe by datagram."""

    def __init__(self, check: Check, address: Address | None = None, *, refuse: bool = False) -> None:
        self.reactor = Datagrams()
        self.reactor.refuse = refuse
        self.results = []
        self.gone = 0
        target = CheckTarget(address or Address("10.0.0.1", 53), check)
        self.probe = Probe(self.reactor, self.reactor.seconds, target, self.results.append, self._gone)
        self.probe.start()


def test_a_datagram_is_sent_and_one_must_come_back() -> None:
    probe = Asking(PING)
    assert probe.reactor.sent == [("10.0.0.1", 53), (b"ping",)]
    probe.reactor.protocol.datagramReceived(b"pong", ("10.0.0.1", 53))
    assert probe.words == [(True, "it answers 'pong'")]
    assert probe.reactor.sent[2:] == [("closed",)]
    assert (probe.gone, probe.reactor.getDelayedCalls()) == (1, [])


def test_a_port_at_which_nobody_listens_is_known_at_once() -> None:
    probe = Asking(PING)
    probe.reactor.protocol.connectionRefused()
    assert (probe.words, probe.gone) == ([(False, "port unreachable")], 1)


def test_so_it_is_when_the_reactor_closes_the_socket_for_it() -> None:
    probe = Asking(PING)
    probe.reactor.protocol.stopProtocol()
    probe.reactor.protocol.stopProtocol()
    assert (probe.words, probe.gone) == ([(False, "port unreachable")], 1)


def test_silence_ends_in_time_and_closes_the_socket() -> None:
    probe = Asking(PING)
    probe.reactor.advance(1.0)
    assert (probe.words, probe.gone) == ([(False, "no answer within 1s")], 1)
    assert probe.reactor.sent[-1] == ("closed",)


def test_what_is_no_answer_to_the_question_is_waited_past() -> None:
    probe = Asking(Check("names", kind="dns", timeout=1.0, question=("A", "www.example.org")))
    (question,) = probe.reactor.sent[1]
    assert isinstance(question, bytes)
    probe.reactor.protocol.datagramReceived(b"\0" * 12, None)
    assert probe.words == []
    probe.reactor.protocol.datagramReceived(question[:2] + b"\x80\x05\0\1\0\0\0\0\0\0" + question[12:], None)
    assert probe.words == [(False, "it answers refused")]


def test_without_a_socket_of_ours_nothing_is_said_of_the_server() -> None:
    probe = Asking(PING, refuse=True)
    assert (probe.words, probe.gone) == ([(None, "not probed: EMFILE on our side")], 1)


def test_a_unix_socket_takes_no_datagrams() -> None:
    probe = Asking(PING, Address(path="/run/x.sock"))
    assert (probe.words, probe.gone) == (
        [(False, "cannot be probed: unix:/run/x.sock takes no datagrams")],
        1,
    )


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (PermissionError(1, "no"), (None, "not probed: an echo needs the right CAP_NET_RAW (run as root)")),
        (OSError(errno.EMFILE, "Too many open files"), (None, "not probed: too many open files")),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), (False, "network is unreachable")),
    ],
)
def test_an_echo_that_cannot_be_sent_says_whose_fault_it_is(
    monkeypatch: pytest.MonkeyPatch, problem: OSError, words: tuple[bool | None, str]
) -> None:
    def refuse(*_: object) -> None:
        raise problem

    monkeypatch.setattr("director.health.io.datagrams.Echo", refuse)
    probe = Watched(Check("there", "icmp", timeout=1.0))
    assert (probe.words, probe.gone) == ([words], 1)


def test_an_echo_that_brings_nothing_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        hosts: ClassVar[list[str]] = []

        def __init__(self, _reactor: object, host: str, _answered: object) -> None:
            self.hosts.append(host)

        def cut(self) -> None:
            self.hosts.append("cut")

    monkeypatch.setattr("director.health.io.datagrams.Echo", Silent)
    probe = Watched(Check("there", "icmp", timeout=1.0))
    probe.reactor.advance(1.0)
    assert (probe.words, probe.gone, Silent.hosts) == (
        [(False, "no answer within 1s")],
        1,
        ["10.0.0.1", "cut"],
    )
