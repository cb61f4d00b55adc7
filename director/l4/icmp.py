"""ICMP errors the director itself sends, and the reading of those that pass (`lvs-semantics` D.6, E).

`build` makes an error about a packet; `Icmp.answer` sends one, at a bounded rate and never about an
error (RFC 1122, 3.2.2; RFC 4443, 2.4).  `quoted` reads the packet inside an error.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from attrs import frozen

from director.l4.verdicts import Verdict
from director.l4.wire import ipv4, ipv6
from director.l4.wire.checksum import checksum, pseudo
from director.l4.wire.ethernet import IPV4, IPV6, L3, header
from director.l4.wire.packet import ICMP, ICMPV6, Packet

if TYPE_CHECKING:
    from director.l4.output import Exits, Way

QUOTE_V4, QUOTE_V6 = 576 - 28, 1280 - 48
"""How much of a packet an error quotes: the error itself stays within the least MTU."""
SOURCE_QUENCH, UNREACHABLE, TIME_EXCEEDED = 4, 3, 11
HANDLED_V4 = frozenset({UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED})
FRAGMENTATION_NEEDED = 4
TOO_BIG_V6 = 2


class Error(enum.Enum):
    """What went wrong, with (type, code) for IPv4 and for IPv6."""

    TIME_EXCEEDED = ((11, 0), (3, 0))
    PORT_UNREACHABLE = ((3, 3), (1, 4))
    NO_ROUTE = ((3, 1), (1, 0))
    TOO_BIG = ((3, 4), (2, 0))


@frozen
class Quoted:
    """The packet inside an ICMP error: where it stands, and its ends.

    `at` is the offset of its IP header, `l4` of its layer 4 (both in the frame); ports are 0 when cut off.
    """

    at: int
    l4: int
    family: int
    protocol: int
    source: bytes
    destination: bytes
    sport: int
    dport: int
    df: bool


def is_error(packet: Packet) -> bool:
    """An ICMP error of the kinds IPVS handles."""
    if not packet.icmp or packet.fragment:
        return False
    kind = packet.frame[packet.l4]
    return kind in HANDLED_V4 if packet.family == IPV4 else kind < 128


def build(
    family: int, quote: bytes, source: bytes, destination: bytes, what: tuple[int, int, int]
) -> bytearray:
    """An IP packet with an ICMP error; `what` is (type, code, second word of the header)."""
    kind, code, value = what
    body = bytearray((kind, code, 0, 0)) + value.to_bytes(4, "big")
    if family == IPV4:
        body += quote[:QUOTE_V4]
        body[2:4] = checksum(body).to_bytes(2, "big")
        return ipv4.build(source, destination, ICMP, len(body), tos=0xC0) + body
    body += quote[:QUOTE_V6]
    body[2:4] = checksum(body, pseudo(source, destination, ICMPV6, len(body))).to_bytes(2, "big")
    return ipv6.build(source, destination, ICMPV6, len(body)) + body


def quoted(packet: Packet, at: int | None = None) -> Quoted | None:
    """The packet inside an error (or at offset `at`); None when it is cut short or a later fragment."""
    frame = packet.frame
    start = packet.l4 + 8 if at is None else at
    if start >= packet.end:
        return None
    if frame[start] >> 4 == 4:
        return _quoted_v4(frame, start, packet.end)
    if frame[start] >> 4 == 6:
        return _quoted_v6(frame, start, packet.end)
    return None


def about_later_fragment(packet: Packet) -> bool:
    """An ICMPv6 error quotes a fragment other than the first, which names no ports."""
    frame, at = packet.frame, packet.l4 + 8
    behind = at + ipv6.SIZE
    if packet.family == IPV4 or behind + 8 > packet.end or frame[at + 6] != ipv6.FRAGMENT:
        return False
    return bool((frame[behind + 2] << 8 | frame[behind + 3]) & 0xFFF8)


def _quoted_v4(frame: bytearray, at: int, end: int) -> Quoted | None:
    size = (frame[at] & 15) * 4
    if size < ipv4.SIZE or at + size + 8 > end:
        return None
    bits = frame[at + 6] << 8 | frame[at + 7]
    if bits & ipv4.OFFSET:
        return None
    l4 = at + size
    ends = bytes(frame[at + 12 : at + 16]), bytes(frame[at + 16 : at + 20])
    return Quoted(at, l4, IPV4, frame[at + 9], *ends, *_ports(frame, l4), df=bool(bits & ipv4.DF))


def _quoted_v6(frame: bytearray, at: int, end: int) -> Quoted | None:
    l4, following = at + ipv6.SIZE, 0
    if l4 + 8 > end:
        return None
    following = frame[at + 6]
    for _ in range(ipv6.MAX_HEADERS):
        if following == ipv6.FRAGMENT:
            if (frame[l4 + 2] << 8 | frame[l4 + 3]) & 0xFFF8:
                return None
            size = 8
        elif following in (0, 43, 60):
            size = (frame[l4 + 1] + 1) * 8
        else:
            ends = bytes(frame[at + 8 : at + 24]), bytes(frame[at + 24 : at + 40])
            return Quoted(at, l4, IPV6, following, *ends, *_ports(frame, l4), df=True)
        following = frame[l4]
        l4 += size
        if l4 + 8 > end:
            return None
    return None


def _ports(frame: bytearray, l4: int) -> tuple[int, int]:
    return frame[l4] << 8 | frame[l4 + 1], frame[l4 + 2] << 8 | frame[l4 + 3]


class Icmp:
    """Sends the director's own errors, `rate` per second at most."""

    def __init__(self, exits: Exits, rate: int) -> None:
        self._exits = exits
        self.rate = rate
        self._tokens = float(rate)
        self._filled = 0.0

    def answer(self, packet: Packet, error: Error, now: float, value: int = 0) -> Verdict:
        """Send `error` about `packet` to its sender and drop it; the drop's reason is the error's name.

        `packet` must still stand as it came.  `value` is the next-hop MTU for TOO_BIG.
        """
        family = packet.family
        kind, code = error.value[0 if family == IPV4 else 1]
        reason = self._exits.drop(error.name.lower())
        if not _may_answer(packet):
            return reason
        quote = bytes(memoryview(packet.frame)[L3 : packet.end])
        source = self._source(packet)
        sent = self.send(family, quote, (source, packet.source), (kind, code, value), now)
        return sent or reason

    def send(
        self,
        family: int,
        quote: bytes,
        ends: tuple[bytes | None, bytes],
        what: tuple[int, int, int],
        now: float,
    ) -> Verdict | None:
        """Send an error about `quote` between `ends` (source or None, destination); None when it may not."""
        way = self._exits.way(ends[1])
        if way is None or way.local:
            return None
        source = ends[0] or _own(way, ends[1])
        if not source or not self._spend(now):
            return None
        return self.emit(build(family, quote, source, ends[1], what), family, way)

    def emit(self, packet: bytearray, family: int, way: Way) -> Verdict:
        """Put an Ethernet header in front of an IP packet and send it."""
        self._exits.counters["icmp_sent"] += 1
        return self._exits.emit(bytearray(header(b"\0" * 6, b"\0" * 6, family)) + packet, way)

    def _source(self, packet: Packet) -> bytes | None:
        """The address asked, when it is ours (the VIP): the client can tell what the error is about."""
        route = self._exits.routing.route(packet.destination)
        return packet.destination if route is not None and route.local else None

    def _spend(self, now: float) -> bool:
        """Take a token of the rate; False, and a counter, when there is none."""
        self._tokens = min(float(self.rate), self._tokens + (now - self._filled) * self.rate)
        self._filled = now
        if self._tokens < 1.0:
            self._exits.counters["icmp_rate_limited"] += 1
            return False
        self._tokens -= 1.0
        return True


def _own(way: Way, destination: bytes) -> bytes | None:
    """An own address of the destination's family, when the route knows one."""
    return way.source if len(way.source) == len(destination) else None


def _may_answer(packet: Packet) -> bool:
    """No error about an ICMP error, a later fragment, or to or from a group or nobody."""
    if packet.fragment or (packet.icmp and is_error(packet)):
        return False
    if packet.frame[0] & 1:
        return False
    return not (group(packet.source) or group(packet.destination))


def group(address: bytes) -> bool:
    """Multicast, broadcast, or nobody."""
    if len(address) == 4:
        return address[0] >= 224 or address[0] == 0
    return address[0] == 0xFF or not any(address)
