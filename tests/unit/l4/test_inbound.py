"""V19 and AH/ESP (V30): re-use of client ports, and what follows an ISAKMP flow."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from director.l4.verdicts import Deliver
from director.model.pools import Address, Forward
from director.model.virtual import L4Settings
from director.registry.changes import weight
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, right, sent


def there(flags: str) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags=flags)


def back(flags: str) -> Any:
    return IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1000, flags=flags)


def target(world: World, packet: Any) -> str:
    """Where a packet goes: by its MAC, so that it works for every method."""
    return str(sent(world.client(packet)).dst[-2:])


@pytest.mark.parametrize(("mode", "moves"), [(0, False), (1, True), (2, True), (3, True)])
def test_syn_on_a_closing_flow(mode: int, moves: bool) -> None:
    world = World(servers=2, settings=L4Settings(conn_reuse_mode=mode))
    for give, packet in (
        (world.client, there("S")), (world.server, back("SA")), (world.client, there("A")),
        (world.client, there("FA")), (world.server, back("FA")),
    ):  # fmt: skip
        give(packet)
    assert target(world, there("S")) == ("02" if moves else "01")
    assert len(world.table) == 1


@pytest.mark.parametrize(("mode", "moves"), [(0, False), (1, False), (2, True)])
def test_syn_in_fin_wait_of_dr(mode: int, moves: bool) -> None:
    world = World(Forward.DR, servers=2, settings=L4Settings(conn_reuse_mode=mode))
    for flags in ("S", "A", "FA"):
        world.client(there(flags))
    assert target(world, there("S")) == ("02" if moves else "01")


def test_syn_on_an_open_flow_stays() -> None:
    world = World(servers=2)
    world.client(there("S"))
    world.client(there("A"))
    assert target(world, there("S")) == "01"


def test_controlled_flow_is_not_rescheduled() -> None:
    world = World(servers=2, persistent=60.0)
    for flags in ("S", "A", "R", "S"):
        verdict = world.client(there(flags))
    assert sent(verdict).dst.endswith("01")
    assert world.real(0).load == 1


def test_syn_for_a_quiesced_server_moves_with_expire_nodest() -> None:
    world = World(servers=2, settings=L4Settings(expire_nodest_conn=1))
    world.client(there("S"))
    world.apply(weight(world.registry.configuration, "p", "r0", 0))
    assert target(world, there("A")) == "01"
    assert target(world, there("S")) == "02"


@pytest.mark.parametrize("protocol", [50, 51])
@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR])
def test_ah_and_esp_follow_isakmp(protocol: int, forward: Forward) -> None:
    """V30: ports and payload untouched, no state of their own; without the flow untouched."""
    server = {"address": Address(SERVERS[0], 500)}
    world = World(forward, protocol="udp", port=500, server=server)
    encapsulated = IP(src=CLIENT, dst=VIP, proto=protocol) / Raw(b"\1\2\3\4secret")
    assert isinstance(world.client(encapsulated), Deliver)
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=500, dport=500))
    frame = sent(world.client(encapsulated))
    assert frame[IP].dst == (SERVERS[0] if forward is Forward.NAT else VIP)
    assert bytes(frame[IP].payload) == b"\1\2\3\4secret"
    assert right(frame)
    assert len(world.table) == 1
    if forward is Forward.NAT:
        answer = sent(world.server(IP(src=SERVERS[0], dst=CLIENT, proto=protocol) / Raw(b"back")))
        assert (answer[IP].src, bytes(answer[IP].payload)) == (VIP, b"back")
