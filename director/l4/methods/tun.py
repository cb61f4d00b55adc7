"""TUN (Tunnel): the packet goes to the server inside another one: IPIP, GRE or GUE (`lvs-semantics` E).

Super-frames are cut into segments first, because the virtio header has no word for a tunnel.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import HOST, Means, lower, passable, quicken
from director.l4.verdicts import Single, Verdict, batch
from director.l4.wire import ethernet, ipv4, ipv6, tunnels
from director.l4.wire.checksum import fold, ones_sum
from director.l4.wire.ethernet import IPV4, IPV6, L3, kind
from director.l4.wire.packet import CHECKED, GRE, IPIP, IPV6_IN_IP, TCP, UDP, Packet
from director.l4.wire.segment import fragments, fragments_v6, segments

if TYPE_CHECKING:
    from director.l4.flows import Flow
    from director.l4.output import Way
    from director.model.pools import Tunnel

_OUTER_V4 = Struct("!12xHHHHHHH8s").pack
_OUTER_V6 = Struct("!12xHIHBB32s").pack
LEAST_V4, LEAST_V6 = 68, 1280
"""The least MTU a packet of that family must find (RFC 791, RFC 8200)."""


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, means: Means) -> Verdict:
    """Send a client's packet to the server inside the server's kind of tunnel."""
    way = means.exits.way(flow.target)
    if way is None:
        return means.icmp.answer(packet, Error.NO_ROUTE, now)
    if way.local:
        return HOST
    source = way.source
    if len(source) != len(flow.target):
        return means.exits.drop("no_tunnel_source")
    tunnel = flow.server.config.tunnel
    outer = IPV4 if len(flow.target) == 4 else IPV6
    remote = _remote(tunnel, packet)
    with_checksum = tunnel.checksum != "none"
    extra = tunnels.overhead(tunnel.kind, outer, with_checksum=with_checksum, remote=remote is not None)
    least = LEAST_V4 if packet.family == IPV4 else LEAST_V6
    if way.mtu - extra < least:
        return means.exits.drop("tunnel_mtu_too_small")
    discover = bool(means.settings.pmtu_disc)
    df = discover and packet.family == IPV4 and packet.df
    # What a router said counts where no router may cut: with DF, and in IPv6.
    known = means.exits.path_mtu(flow.target, way, now)
    path = known if df or outer != IPV4 else way.mtu
    mtu = max(path - extra, least)
    ended = passable(packet, mtu, now, means, ignore_df=packet.family == IPV4 and not discover)
    if ended is not None:
        return ended
    if tunnel.checksum == "none" and packet.protocol in (TCP, UDP):
        _quicken(packet, flow, way, now, tunnel, known - extra, means)
    lower(packet)
    return _send(packet, flow, way, path, df, means)


class Seal:
    """The outer headers of one flow without checksums of their own, made ready for the hot path.

    `put_on` puts them in front of a frame whose inner TTL was lowered already.
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

    def put_on(self, frame: bytearray, tos: int, ttl: int, df: int) -> None:
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


def _quicken(
    packet: Packet, flow: Flow, way: Way, now: float, tunnel: Tunnel, mtu: int, means: Means
) -> None:
    """Let the hot path wrap the following packets."""
    track = flow.to_server
    quicken(track, way, now, packet.key, means)
    track.mtu = mtu
    seal, discover = track.seal, bool(means.settings.pmtu_disc) and packet.family == IPV4
    if seal is None or (seal.source, seal.tunnel, seal.discover) != (way.source, tunnel, discover):
        inner = IPIP if packet.family == IPV4 else IPV6_IN_IP
        protocol, front = _front(tunnel, inner, b"", (way.source, flow.target), flow)
        track.seal = Seal(
            way.source, flow.target, protocol, front, discover, means.random.getrandbits(16), tunnel
        )


def _send(packet: Packet, flow: Flow, way: Way, path: int, df: bool, means: Means) -> Verdict:
    """Wrap and send; an outer packet larger than `path` (at most the way's MTU) is cut."""
    made: list[Single] = []
    tunnel = flow.server.config.tunnel
    sealed = tunnel.checksum == "none" and flow.to_server.seal is not None
    remote = _remote(tunnel, packet)
    for frame in segments(packet, partial=remote is not None):
        if sealed and flow.to_server.seal is not None:
            flow.to_server.seal.put_on(frame, packet.tos, packet.ttl - 1, ipv4.DF if df else 0)
            whole = frame
        else:
            whole = _wrapped(packet, frame, flow, way, tunnel, df, means)
        if len(whole) - L3 <= path:
            made.append(means.exits.emit(whole, way))
        elif kind(whole) == IPV4:
            made += [means.exits.emit(one, way) for one in fragments(whole, path)]
        else:
            # The tunnel's entry is the source of the outer packet and may cut it (RFC 2473, 7).
            cut = fragments_v6(whole, path, means.random.getrandbits(32))
            made += [means.exits.emit(one, way) for one in cut]
    return batch(made) if made else means.exits.drop("too_large")


def _wrapped(
    packet: Packet, frame: bytearray, flow: Flow, way: Way, tunnel: Tunnel, df: bool, means: Means
) -> bytearray:
    """`frame` inside the tunnel, everything computed anew: for checksummed tunnels and rare packets."""
    inner = IPIP if packet.family == IPV4 else IPV6_IN_IP
    body = bytes(memoryview(frame)[L3:])
    ends = way.source, flow.target
    protocol, front = _front(tunnel, inner, body, ends, flow, _remote(tunnel, packet))
    outer = _outer(packet, way.source, flow.target, protocol, len(front) + len(body), df, means)
    family = IPV4 if len(flow.target) == 4 else IPV6
    return bytearray(ethernet.header(b"\0" * 6, b"\0" * 6, family)) + outer + front + body


def _remote(tunnel: Tunnel, packet: Packet) -> tuple[int, int] | None:
    """Where the receiver of a tunnel with `remcsum` shall complete the packet's checksum, if it is partial.

    Start of the sum and place of the checksum, from the inner IP header on.
    """
    place = CHECKED.get(packet.protocol)
    if tunnel.checksum != "remcsum" or not packet.offload.partial or place is None:
        return None
    return packet.l4 - L3, packet.l4 - L3 + place


def _front(
    tunnel: Tunnel, inner: int, body: bytes, ends: tuple[bytes, bytes], flow: Flow,
    remote: tuple[int, int] | None = None,
) -> tuple[int, bytes]:  # fmt: skip
    """Protocol of the outer header, and what stands between it and the inner packet."""
    with_checksum = tunnel.checksum != "none"
    if tunnel.kind == "gre":
        ethertype = IPV4 if inner == IPIP else IPV6
        return GRE, tunnels.gre(ethertype, body, with_checksum=with_checksum)
    if tunnel.kind == "gue":
        sport = 0xC000 | zlib.crc32(flow.to_server.key) & 0x3FFF
        return UDP, tunnels.gue(
            sport, tunnel.port, inner, body, ends, with_checksum=with_checksum, remote=remote
        )
    return inner, b""


def _outer(
    packet: Packet, source: bytes, target: bytes, protocol: int, length: int, df: bool, means: Means
) -> bytearray:
    """The outer IP header: inner TTL and TOS, congestion mark by full functionality (RFC 3168, 9.1)."""
    tos = packet.tos & 0xFC | 2 if packet.tos & 3 == 3 else packet.tos
    ttl = packet.ttl - 1
    if len(target) == 4:
        ident = means.random.getrandbits(16)
        return ipv4.build(source, target, protocol, length, ttl=ttl, tos=tos, ident=ident, df=df)
    return ipv6.build(source, target, protocol, length, hops=ttl, traffic_class=tos)
