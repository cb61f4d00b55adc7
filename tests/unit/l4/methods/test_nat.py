"""Rewriting by itself; whole packets are in the rows."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

from director.l4.methods.nat import rewrite
from director.l4.routing import FixedRoute
from director.l4.verdicts import Drop
from director.l4.wire.integrity import verified
from director.l4.wire.parse import parse
from director.model.pools import Address
from tests.support.layer4_world import CLIENT, VIP, World

ENDS = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
addresses = st.binary(min_size=4, max_size=4)
ports = st.integers(0, 65535)


KINDS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}


@pytest.mark.parametrize("kind", KINDS)
@given(source=addresses, destination=addresses, sport=ports, dport=ports)
def test_any_ends_leave_right_checksums(
    kind: str, source: bytes, destination: bytes, sport: int, dport: int
) -> None:
    made: Any = KINDS[kind]
    body = SCTPChunkData(data=b"1234") if kind == "sctp" else Raw(b"payload")
    packet = parse(bytearray(bytes(ENDS / IP(src="192.0.2.1", dst="192.0.2.2") / made() / body)))
    rewrite(packet, source, destination, sport, dport)
    ends: dict[str, Any] = {"src": str(ip_address(source)), "dst": str(ip_address(destination))}
    expected = bytearray(bytes(ENDS / IP(**ends) / made(sport=sport, dport=dport) / body))
    assert packet.frame == expected
    assert packet.key == source + destination + sport.to_bytes(2, "big") + dport.to_bytes(2, "big")


def test_a_broken_sctp_packet_is_not_healed() -> None:
    """D.4 asks for a new CRC32c; one that takes over the old mistake lets the receiver see it."""
    raw = bytearray(bytes(ENDS / IP(src="192.0.2.1", dst="192.0.2.2") / SCTP() / SCTPChunkData(data=b"1234")))
    raw[-1] ^= 1
    packet = parse(raw)
    assert not verified(packet)
    rewrite(packet, packet.source, packet.destination, 1, 2)
    assert not verified(packet)
    packet.frame[-1] ^= 1
    assert verified(packet)


def test_server_on_the_loopback_is_refused_from_outside() -> None:
    world = World(server={"address": Address("127.0.0.1", 8080)})
    world.routing.routes[bytes([127, 0, 0, 1])] = FixedRoute(1, local=True)
    verdict = world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S"))
    assert verdict == Drop("nat_to_loopback")


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
