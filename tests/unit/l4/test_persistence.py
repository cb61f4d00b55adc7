"""C.3: V2, V13, V18, V20 to V23."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP

from director.l4.flows import Template
from director.l4.persistence import network
from director.l4.verdicts import Deliver, Drop
from director.model.pools import Address, Forward
from director.model.virtual import L4Settings, Mark, Virtual
from director.registry.changes import weight
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, packed, sent

MARKS = tuple(Mark(7, 6, ip_network(place)) for place in ("192.0.2.80/32", "192.0.2.81/32"))


def syn(source: str = CLIENT, sport: int = 1000, dport: int = 80, destination: str = VIP) -> Any:
    return IP(src=source, dst=destination) / TCP(sport=sport, dport=dport, flags="S")


def ends(world: World, packet: Any) -> tuple[str, int]:
    frame = sent(world.client(packet))
    return frame[1].dst, frame[2].dport


def templates(world: World) -> list[Template]:
    return [one for one in world.table.entries if isinstance(one, Template)]


def test_network() -> None:
    assert network(packed("192.0.2.99"), 24) == packed("192.0.2.0")
    assert network(packed("2001:db8::1:2:3"), 64) == packed("2001:db8::")
    assert network(packed("192.0.2.99"), 32) == packed("192.0.2.99")


def test_client_stays_and_counts_one_template() -> None:
    world = World(servers=3, persistent=300.0)
    assert {ends(world, syn(sport=sport)) for sport in range(1, 6)} == {(SERVERS[0], 8080)}
    assert world.real().persistent == 1
    assert ends(world, syn("192.0.2.10")) == (SERVERS[1], 8080)


def test_netmask_groups_clients() -> None:
    """V20."""
    world = World(servers=3, persistent=300.0, netmask=24)
    assert ends(world, syn("192.0.2.10")) == ends(world, syn("192.0.2.200"))
    assert ends(world, syn("198.51.100.1")) != ends(world, syn("192.0.2.10", sport=2))


def test_template_keys_of_c3() -> None:
    """Address service: VIP:vport -> dest:dport; port 0, FTP: ports 0; mark: address = mark, protocol IP."""
    cases: list[tuple[dict[str, Any], int, tuple[int, str, int, int]]] = [
        ({}, 80, (6, VIP, 80, 8080)),
        ({"port": 0}, 443, (6, VIP, 0, 0)),
        ({"port": 21}, 21, (6, VIP, 0, 0)),
        ({"port": 21}, 5000, (6, VIP, 0, 0)),
        ({"virtual": Virtual(fwmark=7), "settings": L4Settings(marks=MARKS)}, 80, (0, "0.0.0.7", 0, 0)),
    ]
    for fields, dport, expected in cases:
        world = World(persistent=60.0, **fields)
        world.client(syn(dport=dport))
        (template,) = templates(world)
        about = template.fields
        protocol, virtual, vport, target = expected
        assert (about.protocol, about.virtual, about.vport, about.dport) == (
            protocol,
            packed(virtual),
            vport,
            target,
        )
        assert about.client == packed(CLIENT)


def test_ports_of_a_persistent_service() -> None:
    """V22: the service's port maps to the server's, others stay."""
    world = World(port=0, persistent=60.0)
    assert [ends(world, syn(dport=port))[1] for port in (80, 443, 8443)] == [80, 443, 8443]
    world = World(
        port=21, persistent=60.0, server={"address": Address(SERVERS[0], 2121)}, forward=Forward.NAT
    )
    assert ends(world, syn(dport=21))[1] == 2121
    assert ends(world, syn(dport=5000, sport=3))[1] == 5000


def test_mark_service_has_one_template_for_all() -> None:
    """V2."""
    world = World(servers=3, persistent=60.0, virtual=Virtual(fwmark=7), settings=L4Settings(marks=MARKS))
    first = ends(world, syn())
    assert ends(world, syn(destination="192.0.2.81", dport=443, sport=4))[0] == first[0]
    assert len(templates(world)) == 1


def test_template_lives_while_a_flow_does_and_then_its_time() -> None:
    """V21."""
    world = World(servers=2, persistent=50.0)
    world.client(syn())
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="A"))
    world.wait(890)
    assert len(templates(world)) == 1
    world.wait(75)
    assert len(templates(world)) == 0
    assert world.real().persistent == 0


def test_each_new_flow_restarts_the_template() -> None:
    world = World(servers=2, persistent=100.0)
    world.client(syn())
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="R"))
    world.wait(80)
    assert ends(world, syn(sport=2))[0] == SERVERS[0]
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=2, dport=80, flags="R"))
    world.wait(80)
    assert ends(world, syn(sport=3))[0] == SERVERS[0]


@pytest.mark.parametrize(("expire", "expected"), [(0, SERVERS[0]), (1, SERVERS[1])])
def test_quiesced_server_and_its_templates(expire: int, expected: str) -> None:
    """V18."""
    world = World(servers=2, persistent=300.0, settings=L4Settings(expire_quiescent_template=expire))
    assert ends(world, syn())[0] == SERVERS[0]
    world.apply(weight(world.registry.configuration, "p", "r0", 0))
    assert ends(world, syn(sport=2))[0] == expected


def test_overload_does_not_end_persistence() -> None:
    world = World(servers=2, persistent=300.0, server={"max": 1})
    world.client(syn())
    assert world.real().overloaded
    assert ends(world, syn(sport=2))[0] == SERVERS[0]


def test_assured_by_an_established_flow_or_a_udp_answer() -> None:
    world = World(persistent=60.0)
    world.client(syn())
    assert not templates(world)[0].assured
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="A"))
    assert templates(world)[0].assured
    world = World(persistent=60.0, protocol="udp")
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=80))
    assert not templates(world)[0].assured
    world.server(IP(src=SERVERS[0], dst=CLIENT) / UDP(sport=8080, dport=1000))
    assert templates(world)[0].assured


SIP = b"INVITE sip:b@x SIP/2.0\r\nCall-ID: %s\r\n\r\n"


def call(source: str, identity: bytes, sport: int = 5060) -> Any:
    return IP(src=source, dst=VIP) / UDP(sport=sport, dport=5060) / (SIP % identity)


def test_sip_follows_the_call_id() -> None:
    """V23."""
    world = World(protocol="udp", port=5060, servers=3, persistent=60.0, engine="sip")
    assert ends(world, call(CLIENT, b"one"))[0] == ends(world, call("198.51.100.1", b"one"))[0] == SERVERS[0]
    assert ends(world, call(CLIENT, b"two", sport=7))[0] == SERVERS[1]
    assert templates(world)[0].fields.data == b"one"
    nothing = IP(src=CLIENT, dst=VIP) / UDP(sport=9, dport=5060) / b"OPTIONS sip:b SIP/2.0\r\n\r\n"
    assert world.client(nothing) == Drop("sip_without_call_id")


def test_sip_request_of_a_server_belongs_to_its_call() -> None:
    world = World(
        protocol="udp",
        port=5060,
        servers=2,
        persistent=60.0,
        engine="sip",
        server={"address": Address(SERVERS[0], 5060)},
    )
    world.client(call(CLIENT, b"one"))
    other = "198.51.100.1"
    bye = IP(src=SERVERS[0], dst=other) / UDP(sport=5060, dport=5070)
    frame = sent(world.server(bye / (SIP % b"one")))
    assert (frame[IP].src, frame[UDP].sport, frame[IP].dst) == (VIP, 5060, other)
    frame = sent(
        world.client(IP(src=other, dst=VIP) / UDP(sport=5070, dport=5060) / b"SIP/2.0 200 OK\r\n\r\n")
    )
    assert frame[IP].dst == SERVERS[0]
    stray = IP(src=SERVERS[0], dst="198.51.100.2") / UDP(sport=5060, dport=5070) / (SIP % b"unknown")
    assert isinstance(world.server(stray), (Drop, Deliver))
