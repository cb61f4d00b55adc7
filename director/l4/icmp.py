"""ICMP errors that the director itself sends (`lvs-semantics` D.6, E).

`build` makes an error about a packet; `Icmp.answer` sends one, at a bounded rate and never about an
error (RFC 1122, 3.2.2; RFC 4443, 2.4).  Those that pass through are `icmp_relay`'s.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from director.l4.verdicts import Single
from director.l4.wire import ipv4, ipv6
from director.l4.wire.checksum import checksum, pseudo
from director.l4.wire.ethernet import IPV4, L3, header
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import ICMP, ICMPV6

if TYPE_CHECKING:
    from director.l4.output import NextHop, Output

QUOTE_V4, QUOTE_V6 = 576 - 28, 1280 - 48
"""How much of a packet an error quotes: the error itself stays within the least MTU."""
SOURCE_QUENCH, UNREACHABLE, TIME_EXCEEDED = 4, 3, 11
HANDLED_V4 = frozenset({UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED})
FRAGMENTATION_NEEDED = 4
TOO_BIG_V6 = 2


class Error(enum.Enum):
    """What went wrong, with (type, code) for IPv4 and for IPv6."""

    TIME_EXCEEDED = ((11, 0), (3, 0))
    HOST_UNREACHABLE = ((3, 1), (1, 3))
    PORT_UNREACHABLE = ((3, 3), (1, 4))
    NO_ROUTE = ((3, 1), (1, 0))
    TOO_BIG = ((3, 4), (2, 0))


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


class Icmp:
    """Sends the director's own errors, `rate` per second at most."""

    def __init__(self, output: Output, rate: int) -> None:
        self._output = output
        self.rate = rate
        self._tokens = float(rate)
        self._filled = 0.0

    def answer(self, packet: Packet, error: Error, now: float, value: int = 0) -> Single:
        """Send `error` about `packet` to its sender and drop it; the drop's reason is the error's name.

        `packet` must still stand as it came.  `value` is the next-hop MTU for TOO_BIG.
        """
        family = packet.family
        kind, code = error.value[0 if family == IPV4 else 1]
        reason = self._output.drop(error.name.lower())
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
    ) -> Single | None:
        """Send an error about `quote` between `ends` (source or None, destination); None when it may not."""
        next_hop = self._output.next_hop(ends[1])
        if next_hop is None or next_hop.local:
            return None
        source = ends[0] or _own(next_hop, ends[1])
        if not source or not self._spend(now):
            return None
        return self.emit(build(family, quote, source, ends[1], what), family, next_hop)

    def emit(self, packet: bytearray, family: int, next_hop: NextHop) -> Single:
        """Put an Ethernet header in front of an IP packet and send it."""
        self._output.counters["icmp_sent"] += 1
        return self._output.emit(bytearray(header(b"\0" * 6, b"\0" * 6, family)) + packet, next_hop)

    def _source(self, packet: Packet) -> bytes | None:
        """The address asked, when it is ours (the VIP): the client can tell what the error is about."""
        route = self._output.routing.route(packet.destination)
        return packet.destination if route is not None and route.local else None

    def _spend(self, now: float) -> bool:
        """Take a token of the rate; False, and a counter, when there is none."""
        self._tokens = min(float(self.rate), self._tokens + (now - self._filled) * self.rate)
        self._filled = now
        if self._tokens < 1.0:
            self._output.counters["icmp_rate_limited"] += 1
            return False
        self._tokens -= 1.0
        return True


def _own(next_hop: NextHop, destination: bytes) -> bytes | None:
    """An own address of the destination's family, when the route knows one."""
    return next_hop.source if len(next_hop.source) == len(destination) else None


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
