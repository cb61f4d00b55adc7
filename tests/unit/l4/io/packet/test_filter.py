"""The kernel itself is the judge: the program is attached to a datagram socket pair."""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from director.l4.io.capture.plan import CapturePlan, Endpoint, Wide
from director.l4.io.packet import filter as packet_filter
from director.l4.io.packet.filter import Instruction

VIP, REAL, CLIENT = "198.51.100.10", "10.0.0.11", "203.0.113.9"
VIP6, REAL6, CLIENT6 = "2001:db8::10", "fd00::11", "2001:db8:9::9"


def endpoint(address: str, port: int = 80, protocol: int = 6) -> Endpoint:
    return Endpoint(protocol, ipaddress.ip_address(address), port, port)


PLAN = CapturePlan((endpoint(VIP), endpoint(VIP6)), (endpoint(REAL), endpoint(REAL6)))


def passes(program: list[Instruction], frame: bytes) -> bool:
    """True when the kernel's own filter lets `frame` through."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        code = ctypes.create_string_buffer(packet_filter.assemble(program))
        right.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", len(program), ctypes.addressof(code)))
        right.setblocking(False)
        left.send(frame)
        try:
            return right.recv(65536) == frame
        except BlockingIOError:
            return False


def frame(payload: Callable[[Any], Any]) -> bytes:
    scapy = pytest.importorskip("scapy.all", reason="scapy builds the frames")
    return bytes(scapy.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / payload(scapy))


def syn_to(address: str, scapy: Any) -> Any:
    return scapy.IP(src=CLIENT, dst=address) / scapy.TCP()


IN: list[Callable[[Any], Any]] = [
    lambda s: s.IP(src=CLIENT, dst=VIP) / s.TCP(),
    lambda s: s.IP(src=CLIENT, dst=VIP) / s.UDP(dport=9),
    lambda s: s.IP(src=CLIENT, dst=VIP, frag=100) / b"later fragment",
    lambda s: s.IP(src=REAL, dst=CLIENT) / s.TCP(),
    lambda s: s.IP(src="192.0.2.1", dst=CLIENT) / s.ICMP(type=3, code=4) / s.IP() / s.TCP(),
    lambda s: s.IP(src="192.0.2.1", dst=CLIENT, options=[s.IPOption_NOP()] * 4) / s.ICMP(type=11) / s.IP(),
    lambda s: s.IPv6(src=CLIENT6, dst=VIP6) / s.TCP(),
    lambda s: s.IPv6(src=CLIENT6, dst=VIP6) / s.IPv6ExtHdrFragment(offset=9) / b"x",
    lambda s: s.IPv6(src=REAL6, dst=CLIENT6) / s.UDP(),
    lambda s: s.IPv6(src="2001:db8::1", dst=CLIENT6) / s.ICMPv6PacketTooBig() / s.IPv6(),
]
OUT: list[Callable[[Any], Any]] = [
    lambda s: s.ARP(pdst=VIP),
    lambda s: s.IP(src=CLIENT, dst="198.51.100.11") / s.TCP(),
    lambda s: s.IP(src=CLIENT, dst="198.51.100.11") / s.ICMP(type=8),
    lambda s: s.IP(src=CLIENT, dst=REAL) / s.TCP(),
    lambda s: s.IPv6(src=CLIENT6, dst="2001:db8::11") / s.TCP(),
    lambda s: s.IPv6(src=CLIENT6, dst="2001:db8::11") / s.ICMPv6EchoRequest(),
    lambda s: s.IPv6(src="2001:db8::20", dst="ff02::1:ff00:10") / s.ICMPv6ND_NS(tgt=VIP6),
]


@pytest.mark.parametrize("number", range(len(IN)))
def test_what_concerns_the_plan_passes(number: int) -> None:
    if number not in {4, 5}:
        assert passes(packet_filter.program(PLAN), frame(IN[number]))
    else:
        assert passes(packet_filter.program(CapturePlan()), frame(IN[number]))


@pytest.mark.parametrize("number", range(len(OUT)))
def test_other_frames_do_not(number: int) -> None:
    if number == 3:
        # The destination is compared with every address of the plan: a frame to a server passes
        # too, and the forwarder lets it be.
        assert passes(packet_filter.program(PLAN), frame(OUT[number]))
    else:
        assert not passes(packet_filter.program(PLAN), frame(OUT[number]))


@pytest.mark.parametrize("length", range(60))
def test_a_short_frame_never_passes_by_accident(length: int) -> None:
    whole = frame(lambda s: s.IP(src=CLIENT, dst="198.51.100.11") / s.TCP() / (b"x" * 20))
    assert not passes(packet_filter.program(PLAN), whole[:length] or b"\0")


def test_an_empty_plan_takes_nothing_but_errors() -> None:
    program = packet_filter.program(CapturePlan())
    assert not passes(program, frame(IN[0]))
    assert not passes(program, frame(IN[6]))


def test_a_mark_service_needs_all_ip_but_no_arp() -> None:
    program = packet_filter.program(CapturePlan(wide=(Wide(6, ipaddress.ip_network("10.0.0.0/8"), 80, 80),)))
    assert passes(program, frame(OUT[1]))
    assert passes(program, frame(OUT[4]))
    assert not passes(program, frame(OUT[0]))


@pytest.mark.parametrize("count", [1, 120, 500])
def test_many_addresses_of_both_versions(count: int) -> None:
    base4, base6 = ipaddress.ip_address("198.51.0.0"), ipaddress.ip_address("2001:db8::")
    addresses = [base4 + n for n in range(count)] + [base6 + n for n in range(count // 10 + 1)]
    program = packet_filter.program(CapturePlan(tuple(endpoint(str(one)) for one in addresses)))
    assert len(program) <= packet_filter.MAX_INSTRUCTIONS
    for one in (addresses[0], addresses[count - 1]):
        assert passes(program, frame(partial(syn_to, str(one))))
    assert passes(program, frame(lambda s: s.IPv6(src=CLIENT6, dst=str(addresses[-1])) / s.TCP()))
    assert not passes(program, frame(lambda s: s.IPv6(src=CLIENT6, dst=str(base6 + 9999)) / s.TCP()))


def test_a_plan_too_large_for_a_program_takes_all_ip() -> None:
    base = ipaddress.ip_address("198.51.0.0")
    plan = CapturePlan(tuple(endpoint(str(base + n)) for n in range(3000)))
    assert packet_filter.program(plan) == packet_filter.accept_all_ip()
