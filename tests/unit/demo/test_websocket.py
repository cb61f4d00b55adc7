from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from twisted.web.server import Site

from director.demo.servers import DemoResource
from director.demo.websocket import EchoTunnel, frame, proof

MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
"""RFC 6455, 5.7: a single-frame masked text message, "Hello"."""


def tunnel() -> tuple[EchoTunnel, StringTransportWithDisconnection]:
    made, transport = EchoTunnel("red"), StringTransportWithDisconnection()
    transport.protocol = made
    made.makeConnection(transport)
    transport.clear()
    return made, transport


def test_the_proof_is_that_of_the_rfc() -> None:
    """RFC 6455, 1.3."""
    assert proof(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_frames_are_those_of_the_rfc() -> None:
    """RFC 6455, 5.7: unmasked text "Hello", and 256 octets of binary."""
    assert frame(1, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert frame(2, bytes(256))[:4] == bytes.fromhex("827e0100")


def test_an_echo_comes_back_however_it_is_cut() -> None:
    for cut in range(len(MASKED_HELLO)):
        made, transport = tunnel()
        made.dataReceived(MASKED_HELLO[:cut])
        made.dataReceived(MASKED_HELLO[cut:] + MASKED_HELLO)
        assert transport.value() == frame(1, b"Hello") * 2


def test_a_longer_frame() -> None:
    made, transport = tunnel()
    made.dataReceived(b"\x82\xfe\x01\x00" + bytes(4) + b"x" * 256)
    assert transport.value() == frame(2, b"x" * 256)


def test_ping_is_answered_and_close_returned() -> None:
    made, transport = tunnel()
    made.dataReceived(b"\x89\x80" + bytes(4))
    assert transport.value() == b"\x8a\x00"
    made.dataReceived(b"\x88\x80" + bytes(4))
    assert transport.value() == b"\x8a\x00\x88\x00"
    assert not transport.connected


@pytest.mark.parametrize("octets", [b"\x81\x05Hello", b"\x01\x85", b"\x81\xff", b"\x83\x80" + bytes(4)])
def test_anything_else_ends_it(octets: bytes) -> None:
    """Unmasked, fragmented, huge, unknown."""
    made, transport = tunnel()
    made.dataReceived(octets)
    assert not transport.connected


def test_an_upgrade_through_twisted_web() -> None:
    reactor: Any = MemoryReactorClock()
    site: Any = Site(DemoResource("red", reactor), reactor=reactor)
    protocol, transport = site.buildProtocol(None), StringTransportWithDisconnection()
    transport.protocol = protocol
    protocol.makeConnection(transport)
    protocol.dataReceived(
        b"GET /chat/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head, _, rest = transport.value().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert rest == frame(1, b"hello from red")
    protocol.dataReceived(MASKED_HELLO)
    assert transport.value().endswith(frame(1, b"Hello"))
