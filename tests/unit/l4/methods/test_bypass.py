"""V41."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP

from director.l4.verdicts import Drop
from director.model.virtual import L4Settings, Mark, Virtual
from tests.support.layer4_world import CLIENT, World, sent


def world(bypass: int = 1) -> World:
    places = ("198.51.100.0/24", "192.0.2.81/32")
    marks = tuple(Mark(7, 6, ip_network(place)) for place in places)
    config = L4Settings(marks=marks, cache_bypass=bypass)
    return World(virtual=Virtual(fwmark=7), server={"weight": 0}, settings=config)


def packet(flags: str, destination: str = "198.51.100.7", ttl: int = 64) -> Any:
    return IP(src=CLIENT, dst=destination, ttl=ttl) / TCP(sport=1, dport=80, flags=flags)


def test_flow_goes_on_to_the_original_destination() -> None:
    one = world()
    for flags in ("S", "A", "A"):
        assert sent(one.client(packet(flags)))[IP].dst == "198.51.100.7"
    assert one.registry.services["l4:s"].stats.traffic.totals()[:2] == (1, 3)
    assert one.real().load == 0
    one.wait(905)
    assert not one.table.entries


def test_never_to_this_host() -> None:
    assert world().client(packet("S", "192.0.2.81")) == Drop("bypass_to_this_host")


def test_ttl_counts() -> None:
    assert sent(world().client(packet("S", ttl=1)))[ICMP].type == 11


def test_without_cache_bypass_port_unreachable() -> None:
    assert sent(world(0).client(packet("S")))[ICMP].code == 3
