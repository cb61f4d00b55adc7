"""`on_down`: what becomes of flows whose server goes down (design 3)."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP

from director.l4.closing import LOOKED_AT
from director.l4.flows import Flow
from director.l4.verdicts import Batch, Drop
from director.model.pools import Forward, OnDown, State
from director.registry import ledger
from director.registry.changes import Ordered, ServerRemoved
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, packed, sent

CLOSE: dict[str, Any] = {"on_down": OnDown.CLOSE, "checks": ("alive",)}


def syn(sport: int = 1000) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S")


def ack(sport: int = 1000, number: int = 5) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="A", ack=number)


def established(forward: Forward = Forward.NAT, flows: int = 1, **world: Any) -> World:
    made = World(forward, pool=CLOSE, **world)
    for sport in range(1000, 1000 + flows):
        for one in (syn(sport), ack(sport), ack(sport)):
            made.client(one)
    return made


def fails(world: World, number: int = 0) -> None:
    world.registry.set_health(world.real(number).key, "alive", False, world.now)


def ticked(world: World) -> list[Any]:
    verdict = world.forwarder.tick(world.now)
    assert isinstance(verdict, Batch)
    return [sent(one) for one in verdict.verdicts]


@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR, Forward.TUN])
def test_a_failed_check_cuts_at_once(forward: Forward) -> None:
    """The flow was on the hot path; its next packet is answered and not forwarded."""
    world = established(forward)
    fails(world)
    got = sent(world.client(ack(number=77)))
    assert (got[IP].src, got[IP].dst, got[TCP].flags, got[TCP].seq) == (VIP, CLIENT, "R", 77)
    assert world.real().active == 0


def test_maintenance_cuts_too_and_a_drain_does_not() -> None:
    for state, flags in ((State.MAINT, "R"), (State.DRAIN, "A")):
        world = established()
        world.apply(Ordered("p", "r0", state))
        assert sent(world.client(ack()))[TCP].flags == flags


def test_the_silent_are_asked_and_told_when_they_answer() -> None:
    world = established(flows=2)
    fails(world)
    asked = ticked(world)
    assert {(one[TCP].dport, str(one[TCP].flags)) for one in asked} == {(1000, "S"), (1001, "S")}
    assert sent(world.client(ack(1001, 31)))[TCP].seq == 31
    assert ticked(world) == []
    world.wait(11)
    assert not world.table.entries


def test_the_server_is_told_as_well() -> None:
    world = established()
    fails(world)
    got = sent(world.server(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1000, flags="A", ack=9)))
    assert (got[IP].src, got[IP].dst, got[TCP].dport, got[TCP].flags) == (CLIENT, SERVERS[0], 8080, "R")
    assert got[TCP].seq == 9


def test_a_new_connection_from_the_same_port_gets_another_server() -> None:
    world = established(servers=2)
    fails(world)
    assert sent(world.client(syn()))[IP].dst == SERVERS[1]
    assert (world.real(0).load, world.real(1).load) == (0, 1)


def test_a_handshake_under_way_is_forgotten_so_that_the_next_syn_gets_another_server() -> None:
    world = World(pool=CLOSE, servers=2)
    world.client(syn())
    fails(world)
    assert ticked(world) == []
    assert not world.table.entries
    assert sent(world.client(syn()))[IP].dst == SERVERS[1]


def test_datagrams_get_an_error_and_then_another_server() -> None:
    world = World(pool=CLOSE, servers=2, protocol="udp")
    datagram = IP(src=CLIENT, dst=VIP) / UDP(sport=1, dport=80) / b"x"
    world.client(datagram)
    fails(world)
    assert sent(world.client(datagram))[ICMP].code == 3
    assert sent(world.client(datagram))[IP].dst == SERVERS[1]


def test_a_broken_packet_gets_no_answer() -> None:
    world = established()
    fails(world)
    assert world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="A", chksum=1)) == Drop(
        "bad_checksum"
    )


def test_a_server_that_comes_back_goes_on_with_what_was_not_cut_yet() -> None:
    world = established(flows=2)
    fails(world)
    world.client(ack(1000))
    world.registry.set_health(world.real().key, "alive", True, world.now)
    assert ticked(world) == []
    assert sent(world.client(ack(1001)))[IP].dst == SERVERS[0]


def test_a_large_table_is_gone_through_in_parts() -> None:
    world = World(protocol="udp", pool=CLOSE)
    for number in range(LOOKED_AT + 10):
        source = f"198.18.{number >> 8}.{number & 255}"
        world.table.add(_copy(world, source))
    fails(world)
    before = len(world.table)
    world.forwarder.tick(world.now)
    assert before - len(world.table) == LOOKED_AT
    world.forwarder.tick(world.now)
    assert len(world.table) == 0
    assert world.real().load == 0


def _copy(world: World, source: str) -> Any:
    made = Flow(17, packed(source), 1, packed(VIP), 80, world.now)
    made.target, made.dport = packed(SERVERS[0]), 8080
    made.bind(world.forwarder.services.by_key["l4:s"], ledger.claim(world.real(), inactive=True))
    return made


def test_removal_is_no_going_down() -> None:
    """V17 stands: what was removed is dropped in silence."""
    world = established()
    world.apply(ServerRemoved("p", "r0"))
    assert world.client(ack()) == Drop("server_gone")
    assert ticked(world) == []
