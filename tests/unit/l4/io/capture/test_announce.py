"""Frames as a second implementation builds them (RFC 5227, RFC 4861 4.4), and when they are sent."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from director.l4.io.capture.announce import AFTER, EACH_TURN, Announcer, advertisement, announcement
from director.l4.io.capture.install import CaptureOutcome
from director.l4.io.netlink.rtnetlink import InterfaceAddress, KernelLink
from director.l4.io.netlink.view import KernelView

MAC = b"\2\0\0\0\0\2"
ETH0, ETH1 = (
    KernelLink(index, name, b"\2\0\0\0\0" + bytes((index,)), 1500, up=True, running=True)
    for index, name in ((2, "eth0"), (3, "eth1"))
)
NEAR, FAR = ("lo", "10.0.0.100"), ("lo", "198.51.100.10")


@pytest.mark.parametrize("router", [True, False])
def test_an_advertisement_is_what_scapy_builds(router: bool) -> None:
    scapy = pytest.importorskip("scapy.all", reason="scapy is the second implementation")
    expected = bytes(
        scapy.Ether(dst="33:33:00:00:00:01", src="02:00:00:00:00:02")
        / scapy.IPv6(src="fd00::100", dst="ff02::1", hlim=255)
        / scapy.ICMPv6ND_NA(tgt="fd00::100", R=int(router), S=0, O=1)
        / scapy.ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")
    )
    assert advertisement(MAC, ip_address("fd00::100").packed, router=router) == expected


def test_a_gratuitous_request_names_itself_twice() -> None:
    frame = announcement(MAC, bytes((10, 0, 0, 100)), router=False)
    assert frame[:6] == b"\xff" * 6
    assert (frame[28:32], frame[38:42]) == (bytes((10, 0, 0, 100)),) * 2
    assert frame[20:22] == b"\0\1"
    assert frame[22:28] == MAC


class Wire:
    def __init__(self) -> None:
        asker: Any = None
        self.view = KernelView(asker, lambda _event: None)
        for link in (KernelLink(1, "lo", bytes(6), 65536, up=True, running=True), ETH0, ETH1):
            self.view.apply(link)
        self.view.apply(InterfaceAddress(2, bytes((10, 0, 0, 1)), 24))
        self.sent: list[str] = []
        self.announcer = Announcer(self.view, lambda: ["eth0", "eth1"], self._send)

    def _send(self, link: KernelLink, _frame: bytes) -> None:
        self.sent.append(link.name)

    def taken(self) -> list[str]:
        sent, self.sent = self.sent, []
        return sent


def test_each_is_said_at_once_and_a_few_times_more() -> None:
    wire = Wire()
    wire.announcer.applied(CaptureOutcome({}, (NEAR,), (NEAR,)), 100.0)
    assert wire.taken() == ["eth0"], "where its network is"
    for quarter in range(1, 80):
        wire.announcer.turn(100.0 + quarter / 4)
    assert len(wire.taken()) == len(AFTER) - 1


def test_one_behind_routers_is_said_everywhere() -> None:
    wire = Wire()
    wire.announcer.applied(CaptureOutcome({}, (FAR,), (FAR,)), 0.0)
    assert wire.taken() == ["eth0", "eth1"]


def test_what_was_there_or_is_gone_is_not_said() -> None:
    wire = Wire()
    wire.announcer.applied(CaptureOutcome({}, (NEAR,), ()), 0.0)
    assert wire.taken() == []
    wire.announcer.applied(CaptureOutcome({}, (NEAR,), (NEAR,)), 1.0)
    wire.announcer.applied(CaptureOutcome({}, (), ()), 1.1)
    wire.taken()
    wire.announcer.turn(9.0)
    assert wire.taken() == []


def test_a_link_that_comes_back_hears_it_again() -> None:
    wire = Wire()
    wire.announcer.link(ETH0, 0.0, usable=True)
    wire.announcer.applied(CaptureOutcome({}, (NEAR,), ()), 0.0)
    wire.announcer.link(ETH0, 1.0, usable=True)
    wire.announcer.link(ETH1, 1.0, usable=True)
    assert wire.taken() == []
    wire.announcer.link(ETH0, 2.0, usable=False)
    wire.announcer.link(ETH0, 3.0, usable=True)
    assert wire.taken() == ["eth0"]


def test_many_take_turns() -> None:
    wire = Wire()
    pairs = tuple(("eth0", f"10.0.{number // 250}.{number % 250}") for number in range(2 * EACH_TURN))
    wire.announcer.applied(CaptureOutcome({}, pairs, pairs), 0.0)
    assert len(wire.taken()) == EACH_TURN
    wire.announcer.turn(0.1)
    assert len(wire.taken()) == EACH_TURN
