from __future__ import annotations

from scapy.layers.inet import IP, TCP

from director.model.pools import Address, Forward
from tests.support.layer4_world import CLIENT, VIP, World, sent


def test_servers_port_plays_no_part() -> None:
    world = World(Forward.DR, server={"address": Address("10.0.0.12", 9999)})
    frame = sent(world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S")))
    assert (frame.dst, frame[TCP].dport) == ("02:00:00:00:01:02", 80)
