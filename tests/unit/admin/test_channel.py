from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from director.admin.answers import SECURITY_HEADERS
from director.admin.channel import ANSWER_SECONDS, LINGER_SECONDS, REQUEST_SECONDS, STALL_SECONDS
from director.admin.resource import LARGEST_BODY
from director.admin.site import IDLE_SECONDS
from tests.unit.admin.wire import TOKEN, Admin, parsed

HEAD = (
    "POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {TOKEN}\r\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 600 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
    ],
)
def test_malformed_requests_get_a_hardened_400(data: bytes) -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(data)
    reply = parsed(transport.value())
    assert reply.status == 400
    assert transport.disconnecting
    for name, value in SECURITY_HEADERS:
        assert reply.headers[name] == value
    assert "Server" not in reply.headers


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1:8404/healthz", 200),
        ("HTTP://localhost/healthz", 200),
        ("http://[::1]:8404/healthz", 200),
        ("http://localhost/api/v1/connections?limit=1", 401),
        ("http://localhost", 401),
        ("http://localhost?x=1", 401),
        ("http://localhost/nothing", 404),
        ("http://evil.example/healthz", 421),
        ("http://ops@localhost/healthz", 400),
        ("http://localhost:x/healthz", 400),
    ],
)
def test_a_target_may_be_in_absolute_form_and_names_the_host(target: str, status: int) -> None:
    """RFC 9112 3.2.2: a server must accept it, and must ignore Host then."""
    for host in ("localhost", "evil.example"):
        assert Admin().ask("GET", target, {"Host": host}).status == status


def test_the_query_of_an_absolute_target_is_read() -> None:
    made = Admin()
    head = {"Authorization": f"Bearer {TOKEN}"}
    assert made.ask("GET", "http://localhost/api/v1/connections?limit=x", head).status == 400
    assert made.ask("GET", "http://localhost/api/v1/connections?limit=1", head).status == 200


@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: localhost\r\n"])
def test_a_target_does_not_make_up_for_a_missing_or_second_host(hosts: str) -> None:
    """RFC 9112 3.2."""
    assert Admin().raw(f"GET http://localhost/healthz HTTP/1.1\r\n{hosts}\r\n".encode()).status == 400


def test_a_declared_large_body_is_refused_before_it_comes() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(f"{HEAD}Content-Length: {LARGEST_BODY + 1}\r\n\r\n".encode())
    reply = parsed(transport.value())
    assert reply.status == 413
    assert reply.headers["Content-Security-Policy"]
    assert not transport.disconnecting, "the client shall be able to read it"
    for _ in range(100):
        protocol.dataReceived(b"x" * 500)
    made.clock.advance(LINGER_SECONDS)
    assert transport.disconnecting


def test_a_chunked_body_is_refused_when_it_has_grown_too_large() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(LARGEST_BODY // 4096):
        protocol.dataReceived(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    assert transport.value() == b""
    protocol.dataReceived(b"1\r\nx\r\n")
    assert parsed(transport.value()).status == 413
    protocol.dataReceived(b"0\r\n\r\n")
    assert transport.disconnecting
    assert transport.value().count(b"HTTP/1.1") == 1


def test_a_form_is_not_parsed_by_the_server() -> None:
    made = Admin()
    body = b"&".join([b"a=1"] * 1000)
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    assert made.ask("POST", "/login", head, body).status == 400


METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def dribble(made: Admin, protocol: Any, parts: Iterable[bytes], seconds: float) -> None:
    for part in parts:
        protocol.dataReceived(part)
        made.clock.advance(seconds)


def test_a_head_that_dribbles_is_cut() -> None:
    made = Admin()
    protocol, transport = made.connect()
    dribble(made, protocol, [b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 9], REQUEST_SECONDS / 8)
    assert parsed(transport.value()).status == 408
    assert made.authenticator.counted["connections_cut"] == 1
    made.clock.advance(STALL_SECONDS)
    assert transport.disconnected


def test_a_body_that_dribbles_is_cut() -> None:
    made = Admin()
    protocol, transport = made.connect()
    head = f"{HEAD}Content-Length: 1000\r\n\r\n".encode()
    dribble(made, protocol, [head, *[b" "] * 9], REQUEST_SECONDS / 8)
    assert parsed(transport.value()).status == 408


def test_a_second_request_that_dribbles_is_cut() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(HEALTH)
    made.clock.advance(1)
    transport.clear()
    dribble(made, protocol, [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 9], REQUEST_SECONDS / 8)
    assert parsed(transport.value()).status == 408


def test_who_says_nothing_is_cut() -> None:
    made = Admin()
    _, transport = made.connect()
    made.clock.advance(REQUEST_SECONDS)
    made.clock.advance(STALL_SECONDS)
    assert transport.disconnected


def test_an_idle_connection_is_ended() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(HEALTH)
    made.clock.advance(1)
    made.clock.advance(IDLE_SECONDS - 2)
    assert not transport.disconnecting
    made.clock.advance(2)
    assert transport.disconnecting


def test_who_does_not_read_is_cut() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(METRICS)
    made.clock.advance(0)
    protocol.pauseProducing()
    made.clock.advance(STALL_SECONDS - 1)
    assert not transport.disconnected
    made.clock.advance(2)
    assert transport.disconnected


def test_who_reads_on_is_not_cut_for_its_pauses() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(METRICS)
    made.clock.advance(0)
    for _ in range(2):
        protocol.pauseProducing()
        made.clock.advance(STALL_SECONDS - 1)
        protocol.resumeProducing()
        made.clock.advance(0)
    assert not transport.disconnected


def test_an_answer_has_an_end() -> None:
    """Also for a reader who always takes a little, but never comes to the end."""
    made = Admin()
    protocol, transport = made.connect()

    def endless(make: object) -> Iterator[bytes]:
        while True:
            yield b"x"
            protocol.pauseProducing()

    made.site.resource._api._renderings.pieces = endless
    protocol.dataReceived(METRICS)
    for _ in range(int(ANSWER_SECONDS) // 10):
        made.clock.advance(0)
        assert not transport.disconnected
        protocol.resumeProducing()
        made.clock.advance(10)
    assert transport.disconnected


def test_a_last_answer_that_is_not_read_is_cut() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    made.clock.advance(0)
    assert transport.disconnecting
    assert not transport.disconnected
    made.clock.advance(STALL_SECONDS)
    assert transport.disconnected


def test_requests_in_one_packet_are_served_in_order() -> None:
    """RFC 9112 9.3.2."""
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(HEALTH + HEALTH.replace(b"healthz", b"nothing") + HEALTH[:20])
    made.clock.pump([0] * 9)
    protocol.dataReceived(HEALTH[20:])
    made.clock.pump([0] * 9)
    found = re.findall(rb"HTTP/1.1 ([0-9]+)", transport.value())
    assert found == [b"200", b"404", b"200"]


def test_a_client_that_left_is_not_served() -> None:
    made = Admin()
    protocol, transport = made.connect()
    protocol.dataReceived(METRICS)
    protocol.connectionLost()
    made.clock.pump([0] * 9)
    assert transport.value() == b""
    assert not made.clock.getDelayedCalls()
