"""SCTP chunks and CRC against scapy; TCP and UDP are in `test_parse`."""

from __future__ import annotations

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkCookieAck, SCTPChunkCookieEcho

from director.l4.wire import transport
from director.l4.wire.parse import parse

TWO = bytes(
    Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    / IP(src="192.0.2.1", dst="192.0.2.2")
    / SCTP(sport=1, dport=2)
    / SCTPChunkCookieEcho(cookie=b"abcde")
    / SCTPChunkAbort()
)


def test_chunks_are_found_behind_padding() -> None:
    packet = parse(bytearray(TWO))
    assert [transport.chunk(packet, number) for number in range(3)] == [10, 6, None]


def test_chunk_of_bad_length_ends_the_walk() -> None:
    frame = bytearray(
        bytes(
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            / IP(src="192.0.2.1", dst="192.0.2.2")
            / SCTP()
            / SCTPChunkCookieAck()
        )
    )
    frame[14 + 20 + 12 + 3] = 0
    assert transport.chunk(parse(frame), 1) is None


def test_signing_is_what_scapy_signs() -> None:
    frame = bytearray(TWO)
    frame[42:46] = b"\1\2\3\4"
    assert not transport.sctp_verified(memoryview(frame)[34:])
    transport.sctp_sign(frame, 34, len(frame))
    assert frame == TWO
