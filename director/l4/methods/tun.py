"""TUN (Tunnel): the packet goes to the server inside another one: IPIP, GRE or GUE (`lvs-semantics` E).

Super-frames are cut into segments first, because the virtio header has no word for a tunnel.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import HOST, MethodContext, carried, lower, passable, prepared
from director.l4.verdicts import Outcome, Single, Verdict, batch
from director.l4.wire import ethernet, ipv4, ipv6, tunnels
from director.l4.wire.encapsulation import Encapsulation
from director.l4.wire.ethernet import IPV4, IPV6, L3, kind
from director.l4.wire.integrity import CHECKED
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import GRE, IPIP, IPV6_IN_IP, TCP, UDP
from director.l4.wire.segment import fragments, fragments_v6, segments

if TYPE_CHECKING:
    from director.l4.flows import FastPathEntry, Flow
    from director.l4.output import NextHop
    from director.model.pools import Tunnel

LEAST_V4, LEAST_V6 = 68, 1280
"""The least MTU a packet of that family must find (RFC 791, RFC 8200)."""


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Send a client's packet to the server inside the server's kind of tunnel."""
    next_hop = context.output.next_hop(flow.target)
    if next_hop is None:
        return context.icmp.answer(packet, Error.NO_ROUTE, now)
    if next_hop.local:
        return HOST
    source = next_hop.source
    if len(source) != len(flow.target):
        return context.output.drop("no_tunnel_source")
    tunnel = flow.server.config.tunnel
    outer = IPV4 if len(flow.target) == 4 else IPV6
    remote = _remote(tunnel, packet)
    with_checksum = tunnel.checksum != "none"
    extra = tunnels.overhead(tunnel.kind, outer, with_checksum=with_checksum, remote=remote is not None)
    least = LEAST_V4 if packet.family == IPV4 else LEAST_V6
    if next_hop.mtu - extra < least:
        return context.output.drop("tunnel_mtu_too_small")
    discover = bool(context.settings.pmtu_disc)
    df = discover and packet.family == IPV4 and packet.df
    # What a router said counts where no router may cut: with DF, and in IPv6.
    known = context.output.path_mtu(flow.target, next_hop, now)
    path = known if df or outer != IPV4 else next_hop.mtu
    mtu = max(path - extra, least)
    ended = passable(packet, mtu, now, context, ignore_df=packet.family == IPV4 and not discover)
    if ended is not None:
        return ended
    entry = None
    if tunnel.checksum == "none" and packet.protocol in (TCP, UDP):
        entry = _prepared(packet, flow, next_hop, tunnel, known - extra, context)
    lower(packet)
    return carried(_send(packet, flow, next_hop, path, df, context), entry)


def _prepared(
    packet: Packet,
    flow: Flow,
    next_hop: NextHop,
    tunnel: Tunnel,
    mtu: int,
    context: MethodContext,
) -> FastPathEntry | None:
    """The entry by which the following packets may be wrapped."""
    fast = flow.to_server
    entry = prepared(fast, next_hop, packet.key, context)
    fast.mtu = mtu
    encapsulation, discover = fast.encapsulation, bool(context.settings.pmtu_disc) and packet.family == IPV4
    if encapsulation is None or (encapsulation.source, encapsulation.tunnel, encapsulation.discover) != (
        next_hop.source,
        tunnel,
        discover,
    ):
        inner = IPIP if packet.family == IPV4 else IPV6_IN_IP
        protocol, front = _front(tunnel, inner, b"", (next_hop.source, flow.target), flow)
        fast.encapsulation = Encapsulation(
            next_hop.source, flow.target, protocol, front, discover, context.random.getrandbits(16), tunnel
        )
    return entry


def _send(
    packet: Packet, flow: Flow, next_hop: NextHop, path: int, df: bool, context: MethodContext
) -> Outcome:
    """Wrap and send; an outer packet larger than `path` (at most the next hop's MTU) is cut."""
    made: list[Single] = []
    tunnel = flow.server.config.tunnel
    encapsulated = tunnel.checksum == "none" and flow.to_server.encapsulation is not None
    remote = _remote(tunnel, packet)
    for frame in segments(packet, partial=remote is not None):
        if encapsulated and flow.to_server.encapsulation is not None:
            flow.to_server.encapsulation.encapsulate(frame, packet.tos, packet.ttl - 1, ipv4.DF if df else 0)
            whole = frame
        else:
            whole = _wrapped(packet, frame, flow, next_hop, tunnel, df, context)
        if len(whole) - L3 <= path:
            made.append(context.output.emit(whole, next_hop))
        elif kind(whole) == IPV4:
            made += [context.output.emit(one, next_hop) for one in fragments(whole, path)]
        else:
            # The tunnel's entry is the source of the outer packet and may cut it (RFC 2473, 7).
            cut = fragments_v6(whole, path, context.random.getrandbits(32))
            made += [context.output.emit(one, next_hop) for one in cut]
    return batch(made) if made else context.output.drop("too_large")


def _wrapped(
    packet: Packet,
    frame: bytearray,
    flow: Flow,
    next_hop: NextHop,
    tunnel: Tunnel,
    df: bool,
    context: MethodContext,
) -> bytearray:
    """`frame` inside the tunnel, everything computed anew: for checksummed tunnels and rare packets."""
    inner = IPIP if packet.family == IPV4 else IPV6_IN_IP
    body = bytes(memoryview(frame)[L3:])
    ends = next_hop.source, flow.target
    protocol, front = _front(tunnel, inner, body, ends, flow, _remote(tunnel, packet))
    outer = _outer(packet, next_hop.source, flow.target, protocol, len(front) + len(body), df, context)
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
    packet: Packet, source: bytes, target: bytes, protocol: int, length: int, df: bool, context: MethodContext
) -> bytearray:
    """The outer IP header: inner TTL and TOS, congestion mark by full functionality (RFC 3168, 9.1)."""
    tos = packet.tos & 0xFC | 2 if packet.tos & 3 == 3 else packet.tos
    ttl = packet.ttl - 1
    if len(target) == 4:
        ident = context.random.getrandbits(16)
        return ipv4.build(source, target, protocol, length, ttl=ttl, tos=tos, ident=ident, df=df)
    return ipv6.build(source, target, protocol, length, hops=ttl, traffic_class=tos)
