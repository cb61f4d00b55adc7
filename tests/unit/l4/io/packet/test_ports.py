from __future__ import annotations

import errno

import pytest
from attrs import evolve

from director.l4.io.alarms import Troubles
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.packet.filter import Instruction
from director.l4.io.packet.ports import Ports
from director.l4.io.packet.ring import MemoryPacketPort, Port
from director.l4.io.packet.tpacket import RingSize

ETH0 = KernelLink(2, "eth0", b"\2" * 6, 1500, up=True, running=True)
ETH1 = KernelLink(3, "eth1", b"\3" * 6, 9000, up=True, running=True)
LO = KernelLink(1, "lo", b"", 65536, up=True, running=True)
ALL = [(6, 0, 0, 1)]


class Bench:
    def __init__(self, interfaces: tuple[str, ...]) -> None:
        self.made: list[tuple[str, list[Instruction], RingSize]] = []
        self.fail: int | None = None
        self.troubles = Troubles(lambda: 0.0)
        self.ports = Ports.empty(interfaces, self.make, self.troubles)

    def make(self, link: KernelLink, program: list[Instruction], size: RingSize) -> Port:
        if self.fail:
            raise OSError(self.fail, "no such thing")
        self.made.append((link.name, program, size))
        return MemoryPacketPort(
            lambda: 0.0, link.name, link.ifindex, receive=lambda *_all: None, mtu=link.mtu
        )


@pytest.fixture
def bench() -> Bench:
    return Bench(("eth0",))


def test_only_named_interfaces_are_read(bench: Bench) -> None:
    assert [bench.ports.wanted(link) for link in (ETH0, ETH1, LO)] == [True, False, False]


def test_without_names_all_but_the_loopback_and_our_own_are_read() -> None:
    ports = Bench(()).ports
    own = evolve(ETH0, name="dirstack0")
    assert [ports.wanted(link) for link in (ETH0, ETH1, LO, own)] == [True, True, False, False]


def test_a_port_is_opened_once_with_room_for_its_mtu(bench: Bench) -> None:
    assert bench.ports.read(ETH1, ALL)
    assert not bench.ports.read(ETH1, ALL)
    [(name, program, size)] = bench.made
    assert (name, program) == ("eth1", ALL)
    assert size.slot >= 9000
    assert bench.ports.captured() == ["eth1"]


def test_a_port_that_only_sends_is_not_captured_and_can_become_a_reader(bench: Bench) -> None:
    assert bench.ports.sender(ETH1) is not None
    assert bench.ports.captured() == []
    assert bench.made[0][1] == [(6, 0, 0, 0)]
    assert bench.ports.read(ETH1, ALL)
    assert bench.ports.captured() == ["eth1"]
    assert bench.ports.sender(None) is None
    assert bench.ports.sender(LO) is None


def test_what_cannot_be_opened_is_a_trouble(bench: Bench) -> None:
    bench.fail = errno.EPERM
    assert not bench.ports.read(ETH0, ALL)
    assert "eth0 cannot be opened" in bench.troubles["eth0"]


def test_a_link_that_goes_or_is_renamed_loses_its_port(bench: Bench) -> None:
    bench.ports.read(ETH0, ALL)
    assert not bench.ports.changed(ETH0)
    assert bench.ports.changed(evolve(ETH0, name="wan0"))
    bench.ports.read(ETH0, ALL)
    assert bench.ports.changed(evolve(ETH0, gone=True))
    assert bench.ports.by_index == {}


def test_a_missing_or_dead_interface_is_a_trouble_until_it_works(bench: Bench) -> None:
    bench.ports.check([ETH1])
    assert "does not exist" in bench.troubles["eth0"]
    bench.ports.check([evolve(ETH0, running=False)])
    assert "is down" in bench.troubles["eth0"]
    bench.ports.read(ETH0, ALL)
    bench.ports.check([ETH0])
    assert bench.troubles == {}


def test_closing_closes_all(bench: Bench) -> None:
    bench.ports.read(ETH0, ALL)
    bench.ports.sender(ETH1)
    bench.ports.close()
    assert bench.ports.by_index == {}
    assert bench.ports.readers == set()
