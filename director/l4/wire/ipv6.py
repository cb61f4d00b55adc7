"""The IPv6 header and its extension headers (RFC 8200): checked reading, building."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from director.errors import PacketError
from director.l4.wire.ethernet import L3

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet

_HEADER = Struct("!IHBB16s16s")
SIZE = _HEADER.size
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
_OPTIONS = frozenset({HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS})
MORE = 1
"""The bit of a fragment header that says more pieces follow."""
MAX_HEADERS = 8
"""Headers walked; RFC 8200 names six kinds, a longer chain is an attack."""


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
    chain = walk(frame, L3, packet.end)
    _check_piece(chain, packet.end)
    packet.protocol, packet.l4 = chain.protocol, chain.start
    packet.fragment, packet.more, packet.ident = chain.offset, bool(chain.bits & MORE), chain.ident
    packet.cut, packet.head = chain.fragment, chain.head


class Chain(NamedTuple):
    """Where the extension headers of a packet lead.

    `protocol` stands at `start`.  `fragment` is the offset of the fragment header (0 = there is none) with
    its `bits` and `ident`, and `head` that of the next-header byte which names it.
    """

    protocol: int
    start: int
    fragment: int = 0
    bits: int = 0
    ident: int = 0
    head: int = 0

    @property
    def offset(self) -> int:
        """Octets of the datagram before this piece of it."""
        return self.bits & 0xFFF8


def walk(data: bytes | bytearray | memoryview, at: int, end: int) -> Chain:
    """Skip the extension headers of the packet whose fixed header is at `at` and which ends at `end`.

    Ends at layer 4, or at the payload of a later fragment, where layer 4 is not.  Raises PacketError.
    Like the kernel's walk it stops at an AH, which is a protocol of its own here (`lvs-semantics` D.5).
    """
    following, place = data[at + 6], at + SIZE
    head = at + 6
    fragment = bits = ident = 0
    for _ in range(MAX_HEADERS):
        if following not in _OPTIONS and following != FRAGMENT:
            return Chain(following, place, fragment, bits, ident, head)
        if place + 8 > end:
            raise PacketError("bad_fragment" if following == FRAGMENT else "truncated_ipv6_extension")
        if following == FRAGMENT:
            if bits & ~6:
                raise PacketError("bad_fragment")
            fragment, size = place, 8
            bits = data[place + 2] << 8 | data[place + 3]
            ident = int.from_bytes(data[place + 4 : place + 8], "big")
        else:
            if following == ROUTING and data[place + 2] in (0, 1):
                raise PacketError("source_routed")
            size = (data[place + 1] + 1) * 8
            if not fragment:
                head = place
        following = data[place]
        place += size
        if place > end:
            raise PacketError("truncated_ipv6_extension")
        if bits & 0xFFF8:
            return Chain(following, place, fragment, bits, ident, head)
    raise PacketError("ipv6_extension_chain")


def _check_piece(chain: Chain, end: int) -> None:
    """A piece must carry something, in eights unless it is the last, and end inside 64 KB."""
    size, more = end - chain.fragment - 8, chain.bits & MORE
    if chain.bits & ~6 and (not size or (more and size % 8) or chain.offset + size > 0xFFFF):
        raise PacketError("bad_fragment")


def build(
    source: bytes, destination: bytes, following: int, length: int, *, hops: int = 64, traffic_class: int = 0
) -> bytearray:
    """A header for a payload of `length` bytes, flow label 0."""
    return bytearray(
        _HEADER.pack(6 << 28 | traffic_class << 20, length, following, hops, source, destination)
    )
