from __future__ import annotations

import errno

import pytest
from twisted.internet import error
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from director.health.io.probes import endpoint_for, why
from director.model.pools import Address, Check
from tests.support.watched import Watched

TCP = Check("alive", timeout=1.0)
HTTP = Check("alive", kind="http", timeout=1.0, statuses=((200, 299),))


def test_a_tcp_check_is_a_connect() -> None:
    probe = Watched(TCP)
    assert probe.reactor.tcpClients[0][:2] == ("10.0.0.1", 80)
    probe.reactor.advance(0.25)
    probe.accept()
    probe.close()
    assert probe.words == [(True, "connected")]
    assert probe.results[0].duration == 0.25
    assert probe.transport.disconnecting or probe.transport.disconnected
    assert (probe.gone, probe.reactor.getDelayedCalls()) == (1, [])


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (error.ConnectionRefusedError(), (False, "connect refused")),
        (error.TCPTimedOutError(), (False, "connect timed out")),
        (error.TimeoutError(), (False, "connect timed out")),
        (error.NoRouteError(), (False, "no route to the host")),
        (error.DNSLookupError(), (False, "the name cannot be resolved")),
        (error.ConnectBindError(errno.EMFILE), (None, "not probed: EMFILE on our side")),
        (error.ConnectError(errno.ENFILE), (None, "not probed: ENFILE on our side")),
        (error.ConnectError(errno.EACCES), (False, "connect failed: EACCES")),
        (error.ConnectError(errno.ENOENT), (False, "there is no such unix socket")),
        (ValueError(), (False, "connect failed: ValueError")),
    ],
)
def test_a_failed_connect_has_its_reason(problem: Exception, words: tuple[bool | None, str]) -> None:
    probe = Watched(TCP)
    probe.refuse(problem)
    assert probe.words == [words]
    assert (probe.gone, probe.reactor.getDelayedCalls()) == (1, [])
    assert why(Failure(problem)) == words


def test_a_connect_that_hangs_ends_in_time() -> None:
    probe = Watched(TCP)
    probe.reactor.advance(0.99)
    assert (probe.words, probe.gone) == ([], 0)
    probe.reactor.advance(0.02)
    assert probe.words == [(False, "connect timed out within 1s")]
    assert probe.gone == 1
    assert probe.reactor.getDelayedCalls() == []


def test_an_http_check_asks_and_judges_at_the_head() -> None:
    probe = Watched(HTTP)
    probe.accept()
    assert probe.transport.value().startswith(b"GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\n")
    probe.protocol.dataReceived(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert probe.words == [(True, "status 204")]
    assert probe.gone == 0
    probe.close()
    assert (probe.words, probe.gone, probe.reactor.getDelayedCalls()) == ([(True, "status 204")], 1, [])


def test_a_bad_status_ends_the_connection() -> None:
    probe = Watched(HTTP)
    probe.accept()
    probe.protocol.dataReceived(b"HTTP/1.1 500 Oh\r\n\r\n")
    assert probe.words == [(False, "status 500, expected 200-299")]
    assert probe.transport.disconnected or probe.transport.disconnecting


def test_a_long_body_is_not_read_to_its_end() -> None:
    probe = Watched(HTTP)
    probe.accept()
    probe.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    probe.protocol.dataReceived(b"x" * 65536)
    assert not probe.transport.disconnecting
    probe.protocol.dataReceived(b"x")
    assert probe.transport.disconnected or probe.transport.disconnecting


def test_a_trickling_answer_ends_in_time() -> None:
    probe = Watched(HTTP)
    probe.accept()
    for octet in b"HTTP/1.1":
        probe.reactor.advance(0.1)
        probe.protocol.dataReceived(bytes([octet]))
    probe.reactor.advance(0.2)
    assert probe.words == [(False, "no answer within 1s")]
    assert probe.gone == 1


def test_a_trickling_body_holds_its_slot_no_longer_than_the_limit() -> None:
    probe = Watched(HTTP)
    probe.accept()
    probe.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    probe.reactor.advance(1.0)
    assert (probe.words, probe.gone) == ([(True, "status 200")], 1)


def test_a_limit_that_comes_late_itself_is_given_once_more() -> None:
    """The process was stopped for 3 s: whether the server answered in time is not known."""
    probe = Watched(HTTP)
    probe.accept()
    probe.reactor.advance(3.0)
    assert (probe.words, probe.gone) == ([], 0)
    probe.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    assert probe.words == [(True, "status 200")]
    late = Watched(HTTP)
    late.accept()
    late.reactor.advance(3.0)
    late.reactor.advance(1.0)
    assert (late.words, late.gone) == ([(False, "no answer within 1s")], 1)


def test_twisted_does_not_end_a_connect_before_the_probe_does() -> None:
    """Its own timer would not know of a hold-up."""
    assert Watched(TCP).reactor.tcpClients[0][3] > 60.0


def test_a_server_that_closes_has_not_answered() -> None:
    probe = Watched(HTTP)
    probe.accept()
    probe.close(error.ConnectionLost())
    assert probe.words == [(False, "the connection was closed without an answer")]


def test_a_cancelled_probe_says_nothing() -> None:
    for connected in (False, True):
        probe = Watched(HTTP)
        if connected:
            probe.accept()
        probe.probe.cancel()
        assert (probe.words, probe.gone, probe.reactor.getDelayedCalls()) == ([], 1, [])


def test_an_endpoint_that_cannot_be_made_is_a_result() -> None:
    probe = Watched(TCP, Address(endpoint="nosuch:1"))
    assert probe.results[0].alive is False
    assert probe.gone == 1


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (Address("10.0.0.1", 80), TCP4ClientEndpoint),
        (Address("::1", 80), TCP6ClientEndpoint),
        (Address("www.example.org", 80), HostnameEndpoint),
        (Address(path="/run/x.sock"), UNIXClientEndpoint),
        (Address(endpoint="tcp:10.0.0.1:80"), TCP4ClientEndpoint),
    ],
)
def test_each_shape_of_address_is_reached_its_way(address: Address, kind: type) -> None:
    assert isinstance(endpoint_for(MemoryReactorClock(), address, 1.0), kind)


# --- other kinds -----------------------------------------------------------------------------


def test_a_probe_that_says_good_bye_lets_the_server_close() -> None:
    probe = Watched(Check("mail", kind="smtp", timeout=1.0))
    probe.accept()
    assert probe.transport.value() == b""
    probe.protocol.dataReceived(b"220 mail.example.org ready\r\n")
    assert probe.words == [(True, "it says '220 mail.example.org ready'")]
    assert probe.transport.value() == b"QUIT\r\n"
    assert (probe.transport.disconnected, probe.transport.disconnecting) == (False, False)
    probe.close()
    assert (probe.gone, probe.reactor.getDelayedCalls()) == (1, [])


def test_a_probe_that_has_its_answer_closes() -> None:
    probe = Watched(Check("cache", kind="redis", timeout=1.0))
    probe.accept()
    probe.protocol.dataReceived(b"+PONG\r\n")
    assert probe.words == [(True, "PONG")]
    assert (probe.transport.disconnecting, probe.transport.disconnected) == (True, False)


def test_the_port_of_the_check_is_probed() -> None:
    probe = Watched(Check("alive", timeout=1.0, port=8081))
    assert probe.reactor.tcpClients[0][:2] == ("10.0.0.1", 8081)
    assert probe.probe.target.key == ("10.0.0.1:80", "alive")


def test_a_program_that_cannot_be_started_says_nothing_of_the_server() -> None:
    probe = Watched(Check("disk", "exec", timeout=1.0, command=("/nonexistent/check",)))
    said = "not probed: /nonexistent/check cannot be started: No such file or directory"
    assert (probe.words, probe.gone) == ([(None, said)], 1)


def test_a_program_that_hangs_is_a_failed_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        cuts = 0

        def __init__(self, _reactor: object, command: object, told: dict[str, str], _ended: object) -> None:
            assert (command, told["CHECK_PORT"]) == (("check",), "80")

        def cut(self) -> None:
            Hanging.cuts += 1

    monkeypatch.setattr("director.health.io.probes.RunningProgram", Hanging)
    probe = Watched(Check("disk", "exec", timeout=1.0, command=("check",)))
    probe.reactor.advance(1.0)
    assert probe.words == [(False, "no answer within 1s")]
    assert (Hanging.cuts, probe.gone) == (1, 1)


def test_a_check_of_ours_that_raises_says_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Watched(HTTP)
    probe.accept()

    def fails(_self: object, _data: bytes) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("director.health.probes.http.HttpProbe.feed", fails)
    probe.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    assert probe.words == [(None, "not probed: the check failed itself: ZeroDivisionError: ")]
    probe.close()
    assert (len(probe.results), probe.gone) == (1, 1)
