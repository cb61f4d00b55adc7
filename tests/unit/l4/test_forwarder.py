"""The door: properties that hold for any bytes and any order of events, and the two ways agreeing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.packet import Raw

from director.l4.verdicts import Batch, Deliver, Drop, Hold, Transmit, Verdict
from director.l4.wire.offload import GSO_TCPV4, GSO_TCPV6, NEEDS_CSUM, Offload, write
from director.model.pools import Address, Forward, Server, Tunnel
from director.model.virtual import L4Settings
from director.registry.changes import ServerAdded, ServerRemoved, ServiceRemoved, ServiceSet, weight
from tests.support.layer4_world import (
    CLIENT,
    CLIENT6,
    CLIENT_MAC,
    OUTER_MAC,
    OUTSIDE,
    SERVERS,
    SERVERS6,
    VIP,
    VIP6,
    World,
    all_sent,
    ip,
    right,
    sent,
)

FOUR = (CLIENT, VIP, SERVERS[0])
SIX = (CLIENT6, VIP6, SERVERS6[0])
BOTH = pytest.mark.parametrize(("family", "ends"), [(4, FOUR), (6, SIX)], ids=["v4", "v6"])


WAYS = [
    (Forward.NAT, {}), (Forward.DR, {}), (Forward.TUN, {}),
    (Forward.TUN, {"server": {"tunnel": Tunnel("gre")}}),
    (Forward.TUN, {"server": {"tunnel": Tunnel("gue", 6080)}}),
    (Forward.TUN, {"server": {"tunnel": Tunnel("gre", 0, "csum")}}),
    (Forward.TUN, {"server": {"address": Address("10.0.0.11", 8080)}}),
    (Forward.TUN, {"server": {"address": Address("2001:db8:2::11", 8080)}}),
    (Forward.TUN, {"settings": L4Settings(pmtu_disc=0)}),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize(("forward", "fields"), WAYS)
def test_hot_path_does_what_the_general_way_does(
    forward: Forward, fields: dict[str, Any], protocol: str, family: int, ends: tuple[str, str, str]
) -> None:
    """Every packet is given to two worlds; in one of them each flow is made to ask again each time."""
    client, virtual, server = ends
    layer = TCP(sport=1000, dport=80, flags="A") if protocol == "tcp" else UDP(sport=1000, dport=80)
    back = TCP(sport=8080, dport=1000, flags="A") if protocol == "tcp" else UDP(sport=8080, dport=1000)
    first = TCP(sport=1000, dport=80, flags="S") if protocol == "tcp" else layer
    worlds = [World(forward, family=family, protocol=protocol, **fields) for _ in range(2)]
    seen: list[list[bytes]] = [[], []]
    gue = fields.get("server", {}).get("tunnel", Tunnel()).kind == "gue"  # its checksum stays 0
    totals = []
    for number, world in enumerate(worlds):
        world.client(ip(client, virtual) / first)
        for size in (0, 1, 66, 1003, 1380):
            tos = {"tos": size % 4, "flags": "DF"} if family == 4 else {"tc": size % 4}
            for packet in (
                ip(client, virtual, **tos) / layer / Raw(b"\xa5" * size),
                ip(server, client) / back / Raw(b"z" * size),
            ):
                if number:
                    world.forwarder._stale()
                verdict = world.client(packet) if packet.src == client else world.server(packet)
                if isinstance(verdict, Transmit):
                    frame = sent(verdict)
                    assert right(frame) or gue
                    raw = bytearray(bytes(frame))
                    if forward is Forward.TUN and raw[12:14] == b"\x08\x00":
                        raw[18:20] = raw[24:26] = b"\0\0"  # a tunnel's identification is random
                    seen[number].append(bytes(raw))
        totals.append(world.real().stats.traffic.totals())
    assert seen[0] == seen[1]
    assert totals[0] == totals[1]
    assert len(seen[0]) == (10 if forward is Forward.NAT else 5)


def test_hot_path_is_taken() -> None:
    for forward in (Forward.NAT, Forward.DR, Forward.TUN):
        for client, virtual, family in ((CLIENT, VIP, 4), (CLIENT6, VIP6, 6)):
            world = World(forward, family=family)
            world.client(ip(client, virtual) / TCP(sport=1000, dport=80, flags="S"))
            world.client(ip(client, virtual) / TCP(sport=1000, dport=80, flags="A"))
            world.forwarder._general = None  # type: ignore[assignment, method-assign]
            sent(world.client(ip(client, virtual) / TCP(sport=1000, dport=80, flags="A") / Raw(b"hello")))


@BOTH
@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR])
def test_hot_path_does_with_a_super_frame_what_the_general_way_does(
    forward: Forward, family: int, ends: tuple[str, str, str]
) -> None:
    """It goes on whole when its segments fit the way's MTU of 1500."""
    l4, kind = (34, GSO_TCPV4) if family == 4 else (54, GSO_TCPV6)
    offload = write(Offload(NEEDS_CSUM, kind, l4 + 20, 1500 - (l4 - 14) - 20, l4, 16))
    seen = []
    for hot in (True, False):
        world = World(forward, family=family)
        for flags in ("S", "A"):
            world.client(ip(*ends[:2]) / TCP(sport=1000, dport=80, flags=flags))
        if hot:
            world.forwarder._general = None  # type: ignore[assignment, method-assign]
        else:
            world.forwarder._stale()
        packet = ip(*ends[:2]) / TCP(sport=1000, dport=80, flags="A") / Raw(b"x" * 20000)
        seen.append(world.client(packet, offload))
    assert isinstance(seen[0], Transmit)
    assert seen[0] == seen[1]


@given(
    data=st.binary(max_size=1400), sport=st.integers(21, 65535), ttl=st.integers(3, 255),
    tos=st.integers(0, 255),
    protocol=st.sampled_from(["tcp", "udp"]), family=st.sampled_from([4, 6]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_nat_in_and_out_is_the_identity(
    data: bytes, sport: int, ttl: int, tos: int, protocol: str, family: int
) -> None:
    """What the server echoes reaches the client as if the VIP had echoed it, but for the TTL."""
    client, virtual, server = FOUR if family == 4 else SIX
    world = World(protocol=protocol, family=family)
    kind: Any = TCP if protocol == "tcp" else UDP
    fields = {"flags": "S"} if protocol == "tcp" else {}
    outer = {"ttl": ttl, "tos": tos} if family == 4 else {"ttl": ttl, "tc": tos}
    packet = ip(client, virtual, **outer) / kind(sport=sport, dport=80, **fields) / Raw(data)
    there = world.client(packet)
    assert isinstance(there, Transmit)
    outer["ttl"] = ttl - 1
    forth = ip(client, server, **outer) / kind(sport=sport, dport=8080, **fields) / Raw(data)
    assert bytes(there.frame[14:]) == bytes(forth)
    answer = ip(server, client, **outer) / kind(sport=8080, dport=sport, **fields) / Raw(data)
    back = world.server(answer)
    assert isinstance(back, Transmit)
    outer["ttl"] = ttl - 2
    expected = ip(virtual, client, **outer) / kind(sport=80, dport=sport, **fields) / Raw(data)
    assert bytes(back.frame[14:]) == bytes(expected)


SEEDS = [
    IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S", options=[("MSS", 1460)]),
    IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="PA") / Raw(b"x" * 30),
    IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=8080, dport=1000, flags="SA"),
    IP(src=CLIENT, dst=VIP) / UDP(sport=1000, dport=80) / Raw(b"x" * 30),
    IP(src=CLIENT, dst=VIP, flags="MF", id=3) / UDP(sport=1000, dport=80, len=80) / Raw(b"x" * 16),
    IP(src=CLIENT, dst=VIP, frag=3, id=3) / Raw(b"x" * 24),
    IP(src=CLIENT, dst=VIP) / SCTP(sport=1000, dport=80) / SCTPChunkInit(),
    IP(src="192.0.2.254", dst=VIP) / ICMP(type=3, code=4) / IP(src=VIP, dst=CLIENT) / TCP(sport=80),
    IP(src=SERVERS[0], dst=CLIENT) / ICMP(type=3, code=3) / IP(src=CLIENT, dst=SERVERS[0]) / UDP(dport=8080),
    IPv6(src=CLIENT6, dst=VIP6) / TCP(sport=1000, dport=80, flags="S"),
    IPv6(src=CLIENT6, dst=VIP6) / ICMPv6EchoRequest(),
]  # fmt: skip
RAW_SEEDS = [bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / one) for one in SEEDS]
KINDS = (Transmit, Hold, Deliver, Drop, Batch)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(RAW_SEEDS),
            st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=4),
            st.integers(0, 120),
            st.sampled_from(
                [b"", bytes(10), bytes([1, 1, 66, 0, 20, 0, 34, 0, 16, 0]), b"\1", bytes([255] * 10)]
            ),
        ),
        max_size=12,
    ),
    st.sampled_from(list(Forward)),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_packets_never_raise(packets: list[Any], forward: Forward) -> None:
    world = World(forward, settings=L4Settings(max_flows=8, schedule_icmp=1, nat_icmp_send=1, sloppy_tcp=1))
    for raw, changes, cut, offload in packets:
        frame = bytearray(raw)
        for place, value in changes:
            if place < len(frame):
                frame[place] = value
        assert isinstance(world.give(frame[: len(frame) - cut] if cut else frame, OUTSIDE, offload), KINDS)
    world.forwarder.tick(world.now + 1)
    world.forwarder.close()
    assert (world.real().active, world.real().inactive, world.real().persistent) == (0, 0, 0)


@given(st.binary(max_size=200), st.binary(max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_bytes_never_raise(data: bytes, offload: bytes) -> None:
    world = World()
    assert isinstance(world.give(OUTER_MAC + data, OUTSIDE, offload), KINDS)
    assert isinstance(world.give(data, 77, offload), KINDS)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["syn", "ack", "fin", "rst", "answer", "finish", "udp", "tick", "remove", "add",
                         "quiesce", "gone", "back"]),
        st.integers(1, 3),
        st.sampled_from([0.1, 1.0, 61.0, 400.0, 1000.0]),
    ),
    max_size=40,
)  # fmt: skip


@given(STEPS, st.sampled_from([None, 60.0]), st.booleans(), st.sampled_from([Forward.NAT, Forward.DR]))
@settings(max_examples=120, deadline=None)
def test_every_claim_is_given_back(
    steps: list[Any], persistent: float | None, expire: bool, forward: Forward
) -> None:
    """Any order of packets, time, removals and reloads leaves every counter at zero when all is over."""
    config = L4Settings(expire_nodest_conn=int(expire), max_flows=6)
    world = World(forward, servers=2, persistent=persistent, settings=config, server={"max": 3, "min": 1})
    servers = {one.name: one for one in world.registry.servers()}
    for what, number, pause in steps:
        play(world, what, number, pause)
        for server in world.registry.servers():
            servers[f"{server.name}/{id(server)}"] = server
            assert min(server.active, server.inactive, server.persistent) >= 0
        flows = [one for one in world.table.entries if getattr(one, "lease", None) is not None]
        held = {id(one): one for one in servers.values()}.values()
        assert sum(one.active + one.inactive for one in held) == len(flows)
    world.wait(3000)
    assert not world.table.entries
    assert not world.table.wheel._slots
    for server in servers.values():
        assert (server.active, server.inactive, server.persistent) == (0, 0, 0)


def play(world: World, what: str, number: int, pause: float) -> None:
    flags = {"syn": "S", "ack": "A", "fin": "FA", "rst": "R"}.get(what)
    back = {"answer": "SA", "finish": "FA"}.get(what)
    names = [one.name for one in world.registry.pools["p"].servers]
    if flags:
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=number, dport=80, flags=flags))
    elif back:
        world.server(IP(src=SERVERS[number % 2], dst=CLIENT) / TCP(sport=8080, dport=number, flags=back))
    elif what == "udp":
        world.client(IP(src=CLIENT, dst=VIP) / UDP(sport=number, dport=80))
    elif what == "tick":
        world.now += pause
        world.forwarder.tick(world.now)
    elif what == "remove" and f"r{number % 2}" in names:
        world.apply(ServerRemoved("p", f"r{number % 2}"))
    elif what == "add" and f"r{number % 2}" not in names:
        world.apply(
            ServerAdded("p", Server(f"r{number % 2}", Address(SERVERS[number % 2], 8080), max=3, min=1))
        )
    elif what == "quiesce" and names:
        world.apply(weight(world.registry.configuration, "p", names[0], number % 2))
    elif what == "gone" and world.registry.services:
        world.apply(ServiceRemoved("l4:s"))
    elif what == "back":
        world.apply(ServiceSet(world.service))


# -- steps 1 to 6 of the inbound path --


def test_other_frames_are_the_hosts() -> None:
    world = World()
    assert isinstance(world.give(bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / ARP()), OUTSIDE), Deliver)
    assert isinstance(world.client(IP(src=CLIENT, dst=VIP) / ICMP()), Deliver)
    assert isinstance(world.client(IP(src=CLIENT, dst=VIP, proto=89) / Raw(b"ospf")), Deliver)
    other = Ether(src=CLIENT_MAC, dst="02:00:00:00:00:77") / IP(src=CLIENT, dst=VIP) / TCP(dport=80)
    assert isinstance(world.give(bytes(other), OUTSIDE), Deliver)
    assert not world.table.entries


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("127.0.0.1", "martian_source"), ("224.0.0.1", "martian_source"),
        ("255.255.255.255", "martian_source"),
        ("0.0.0.0", "martian_source"), (VIP, "land"), ("10.0.0.1", "spoofed_source"),
    ],
)  # fmt: skip
def test_impossible_sources_are_dropped_with_the_reason(source: str, reason: str) -> None:
    world = World()
    verdict = world.client(IP(src=source, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    assert verdict == Drop(reason)
    assert world.counters[reason] == 1
    assert not world.table.entries


def test_bad_checksum_opens_nothing_and_ends_nothing() -> None:
    world = World()
    assert world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S", chksum=1)) == Drop(
        "bad_checksum"
    )
    assert not world.table.entries
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S"))
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))
    assert world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="R", chksum=1)) == Drop(
        "bad_checksum"
    )
    assert world.real().active == 1


def test_bad_checksum_of_an_open_flow_stays_bad() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S"))
    for _ in range(2):
        frame = sent(
            world.client(
                IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A", chksum=0x1234) / Raw(b"x")
            )
        )
        assert not right(frame)


def test_bad_ip_checksum_is_dropped_on_the_hot_path_too() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S"))
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))
    verdict = world.client(IP(src=CLIENT, dst=VIP, chksum=0x4242) / TCP(sport=1, dport=80, flags="A"))
    assert verdict == Drop("bad_ipv4_checksum")


@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR, Forward.TUN])
def test_padding_of_short_frames_goes_on_every_path(forward: Forward) -> None:
    """An ACK in a frame of 60 bytes, as a real card hands it up."""
    world = World(forward)
    for flags in ("S", "A", "A", "A"):
        raw = bytes(
            Ether(src=CLIENT_MAC, dst=OUTER_MAC)
            / IP(src=CLIENT, dst=VIP)
            / TCP(sport=1, dport=80, flags=flags)
        )
        frame = sent(world.give(raw + b"\0" * (60 - len(raw)), OUTSIDE))
        assert right(frame)
        assert len(bytes(frame)) == (74 if forward is Forward.TUN else 54)


def test_short_tcp_header_is_dropped_on_the_hot_path_too() -> None:
    world = World()
    for flags in ("S", "A", "A"):
        world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags))
    cut = bytes(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A"))[20:38]
    verdict = world.client(IP(src=CLIENT, dst=VIP, proto=6) / Raw(cut))
    assert verdict == Drop("short_tcp")


def test_backup_only_leaves_everything_alone_while_the_daemon_runs() -> None:
    """V48, also for flows that were on the hot path."""
    world = World(settings=L4Settings(backup_only=1))
    for flags in ("S", "A", "A"):
        sent(world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags)))
    world.forwarder.backup = True
    for flags in ("A", "S"):
        assert isinstance(
            world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags=flags)), Deliver
        )
    world.forwarder.backup = False
    sent(world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="A")))


# -- VLAN tags and super-frames --


def test_vlan_tag_stays_on_its_interface_and_goes_elsewhere() -> None:
    world = World()
    inside = IP(src=CLIENT, dst=VIP) / TCP(sport=1, dport=80, flags="S")
    plain = bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / inside)
    tagged = plain[:12] + b"\x81\x00\x20\x05" + plain[12:]
    assert right(sent(world.give(tagged, OUTSIDE)))
    world.routing.networks[1] = (*world.routing.networks[1][:2], world.routing.networks[0][2])
    world.routing.neighbours[OUTSIDE, bytes([10, 0, 0, 11])] = CLIENT_MAC
    world.forwarder._stale()
    frame = sent(world.give(tagged, OUTSIDE))
    assert (frame.type, frame.vlan) == (0x8100, 5)


def super_frame(size: int, **fields: Any) -> tuple[Any, bytes]:
    """A TCP super-frame as a local sender makes it, with a partial checksum, and its virtio header."""
    tcp = TCP(sport=1000, dport=80, flags="PA", seq=5_000, **fields)
    packet = IP(src=CLIENT, dst=VIP, flags="DF", id=77) / tcp / Raw(bytes(range(256)) * (size // 256))
    raw = bytearray(bytes(packet))
    addresses = raw[12:20]
    total = sum(int.from_bytes(addresses[at : at + 2], "big") for at in range(0, 8, 2)) + 6 + len(raw) - 20
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    raw[36:38] = total.to_bytes(2, "big")
    return Raw(bytes(raw)), write(Offload(NEEDS_CSUM, GSO_TCPV4, 54, 1448, 34, 16))


def ether(payload: Any) -> bytes:
    return bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC, type=0x0800) / payload)


def finished(frame: bytes) -> Any:
    """What a device makes of a frame whose checksum it is to complete."""
    again = Ether(frame)
    del again[TCP].chksum
    return Ether(bytes(again))


@pytest.mark.parametrize("forward", [Forward.NAT, Forward.DR])
def test_super_frame_passes_whole(forward: Forward) -> None:
    world = World(forward)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    payload, offload = super_frame(60 * 1024)
    verdict = world.give(ether(payload), OUTSIDE, offload)
    assert isinstance(verdict, Transmit)
    assert verdict.offload == offload
    frame = Ether(bytes(verdict.frame))
    partial = frame[TCP].chksum
    tcp_length = len(frame) - 34
    addresses = bytes(frame)[26:34]
    total = sum(int.from_bytes(addresses[at : at + 2], "big") for at in range(0, 8, 2)) + 6 + tcp_length
    assert partial % 0xFFFF == total % 0xFFFF
    assert len(frame[Raw].load) == 60 * 1024


def test_super_frame_through_a_tunnel_becomes_segments() -> None:
    world = World(Forward.TUN)
    world.routing.links[2] = type(world.routing.links[2])(world.routing.links[2].mac, 1520)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    payload, offload = super_frame(10 * 1024)
    frames = all_sent(world.give(ether(payload), OUTSIDE, offload))
    inner = [one[IP].payload for one in frames]
    assert all(right(one) for one in frames)
    assert b"".join(one[Raw].load for one in inner) == payload.load[40:]
    assert [one[TCP].seq for one in inner] == [5000 + 1448 * number for number in range(len(inner))]
    assert [int(one[TCP].flags) & 8 for one in inner] == [0] * (len(inner) - 1) + [8]
    assert [one.id for one in inner] == list(range(77, 77 + len(inner)))


def test_super_frame_too_large_for_the_way_gets_frag_needed() -> None:
    world = World()
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    world.routing.links[2] = type(world.routing.links[2])(world.routing.links[2].mac, 1400)
    world.forwarder._stale()
    payload, offload = super_frame(10 * 1024)
    frame = sent(world.give(ether(payload), OUTSIDE, offload))
    assert (frame[ICMP].type, frame[ICMP].code, frame[ICMP].nexthopmtu) == (3, 4, 1400)


def test_hold_when_the_neighbour_is_unknown() -> None:
    world = World()
    world.routing.neighbours.clear()
    verdict: Verdict = world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=1000, dport=80, flags="S"))
    assert isinstance(verdict, Hold)
    assert (verdict.ifindex, verdict.next_hop) == (2, bytes([10, 0, 0, 11]))
    assert verdict.frame[6:12] == b"\2\0\0\0\0\2"
