"""V35: fragments of a datagram reach one server whole; overlapping, late and too many do not."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from director.l4 import fragments
from director.l4.fragments import Reassembly
from director.l4.verdicts import Batch, Deliver
from director.l4.wire.packet import Packet
from director.l4.wire.parse import parse
from director.model.pools import Forward
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    OUTER6,
    SERVERS,
    SERVERS6,
    VIP,
    VIP6,
    World,
    all_sent,
    right,
)

DATA = bytes(range(256)) * 16


def pieces(size: int = 1000, ident: int = 7, data: bytes = DATA) -> list[Any]:
    whole = IP(src=CLIENT, dst=VIP, id=ident) / UDP(sport=1000, dport=80) / Raw(data)
    return [IP(bytes(one)) for one in fragment(IP(bytes(whole)), fragsize=size)]


def pieces6(source: str = CLIENT6, to: str = VIP6, ident: int = 9, sport: int = 1000) -> list[Any]:
    whole = IPv6(src=source, dst=to) / IPv6ExtHdrFragment(id=ident) / UDP(sport=sport, dport=80) / Raw(DATA)
    return [IPv6(bytes(one)) for one in fragment6(whole, 1280)]


def joined(frames: list[Any]) -> bytes:
    """The payload of the datagram that IPv4 fragments stand for."""
    found = b"".join(bytes(one[IP].payload) for one in sorted(frames, key=lambda one: one[IP].frag))
    return found[8:]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR])
def test_all_pieces_go_to_one_server(forward: Forward, seed: int) -> None:
    world = World(forward, protocol="udp", servers=2)
    parts = pieces()
    Random(seed).shuffle(parts)
    for part in parts[:-1]:
        assert world.client(part) == Batch(())
    frames = all_sent(world.client(parts[-1]))
    assert joined(frames) == DATA
    assert {one.dst for one in frames} == {frames[0].dst}
    assert {one[IP].id for one in frames} == {7}
    assert all(len(one[IP]) <= 1500 for one in frames)
    whole = bytes(frames[0][IP].payload)[:8]
    assert int.from_bytes(whole[2:4], "big") == (8080 if forward is Forward.NAT else 80)
    assert world.real().stats.traffic.inpkts == 1


def test_checksum_of_the_whole_is_right_behind_nat() -> None:
    world = World(protocol="udp")
    verdicts = [world.client(part) for part in pieces()]
    frames = all_sent(verdicts[-1])
    payload = b"".join(bytes(one[IP].payload) for one in sorted(frames, key=lambda one: one[IP].frag))
    assert right(
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / IP(src=CLIENT, dst=SERVERS[0])
        / UDP(payload)
    )


def test_answers_in_pieces_come_from_the_virtual_address() -> None:
    world = World(protocol="udp")
    world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=80))
    whole = IP(src=SERVERS[0], dst=CLIENT, id=8) / UDP(sport=8080, dport=1000) / Raw(DATA)
    verdicts = [world.server(IP(bytes(one))) for one in fragment(IP(bytes(whole)), fragsize=1400)]
    frames = all_sent(verdicts[-1])
    assert joined(frames) == DATA
    assert {one[IP].src for one in frames} == {VIP}


def test_ipv6_pieces() -> None:
    world = World(protocol="udp", family=6)
    parts = pieces6()
    verdicts = [world.client(part) for part in reversed(parts)]
    frames = all_sent(verdicts[-1])
    assert {one[IPv6].dst for one in frames} == {SERVERS6[0]}
    assert all(len(one[IPv6]) <= 1280 for one in frames)
    body = b"".join(bytes(one[IPv6ExtHdrFragment].payload) for one in frames)
    assert body[8:] == DATA
    assert right(
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / IPv6(src=CLIENT6, dst=SERVERS6[0])
        / UDP(body)
    )
    assert [one[IPv6ExtHdrFragment].m for one in frames] == [1] * (len(frames) - 1) + [0]


def test_ipv6_pieces_keep_their_identification() -> None:
    """Two datagrams under way at once must not be mixed by whoever puts them together."""
    world = World(protocol="udp", family=6)
    for ident in (0x12345678, 3):
        frames = all_sent([world.client(part) for part in pieces6(ident=ident)][-1])
        assert {one[IPv6ExtHdrFragment].id for one in frames} == {ident}


def test_what_is_not_the_directors_is_given_back_whole_or_in_pieces() -> None:
    """Of IPv6, the host cuts only what it sends itself: what it forwards goes as it came."""
    world = World(protocol="udp", family=6)
    parts = pieces6(SERVERS6[0], CLIENT6, sport=77)
    verdict = [world.server(part) for part in parts][-1]
    assert isinstance(verdict, Deliver)
    assert [bytes(piece)[14:] for piece in verdict.pieces] == [bytes(part) for part in parts]
    verdict = [world.server(part) for part in pieces6(SERVERS6[0], OUTER6, sport=77)][-1]
    assert isinstance(verdict, Deliver)
    assert verdict.whole is not None
    assert bytes(verdict.whole[62:]) == DATA
    assert not verdict.pieces


def test_too_large_without_df_is_cut() -> None:
    world = World(protocol="udp")
    world.routing.links[2] = type(world.routing.links[2])(world.routing.links[2].mac, 576)
    frames = all_sent(world.client(IP(src=CLIENT, dst=VIP, id=5) / UDP(sport=1, dport=80) / Raw(DATA[:1400])))
    assert joined(frames) == DATA[:1400]
    assert all(len(one[IP]) <= 576 for one in frames)


def packets(parts: list[Any]) -> list[Packet]:
    return [
        parse(bytearray(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / one)))
        for one in parts
    ]


def test_overlap_kills_the_datagram() -> None:
    counters: Counter[str] = Counter()
    reassembly = Reassembly(counters)
    first, second, *_rest = packets(pieces())
    assert reassembly.take(first, 0.0) is None
    second.fragment -= 8
    assert reassembly.take(second, 0.0) is None
    assert (counters["fragments_overlap"], len(reassembly), reassembly.held_bytes) == (1, 0, 0)


def test_same_piece_twice_is_no_overlap() -> None:
    reassembly = Reassembly(Counter())
    parts = packets(pieces())
    results = [reassembly.take(one, 0.0) for one in (*parts[:-1], *parts[:-1], parts[-1])]
    assert results[-1] is not None
    assert results[:-1] == [None] * (len(results) - 1)


def test_pieces_wait_thirty_seconds() -> None:
    counters: Counter[str] = Counter()
    reassembly = Reassembly(counters)
    reassembly.take(packets(pieces())[0], 0.0)
    reassembly.expire(29.0)
    assert len(reassembly) == 1
    reassembly.expire(30.0)
    assert (len(reassembly), reassembly.held_bytes, counters["fragments_timed_out"]) == (0, 0, 1)


def test_flood_of_first_pieces_is_bounded() -> None:
    counters: Counter[str] = Counter()
    reassembly = Reassembly(counters)
    for ident in range(fragments.MAX_DATAGRAMS + 50):
        reassembly.take(packets(pieces(ident=ident, data=b"x" * 1200))[0], 0.0)
    assert len(reassembly) == fragments.MAX_DATAGRAMS
    assert counters["fragments_no_room"] == 50


def test_flood_of_bytes_is_bounded() -> None:
    reassembly = Reassembly(Counter())
    whole = packets(pieces(data=b"z" * 60000, size=59000))[0]
    for ident in range(200):
        whole.ident = ident
        reassembly.take(whole, 0.0)
    assert reassembly.held_bytes <= fragments.MAX_BYTES + 60000


def test_flood_of_tiny_pieces_is_bounded() -> None:
    counters: Counter[str] = Counter()
    reassembly = Reassembly(counters)
    for one in packets(pieces(size=8, data=b"z" * 4000)):
        reassembly.take(one, 0.0)
    assert counters["fragments_too_many"] >= 1
