"""The engine in Python over ports in memory."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from director.l4.flows import Flow
from director.l4.io.alarms import Troubles
from director.l4.io.capture.plan import CapturePlan, Endpoint
from director.l4.io.engine import Engine
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.packet import filter as packet_filter
from director.l4.io.packet.raw import FRESH, RawEngine
from director.l4.io.packet.ring import MemoryPacketPort

LINKS = {
    number: KernelLink(number, name, b"\2\0\0\0\0" + bytes((number,)), 1500, up=True, running=True)
    for number, name in ((1, "lo"), (2, "eth0"), (3, "eth1"))
}
PLAN = CapturePlan(virtuals=(Endpoint(6, ipaddress.ip_address("192.0.2.80"), 80, 80),))


class Bench:
    def __init__(self) -> None:
        self.troubles = Troubles(lambda: 1.0)
        self.engine: Any = RawEngine(
            None, lambda: 1.0, ("eth0",), self.take, LINKS.get, self.troubles, make_port=self.make
        )

    def take(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> None:
        """Nothing comes up here."""

    def make(
        self, link: KernelLink, program: list[packet_filter.Instruction], size: object
    ) -> MemoryPacketPort:
        made = MemoryPacketPort(lambda: 1.0, link.name, link.ifindex, receive=self.take)
        made.program = program
        return made


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_is_an_engine(bench: Bench) -> None:
    engine: Engine = bench.engine
    assert engine.captured() == []


def test_an_interface_of_the_settings_is_read_with_the_plan_in_force(bench: Bench) -> None:
    bench.engine.attach(PLAN)
    assert bench.engine.link_changed(LINKS[2])
    assert not bench.engine.link_changed(LINKS[2])
    assert not bench.engine.link_changed(LINKS[3])
    assert bench.engine.captured() == ["eth0"]
    assert bench.engine.outputs[2].program == packet_filter.program(PLAN)
    bench.engine.attach(CapturePlan())
    assert bench.engine.outputs[2].program == packet_filter.program(CapturePlan())


def test_frames_leave_by_any_interface_that_is_there(bench: Bench) -> None:
    bench.engine.link_changed(LINKS[2])
    for number in (2, 3):
        assert bench.engine.transmit(number, b"frame", b"")
        assert bench.engine.outputs[number].sent[0] == (b"frame", b"")
    assert bench.engine.captured() == ["eth0"]
    assert not bench.engine.transmit(1, b"frame", b"")
    assert not bench.engine.transmit(9, b"frame", b"")


def test_counters_stand_under_the_interfaces_names(bench: Bench) -> None:
    bench.engine.link_changed(LINKS[2])
    bench.engine.transmit(2, b"frame", b"")
    bench.engine.refresh()
    ((name, counters),) = bench.engine.counters()
    assert (name, counters.sent) == ("eth0", 1)
    bench.engine.close()
    assert bench.engine.counters() == []


def test_an_interface_that_is_missing_is_said(bench: Bench) -> None:
    bench.engine.check([LINKS[3]])
    assert "eth0 does not exist" in bench.troubles["eth0"]


def test_an_entry_is_believed_until_its_flow_is_forgotten(bench: Bench) -> None:
    flow = Flow(6, b"\xc0\0\2\x09", 1, b"\xc0\0\2\x50", 80, 1.0)
    bench.engine.install(flow.to_server, 5.0)
    assert flow.to_server.valid_until == 5.0 + FRESH
    bench.engine.forget(flow)
    assert flow.to_server.valid_until == 0.0
