"""Rewriting by itself; whole packets are in the rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkData

from director.l4.methods.nat import rewrite
from director.l4.wire.packet import parse
from tests.unit.l4.world import right

ENDS = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
addresses = st.binary(min_size=4, max_size=4)
ports = st.integers(0, 65535)


@pytest.mark.parametrize(
    "layer", [TCP(), UDP(), SCTP() / SCTPChunkData(data=b"1234")], ids=["tcp", "udp", "sctp"]
)
@given(source=addresses, destination=addresses, sport=ports, dport=ports)
def test_any_ends_leave_right_checksums(
    layer: object, source: bytes, destination: bytes, sport: int, dport: int
) -> None:
    packet = parse(bytearray(bytes(ENDS / IP(src="192.0.2.1", dst="192.0.2.2") / layer / b"payload")))
    rewrite(packet, source, destination, sport, dport)
    frame: Any = Ether(bytes(packet.frame))
    assert right(frame)
    assert (frame[1][1].sport, frame[1][1].dport) == (sport, dport)
    assert packet.key == source + destination + sport.to_bytes(2, "big") + dport.to_bytes(2, "big")


def test_checksum_that_comes_to_zero_is_written_as_ffff() -> None:
    """D.3, found by trying every port."""
    for port in range(1, 65536):
        raw = bytearray(bytes(ENDS / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1000, dport=80) / b"x"))
        packet = parse(raw)
        rewrite(packet, packet.source, packet.destination, port, 80)
        check = int.from_bytes(packet.frame[40:42], "big")
        assert check
        if check == 0xFFFF:
            return
    raise AssertionError("no port gave the sum of zero")
