"""V33 and what the rows do not show: ICMP that opens, ICMP about servers that are gone."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment

from director.l4.verdicts import Deliver, Drop
from director.model.pools import Address, Eject, Forward, Tunnel
from director.model.virtual import L4Settings
from director.registry.changes import ServerRemoved
from director.registry.watch import Watch
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    INNER,
    INNER6,
    SERVERS,
    VIP,
    VIP6,
    World,
    all_sent,
    sent,
)

ABOUT = IP(src=VIP, dst=CLIENT) / TCP(sport=80, dport=1000)
ERROR = IP(src="192.0.2.254", dst=VIP) / ICMP(type=3, code=4, nexthopmtu=1400) / ABOUT


def syn() -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S")


def test_schedule_icmp_opens_a_flow() -> None:
    """V33: 0 leaves it to the host; 1 opens."""
    assert isinstance(World().client(ERROR), Deliver)
    world = World(settings=L4Settings(schedule_icmp=1))
    frame = sent(world.client(ERROR))
    assert frame[IP].dst == SERVERS[0]
    assert len(world.table) == 1
    nothing = World(settings=L4Settings(schedule_icmp=1), server={"weight": 0})
    assert nothing.client(ERROR) == Drop("icmp_without_server")


def test_icmp_for_a_server_that_is_gone() -> None:
    world = World()
    world.client(syn())
    world.apply(ServerRemoved("p", "r0"))
    assert world.client(ERROR) == Drop("server_gone")


def test_icmp_counts_as_input_and_output() -> None:
    world = World()
    world.client(syn())
    world.client(ERROR)
    back = (
        IP(src=SERVERS[0], dst=CLIENT)
        / ICMP(type=3, code=3)
        / IP(src=CLIENT, dst=SERVERS[0])
        / TCP(sport=1000, dport=8080)
    )
    sent(world.server(back))
    assert world.real().stats.traffic.totals()[1:3] == (2, 1)


def test_dr_server_error_that_passes_is_only_seen() -> None:
    world = World(Forward.DR)
    world.client(syn())
    back = (
        IP(src=SERVERS[0], dst=CLIENT)
        / ICMP(type=3, code=3)
        / IP(src=CLIENT, dst=VIP)
        / TCP(sport=1000, dport=80)
    )
    assert isinstance(world.server(back), Deliver)


@pytest.mark.parametrize(("kind", "less"), [("ipip", 20), ("gre", 24), ("gue", 32)])
def test_tunnel_learns_the_path_mtu(kind: str, less: int) -> None:
    """After the router's word, the director itself tells what fits."""
    world = World(Forward.TUN, protocol="tcp", server={"tunnel": Tunnel(kind, 6080)})
    outer = sent(world.client(IP(src=CLIENT, dst=VIP, flags="DF") / TCP(sport=1000, dport=80, flags="S")))[IP]
    for _ in range(2):
        sent(world.client(IP(src=CLIENT, dst=VIP, flags="DF") / TCP(sport=1000, dport=80, flags="A")))
    about = bytes(outer)
    error = IP(src="10.0.0.99", dst=INNER) / ICMP(type=3, code=4, nexthopmtu=1400) / about
    frame = sent(world.server(error))
    assert (frame[ICMP].nexthopmtu, frame[IP].dst) == (1400 - less, CLIENT)
    large = IP(src=CLIENT, dst=VIP, flags="DF") / TCP(sport=1000, dport=80, flags="A") / (b"x" * 1380)
    assert sent(world.client(large))[ICMP].nexthopmtu == 1400 - less
    world.now += 700
    assert sent(world.client(large)).dst.endswith("01:01")


def test_ipv6_tunnel_learns_too() -> None:
    world = World(Forward.TUN, family=6)
    outer = sent(world.client(IPv6(src=CLIENT6, dst=VIP6) / TCP(sport=1000, dport=80, flags="S")))[IPv6]
    error = IPv6(src="2001:db8:2::99", dst=INNER6) / ICMPv6PacketTooBig(mtu=1400) / bytes(outer)
    frame = sent(world.server(error))
    assert (frame[ICMPv6PacketTooBig].mtu, frame[IPv6].dst) == (1360, CLIENT6)


@pytest.mark.parametrize("said", [0, 68, 600, 0xFFFF])
def test_forged_word_about_our_tunnel_ends_no_flow(said: int) -> None:
    """What a forged error says stays above what Linux and RFC 8200 believe; small packets go on."""
    world = World(Forward.TUN)
    outer = sent(world.client(syn()))[IP]
    world.server(IP(src="10.0.0.99", dst=INNER) / ICMP(type=3, code=4, nexthopmtu=said) / bytes(outer))
    for size in (0, 480):
        sent(world.client(IP(src=CLIENT, dst=VIP, flags="DF") / TCP(sport=1000, dport=80) / (b"x" * size)))


def test_path_mtu_does_not_count_where_routers_may_cut() -> None:
    """An IPv6 packet in an IPv4 tunnel goes without DF: it needs no more than the director's own link."""
    world = World(Forward.TUN, family=6, server={"address": Address(SERVERS[0], 80)})
    packet = IPv6(src=CLIENT6, dst=VIP6) / TCP(sport=1000, dport=80, flags="S") / (b"x" * 1300)
    outer = sent(world.client(packet))[IP]
    assert "DF" not in outer.flags
    world.server(IP(src="10.0.0.99", dst=INNER) / ICMP(type=3, code=4, nexthopmtu=700) / bytes(outer))
    for flags in ("A", "A"):
        packet[TCP].flags = flags
        assert sent(world.client(packet))[IP].len == len(packet) + 20


def test_least_ipv6_packet_passes_the_least_ipv6_path() -> None:
    """RFC 2473, 7.1: 1280 bytes must get through a path of 1280, so the outer packet is cut."""
    world = World(Forward.TUN, family=6)
    packet = IPv6(src=CLIENT6, dst=VIP6) / TCP(sport=1000, dport=80, flags="S") / (b"x" * 1220)
    outer = sent(world.client(packet))[IPv6]
    told = world.server(
        IPv6(src="2001:db8:2::99", dst=INNER6) / ICMPv6PacketTooBig(mtu=1280) / bytes(outer)[:1200]
    )
    assert sent(told)[ICMPv6PacketTooBig].mtu == 1280
    for flags in ("A", "A"):
        packet[TCP].flags = flags
        frames = all_sent(world.client(packet))
        assert [len(one[IPv6]) <= 1280 for one in frames] == [True, True]
        inner = IPv6(b"".join(bytes(one[IPv6ExtHdrFragment].payload) for one in frames))
        assert bytes(inner[TCP].payload) == b"x" * 1220


def test_forged_word_about_a_tunnel_that_is_not_ours() -> None:
    world = World(Forward.TUN)
    world.client(syn())
    forged = (
        IP(src="10.0.0.99", dst=INNER)
        / ICMP(type=3, code=4, nexthopmtu=70)
        / IP(src="10.0.0.98", dst=SERVERS[0], proto=4)
        / syn()
    )
    assert isinstance(world.server(forged), Deliver)


def test_an_ipv6_error_about_a_later_fragment_is_dropped() -> None:
    """D.6."""
    world = World(Forward.NAT)
    inner = IPv6(src=CLIENT6, dst=INNER6) / IPv6ExtHdrFragment(nh=17, offset=9) / bytes(16)
    verdict = world.server(IPv6(src=INNER6, dst=CLIENT6) / ICMPv6PacketTooBig() / inner)
    assert verdict == Drop("icmp_about_later_fragment")
    assert world.forwarder.counters["icmp_about_later_fragment"] == 1


@pytest.mark.parametrize(("code", "told"), [(3, ["connect"]), (1, ["connect"]), (4, [])])
def test_a_server_that_cannot_be_reached_is_told_to_passive_checks(code: int, told: list[str]) -> None:
    """RFC 792: 1 host, 3 port unreachable; 4 wants smaller packets, and says nothing against the server."""
    world = World()
    heard: list[str] = []
    world.real().watch = Watch(Eject(frozenset({"connect"})), heard.append)
    world.client(syn())
    about = IP(src=CLIENT, dst=SERVERS[0]) / TCP(sport=1000, dport=8080)
    world.server(IP(src=SERVERS[0], dst=CLIENT) / ICMP(type=3, code=code, nexthopmtu=1400) / about)
    assert heard == told
