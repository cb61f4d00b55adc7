"""The verdicts carried out, over ports in memory and a kernel of dicts; no namespace, no privileges."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from director.l4.flows import FastPathEntry
from director.l4.io.alarms import Troubles
from director.l4.io.capture.plan import CapturePlan, Endpoint, Taken
from director.l4.io.netlink.rtnetlink import (
    Fact,
    InterfaceAddress,
    KernelLink,
    KernelRoute,
    Neighbour,
    RoutesChanged,
)
from director.l4.io.netlink.view import KernelView, NeighbourFailed
from director.l4.io.packet.filter import Instruction
from director.l4.io.packet.raw import FRESH, RawEngine
from director.l4.io.packet.ring import MemoryPacketPort, Port, Receive
from director.l4.io.packet.tpacket import RingSize
from director.l4.io.service import L4Director
from director.l4.states.directions import INPUT
from director.l4.verdicts import Batch, Deliver, Drop, Hold, Install, Later, Transmit, Verdict
from director.model.virtual import L4Settings

HOP, MAC = b"\x0a\0\0\x0b", b"\2\0\0\0\0\x0b"
FRAME = bytes(range(60))


class Asker:
    def __init__(self) -> None:
        self.resolved: list[tuple[int, bytes]] = []
        self.probed: list[tuple[int, bytes]] = []
        self.known: KernelRoute | None = None

    def route(self, address: bytes) -> KernelRoute | None:
        return self.known

    def dump(self, kind: int) -> list[Fact]:
        return []

    def resolve(self, ifindex: int, address: bytes) -> None:
        self.resolved.append((ifindex, address))

    def probe(self, ifindex: int, address: bytes) -> None:
        self.probed.append((ifindex, address))


class Scripted:
    """A forwarder that says what it was told to say."""

    memory = 0

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.ticks: list[float] = []
        self.on_tick: Verdict | None = None
        self.notes: deque[str] = deque()

    def receive(self, frame: bytearray, ifindex: int, now: float, offload: bytes = b"") -> Verdict:
        return self.verdicts.pop(0)

    def close(self) -> None:
        """Nothing is claimed."""

    def tick(self, now: float) -> Verdict | None:
        self.ticks.append(now)
        return self.on_tick


def entry(ifindex: int) -> FastPathEntry:
    """What the hot path answers for a packet that leaves by `ifindex`."""
    made = FastPathEntry(INPUT)
    made.ifindex = ifindex
    return made


class Injector:
    given, lost = 0, 0

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def give(self, frame: bytes, offload: bytes) -> None:
        self.frames.append(bytes(frame))


class Bench:
    def __init__(self, tmp_path: Path) -> None:
        self.clock = Clock()
        self.told: list[object] = []
        self.director = L4Director(
            self.clock,
            self.clock.seconds,
            "edge-1",
            state_dir=tmp_path,
            settings=L4Settings(("eth0",)),
            forwarder=lambda _view, _forget: self.forwarder,
            tell=self.told.append,
            make_engine=self.engine,
        )
        self.forwarder, self.asker, self.injector = Scripted(), Asker(), Injector()
        self.view = KernelView(self.asker, self.director._heard)
        self.director.view, self.director._forwarder = self.view, self.forwarder
        outside: Any = self.director
        outside._asker, outside._injector = self.asker, self.injector
        self.view.apply(KernelLink(2, "eth0", b"\2\0\0\0\0\1", 1500, up=True, running=True))
        self.view.apply(KernelLink(3, "eth1", b"\2\0\0\0\0\2", 1500, up=True, running=True))
        self.view.apply(InterfaceAddress(2, b"\x0a\0\0\1", 24))

    def engine(
        self, receive: Receive, link: Callable[[int], KernelLink | None], troubles: Troubles
    ) -> RawEngine:
        return RawEngine(
            self.clock, self.clock.seconds, ("eth0",), receive, link, troubles, make_port=self.make
        )

    def make(self, link: KernelLink, program: list[Instruction], size: RingSize) -> Port:
        return MemoryPacketPort(self.clock.seconds, link.name, link.ifindex, receive=self.director._receive)

    def port(self, ifindex: int) -> MemoryPacketPort:
        found = self.director.engine.outputs[ifindex]
        assert isinstance(found, MemoryPacketPort)
        return found

    @property
    def wire(self) -> MemoryPacketPort:
        return self.port(2)

    def receive(self, *verdicts: Verdict) -> None:
        for verdict in verdicts:
            self.forwarder.verdicts.append(verdict)
            self.wire.arrive(FRAME)
        self.wire.turn()

    def sent(self, ifindex: int = 2) -> list[bytes]:
        return [frame for frame, _offload in self.port(ifindex).sent]

    def pass_time(self, seconds: float) -> None:
        self.director._tick()
        for _ in range(int(seconds * 4)):
            self.clock.advance(0.25)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_wanted_interface_has_a_port_and_the_other_none(bench: Bench) -> None:
    assert list(bench.director.engine.outputs) == [2]
    assert bench.director.troubles == {}


def test_transmit(bench: Bench) -> None:
    bench.receive(Transmit(2, bytearray(FRAME), b"0123456789"))
    assert list(bench.wire.sent) == [(FRAME, b"0123456789")]


def test_transmit_by_an_interface_that_is_not_captured(bench: Bench) -> None:
    bench.receive(Transmit(3, bytearray(FRAME)))
    assert bench.sent(3) == [FRAME]
    assert bench.director.engine.captured() == ["eth0"]


def test_transmit_by_an_interface_that_is_not_there(bench: Bench) -> None:
    bench.receive(Transmit(99, bytearray(FRAME)))
    assert bench.director.drops["no_interface"] == 1


def test_an_entry_sends_the_frame_that_came_with_its_header(bench: Bench) -> None:
    bench.forwarder.verdicts.append(entry(2))
    bench.wire.arrive(FRAME, b"0123456789")
    bench.wire.turn()
    assert list(bench.wire.sent) == [(FRAME, b"0123456789")]


def test_an_entry_counts_for_a_while_once_it_is_installed(bench: Bench) -> None:
    made = entry(2)
    bench.receive(Install(made, Transmit(2, bytearray(FRAME))))
    assert bench.sent() == [FRAME]
    assert made.valid_until == bench.clock.seconds() + FRESH


def test_an_entry_by_an_interface_that_is_not_captured(bench: Bench) -> None:
    bench.receive(entry(3))
    assert bench.sent(3) == [FRAME]


def test_an_entry_by_an_interface_that_is_not_there(bench: Bench) -> None:
    bench.receive(entry(99))
    assert bench.director.drops["no_interface"] == 1


def test_a_batch_keeps_its_order(bench: Bench) -> None:
    first, second = bytes(60), b"\1" * 60
    bench.receive(Batch((Transmit(2, bytearray(first)), Drop("x"), Transmit(2, bytearray(second)))))
    assert bench.sent() == [first, second]
    assert bench.director.drops["x"] == 1


def test_held_frames_go_out_with_their_address_when_it_is_known(bench: Bench) -> None:
    bench.receive(Hold(HOP, 2, bytearray(FRAME)), Hold(HOP, 2, bytearray(FRAME)))
    assert bench.asker.resolved == [(2, HOP)]
    assert bench.sent() == []
    bench.view.apply(Neighbour(2, HOP, MAC, 2))
    assert bench.sent() == [MAC + FRAME[6:]] * 2


def test_held_frames_are_dropped_when_nobody_answers(bench: Bench) -> None:
    bench.receive(Hold(HOP, 2, bytearray(FRAME)))
    bench.view.apply(Neighbour(2, HOP, b"", 0x20))
    bench.view.apply(Neighbour(2, HOP, MAC, 2))
    assert bench.sent() == []
    assert bench.director.held.counters.dropped_unresolved == 1
    assert NeighbourFailed((2, HOP)) in bench.told


def test_held_frames_are_dropped_when_the_time_is_over(bench: Bench) -> None:
    bench.receive(Hold(HOP, 2, bytearray(FRAME)))
    bench.pass_time(4)
    assert len(bench.director.held) == 0
    assert NeighbourFailed((2, HOP)) in bench.told
    assert len(bench.asker.resolved) >= 2


def test_only_what_the_rules_took_is_given_back(bench: Bench) -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")
    vip = "198.51.100.10"
    plan = CapturePlan((Endpoint(6, ipaddress.ip_address(vip), 80, 80),))
    bench.director._taken = Taken(plan)
    ours = bytes(scapy.Ether() / scapy.IP(dst=vip) / scapy.TCP(dport=80))
    other = bytes(scapy.Ether() / scapy.IP(dst=vip) / scapy.TCP(dport=81))
    for frame in (ours, other):
        bench.forwarder.verdicts.append(Deliver())
        bench.wire.arrive(frame)
    bench.wire.turn()
    assert bench.injector.frames == [ours]


def test_a_datagram_is_given_back_as_it_may_travel(bench: Bench) -> None:
    """Whether the rules took it is seen on the whole; what the host may not cut goes in pieces."""
    scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")
    server = "2001:db8::5"
    bench.director._taken = Taken(CapturePlan(answers=(Endpoint(17, ipaddress.ip_address(server), 53, 53),)))
    whole = bytes(
        scapy.Ether() / scapy.IPv6(src=server, dst="2001:db8::9") / scapy.UDP(sport=53) / (b"x" * 2000)
    )
    for pieces in ((), (bytearray(b"first"), bytearray(b"second"))):
        bench.forwarder.verdicts.append(Deliver("no_service", bytearray(whole), pieces))
        bench.wire.arrive(whole[:100])
    bench.wire.turn()
    assert bench.injector.frames == [whole, b"first", b"second"]


def test_a_tick_may_have_something_to_send_and_never_stops_the_clock(bench: Bench) -> None:
    bench.forwarder.on_tick = Transmit(2, bytearray(FRAME))
    bench.pass_time(1)
    assert len(bench.forwarder.ticks) == 5
    assert bench.sent() == [FRAME] * 5


def test_neighbours_in_use_are_asked_again_each_second(bench: Bench) -> None:
    bench.view.apply(Neighbour(2, HOP, MAC, 2))
    bench.view.mac(2, HOP)
    bench.pass_time(1)
    [request] = bench.sent()
    # RFC 826: broadcast, type 0806, operation 1, who has HOP, tell 10.0.0.1.
    assert request[:6] == b"\xff" * 6
    assert request[12:14] == b"\x08\x06"
    assert (request[28:32], request[38:42]) == (b"\x0a\0\0\1", HOP)


def test_an_ipv6_neighbour_is_asked_by_the_kernel(bench: Bench) -> None:
    address = ipaddress.ip_address("fd00::b").packed
    bench.view.apply(Neighbour(2, address, MAC, 2))
    bench.view.mac(2, address)
    bench.pass_time(0.25)
    assert bench.asker.probed == [(2, address)]


def test_a_failure_that_the_kernel_remembers_from_before_the_start_is_no_news(bench: Bench) -> None:
    bench.director.view = None
    bench.director._heard(NeighbourFailed((2, HOP)))
    assert not [one for one in bench.told if isinstance(one, NeighbourFailed)]
    bench.director.view = bench.view
    bench.director._heard(NeighbourFailed((2, HOP)))
    assert bench.told[-1] == NeighbourFailed((2, HOP))


def test_a_link_that_vanishes_is_a_trouble_until_it_is_back(bench: Bench) -> None:
    bench.view.apply(KernelLink(2, "eth0", b"", 1500, up=False, running=False, gone=True))
    assert bench.director.engine.outputs == {}
    assert "does not exist" in bench.director.troubles["eth0"]
    bench.view.apply(KernelLink(7, "eth0", b"\2\0\0\0\0\1", 1500, up=True, running=True))
    assert list(bench.director.engine.outputs) == [7]
    assert bench.director.troubles == {}


def test_counters_name_their_place(bench: Bench) -> None:
    bench.receive(Transmit(2, bytearray(FRAME)), Drop("short_tcp"))
    counters = bench.director.counters()
    assert counters["eth0_received"] == 2
    assert counters["eth0_sent"] == 1
    assert counters["drop_short_tcp"] == 1
    assert counters["kernel_route_queries"] == 0


def test_a_server_without_a_route_is_a_trouble_until_there_is_one(bench: Bench) -> None:
    bench.view.watch([HOP])
    bench.view.settle()
    assert "no route to server 10.0.0.11" in bench.director.troubles["route 10.0.0.11"]
    bench.asker.known = KernelRoute(2, b"", b"", 0, local=False)
    bench.view.apply(RoutesChanged())
    bench.view.settle()
    assert bench.director.troubles == {}


def test_a_server_that_leaves_takes_its_trouble_with_it(bench: Bench) -> None:
    """Nobody asks for its route any more, so nobody would tell that it is back."""
    bench.view.watch([HOP])
    bench.view.settle()
    assert list(bench.director.troubles) == ["route 10.0.0.11"]
    bench.director.reload([], {})
    assert bench.director.troubles == {}


def test_settings_are_held_against_what_the_last_look_met(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that went and came back between two polls has moved an address if a look fell in between."""
    values = [1]
    monkeypatch.setattr("director.l4.io.sysctl.arp_ignore", lambda _name: values[0])
    looks: list[float] = []
    outside: Any = bench.director
    outside._capture = SimpleNamespace(look_soon=lambda settle=0.0: looks.append(settle))
    bench.director._wanted()
    bench.director._look_at_settings()
    assert looks == []
    values[0] = 0
    bench.director._wanted()
    values[0] = 1
    bench.director._look_at_settings()
    assert len(looks) == 1


def test_what_the_forwarder_notes_is_logged_once(bench: Bench) -> None:
    """V59."""
    logged: list[Any] = []
    observe: Any = logged.append
    globalLogPublisher.addObserver(observe)
    try:
        bench.forwarder.notes.append("wlc: TCP 192.0.2.80:80 - no destination available")
        bench.pass_time(1)
    finally:
        globalLogPublisher.removeObserver(observe)
    notes = [one["note"] for one in logged if "note" in one]
    assert notes == ["wlc: TCP 192.0.2.80:80 - no destination available"]


def test_the_forwarder_is_told_how_much_memory_is_free(bench: Bench) -> None:
    bench.pass_time(1)
    assert bench.forwarder.memory > 0


def test_a_listener_that_raises_stops_nothing(bench: Bench) -> None:
    def fail(_event: object) -> None:
        raise ValueError

    bench.director._tell = fail
    bench.receive(Hold(HOP, 2, bytearray(FRAME)))
    bench.view.apply(Neighbour(2, HOP, MAC, 2))
    assert bench.sent() == [MAC + FRAME[6:]]


def test_what_is_to_be_done_later_is_done_in_its_time(bench: Bench) -> None:
    bench.receive(Batch((Later(0.5, Transmit(2, bytearray(FRAME))), Drop("x"))))
    bench.clock.advance(0.4)
    assert bench.sent() == []
    bench.clock.advance(0.2)
    assert bench.sent() == [FRAME]
    counters = bench.director.counters()
    assert (counters["late_held"], counters["late_released"]) == (1, 1)


def test_packets_for_the_host_may_be_late_or_doubled_too(bench: Bench) -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")
    vip = "198.51.100.10"
    bench.director._taken = Taken(CapturePlan((Endpoint(6, ipaddress.ip_address(vip), 80, 80),)))
    ours = bytes(scapy.Ether() / scapy.IP(dst=vip) / scapy.TCP(dport=80))
    one = Deliver("local", bytearray(ours))
    bench.receive(Later(0.5, Batch((one, one))))
    assert bench.injector.frames == []
    bench.clock.advance(0.6)
    assert bench.injector.frames == [ours, ours]
