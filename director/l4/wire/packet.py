"""One IP packet in a frame: where its parts are and what its headers say.

A record, filled in by `parse`.  Its fields describe the packet as it came; whoever rewrites the frame
passes deltas on and does not need the fields to follow.
"""

from __future__ import annotations

from director.l4.wire import offload as vnet
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.protocols import HEADER, ICMP, ICMPV6, IPSEC, TCP

ISAKMP = b"\x01\xf4\x01\xf4"
"""Port 500 to port 500."""


class Packet:
    """The parts of one packet.

    `l4` is the offset of the layer-4 header in `frame`, `end` the end of the packet.  `fragment` is
    the offset in bytes, `more` the more-fragments bit; a later fragment has no ports (both 0).
    `pieces` is the size of the largest fragment of a datagram that was put together, else 0; `tag` the
    VLAN tag it came with, on interface `tag_ifindex`.  `cut` is the offset of an IPv6 fragment header (or
    where it stood) and `head` that of the byte which announces it.  `verified` is set once the checksum
    was found right.
    """

    __slots__ = (
        "cut", "destination", "df", "dport", "end", "family", "fragment", "frame", "head", "ident",
        "l4", "more", "offload", "pieces", "protocol", "source", "sport", "tag", "tag_ifindex",
        "tcp_flags", "tos", "ttl", "verified",
    )  # fmt: skip

    def __init__(self, frame: bytearray, family: int, offload: vnet.Offload) -> None:
        self.frame = frame
        self.family = family
        self.offload = offload
        self.source = self.destination = self.tag = b""
        self.protocol = self.l4 = self.end = self.fragment = 0
        self.sport = self.dport = self.tcp_flags = self.ttl = self.tos = self.ident = 0
        self.head = L3
        self.cut = self.pieces = self.tag_ifindex = 0
        self.more = self.df = self.verified = False

    @property
    def length(self) -> int:
        """The length of the IP packet: what IPVS counts as bytes (H)."""
        return self.end - L3

    @property
    def fragmented(self) -> bool:
        """It is a piece of a larger datagram."""
        return self.more or self.fragment > 0

    @property
    def icmp(self) -> bool:
        """It is ICMP of its own IP version."""
        return self.protocol == (ICMP if self.family == IPV4 else ICMPV6)

    @property
    def key(self) -> bytes:
        """Source, destination and both ports as they stand in the packet: the key of a flow table."""
        return self.source + self.destination + (self.sport << 16 | self.dport).to_bytes(4, "big")

    @property
    def table_key(self) -> bytes:
        """The key it is looked up by: AH and ESP as ISAKMP, port 500 to 500 (D.5)."""
        if self.protocol in IPSEC:
            return self.source + self.destination + ISAKMP
        return self.key

    @property
    def segment(self) -> int:
        """The length of the largest IP packet this becomes on the wire: that of one segment (GSO)."""
        if self.offload.kind in (vnet.GSO_NONE, vnet.GSO_UDP):
            return self.length
        return min(self.length, self.payload() - L3 + self.offload.gso_size)

    def payload(self) -> int:
        """Offset of what layer 4 carries."""
        if self.protocol == TCP:
            return self.l4 + 4 * (self.frame[self.l4 + 12] >> 4)
        return self.l4 + HEADER.get(self.protocol, 0)
