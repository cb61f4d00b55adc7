"""V65, V70: rows and the texts of H."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP, UDP

from director.l4 import listing
from director.model.pools import Forward
from tests.support.layer4_world import CLIENT, CLIENT6, VIP, VIP6, World, ip


def test_flow_and_template_in_proc_format() -> None:
    world = World(persistent=300.0)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = listing.proc_connections(world.table, world.now).splitlines()
    assert lines[0] == "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"
    assert sorted(lines[1:]) == [
        "TCP C0000209 0000 C0000250 0050 0A00000B 1F90 NONE            300",
        "TCP C0000209 03E8 C0000250 0050 0A00000B 1F90 SYN_RECV         60",
    ]


def test_ipv6_and_engine_data() -> None:
    world = World(family=6, protocol="udp", persistent=60.0, engine="sip", forward=Forward.DR)
    world.client(ip(CLIENT6, VIP6) / UDP(sport=1, dport=80) / b"X y\r\nCall-ID: abc\r\n\r\n")
    rows = list(listing.connections(world.table, world.now))
    template = next(one for one in rows if one.template)
    assert (template.engine, template.data, template.forward) == ("sip", b"abc", "Route")
    text = listing.proc_connections(world.table, world.now)
    assert "UDP [2001:0db8:0001:0000:0000:0000:0000:0009] 0001" in text
    assert text.rstrip().endswith("60 sip abc") or " sip abc\n" in text
    assert len(list(listing.connections(world.table, world.now, limit=1))) == 1


def test_stats_in_proc_format() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    lines = listing.proc_stats(world.forwarder.total).splitlines()
    assert lines[2] == "       1        1        0               28                0"
    assert lines[5] == "       0        0        0                0                0"


def test_estimator_tends_to_ten_per_second() -> None:
    """V64, through the forwarder's own clock."""
    world = World(protocol="udp", ops=True)
    for second in range(60):
        for number in range(10):
            world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000 + number, dport=80))
        world.now += 1.0
        world.forwarder.tick(world.now)
        assert second >= 0
    assert world.forwarder.total.estimator.rates()[0] in {9, 10}
