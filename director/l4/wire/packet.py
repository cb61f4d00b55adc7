"""One IP packet in a frame: where its parts are and what its headers say.

`parse` checks length before content, takes padding off, skips options and extension headers, and
raises `PacketError` for anything that must not be forwarded.  The parsed fields describe the packet
as it came; whoever rewrites the frame passes deltas on and does not need the fields to follow.
"""

from __future__ import annotations

from director.errors import PacketError
from director.l4.wire import ipv4, ipv6, transport
from director.l4.wire import offload as vnet
from director.l4.wire.checksum import UDP_ZERO, checksum, ones_sum, pseudo
from director.l4.wire.ethernet import IPV4, IPV6, L3, kind

TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
IPIP, IPV6_IN_IP, GRE, ESP, AH = 4, 41, 47, 50, 51
CHECKED = {TCP: 16, UDP: 6, ICMPV6: 2}
"""Where the checksum with a pseudo-header stands in the layer-4 header."""


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
    def segment(self) -> int:
        """The length of the largest IP packet this becomes on the wire: that of one segment (GSO)."""
        if self.offload.kind in (vnet.GSO_NONE, vnet.GSO_UDP):
            return self.length
        return min(self.length, self.payload() - L3 + self.offload.gso_size)

    def payload(self) -> int:
        """Offset of what layer 4 carries."""
        if self.protocol == TCP:
            return self.l4 + 4 * (self.frame[self.l4 + 12] >> 4)
        return self.l4 + transport.HEADER.get(self.protocol, 0)


def parse(frame: bytearray, offload: bytes = b"") -> Packet:
    """The IP packet in an untagged frame; raises PacketError.  Trailing padding is cut off in place."""
    family = kind(frame)
    packet = Packet(frame, family, vnet.read(offload))
    if family == IPV4:
        ipv4.read(packet)
    elif family == IPV6:
        ipv6.read(packet)
    else:
        raise PacketError("not_ip")
    if packet.end < len(frame):
        del frame[packet.end :]
    if not packet.fragment:
        transport.read(packet)
    return packet


def verified(packet: Packet) -> bool:
    """True when the layer-4 checksum is right, absent as UDP over IPv4 allows, or not ours to judge."""
    if packet.offload.trusted or packet.fragmented:
        return True
    frame, at = packet.frame, packet.l4
    if packet.protocol == ICMP:
        return ones_sum(memoryview(frame)[at : packet.end]) == 0xFFFF
    place = CHECKED.get(packet.protocol)
    if place is None:
        return packet.protocol != SCTP or transport.sctp_verified(memoryview(frame)[at : packet.end])
    if packet.protocol == UDP and frame[at + 6] == frame[at + 7] == 0:
        return packet.family == IPV4
    end = _covered(packet)
    start = pseudo(packet.source, packet.destination, packet.protocol, end - at)
    return checksum(memoryview(frame)[at:end], start) == 0


def _covered(packet: Packet) -> int:
    """Where the bytes under the checksum end: UDP's own length may leave some over."""
    if packet.protocol != UDP:
        return packet.end
    said = packet.frame[packet.l4 + 4] << 8 | packet.frame[packet.l4 + 5]
    return min(packet.end, packet.l4 + said)


def complete(packet: Packet, source: bytes, destination: bytes) -> None:
    """Compute the layer-4 checksum of a whole packet anew, for addresses it now has."""
    frame, at = packet.frame, packet.l4
    place = CHECKED.get(packet.protocol)
    if packet.protocol == SCTP:
        transport.sctp_sign(frame, at, packet.end)
        return
    if place is None:
        return
    frame[at + place : at + place + 2] = b"\0\0"
    end = _covered(packet)
    start = pseudo(source, destination, packet.protocol, end - at)
    total = checksum(memoryview(frame)[at:end], start)
    if packet.protocol == UDP:
        total = total or UDP_ZERO
    frame[at + place : at + place + 2] = total.to_bytes(2, "big")
