"""V47: modes, drop rates, drop_entry (C.6)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP

from director.l4.defence import Defence
from director.l4.flows import FlowTable
from director.l4.states import tcp
from director.l4.states.transitions import name
from director.model.virtual import L4Settings
from tests.support.layer4_world import CLIENT, VIP, World


def defence(**settings: Any) -> Defence:
    return Defence(L4Settings(**settings), FlowTable(10), Random(1))


def test_mode_one_follows_memory() -> None:
    """1 -> 2 when low, 2 -> 1 on recovery; 0 and 3 stay."""
    for mode, low, fine in ((0, 0, 0), (1, 2, 1), (2, 2, 1), (3, 3, 3)):
        one = defence(drop_entry=mode, drop_packet=mode, secure_tcp=mode)
        one.second(1000, 0.0)
        assert (one.drop_entry, one.drop_packet, one.secure_tcp) == (low, low, low)
        assert one.secure is (low >= 2)
        one.second(5000, 1.0)
        assert (one.drop_entry, one.drop_packet, one.secure_tcp) == (fine, fine, fine)


@pytest.mark.parametrize(("available", "rate"), [(1023, 1024), (512, 2), (0, 1), (1024, 0)])
def test_automatic_rate(available: int, rate: int) -> None:
    """Amemthresh / (amemthresh - avail)."""
    one = defence(drop_packet=1)
    one.second(available, 0.0)
    assert one.rate == rate


def test_each_rate_th_packet_is_dropped() -> None:
    one = defence(drop_packet=3, am_droprate=4)
    results = [one.drops() for _ in range(12)]
    assert results.count(True) == 3
    assert [index for index, hit in enumerate(results) if hit] == [0, 4, 8]
    assert not any(defence().drops() for _ in range(10))


def fill(world: World) -> None:
    for sport in range(100, 200):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="S"))
        if sport < 120:
            world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags="A"))


def test_drop_entry_thins_out_half_open_flows_and_keeps_working_ones() -> None:
    world = World(settings=L4Settings(drop_entry=3))
    fill(world)
    world.wait(50)
    assert 20 <= len(world.table) < 100
    kept = [one for one in world.table.entries if name(one) == "ESTABLISHED"]
    assert len(kept) == 20
    assert world.forwarder.defence.entries_dropped == 100 - len(world.table)


def test_established_and_silent_for_a_minute_may_go() -> None:
    world = World(settings=L4Settings(drop_entry=3))
    fill(world)
    world.wait(400)
    assert world.table.entries == [] or all(one.in_pkts > 8 for one in world.table.entries)


def test_more_than_eight_packets_protect() -> None:
    world = World(settings=L4Settings(drop_entry=3))
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=100, dport=80, flags="S"))
    for _ in range(9):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=100, dport=80, flags="A"))
    world.wait(300)
    assert len(world.table) == 1


def test_template_that_is_not_assured_goes_with_its_flow() -> None:
    world = World(protocol="udp", persistent=1000.0, settings=L4Settings(drop_entry=3))
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=100, dport=80))
    world.wait(120)
    assert world.table.entries == []
    assert world.real().persistent == 0


def test_secure_table_when_memory_is_low() -> None:
    world = World(settings=L4Settings(secure_tcp=1))
    world.forwarder.memory = 10
    world.wait(1.5)
    assert world.forwarder.states.tcp is tcp.SECURE
    world.forwarder.memory = 5000
    world.wait(1.5)
    assert world.forwarder.states.tcp is tcp.NORMAL
