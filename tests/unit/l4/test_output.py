"""Ways: routes, interfaces, MTUs and what happens when one is missing."""

from __future__ import annotations

from collections import Counter

from scapy.layers.inet import ICMP, IP, TCP

from director.l4 import output
from director.l4.output import Output
from director.l4.routing import FixedRoute
from director.l4.verdicts import Drop, Hold, Transmit
from tests.support.layer4_world import CLIENT, INSIDE, SERVERS, VIP, World, packed, routing, sent


def made() -> Output:
    return Output(routing(), Counter())


def test_way_on_link_and_by_gateway() -> None:
    one = made()
    direct, routed = one.next_hop(packed(SERVERS[0])), one.next_hop(packed("198.51.100.1"))
    assert direct is not None
    assert (direct.ifindex, direct.hop, direct.mtu) == (
        INSIDE,
        packed(SERVERS[0]),
        1500,
    )
    assert routed is not None
    assert routed.hop == packed("192.0.2.254")


def test_smaller_route_mtu_counts() -> None:
    one = made()
    one.routing.routes[packed("10.9.9.9")] = FixedRoute(INSIDE, mtu=1300)  # type: ignore[attr-defined]
    found = one.next_hop(packed("10.9.9.9"))
    assert found is not None
    assert found.mtu == 1300


def test_no_route_or_no_interface_is_no_way() -> None:
    one = made()
    assert one.next_hop(packed("2001:db8:ffff::1")) is None
    one.routing.links.pop(INSIDE)  # type: ignore[attr-defined]
    assert one.next_hop(packed(SERVERS[0])) is None


def test_vanished_route_is_an_error_to_the_client_and_returns() -> None:
    world = World()
    packet = IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S")
    world.client(packet)
    gone = world.routing.networks.pop(1)
    world.routing.networks.pop(1)
    world.forwarder._stale()
    frame = sent(world.client(packet))
    assert (frame[ICMP].type, frame[ICMP].code) == (3, 1)
    world.routing.networks.append(gone)
    assert sent(world.client(packet))[IP].dst == SERVERS[0]


def test_moved_neighbour_is_followed_within_a_second() -> None:
    world = World()
    for flags in ("S", "A"):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags))
    world.routing.neighbours[INSIDE, packed(SERVERS[0])] = b"\2\0\0\0\7\7"
    world.now += 1.0
    assert (
        sent(world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))).dst
        == "02:00:00:00:07:07"
    )


def test_learnt_mtus_are_bounded_and_age() -> None:
    one = made()
    next_hop = one.next_hop(packed(SERVERS[0]))
    assert next_hop is not None
    for number in range(output.MAX_PMTU + 10):
        one.learn_mtu(number.to_bytes(4, "big"), 1000, 0.0)
    assert len(one._path_mtu) == output.MAX_PMTU
    last = (output.MAX_PMTU + 9).to_bytes(4, "big")
    assert one.path_mtu(last, next_hop, 599.0) == 1000
    assert one.path_mtu(last, next_hop, 601.0) == 1500
    assert one.path_mtu((3).to_bytes(4, "big"), next_hop, 1.0) == 1500


def test_emit_holds_without_a_mac() -> None:
    one = made()
    next_hop = one.next_hop(packed("10.0.0.200"))
    assert next_hop is not None
    verdict = one.emit(bytearray(60), next_hop)
    assert isinstance(verdict, Hold)
    assert verdict.next_hop == packed("10.0.0.200")
    next_hop = one.next_hop(packed(SERVERS[0]))
    assert next_hop is not None
    assert isinstance(one.emit(bytearray(60), next_hop), Transmit)
    assert one.drop("because") == Drop("because")
    assert one.counters["because"] == 1
