"""Runs the rows on the pure forwarder: packet in, verdict and packet out, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from director.l4.routing import FixedLink
from director.l4.verdicts import Deliver, Drop, Transmit, Verdict
from tests.conformance.l4.rows import ROWS, TO_SERVER, Row, Sent
from tests.support.layer4_world import (
    CLIENT_MAC,
    INNER_MAC,
    INSIDE,
    OUTER_MAC,
    OUTSIDE,
    SERVER_MACS,
    World,
    sent,
)

OWN_ERROR = 0xC0
"""TOS of an ICMP error (RFC 1812, 4.3.2.5): the director's own may have any identification."""


def world_of(row: Row) -> World:
    fields = dict(row.world)
    mtu = fields.pop("mtu", None)
    world = World(**fields)
    if mtu:
        world.routing.links[INSIDE] = FixedLink(INNER_MAC, mtu)
    return world


def give(world: World, side: str, layers: Any) -> Verdict:
    return world.client(layers) if side == "client" else world.server(layers)


def blanked(frame: bytes, free: tuple[str, ...]) -> bytes:
    raw = bytearray(frame)
    if "id" in free:
        raw[18:20] = b"\0\0"
    if "chksum" in free:
        raw[24:26] = b"\0\0"
    if "sport" in free:
        raw[34:36] = b"\0\0"
    if "inner tcp sum" in free:
        raw[36:38] = raw[78:80] = b"\0\0"
    return bytes(raw)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.description)
def test_row(row: Row) -> None:
    world = world_of(row)
    for side, layers in row.before:
        give(world, side, layers)
    verdict = give(world, *row.packet)
    if isinstance(row.expected, str):
        kind, reason = row.expected.split()
        assert verdict == (Drop(reason) if kind == "Drop" else Deliver(reason))
        if kind == "Drop":
            assert world.counters[reason] == 1
        return
    check_sent(verdict, row.expected)


def check_sent(verdict: Verdict, expected: Sent) -> None:
    assert isinstance(verdict, Transmit), verdict
    inside = expected.way == TO_SERVER
    assert verdict.ifindex == (INSIDE if inside else OUTSIDE)
    ends = (INNER_MAC, SERVER_MACS[0]) if inside else (OUTER_MAC, CLIENT_MAC)
    frame = bytes(Ether(src=ends[0], dst=ends[1]) / expected.layers)
    got = bytes(sent(verdict))
    free = expected.free
    if got[12:14] == b"\x08\x00":
        header = IP(got[14:34])
        del header.chksum
        assert bytes(header) == got[14:34] or got[14] != 0x45
        if got[15] == OWN_ERROR:
            free = (*free, "id", "chksum")
    assert blanked(got, free).hex(" ") == blanked(frame, free).hex(" ")
