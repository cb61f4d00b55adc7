"""What the rows do not show: limits, cutting, and the flow's own source port."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import GRE
from scapy.packet import Raw

from director.l4.routing import FixedLink, FixedRoute
from director.l4.verdicts import Drop
from director.l4.wire import offload as vnet
from director.model.pools import Address, Forward, Tunnel
from director.model.virtual import L4Settings
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    INNER_MAC,
    INSIDE,
    SERVERS6,
    VIP,
    VIP6,
    World,
    all_sent,
    ip,
    right,
    sent,
)


def datagram(size: int, sport: int = 1000, **fields: Any) -> Any:
    return IP(src=CLIENT, dst=VIP, **fields) / UDP(sport=sport, dport=80) / Raw(b"y" * (size - 28))


def test_way_too_small_for_a_tunnel() -> None:
    world = World(Forward.TUN, protocol="udp")
    world.routing.links[INSIDE] = FixedLink(INNER_MAC, 80)
    assert world.client(datagram(40)) == Drop("tunnel_mtu_too_small")


def test_without_df_the_outer_packet_is_cut() -> None:
    world = World(Forward.TUN, protocol="udp")
    frames = all_sent(world.client(datagram(1500)))
    assert len(frames) == 2
    assert all(len(one[IP]) <= 1500 for one in frames)
    whole = b"".join(bytes(one[IP].payload) for one in frames)
    assert IP(whole)[UDP].payload.load == b"y" * 1472


def test_pmtu_disc_0_ignores_df() -> None:
    world = World(Forward.TUN, protocol="udp", settings=L4Settings(pmtu_disc=0))
    assert len(all_sent(world.client(datagram(1500, flags="DF")))) == 2
    world = World(Forward.TUN, protocol="udp")
    assert sent(world.client(datagram(1500, flags="DF")))[ICMP].nexthopmtu == 1480


def test_what_does_not_fit_into_ipv6_is_cut_by_the_tunnels_entry() -> None:
    """RFC 2473, 7: the outer packet is the director's own; without DF the inner one must arrive."""
    world = World(Forward.TUN, protocol="udp", server={"address": Address(SERVERS6[0], 80)})
    frames = all_sent(world.client(datagram(1500)))
    assert all(len(one[IPv6]) <= 1500 for one in frames)
    inner = b"".join(bytes(one[IPv6ExtHdrFragment].payload) for one in frames)
    assert IP(inner)[UDP].payload.load == b"y" * 1472
    assert len({one[IPv6ExtHdrFragment].id for one in frames}) == 1


def test_gue_source_port_tells_flows_apart() -> None:
    world = World(Forward.TUN, protocol="udp", server={"tunnel": Tunnel("gue", 6080)})
    seen = [sent(world.client(datagram(100, sport)))[UDP].sport for sport in (1000, 1000, 1001, 1002)]
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3
    assert all(port >= 0xC000 for port in seen)


def test_gre_checksum_is_right_every_time() -> None:
    world = World(Forward.TUN, protocol="udp", server={"tunnel": Tunnel("gre", 0, "csum")})
    for _ in range(3):
        frame = sent(world.client(datagram(101)))
        assert frame[GRE].chksum_present == 1
        assert right(frame)


def test_tunnel_needs_a_source_address() -> None:
    world = World(Forward.TUN, protocol="udp")
    world.routing.networks[1] = (*world.routing.networks[1][:2], FixedRoute(INSIDE))
    assert world.client(datagram(100)) == Drop("no_tunnel_source")


def completed(datagram: bytes) -> Any:
    """The packet in a GUE datagram, as a receiver of remote checksum offload has it.

    draft-herbert-remotecsumoffload, Linux net/gue.h: one word of flags with the private bit, private
    flags with the highest bit, then where the sum starts and where its complement goes.
    """
    assert datagram[0] == 2, "version 0, no control, two words of options"
    assert datagram[2:8] == b"\0\1\x80\0\0\0"
    start, place = int.from_bytes(datagram[8:10], "big"), int.from_bytes(datagram[10:12], "big")
    packet = bytearray(datagram[12:])
    words = packet[start:] + b"\0" * (len(packet[start:]) % 2)
    total = sum(int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2)) % 0xFFFF
    packet[place : place + 2] = (0xFFFF - total).to_bytes(2, "big")
    return (IP if datagram[1] == 4 else IPv6)(bytes(packet))


def remote_world(family: int = 4, **fields: Any) -> World:
    return World(Forward.TUN, family=family, server={"tunnel": Tunnel("gue", 6080, "remcsum")}, **fields)


def pseudo_sum(packet: bytes | bytearray, protocol: int) -> bytes:
    """The field a host with checksum offload leaves: the sum of the pseudo-header (RFC 793, RFC 8200)."""
    ends, length = (
        (packet[12:20], len(packet) - 20) if packet[0] >> 4 == 4 else (packet[8:40], len(packet) - 40)
    )
    total = protocol + length + sum(int.from_bytes(ends[at : at + 2], "big") for at in range(0, len(ends), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total.to_bytes(2, "big")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("protocol", "place"), [("tcp", 16), ("udp", 6)])
def test_remote_checksum_is_the_receivers_to_complete(family: int, protocol: str, place: int) -> None:
    """E: four bytes of private flags and four of data, when the checksum is partial."""
    l4 = 20 if family == 4 else 40
    number, header = (
        (6, TCP(sport=1000, dport=80, flags="S")) if protocol == "tcp" else (17, UDP(sport=1000, dport=80))
    )
    world = remote_world(family, protocol=protocol)
    source, to = (CLIENT, VIP) if family == 4 else (CLIENT6, VIP6)
    raw = bytearray(bytes(ip(source, to, ttl=9) / header / Raw(b"odd")))
    raw[l4 + place : l4 + place + 2] = pseudo_sum(raw, number)
    offload = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, 0, 0, 0, 14 + l4, place))
    for _ in range(2):
        frame = sent(world.client((IP if family == 4 else IPv6)(bytes(raw)), offload))
        assert frame[UDP].chksum
        assert right(frame.copy())
        assert right(completed(bytes(frame[UDP].payload)))


def test_remote_checksum_of_each_segment() -> None:
    """A super-frame: every segment says how it is completed, and fits with the eight bytes more."""
    world = remote_world()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    data = bytes(range(250)) * 16
    raw = bytearray(bytes(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="PA", seq=5) / Raw(data)))
    raw[36:38] = pseudo_sum(raw, 6)
    offload = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, vnet.GSO_TCPV4, 54, 1420, 34, 16))
    frames = all_sent(world.client(IP(bytes(raw)), offload))
    made = [completed(bytes(one[UDP].payload)) for one in frames]
    assert all(right(one) for one in (*frames, *made))
    assert b"".join(bytes(one[TCP].payload) for one in made) == data
    assert max(len(one[IP]) for one in frames) == 1420 + 40 + 40


def test_remote_checksum_is_for_partial_ones_only() -> None:
    frame = sent(remote_world(protocol="udp").client(datagram(100)))
    assert bytes(frame[UDP].payload)[:4] == b"\0\4\0\0"
    assert right(frame)
    assert right(IP(bytes(frame[UDP].payload)[4:]))


def test_remote_checksum_takes_eight_bytes_of_the_way() -> None:
    for protocol, offload, mtu in ((17, vnet.NEEDS_CSUM, 1460), (17, 0, 1468)):
        raw = bytearray(bytes(datagram(1500, flags="DF")))
        if offload:
            raw[26:28] = pseudo_sum(raw, protocol)
        header = vnet.write(vnet.Offload(offload, 0, 0, 0, 34, 6)) if offload else b""
        answer = sent(remote_world(protocol="udp").client(IP(bytes(raw)), header))
        assert answer[ICMP].nexthopmtu == mtu
