"""The deltas that the hot path lives on."""

from __future__ import annotations

from scapy.layers.inet import IP, TCP

from director.l4.flows import key
from director.l4.io.packet.raw import FRESH
from director.l4.methods.base import TTL_CHANGE
from director.l4.wire.transport import ACK, FIN
from tests.support.layer4_world import CLIENT, SERVERS, VIP, World, packed


def test_an_entry_is_valid_for_a_second_only() -> None:
    world = World()
    for flags in ("S", "A"):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags))
    fast = world.table.entries[0].to_server
    assert fast.valid_until == world.now + FRESH
    assert fast.rewritten == key(packed(CLIENT), packed(SERVERS[0]), 1, 8080)
    assert (fast.ifindex, fast.mtu) == (2, 1500)


def test_state_change_moves_what_keeps_the_state_in_both_directions_and_leaves_the_way_fresh() -> None:
    """D.1: an ACK of either side ends SYN_RECV and keeps ESTABLISHED; a FIN never keeps it."""
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S"))
    world.server(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1, flags="SA"))
    flow = world.table.entries[0]
    assert [fast.keeps_state[ACK] for fast in (flow.to_server, flow.to_client)] == [0, 0]
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))
    assert [fast.keeps_state[ACK] for fast in (flow.to_server, flow.to_client)] == [1, 1]
    assert [fast.keeps_state[FIN | ACK] for fast in (flow.to_server, flow.to_client)] == [0, 0]
    assert flow.to_server.valid_until == flow.to_client.valid_until == world.now + FRESH


def test_ttl_change_is_one_less_in_the_high_byte_and_so_one_more_in_the_checksum() -> None:
    before = bytes(IP(src=CLIENT, dst=VIP, ttl=64))
    after = bytes(IP(src=CLIENT, dst=VIP, ttl=63))
    assert (int.from_bytes(before[10:12], "big") + TTL_CHANGE) % 0xFFFF == int.from_bytes(after[10:12], "big")
