"""The IPv4 header (RFC 791): checked reading, TTL, building."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from director.errors import PacketError
from director.l4.wire.checksum import adjust, checksum, ones_sum
from director.l4.wire.ethernet import L3

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet

_HEADER = Struct("!BBHHHBBH4s4s")
SIZE = _HEADER.size
DF, MF, OFFSET = 0x4000, 0x2000, 0x1FFF
SOURCE_ROUTES = frozenset({131, 137})
"""Loose and strict source routing: refused, as hosts and routers do by default (RFC 7126)."""


def read(packet: Packet) -> None:
    """Fill in `packet` from the header at L3; raises PacketError naming what is wrong."""
    frame = packet.frame
    room = len(frame) - L3
    if room < SIZE:
        raise PacketError("short_ipv4")
    first, tos, total, ident, bits, ttl, protocol, _check, source, destination = _HEADER.unpack_from(
        frame, L3
    )
    size = (first & 15) * 4
    if first >> 4 != 4 or size < SIZE:
        raise PacketError("bad_ipv4_header")
    if total < size or total > room or size > room:
        raise PacketError("truncated_ipv4")
    if ones_sum(memoryview(frame)[L3 : L3 + size]) != 0xFFFF:
        raise PacketError("bad_ipv4_checksum")
    if size > SIZE:
        _check_options(frame[L3 + SIZE : L3 + size])
    packet.source, packet.destination = source, destination
    packet.protocol, packet.ttl, packet.tos, packet.ident = protocol, ttl, tos, ident
    packet.df, packet.more = bool(bits & DF), bool(bits & MF)
    packet.fragment = (bits & OFFSET) * 8
    packet.l4, packet.end = L3 + size, L3 + total
    if packet.fragmented:
        _check_fragment(packet, total - size)


def _check_options(options: bytearray) -> None:
    place = 0
    while place < len(options):
        kind = options[place]
        if kind == 0:
            return
        if kind == 1:
            place += 1
            continue
        length = options[place + 1] if place + 1 < len(options) else 0
        if length < 2 or place + length > len(options):
            raise PacketError("bad_ipv4_option")
        if kind in SOURCE_ROUTES:
            raise PacketError("source_routed")
        place += length


def _check_fragment(packet: Packet, size: int) -> None:
    """A piece must carry something, in eights unless it is the last, and end inside 64 KB."""
    if not size or (packet.more and size % 8) or packet.fragment + size > 0xFFFF:
        raise PacketError("bad_fragment")


def lower_ttl(frame: bytearray, at: int = L3) -> None:
    """TTL minus one, and the header checksum that follows from it."""
    frame[at + 8] -= 1
    check = adjust(frame[at + 10] << 8 | frame[at + 11], 0xFEFF)
    frame[at + 10 : at + 12] = check.to_bytes(2, "big")


def sign(frame: bytearray, at: int = L3) -> None:
    """Compute the header checksum anew."""
    size = (frame[at] & 15) * 4
    frame[at + 10 : at + 12] = b"\0\0"
    frame[at + 10 : at + 12] = checksum(memoryview(frame)[at : at + size]).to_bytes(2, "big")


def build(
    source: bytes, destination: bytes, protocol: int, length: int, *, ttl: int = 64, tos: int = 0,
    ident: int = 0, df: bool = False,
) -> bytearray:  # fmt: skip
    """A header without options for a payload of `length` bytes."""
    header = bytearray(
        _HEADER.pack(0x45, tos, SIZE + length, ident, DF if df else 0, ttl, protocol, 0, source, destination)
    )
    sign(header, 0)
    return header
