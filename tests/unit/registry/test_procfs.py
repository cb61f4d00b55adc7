"""V65, V70: the texts of H, from a forwarder's own figures."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP, UDP

from director.l4 import listing
from director.model.pools import Forward
from director.registry import procfs
from tests.support.layer4_world import CLIENT, CLIENT6, VIP, VIP6, World, ip


def test_flow_and_template() -> None:
    world = World(persistent=300.0)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = procfs.connections(listing.connections(world.table, world.now)).splitlines()
    assert lines[0] == "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"
    assert sorted(lines[1:]) == [
        "TCP C0000209 0000 C0000250 0050 0A00000B 1F90 NONE            300",
        "TCP C0000209 03E8 C0000250 0050 0A00000B 1F90 SYN_RECV         60",
    ]


def test_ipv6_and_engine_data() -> None:
    world = World(family=6, protocol="udp", persistent=60.0, engine="sip", forward=Forward.DR)
    world.client(ip(CLIENT6, VIP6) / UDP(sport=1, dport=80) / b"X y\r\nCall-ID: abc\r\n\r\n")
    text = procfs.connections(listing.connections(world.table, world.now))
    assert "UDP [2001:0db8:0001:0000:0000:0000:0000:0009] 0001" in text
    assert " sip abc\n" in text


def test_stats() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = procfs.stats(world.forwarder.total.figures()).splitlines()
    assert lines[2] == "       1        1        0               28                0"
    assert lines[5] == "       0        0        0                0                0"
