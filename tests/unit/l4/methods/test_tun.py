"""What the rows do not show: limits, cutting, and the flow's own source port."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import GRE
from scapy.packet import Raw

from director.l4.routing import FixedLink, FixedRoute
from director.l4.settings import Settings
from director.l4.verdicts import Drop
from director.model import Forward, Tunnel
from tests.unit.l4.world import CLIENT, INNER_MAC, INSIDE, VIP, World, all_sent, right, sent


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
    world = World(Forward.TUN, protocol="udp", settings=Settings(pmtu_disc=0))
    assert len(all_sent(world.client(datagram(1500, flags="DF")))) == 2
    world = World(Forward.TUN, protocol="udp")
    assert sent(world.client(datagram(1500, flags="DF")))[ICMP].nexthopmtu == 1480


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
