"""What faults do to packets on their way to a server and back, against the RFCs and netem's manual."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkData, SCTPChunkInit
from scapy.packet import Raw

from director.config.parse.faults import action
from director.fault.injections import Injections
from director.l4.io.packet.raw import FRESH
from director.l4.states import tcp
from director.l4.verdicts import Batch, Deliver, Drop, Later, Transmit, Verdict
from director.l4.wire import offload as vnet
from director.model.drills import Fault, FaultHit, RunningFault
from director.model.pools import Address, Eject, Forward
from director.model.virtual import L4Settings
from director.registry.watch import Watch
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

FLOW, OTHER = 1000, 2000


def inject(world: World, do: str, hit: FaultHit | None = None, server: str = "r0") -> Injections:
    """Lay it on the first server, and let the forwarder know."""
    faults = Injections(world.registry, world.forwarder.follow_faults)
    fault = Fault("x", (("p", server),), action(do), hit=hit or FaultHit())
    faults.start(RunningFault(fault, 7, world.now, world.now + 60.0))
    return faults


def there(flags: str, data: bytes = b"", sport: int = FLOW, seq: int = 7, ack: int = 0) -> Any:
    return IP(src=CLIENT, dst=VIP) / TCP(sport=sport, dport=80, flags=flags, seq=seq, ack=ack) / Raw(data)


def back(flags: str, data: bytes = b"", dport: int = FLOW, seq: int = 99, ack: int = 8) -> Any:
    layers = TCP(sport=8080, dport=dport, flags=flags, seq=seq, ack=ack)
    return IP(src=SERVERS[0], dst=CLIENT) / layers / Raw(data)


def asked(data: bytes = b"question") -> Any:
    return IP(src=CLIENT, dst=VIP) / UDP(sport=FLOW, dport=80) / data


def established(world: World, sport: int = FLOW) -> None:
    """The client has 99 next from its server, the server 8 from the client."""
    world.client(there("S", sport=sport))
    world.server(back("SA", dport=sport, seq=98, ack=8))
    world.client(there("A", sport=sport, seq=8, ack=99))


def flow(world: World) -> Any:
    return world.table.entries[0]


def later(verdict: Verdict) -> Later:
    assert isinstance(verdict, Later), verdict
    return verdict


def taken(verdict: Verdict) -> Any:
    found = later(verdict).take()
    assert found is not None
    return sent(found)


# -- drop --


def test_a_lost_syn_has_been_counted_and_the_servers_answers_move_nothing() -> None:
    world = World()
    inject(world, "drop")
    assert world.client(there("S")) == Drop("injected_drop")
    assert (flow(world).in_pkts, flow(world).state) == (1, tcp.SYN_RECV)
    assert world.server(back("SA")) == Drop("injected_drop")
    assert (flow(world).state, flow(world).answered) == (tcp.SYN_RECV, False)
    assert world.counters["injected_drop"] == 2


def test_flows_that_were_there_are_hit_also_when_they_are_on_the_hot_path() -> None:
    world = World()
    established(world)
    assert flow(world).to_server.valid_until == world.now + FRESH
    faults = inject(world, "drop")
    assert world.client(there("A", b"x", seq=8, ack=99)) == Drop("injected_drop")
    faults.stop("x")
    assert sent(world.client(there("A", b"x", seq=8, ack=99)))[IP].dst == SERVERS[0]
    assert flow(world).to_server.valid_until == world.now + FRESH


def test_what_is_hit_is_never_installed_and_other_servers_go_on() -> None:
    world = World(servers=2)
    inject(world, "drop 1%")
    for sport in (FLOW, OTHER):
        world.client(there("S", sport=sport))
        world.client(there("A", sport=sport))
    entries = {one.server.name: one.to_server.valid_until for one in world.table.entries}
    assert entries == {"r0": 0.0, "r1": world.now + FRESH}


def test_only_the_flows_that_are_hit() -> None:
    world = World()
    inject(world, "drop", FaultHit(first=1))
    assert [type(world.client(there("S", sport=sport))) for sport in (FLOW, OTHER, FLOW)] == [
        Drop,
        Transmit,
        Drop,
    ]


@pytest.mark.parametrize("forward", [Forward.DR, Forward.TUN])
def test_packets_to_servers_that_answer_by_themselves(forward: Forward) -> None:
    world = World(forward)
    inject(world, "drop")
    assert world.client(there("S")) == Drop("injected_drop")


def test_packets_for_the_host_itself() -> None:
    """A server on this machine: the shell gives back the frame that the verdict holds, once for each."""
    world = World(Forward.LOCAL, server={"address": Address(VIP, 80)})
    faults = inject(world, "duplicate")
    verdict = world.client(there("S"))
    assert isinstance(verdict, Batch)
    frames = [one.whole for one in verdict.verdicts if isinstance(one, Deliver)]
    assert len(frames) == 2
    assert all(right(Ether(bytes(frame))) for frame in frames if frame is not None)
    faults.stop("x")
    inject(world, "drop")
    assert world.client(there("S", sport=OTHER)) == Drop("injected_drop")


def test_datagrams_scheduled_one_by_one_are_a_flow_each() -> None:
    world = World(protocol="udp", ops=True)
    faults = inject(world, "drop", FaultHit(every=2))
    assert [type(world.client(asked())) for _ in range(4)] == [Transmit, Drop, Transmit, Drop]
    found = faults.find("x")
    assert found is not None
    assert (found.choice.seen, found.choice.hits) == (4, 2)


def test_an_answer_to_one_of_those_is_lost_with_its_question() -> None:
    world = World(protocol="udp", ops=True)
    world.client(asked())
    answer = IP(src=SERVERS[0], dst=CLIENT) / UDP(sport=8080, dport=FLOW) / b"answer"
    faults = inject(world, "drop")
    assert world.server(answer) == Drop("injected_drop")
    faults.stop("x")
    assert sent(world.server(answer))[IP].src == VIP


def test_a_hole_lets_small_packets_through_and_says_nothing_of_others() -> None:
    """RFC 2923, 2.1: a black hole; a handshake comes about, and then nothing does."""
    world = World()
    inject(world, "mtu_hole 200")
    established(world)
    assert sent(world.client(there("A", b"x" * 160, seq=8, ack=99)))[IP].len == 200
    assert world.client(there("A", b"x" * 161, seq=8, ack=99)) == Drop("injected_drop")
    assert world.server(back("A", b"y" * 161)) == Drop("injected_drop")
    assert isinstance(world.client(*superframe(161)), Batch)
    assert world.counters["injected_drop"] == 4


# -- delay, reorder, duplicate --


def test_a_delay_holds_back_what_goes_to_the_server_and_nothing_else() -> None:
    world = World()
    inject(world, "delay 200ms")
    verdict = later(world.client(there("S")))
    assert verdict.seconds == 0.2
    assert right(taken(verdict))
    assert verdict.take() is None, "nobody sends it twice"
    assert sent(world.server(back("SA")))[IP].src == VIP


def test_a_range_is_drawn_for_each_packet() -> None:
    world = World(protocol="udp")
    inject(world, "delay 100ms..300ms")
    drawn = [later(world.client(asked())).seconds for _ in range(20)]
    assert all(0.1 <= one < 0.3 for one in drawn)
    assert len(set(drawn)) == 20


def test_reorder_lets_the_next_packet_of_the_flow_go_first() -> None:
    world = World(protocol="udp")
    inject(world, "reorder")
    held = later(world.client(asked(b"one")))
    assert held.seconds == 0.05
    first, second = all_sent(world.client(asked(b"two")))
    assert (bytes(first[Raw]), bytes(second[Raw])) == (b"two", b"one")
    assert held.take() is None
    assert isinstance(world.client(asked(b"three")), Later)


def test_reorder_of_one_that_nobody_overtook_is_over() -> None:
    world = World(protocol="udp")
    inject(world, "reorder")
    taken(world.client(asked(b"one")))
    world.wait(0.25)
    assert isinstance(world.client(asked(b"two")), Later)


def test_both_directions_have_their_own_order() -> None:
    world = World()
    established(world)
    inject(world, "reorder")
    assert isinstance(world.client(there("A", b"x", seq=8, ack=99)), Later)
    assert isinstance(world.server(back("A", b"y")), Later)


def test_a_duplicate_leaves_twice_as_the_same_packet() -> None:
    world = World()
    established(world)
    inject(world, "duplicate")
    for verdict, source in (
        (world.client(there("A", b"x", seq=8, ack=99)), CLIENT),
        (world.server(back("A", b"y")), VIP),
    ):
        first, second = all_sent(verdict)
        assert bytes(first) == bytes(second)
        assert right(first)
        assert first[IP].src == source


# -- corrupt --


@pytest.mark.parametrize("data", [b"", b"odd", b"even"])
def test_a_corrupted_packet_has_one_wrong_bit_and_a_wrong_checksum(data: bytes) -> None:
    world = World()
    established(world)
    whole = sent(world.client(there("A", data, seq=8, ack=99)))
    inject(world, "corrupt")
    broken = sent(world.client(there("A", data, seq=8, ack=99)))
    differing = int.from_bytes(bytes(whole[IP]), "big") ^ int.from_bytes(bytes(broken[IP]), "big")
    assert differing == 1
    assert not right(broken)
    assert not right(sent(world.server(back("A", b"answer"))))


def test_a_checksum_that_was_to_be_completed_is_wrong_all_the_same() -> None:
    """As netem: it completes first, or the sender's own card would make the broken packet a good one."""
    world = World()
    established(world)
    inject(world, "corrupt")
    offload = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, csum_start=34, csum_offset=16))
    verdict = world.client(there("A", b"data", seq=8, ack=99), offload)
    assert isinstance(verdict, Transmit)
    assert not any(verdict.offload)
    assert not right(sent(verdict))


def test_a_broken_syn_ack_is_no_news_to_the_director() -> None:
    world = World()
    world.client(there("S"))
    inject(world, "corrupt")
    assert world.server(back("SA")) == Drop("bad_checksum")
    assert not flow(world).answered


# -- super-frames --


def superframe(size: int) -> tuple[Any, bytes]:
    header = vnet.Offload(vnet.NEEDS_CSUM, vnet.GSO_TCPV4, 54, size, 34, 16)
    return there("A", b"a" * size + b"b" * size + b"c" * 10, seq=8, ack=99), vnet.write(header)


def test_each_packet_of_a_super_frame_meets_its_own_fate() -> None:
    world = World()
    established(world)
    faults = inject(world, "drop 50%")
    met = [world.client(*superframe(100)) for _ in range(20)]
    found = faults.find("x")
    assert found is not None
    assert all(isinstance(one, Batch) and len(one.verdicts) == 3 for one in met)
    singles = [one for verdict in met if isinstance(verdict, Batch) for one in verdict.verdicts]
    passed = [sent(one) for one in singles if isinstance(one, Transmit)]
    assert len(singles) - len(passed) == found.packets
    assert 15 < found.packets < 45
    assert all(right(one) for one in passed)
    assert {(one[TCP].seq, len(one[TCP].payload)) for one in passed} == {(8, 100), (108, 100), (208, 10)}


def test_a_super_frame_is_answered_once() -> None:
    world = World()
    established(world)
    inject(world, "unreachable")
    assert sent(world.client(*superframe(100)))[ICMP].type == 3


# -- rst --


def test_rst_refuses_a_syn_and_the_server_hears_nothing() -> None:
    """RFC 9293, 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>."""
    world = World()
    inject(world, "rst")
    told = sent(world.client(there("S", seq=41)))
    assert right(told)
    assert (told[IP].src, told[IP].dst, str(told[TCP].flags)) == (VIP, CLIENT, "RA")
    assert (told[TCP].sport, told[TCP].dport, told[TCP].seq, told[TCP].ack) == (80, FLOW, 0, 42)
    assert flow(world).state == tcp.CLOSE


def test_rst_tells_both_ends_in_the_numbers_that_they_expect() -> None:
    """RFC 5961, 3.2: a RST counts with exactly the number that its receiver expects next."""
    world = World()
    established(world)
    inject(world, "rst")
    onward, answer = all_sent(world.client(there("PA", b"data", seq=8, ack=99)))
    assert right(onward)
    assert right(answer)
    assert (onward[IP].src, onward[IP].dst) == (CLIENT, SERVERS[0])
    assert (onward[TCP].dport, onward[TCP].seq, str(onward[TCP].flags)) == (8080, 8, "RA")
    assert (answer[IP].src, answer[IP].dst) == (VIP, CLIENT)
    assert (answer[TCP].dport, answer[TCP].seq, str(answer[TCP].flags)) == (FLOW, 99, "R")
    assert len(onward[TCP].payload) == len(answer[TCP].payload) == 0
    assert (world.real().active, world.real().inactive) == (0, 1)


def test_rst_meets_the_server_when_it_is_the_one_who_speaks() -> None:
    world = World()
    established(world)
    inject(world, "rst")
    onward, answer = all_sent(world.server(back("PA", b"answer", seq=99, ack=8)))
    assert (onward[IP].src, onward[IP].dst) == (VIP, CLIENT)
    assert (onward[TCP].sport, onward[TCP].seq, str(onward[TCP].flags)) == (80, 99, "RA")
    assert (answer[IP].src, answer[IP].dst) == (CLIENT, SERVERS[0])
    assert (answer[TCP].dport, answer[TCP].seq, str(answer[TCP].flags)) == (8080, 8, "R")


def test_rst_over_ipv6() -> None:
    world = World(family=6)
    layers = TCP(sport=FLOW, dport=80, flags="S")
    world.client(ip(CLIENT6, VIP6) / layers)
    inject(world, "rst")
    data = TCP(sport=FLOW, dport=80, flags="A", seq=1, ack=5)
    onward, answer = all_sent(world.client(ip(CLIENT6, VIP6, ttl=9) / data))
    assert right(onward)
    assert right(answer)
    assert (onward[1].dst, onward[1].hlim, onward[TCP].seq) == (SERVERS6[0], 8, 1)
    assert (answer[1].src, answer[TCP].seq) == (VIP6, 5)


def test_a_rst_of_the_ends_goes_its_way() -> None:
    world = World()
    established(world)
    inject(world, "rst")
    assert sent(world.client(there("R", seq=8)))[IP].dst == SERVERS[0]


def test_datagrams_do_not_know_it() -> None:
    world = World(protocol="udp")
    faults = inject(world, "rst")
    assert sent(world.client(asked()))[IP].dst == SERVERS[0]
    found = faults.find("x")
    assert found is not None
    assert found.choice.seen == 0


def test_an_association_is_aborted() -> None:
    """RFC 9260, 8.4."""
    world = World(protocol="sctp")
    world.client(IP(src=CLIENT, dst=VIP) / SCTP(sport=FLOW, dport=80) / SCTPChunkInit())
    inject(world, "rst")
    data = SCTP(sport=FLOW, dport=80, tag=0xCAFE) / SCTPChunkData(data=b"x")
    told = sent(world.client(IP(src=CLIENT, dst=VIP) / data))
    assert (told[IP].dst, told[SCTP].tag, told[SCTPChunkAbort].TCB) == (CLIENT, 0xCAFE, 1)


def test_a_broken_packet_is_not_believed() -> None:
    world = World()
    established(world)
    inject(world, "rst")
    broken = there("PA", b"data", seq=8, ack=99)
    broken[TCP].chksum = 1
    assert world.client(broken) == Drop("bad_checksum")
    assert flow(world).state == tcp.ESTABLISHED


# -- unreachable --


@pytest.mark.parametrize(
    ("protocol", "packet", "code"), [("tcp", there("S"), 1), ("udp", asked(), 3)], ids=["host", "port"]
)
def test_unreachable_is_said_of_the_packet_as_it_came(protocol: str, packet: Any, code: int) -> None:
    """RFC 792: type 3, the Internet header and the first octets of the datagram."""
    world = World(protocol=protocol)
    inject(world, "unreachable")
    told = sent(world.client(packet))
    assert (told[IP].src, told[IP].dst) == (VIP, CLIENT)
    assert (told[ICMP].type, told[ICMP].code) == (3, code)
    quote = IP(bytes(told[ICMP].payload))
    assert bytes(quote) == bytes(IP(bytes(packet)))
    assert right(told)


@pytest.mark.parametrize(("protocol", "layers", "code"), [("tcp", TCP, 3), ("udp", UDP, 4)])
def test_unreachable_over_ipv6(protocol: str, layers: Any, code: int) -> None:
    """RFC 4443, 3.1: 3 address unreachable, 4 port unreachable."""
    world = World(family=6, protocol=protocol)
    inject(world, "unreachable")
    told = sent(world.client(ip(CLIENT6, VIP6) / layers(sport=FLOW, dport=80)))
    assert (told[ICMPv6DestUnreach].type, told[ICMPv6DestUnreach].code) == (1, code)
    assert right(told)


def test_unreachable_lets_the_server_speak() -> None:
    world = World()
    established(world)
    inject(world, "unreachable")
    assert sent(world.server(back("A", b"answer")))[IP].src == VIP


# -- what it says of the server --


@pytest.fixture
def watched() -> tuple[World, list[str]]:
    """A world whose server is judged by its traffic, and what is told of it."""
    world = World()
    told: list[str] = []
    world.real().watch = Watch(Eject(frozenset({"connect", "reset"})), told.append)
    return world, told


def test_a_refused_and_an_unreached_connection_are_failures(watched: tuple[World, list[str]]) -> None:
    world, told = watched
    faults = inject(world, "rst")
    world.client(there("S"))
    assert told == ["connect"]
    faults.stop("x")
    inject(world, "unreachable")
    world.client(there("S", sport=OTHER))
    assert told == ["connect", "connect"]


def test_an_established_one_that_is_reset_is_told_once(watched: tuple[World, list[str]]) -> None:
    world, told = watched
    established(world)
    inject(world, "rst")
    world.server(back("PA", b"answer"))
    assert told == ["reset"]


# -- whatever comes --

SHORT = there("PA", b"x" * 30)
SEEDS = [
    bytes(Ether(src=CLIENT_MAC, dst=OUTER_MAC) / one)
    for one in (there("S"), SHORT, there("FA"), there("R"), asked(), back("SA"), back("PA", b"y" * 30))
]
OFFLOADS = [
    b"",
    vnet.write(vnet.Offload(1, 0, 0, 0, 34, 16)),
    vnet.write(vnet.Offload(1, 1, 54, 20, 34, 16)),
    b"\xff" * 10,
]
CHANGES = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=3)
PACKETS = st.lists(
    st.tuples(st.sampled_from(SEEDS), CHANGES, st.integers(0, 60), st.sampled_from(OFFLOADS)), max_size=10
)
EVERY = ("drop 50%", "delay 1ms..2ms", "duplicate", "reorder", "corrupt", "rst", "unreachable", "mtu_hole 68")


@given(PACKETS, st.sampled_from(EVERY), st.sampled_from(list(Forward)), st.sampled_from(["tcp", "udp"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_that_comes_raises_or_leaks(
    packets: list[Any], do: str, forward: Forward, protocol: str
) -> None:
    more = L4Settings(max_flows=8, sloppy_tcp=1, nat_icmp_send=1)
    world = World(forward, protocol=protocol, settings=more)
    faults = inject(world, do)
    for raw, changes, cut, offload in packets:
        frame = bytearray(raw)
        for place, value in changes:
            if place < len(frame):
                frame[place] = value
        world.give(frame[: len(frame) - cut] if cut else frame, OUTSIDE, offload)
        assert all(
            one.to_server.valid_until == one.to_client.valid_until == 0.0 for one in world.table.entries
        )
        world.wait(0.1)
    faults.stop("x")
    world.forwarder.close()
    assert (world.real().active, world.real().inactive, world.real().persistent) == (0, 0, 0)
