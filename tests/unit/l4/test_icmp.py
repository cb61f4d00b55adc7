"""Errors we send: rate, and about what never (RFC 1122, 3.2.2)."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrFragment,
    in6_chksum,
)
from scapy.layers.l2 import Ether
from scapy.utils import checksum

from director.l4 import icmp
from director.l4.settings import Settings
from director.l4.verdicts import Drop, Transmit
from director.l4.wire.packet import parse
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
    world = World(settings=Settings(icmp_rate=10))
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


@pytest.mark.parametrize("size", range(28))
def test_cut_quotes_are_not_read(size: int) -> None:
    inner = bytes(IP(src=VIP, dst=CLIENT) / UDP(sport=80, dport=1000))[:size]
    packet = parse(bytearray(bytes(Ether(**ENDS) / IP(src=CLIENT, dst=VIP) / ICMP(type=3) / inner)))
    assert icmp.quoted(packet) is None


@pytest.mark.parametrize(("offset", "later"), [(0, False), (8, True)])
def test_an_ipv6_error_about_a_later_fragment_is_known(offset: int, later: bool) -> None:
    """D.6; RFC 8200, 4.5: the offset stands in the upper 13 bits."""
    inner = IPv6(src=VIP6, dst=CLIENT6) / IPv6ExtHdrFragment(nh=17, offset=offset) / UDP() / bytes(16)
    head = Ether(**ENDS) / IPv6(src=CLIENT6, dst=VIP6) / ICMPv6PacketTooBig()
    packet = parse(bytearray(bytes(head / inner)))
    assert icmp.about_later_fragment(packet) is later
    assert (icmp.quoted(packet) is None) is later
    assert not icmp.about_later_fragment(parse(bytearray(bytes(head / bytes(inner)[:44]))))


def test_quote_of_a_later_fragment_is_not_read() -> None:
    inner = bytes(IP(src=VIP, dst=CLIENT, frag=5) / UDP(sport=80, dport=1000))
    packet = parse(bytearray(bytes(Ether(**ENDS) / IP(src=CLIENT, dst=VIP) / ICMP(type=3) / inner)))
    assert icmp.quoted(packet) is None
