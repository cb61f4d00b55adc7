"""Expected messages come from pyroute2, a second implementation, where it is installed."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from director.l4.io.netlink import rtnetlink

MAC = bytes.fromhex("02aabbccddee")


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes, sequence: int = 1) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, sequence, 0) + body


def link(flags: int = 0x41, kind: int = rtnetlink.NEW_LINK) -> bytes:
    body = struct.pack("=BxHiII", 0, 1, 7, flags, 0)
    return message(
        kind, body + attribute(3, b"eth0\0") + attribute(1, MAC) + attribute(4, struct.pack("=I", 1400))
    )


def one(data: bytes) -> Any:
    [(kind, _sequence, payload)] = rtnetlink.messages(data)
    return rtnetlink.fact(kind, payload)


def test_a_link() -> None:
    assert one(link()) == rtnetlink.KernelLink(7, "eth0", MAC, 1400, up=True, running=True)
    assert one(link(0x1)).running is False
    assert one(link(kind=rtnetlink.DEL_LINK)).gone is True


def test_a_bridges_port_message_is_not_a_link() -> None:
    assert one(message(rtnetlink.NEW_LINK, struct.pack("=BxHiII", socket.AF_BRIDGE, 1, 7, 1, 0))) is None


def test_an_address_and_its_removal() -> None:
    body = struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, 7) + attribute(2, b"\x0a\0\0\x01")
    assert one(message(rtnetlink.NEW_ADDRESS, body)) == rtnetlink.InterfaceAddress(7, b"\x0a\0\0\x01", 24)
    assert one(message(rtnetlink.DEL_ADDRESS, body)).gone is True


def test_an_ipv6_address_is_put_on_as_deprecated() -> None:
    """Linux if_addr.h: IFA_CACHEINFO is 6, its first number the seconds preferred, the second those valid."""
    address = bytes.fromhex("20010db8000000000000000000000001")
    made = rtnetlink.set_address(rtnetlink.NEW_ADDRESS, 7, address, 1)
    flags = struct.unpack_from("=IHH", made)[2]
    values = rtnetlink.attributes(made, rtnetlink.HEADER.size + 8)
    assert struct.unpack_from("=II", values[6]) == (0, 0xFFFFFFFF)
    assert flags & 0x100, "NLM_F_REPLACE: also when it is there"
    assert 6 not in rtnetlink.attributes(
        rtnetlink.set_address(rtnetlink.NEW_ADDRESS, 7, b"\x0a\0\0\x01", 1), 16 + 8
    )
    body = struct.pack("=BBBBI", socket.AF_INET6, 128, 0x20, 0, 7) + attribute(1, address)
    assert one(message(rtnetlink.NEW_ADDRESS, body)).deprecated is True


def test_a_neighbour() -> None:
    body = (
        struct.pack("=BxxxiHBB", socket.AF_INET, 7, 2, 0, 1)
        + attribute(1, b"\x0a\0\0\x02")
        + attribute(2, MAC)
    )
    assert one(message(rtnetlink.NEW_NEIGHBOUR, body)) == rtnetlink.Neighbour(7, b"\x0a\0\0\x02", MAC, 2)
    assert one(message(rtnetlink.DEL_NEIGHBOUR, body)).state == 0


def test_a_route_answer() -> None:
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 254, 0, 0, 1, 0)
    metrics = attribute(2, struct.pack("=I", 1300))
    body = (
        head
        + attribute(4, struct.pack("=I", 7))
        + attribute(5, b"\x0a\0\0\xfe")
        + attribute(7, b"\x0a\0\0\x01")
    )
    found = rtnetlink.route_answer(body + attribute(8, metrics))
    assert found == rtnetlink.KernelRoute(7, b"\x0a\0\0\x01", b"\x0a\0\0\xfe", 1300, local=False)


@pytest.mark.parametrize("kind", [3, 5, 6, 7, 8])
def test_a_route_that_leads_nowhere(kind: int) -> None:
    assert rtnetlink.route_answer(struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 0, 0, 0, kind, 0)) is None


def test_a_local_route() -> None:
    body = struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 255, 0, 0, 2, 0) + attribute(4, struct.pack("=I", 1))
    assert rtnetlink.route_answer(body) == rtnetlink.KernelRoute(1, b"", b"", 0, local=True)


def test_no_truncation_and_no_junk_raises() -> None:
    whole = link()
    for length in range(len(whole)):
        assert list(rtnetlink.messages(whole[:length])) == []
    payload = whole[16:]
    for length in range(len(payload)):
        rtnetlink.fact(rtnetlink.NEW_LINK, payload[:length])
        rtnetlink.route_answer(payload[:length])
    assert len(list(rtnetlink.messages(whole + b"\xff" * 40))) == 1


def test_an_attribute_of_no_length_ends_the_list() -> None:
    assert rtnetlink.attributes(struct.pack("=HH", 0, 1) + attribute(2, b"abcd"), 0) == {}


@pytest.mark.parametrize("address", ["10.0.0.9", "2001:db8::9"])
def test_requests_are_what_another_implementation_reads(address: str) -> None:
    rtmsg = pytest.importorskip("pyroute2.netlink.rtnl.rtmsg", reason="pyroute2 is the second implementation")
    ifaddrmsg = pytest.importorskip("pyroute2.netlink.rtnl.ifaddrmsg")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    asked = rtmsg.rtmsg(rtnetlink.get_route(packed, 5))
    asked.decode()
    assert (asked["family"], asked["dst_len"], asked.get_attr("RTA_DST")) == (
        family,
        8 * len(packed),
        address,
    )
    assert (asked["header"]["type"], asked["header"]["sequence_number"]) == (rtnetlink.GET_ROUTE, 5)
    added = ifaddrmsg.ifaddrmsg(rtnetlink.set_address(rtnetlink.NEW_ADDRESS, 1, packed, 6, 253))
    added.decode()
    assert added["scope"] == 253
    assert (added["prefixlen"], added["index"], added.get_attr("IFA_LOCAL")) == (8 * len(packed), 1, address)
