"""Outer headers made ready: what the hot path puts in front of the packets of one tunnelled flow.

Only for tunnels without a checksum over the packet: what stands in front is then the same for every packet
of a flow but for lengths, TOS, TTL, identification and DF (RFC 2003, 3.1).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from director.l4.wire import ipv4, ipv6
from director.l4.wire.checksum import fold, ones_sum
from director.l4.wire.ethernet import IPV4, IPV6, L3
from director.l4.wire.protocols import UDP

if TYPE_CHECKING:
    from director.model.pools import Tunnel

_OUTER_V4 = Struct("!12xHHHHHHH8s").pack
_OUTER_V6 = Struct("!12xHIHBB32s").pack


class Encapsulation:
    """The outer headers of one flow without checksums of their own, made ready for the hot path.

    `encapsulate` puts them in front of a frame whose inner TTL was lowered already.
    """

    __slots__ = ("addresses", "discover", "extra", "front", "ident", "protocol", "source", "total", "tunnel")

    def __init__(
        self,
        source: bytes,
        target: bytes,
        protocol: int,
        front: bytes,
        discover: bool,
        ident: int,
        tunnel: Tunnel,
    ) -> None:
        self.source = source
        self.tunnel = tunnel
        self.addresses = source + target
        self.protocol = protocol
        self.front = front
        self.extra = len(front) + (ipv4.SIZE if len(target) == 4 else ipv6.SIZE)
        self.discover = discover
        self.ident = ident
        self.total = ones_sum(self.addresses)

    def encapsulate(self, frame: bytearray, tos: int, ttl: int, df: int) -> None:
        """`tos`, `ttl` (lowered) and `df` (0 or 0x4000) of the inner packet decide the outer ones."""
        inner = len(frame) - L3
        front = self.front
        if self.protocol == UDP:
            front = front[:4] + (inner + len(front)).to_bytes(2, "big") + front[6:]
        if tos & 3 == 3:
            tos = tos & 0xFC | 2
        if len(self.addresses) == 8:
            self.ident = ident = self.ident + 1 & 0xFFFF
            bits = df if self.discover else 0
            words = (IPV4, 0x4500 | tos, inner + self.extra, ident, bits, ttl << 8 | self.protocol)
            check = fold(self.total + sum(words) - IPV4) ^ 0xFFFF
            frame[0:L3] = _OUTER_V4(*words, check, self.addresses) + front
        else:
            length = inner + len(front)
            frame[0:L3] = (
                _OUTER_V6(IPV6, 6 << 28 | tos << 20, length, self.protocol, ttl, self.addresses) + front
            )
