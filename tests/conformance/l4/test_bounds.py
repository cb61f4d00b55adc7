"""Floods against the forwarder itself: the table's bound, who comes when it is full, and what is left.

Policy and counters: `lvs-semantics` C.6 and the layer-4 rows of `hardening`.  Frames are packed by hand.
"""

from __future__ import annotations

import gc
import struct
import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

from director.l4.verdicts import Transmit
from director.model.virtual import L4Settings
from tests.support.layer4_world import (
    CLIENT_MAC,
    INNER_MAC,
    INSIDE,
    OUTER_MAC,
    OUTSIDE,
    SERVER_MACS,
    VIP,
    World,
    packed,
)

SYN, ACK = 0x02, 0x10
LIMIT = 2000
CLIENTS = 200
FLOOD = 30_000
SERVER = packed("10.0.0.11")


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(macs: bytes, source: bytes, sport: int, target: bytes, port: int, flags: int) -> bytes:
    """A TCP frame without payload."""
    segment = struct.pack("!HHIIBBHHH", sport, port, 7, 7, 0x50, flags, 0xFFFF, 0, 0)
    found = checksum(source + target + struct.pack("!HH", 6, 20) + segment)
    segment = segment[:16] + found.to_bytes(2, "big") + segment[18:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, source, target)
    return macs + b"\x08\x00" + head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + segment


def asks(source: bytes, sport: int, flags: int) -> bytes:
    return tcp(OUTER_MAC + CLIENT_MAC, source, sport, packed(VIP), 80, flags)


def answers(source: bytes, sport: int, flags: int) -> bytes:
    return tcp(INNER_MAC + SERVER_MACS[0], SERVER, 8080, source, sport, flags)


def client(number: int) -> tuple[bytes, int]:
    return bytes((198, 18, number >> 8, number & 255)), 40000


def attackers() -> Iterator[bytes]:
    """SYNs, each from an address of its own (203.0.0.0/16 and on)."""
    for number in range(FLOOD):
        yield asks(bytes((203, number >> 16, number >> 8 & 255, number & 255)), 1024 + number % 50000, SYN)


def connect(world: World, number: int) -> bool:
    """A whole handshake; False when its first packet does not get through."""
    first = world.give(asks(*client(number), SYN), OUTSIDE)
    if not isinstance(first, Transmit):
        return False
    assert isinstance(world.give(answers(*client(number), SYN | ACK), INSIDE), Transmit)
    assert isinstance(world.give(asks(*client(number), ACK), OUTSIDE), Transmit)
    return True


def works(world: World, number: int) -> bool:
    return isinstance(world.give(asks(*client(number), ACK), OUTSIDE), Transmit)


def flood(world: World) -> None:
    """The flood in ten seconds, among packets of the clients that are there and of new ones."""
    fresh = CLIENTS
    for count, frame in enumerate(attackers()):
        world.give(frame, OUTSIDE)
        if count % 75 == 0:
            world.now += 0.025
            world.forwarder.tick(world.now)
            assert works(world, count // 75 % CLIENTS)
            assert len(world.table.entries) <= LIMIT
        if count % 1000 == 0:
            assert connect(world, fresh)
            fresh += 1


def full(drop_entry: int = 0) -> World:
    """A world with its clients connected."""
    world = World(settings=L4Settings(max_flows=LIMIT, drop_entry=drop_entry))
    assert all(connect(world, number) for number in range(CLIENTS))
    return world


@pytest.mark.slow
@pytest.mark.parametrize("drop_entry", [0, 3])
def test_a_flood_takes_the_places_of_half_open_flows_only(drop_entry: int) -> None:
    world = full(drop_entry)
    flood(world)
    new = FLOOD // 1000
    assert all(works(world, number) for number in range(CLIENTS + new))
    defence = world.forwarder.defence
    assert defence.made_room > (FLOOD - LIMIT) // 2
    assert (defence.entries_dropped > 0) == (drop_entry == 3)
    assert world.counters["flow_table_full"] == 0
    assert world.forwarder.total.traffic.conns == CLIENTS + new + FLOOD
    # SYN_RECV ends after 60 s: nothing of the flood is left, nor of its claims on the server.  drop_entry
    # then begins to thin out flows that were silent for a minute, too.
    world.wait(61)
    left = len(world.table.entries)
    assert left == CLIENTS + new if drop_entry == 0 else 0 < left <= CLIENTS + new
    assert (world.real().active, world.real().inactive) == (left, 0)


def test_established_flows_are_never_thrown_out() -> None:
    world = World(settings=L4Settings(max_flows=LIMIT))
    assert all(connect(world, number) for number in range(LIMIT))
    assert not connect(world, LIMIT)
    assert world.counters["flow_table_full"] == 1
    assert all(works(world, number) for number in range(LIMIT))


def test_drop_packet_thins_out_new_flows_alone() -> None:
    world = full()
    world.forwarder.defence.configure(L4Settings(max_flows=LIMIT, drop_packet=3, am_droprate=4))
    world.forwarder.defence.second(1 << 20, world.now)
    passed = [
        isinstance(world.give(frame, OUTSIDE), Transmit)
        for frame, _ in zip(attackers(), range(400), strict=False)
    ]
    assert passed.count(False) == world.counters["defence_drop_packet"] == 100
    assert all(works(world, number) for number in range(CLIENTS))


@pytest.mark.slow
def test_memory_follows_the_table_and_returns() -> None:
    world = full()
    gc.collect()
    tracemalloc.start()
    try:
        for frame in islice(attackers(), 5 * LIMIT):
            world.give(frame, OUTSIDE)
        gc.collect()
        assert len(world.table.entries) == LIMIT
        assert tracemalloc.get_traced_memory()[0] < LIMIT * 2048
        world.wait(61)
        gc.collect()
        # What stays are the places that dicts and lists keep for the next flood.
        assert tracemalloc.get_traced_memory()[0] < LIMIT * 512
    finally:
        tracemalloc.stop()
    assert len(world.table.entries) == CLIENTS


@pytest.mark.slow
def test_fifty_thousand_flows_and_their_end() -> None:
    world = World()
    for number in range(50_000):
        assert connect(world, number)
        world.now += 0.0001
    assert all(works(world, number) for number in range(0, 50_000, 100))
    assert (world.real().active, world.real().inactive) == (50_000, 0)
    world.wait(910)
    assert len(world.table.entries) == 0
    assert (world.real().active, world.real().inactive) == (0, 0)
