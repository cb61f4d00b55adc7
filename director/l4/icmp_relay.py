"""ICMP errors that pass through, about flows of ours (`lvs-semantics` D.6).

The packet inside an error tells the flow.  From the server's side the error reaches the client as from
the virtual address; from the client's side it reaches the server; errors about our own tunnels are
turned into errors about what the tunnel carried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.flows import TABLED, Flow, FlowTable, key
from director.l4.icmp import FRAGMENTATION_NEEDED, TOO_BIG_V6
from director.l4.methods.base import lower, passable
from director.l4.states.directions import OUTPUT
from director.l4.states.transitions import unreachable
from director.l4.verdicts import Deliver, Verdict
from director.l4.wire import ipv4, tunnels
from director.l4.wire.checksum import checksum, pseudo
from director.l4.wire.ends import Ends, ends_of
from director.l4.wire.ethernet import IPV4, IPV6, L3
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import ICMPV6, IPSEC, PORTS

if TYPE_CHECKING:
    from director.l4.admission import Admission
    from director.l4.inbound import Inbound
    from director.l4.methods.base import MethodContext
    from director.l4.outbound import Outbound
    from director.l4.services import Services

_UNREACHABLE = {4: 3, 6: 1}
"""ICMP's type "destination unreachable" by IP version (RFC 792, RFC 4443 3.1)."""
_TOO_LARGE = 4
"""Its code of IPv4 that only wants smaller packets (RFC 1191)."""
NO_FLOW = Deliver("icmp_no_flow")
SEEN = Deliver("seen")


class IcmpRelay:
    """Translates ICMP errors."""

    def __init__(
        self, table: FlowTable, services: Services, admission: Admission, inbound: Inbound,
        outbound: Outbound, context: MethodContext,
    ) -> None:  # fmt: skip
        self._table = table
        self._services = services
        self._admission = admission
        self._inbound = inbound
        self._outbound = outbound
        self._context = context

    def receive(self, packet: Packet, offload: bytes, now: float) -> Verdict:
        """An ICMP error whose checksum is right."""
        inner = ends_of(packet.frame, packet.l4 + 8, packet.end)
        if inner is None or (inner.later and inner.family == IPV4):
            return NO_FLOW
        if inner.later:
            return self._context.output.drop("icmp_about_later_fragment")
        about_tunnel = self._about_tunnel(packet, inner, now)
        if about_tunnel is not None:
            return about_tunnel
        table = TABLED.get(inner.protocol)
        if table is None:
            return NO_FLOW
        fast = self._table.find(table, _reversed(inner))
        if fast is None:
            return self._open(packet, inner, offload, now)
        if fast.direction == OUTPUT:
            return self._to_client(packet, inner, fast.flow, offload, now)
        return self._to_server(packet, inner, fast.flow, offload, now)

    def _to_client(self, packet: Packet, inner: Ends, flow: Flow, offload: bytes, now: float) -> Verdict:
        """The server (or a router before it) says something about a packet it got."""
        self._outbound.count(flow, packet.length)
        if _unreached(packet):
            unreachable(flow)
        if not flow.method.rewrites:
            return SEEN
        next_hop = self._context.output.next_hop(flow.client)
        if next_hop is None or next_hop.local:
            return self._context.output.drop("no_route")
        ended = passable(packet, next_hop.mtu, now, self._context)
        if ended is not None:
            return ended
        _rewrite_quote(packet, inner, destination=flow.virtual, dport=flow.vport)
        _rewrite_outer(packet, flow.virtual, packet.destination)
        lower(packet)
        return self._context.output.send(packet, next_hop, offload)

    def _to_server(self, packet: Packet, inner: Ends, flow: Flow, offload: bytes, now: float) -> Verdict:
        """The client (or a router before it) says something about a packet of the server."""
        if not flow.usable:
            return self._context.output.drop("server_gone")
        if not flow.method.rewrites:
            return self._inbound.forward_icmp(packet, flow, offload, now)
        self._inbound.count(flow, packet.length)
        next_hop = self._context.output.next_hop(flow.target)
        if next_hop is None or next_hop.local:
            return self._context.output.drop("no_route")
        ended = passable(packet, next_hop.mtu, now, self._context)
        if ended is not None:
            return ended
        _rewrite_quote(packet, inner, source=flow.target, sport=flow.dport)
        _rewrite_outer(packet, packet.source, flow.target)
        lower(packet)
        return self._context.output.send(packet, next_hop, offload)

    def _open(self, packet: Packet, inner: Ends, offload: bytes, now: float) -> Verdict:
        """No flow: with schedule_icmp the packet inside may open one, as if its receiver had written."""
        if not self._context.settings.schedule_icmp or inner.protocol not in PORTS:
            return NO_FLOW
        asked = Packet(packet.frame, packet.family, packet.offload)
        asked.protocol, asked.l4, asked.end = inner.protocol, packet.end, packet.end
        asked.source, asked.destination = inner.destination, inner.source
        asked.sport, asked.dport = inner.dport, inner.sport
        found = self._admission.open(asked, now, from_icmp=True)
        if not isinstance(found, Flow):
            return found
        if found.one_packet:
            self._table.end(found)
            return NO_FLOW
        return self._to_server(packet, inner, found, offload, now)

    def _about_tunnel(self, packet: Packet, outer: Ends, now: float) -> Verdict | None:
        """An error about a packet our own tunnel sent; None when it is about something else."""
        if outer.destination not in self._services.tunnel_servers:
            return None
        route = self._context.output.routing.route(outer.source)
        if route is None or not route.local:
            return None
        at = tunnels.inner_offset(outer.protocol, packet.frame, outer.l4, self._services.gue_ports)
        inner = None if at is None else ends_of(packet.frame, at, packet.end)
        if inner is None or inner.later:
            return None
        self._context.output.counters["icmp_about_tunnel"] += 1
        kind, code = packet.frame[packet.l4], packet.frame[packet.l4 + 1]
        value = int.from_bytes(packet.frame[packet.l4 + 4 : packet.l4 + 8], "big")
        if _too_big(packet.family, kind, code):
            return self._tunnel_too_big(packet, outer, inner, value & 0xFFFF, now)
        quote = bytes(memoryview(packet.frame)[inner.at : packet.end])
        if inner.family != packet.family:
            return self._context.output.drop("icmp_other_family")
        what = (kind, code, value)
        sent = self._context.icmp.send(inner.family, quote, (inner.destination, inner.source), what, now)
        return sent or self._context.output.drop("icmp_not_sent")

    def _tunnel_too_big(self, packet: Packet, outer: Ends, inner: Ends, mtu: int, now: float) -> Verdict:
        """Learn the path's MTU, and tell the client what fits into the tunnel when it asked to know."""
        self._context.output.learn_mtu(outer.destination, mtu, now)
        self._ask_again(inner)
        if not inner.df:
            return self._context.output.drop("tunnel_mtu_learnt")
        extra = inner.at - outer.at
        fits = mtu - extra if mtu > 68 + extra else mtu
        quote = bytes(memoryview(packet.frame)[inner.at : packet.end])
        what = (3, FRAGMENTATION_NEEDED, fits) if inner.family == IPV4 else (TOO_BIG_V6, 0, max(fits, 1280))
        sent = self._context.icmp.send(inner.family, quote, (inner.destination, inner.source), what, now)
        return sent or self._context.output.drop("tunnel_mtu_learnt")

    def _ask_again(self, inner: Ends) -> None:
        """Let the flow of the packet in the tunnel ask for the path's MTU with its next packet."""
        table = TABLED.get(inner.protocol)
        fast = table and self._table.find(
            table, key(inner.source, inner.destination, inner.sport, inner.dport)
        )
        if fast:
            self._table.forget(fast.flow)


def _too_big(family: int, kind: int, code: int) -> bool:
    return (kind, code) == (3, FRAGMENTATION_NEEDED) if family == IPV4 else kind == TOO_BIG_V6


def _reversed(inner: Ends) -> bytes:
    """The key of a packet that answers the one inside the error."""
    if inner.protocol in IPSEC:
        return key(inner.destination, inner.source, 500, 500)
    return key(inner.destination, inner.source, inner.dport, inner.sport)


def _unreached(packet: Packet) -> bool:
    """It says that its receiver's packet went nowhere, and not merely that it was too large."""
    kind, code = packet.frame[packet.l4], packet.frame[packet.l4 + 1]
    version = 6 if packet.family == IPV6 else 4
    return kind == _UNREACHABLE[version] and not (version == 4 and code == _TOO_LARGE)


def _rewrite_quote(
    packet: Packet, inner: Ends, *, source: bytes | None = None, sport: int | None = None,
    destination: bytes | None = None, dport: int | None = None,
) -> None:  # fmt: skip
    """Put other ends into the packet inside an error, as its receiver will recognise it."""
    frame = packet.frame
    size = 4 if inner.family == IPV4 else 16
    first = inner.at + (12 if inner.family == IPV4 else 8)
    ports = inner.protocol in PORTS
    if source is not None:
        frame[first : first + size] = source
    if destination is not None:
        frame[first + size : first + 2 * size] = destination
    if sport is not None and ports:
        frame[inner.l4 : inner.l4 + 2] = sport.to_bytes(2, "big")
    if dport is not None and ports:
        frame[inner.l4 + 2 : inner.l4 + 4] = dport.to_bytes(2, "big")
    if inner.family == IPV4:
        ipv4.sign(frame, inner.at)


def _rewrite_outer(packet: Packet, source: bytes, destination: bytes) -> None:
    """Put other ends on the error itself, and compute its checksums anew."""
    frame, at = packet.frame, packet.l4
    packet.source, packet.destination = source, destination
    frame[at + 2 : at + 4] = b"\0\0"
    body = memoryview(frame)[at : packet.end]
    if packet.family == IPV4:
        frame[L3 + 12 : L3 + 20] = source + destination
        ipv4.sign(frame)
        total = checksum(body)
    else:
        frame[L3 + 8 : L3 + 40] = source + destination
        total = checksum(body, pseudo(source, destination, ICMPV6, len(body)))
    body.release()
    frame[at + 2 : at + 4] = total.to_bytes(2, "big")
