"""Errors we send: rate, and about what never (RFC 1122, 3.2.2)."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    IPv6,
    in6_chksum,
)
from scapy.layers.l2 import Ether
from scapy.utils import checksum

from director.l4 import icmp
from director.l4.verdicts import Drop, Transmit
from director.l4.wire.parse import parse
from director.model.virtual import L4Settings
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    CLIENT_MAC,
    OUTER_MAC,
    OUTSIDE,
    VIP,
    VIP6,
    World,
    ip,
    sent,
)

ENDS: dict[str, Any] = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


def test_rate_is_bounded() -> None:
    world = World(settings=L4Settings(icmp_rate=10))
    verdicts = [
        world.client(IP(src=CLIENT, dst=VIP, ttl=1) / TCP(sport=port, dport=80, flags="S"))
        for port in range(100, 200)
    ]
    assert sum(isinstance(one, Transmit) for one in verdicts) == 10
    assert verdicts[-1] == Drop("time_exceeded")
    assert world.counters["icmp_rate_limited"] == 90
    world.now += 0.5
    verdicts = [
        world.client(IP(src=CLIENT, dst=VIP, ttl=1) / TCP(sport=port, dport=80, flags="S"))
        for port in range(100, 200)
    ]
    assert sum(isinstance(one, Transmit) for one in verdicts) == 5


def test_quote_is_bounded() -> None:
    for client, virtual, family, most in ((CLIENT, VIP, 4, 576), (CLIENT6, VIP6, 6, 1280)):
        world = World(protocol="udp", family=family, server={"weight": 0})
        frame = sent(world.client(ip(client, virtual) / UDP(sport=1, dport=80) / (b"x" * 1400)))
        assert len(frame[1]) == most
        body = bytes(frame[1].payload)
        total = checksum(body) if family == 4 else in6_chksum(58, frame[1], body)
        assert total in {0, 0xFFFF}


def test_group_frames_get_no_error() -> None:
    world = World(server={"weight": 0})
    raw = bytes(
        Ether(src=CLIENT_MAC, dst=OUTER_MAC) / IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S")
    )
    packet = parse(bytearray(b"\xff" + raw[1:]))
    assert world.forwarder._icmp.answer(packet, icmp.Error.PORT_UNREACHABLE, 0.0) == Drop("port_unreachable")
    assert isinstance(world.give(raw, OUTSIDE), Transmit)


@pytest.mark.parametrize(
    ("layers", "error"),
    [
        (IP(src=CLIENT, dst=VIP) / ICMP(type=3), True), (IP(src=CLIENT, dst=VIP) / ICMP(type=4), True),
        (IP(src=CLIENT, dst=VIP) / ICMP(type=11), True), (IP(src=CLIENT, dst=VIP) / ICMP(type=8), False),
        (IP(src=CLIENT, dst=VIP) / ICMP(type=5), False),
        (IPv6(src=CLIENT6, dst=VIP6) / ICMPv6DestUnreach(), True),
        (IPv6(src=CLIENT6, dst=VIP6) / ICMPv6EchoRequest(), False), (IP(src=CLIENT, dst=VIP) / UDP(), False),
    ],
)  # fmt: skip
def test_kinds_that_count_as_errors(layers: object, error: bool) -> None:
    assert icmp.is_error(parse(bytearray(bytes(Ether(**ENDS) / layers)))) is error
