"""The IPv6 header and its extension headers (RFC 8200): checked reading, building."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from director.errors import PacketError
from director.l4.wire.ethernet import L3

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet

_HEADER = Struct("!IHBB16s16s")
SIZE = _HEADER.size
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
_OPTIONS = frozenset({HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS})
MAX_HEADERS = 8
"""Extension headers walked; RFC 8200 names six kinds, a longer chain is an attack."""


def read(packet: Packet) -> None:
    """Fill in `packet` from the header at L3; raises PacketError naming what is wrong."""
    frame = packet.frame
    room = len(frame) - L3 - SIZE
    if room < 0:
        raise PacketError("short_ipv6")
    first, length, following, hops, source, destination = _HEADER.unpack_from(frame, L3)
    if first >> 28 != 6:
        raise PacketError("bad_ipv6_header")
    if length > room or (length == 0 and following != 59):
        raise PacketError("truncated_ipv6")
    packet.source, packet.destination = source, destination
    packet.ttl, packet.tos = hops, first >> 20 & 0xFF
    packet.df = True
    packet.end = L3 + SIZE + length
    _walk(packet, following)


def _walk(packet: Packet, following: int) -> None:
    """Skip extension headers up to layer 4, or to the payload of a later fragment.

    `cut` is left at the fragment header, `head` at the next-header byte that names it.
    """
    frame, place = packet.frame, L3 + SIZE
    packet.head = L3 + 6
    for _ in range(MAX_HEADERS):
        if following == FRAGMENT:
            _read_fragment(packet, place)
            size = 8
        elif following in _OPTIONS:
            if place + 8 > packet.end:
                raise PacketError("truncated_ipv6_extension")
            size = (frame[place + 1] + 1) * 8
            if following == ROUTING and frame[place + 2] in (0, 1):
                raise PacketError("source_routed")
        else:
            packet.protocol, packet.l4 = following, place
            return
        if following == FRAGMENT:
            packet.cut = place
        elif not packet.cut:
            packet.head = place
        following = frame[place]
        place += size
        if place > packet.end:
            raise PacketError("truncated_ipv6_extension")
        if packet.fragment:
            packet.protocol, packet.l4 = following, place
            return
    raise PacketError("ipv6_extension_chain")


def _read_fragment(packet: Packet, place: int) -> None:
    if place + 8 > packet.end or packet.fragmented:
        raise PacketError("bad_fragment")
    bits = packet.frame[place + 2] << 8 | packet.frame[place + 3]
    packet.fragment, packet.more = bits & 0xFFF8, bool(bits & 1)
    packet.ident = int.from_bytes(packet.frame[place + 4 : place + 8], "big")
    size = packet.end - place - 8
    if packet.fragmented and (not size or (packet.more and size % 8) or packet.fragment + size > 0xFFFF):
        raise PacketError("bad_fragment")


def build(
    source: bytes, destination: bytes, following: int, length: int, *, hops: int = 64, traffic_class: int = 0
) -> bytearray:
    """A header for a payload of `length` bytes, flow label 0."""
    return bytearray(
        _HEADER.pack(6 << 28 | traffic_class << 20, length, following, hops, source, destination)
    )
