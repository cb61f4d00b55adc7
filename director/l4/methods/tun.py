"""TUN (Tunnel): the packet goes to the server inside another one: IPIP, GRE or GUE (`lvs-semantics` E).

Super-frames are cut into segments first, because the virtio header has no word for a tunnel.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.means import HOST, Means, lower, passable
from director.l4.verdicts import Single, Verdict, batch
from director.l4.wire import ethernet, ipv4, ipv6, tunnels
from director.l4.wire.ethernet import IPV4, IPV6, L3
from director.l4.wire.packet import GRE, IPIP, IPV6_IN_IP, UDP, Packet
from director.l4.wire.segment import fragments, segments

if TYPE_CHECKING:
    from director.l4.exits import Way
    from director.l4.flows import Flow
    from director.model import Tunnel

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
    extra = tunnels.overhead(tunnel.kind, outer, with_checksum=tunnel.checksum != "none")
    mtu = means.exits.path_mtu(flow.target, way, now) - extra
    if mtu < (LEAST_V4 if packet.family == IPV4 else LEAST_V6):
        return means.exits.drop("tunnel_mtu_too_small")
    discover = bool(means.settings.pmtu_disc)
    ended = passable(packet, mtu, now, means, ignore_df=packet.family == IPV4 and not discover)
    if ended is not None:
        return ended
    lower(packet)
    df = discover and packet.family == IPV4 and packet.df
    return _send(packet, flow, way, tunnel, df, means)


def _send(packet: Packet, flow: Flow, way: Way, tunnel: Tunnel, df: bool, means: Means) -> Verdict:
    made: list[Single] = []
    inner = IPIP if packet.family == IPV4 else IPV6_IN_IP
    for frame in segments(packet):
        body = bytes(memoryview(frame)[L3:])
        protocol, front = _front(tunnel, inner, body, (way.source, flow.target), flow)
        sealed = front + body
        outer = _outer(packet, way.source, flow.target, protocol, len(sealed), df, means)
        family = IPV4 if len(flow.target) == 4 else IPV6
        whole = bytearray(ethernet.header(b"\0" * 6, b"\0" * 6, family)) + outer + sealed
        if len(whole) - L3 <= way.mtu:
            made.append(means.exits.emit(whole, way))
        elif family == IPV4:
            made += [means.exits.emit(one, way) for one in fragments(whole, way.mtu)]
    return batch(made) if made else means.exits.drop("too_large")


def _front(
    tunnel: Tunnel, inner: int, body: bytes, ends: tuple[bytes, bytes], flow: Flow
) -> tuple[int, bytes]:
    """Protocol of the outer header, and what stands between it and the inner packet."""
    with_checksum = tunnel.checksum != "none"
    if tunnel.kind == "gre":
        ethertype = IPV4 if inner == IPIP else IPV6
        return GRE, tunnels.gre(ethertype, body, with_checksum=with_checksum)
    if tunnel.kind == "gue":
        sport = 0xC000 | zlib.crc32(flow.to_server.key) & 0x3FFF
        return UDP, tunnels.gue(sport, tunnel.port, inner, body, ends, with_checksum=with_checksum)
    return inner, b""


def _outer(
    packet: Packet, source: bytes, target: bytes, protocol: int, length: int, df: bool, means: Means
) -> bytearray:
    """The outer IP header: inner TTL and TOS, congestion mark by the full-functionality rule (RFC 3168, 9.1)."""
    tos = packet.tos & 0xFC | 2 if packet.tos & 3 == 3 else packet.tos
    ttl = packet.ttl - 1
    if len(target) == 4:
        ident = means.random.getrandbits(16)
        return ipv4.build(source, target, protocol, length, ttl=ttl, tos=tos, ident=ident, df=df)
    return ipv6.build(source, target, protocol, length, hops=ttl, traffic_class=tos)
