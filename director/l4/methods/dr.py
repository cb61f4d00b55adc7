"""DR (Route): the packet goes unchanged, but for the TTL, to the server's MAC (`lvs-semantics` E)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import HOST, MethodContext, carried, lower, passable, prepared
from director.l4.verdicts import Verdict
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import TCP, UDP

if TYPE_CHECKING:
    from director.l4.flows import Flow


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Hand a client's packet to the server as next hop; its port plays no part."""
    next_hop = context.output.next_hop(flow.target)
    if next_hop is None:
        return context.icmp.answer(packet, Error.NO_ROUTE, now)
    if next_hop.local:
        return HOST
    ended = passable(packet, next_hop.mtu, now, context)
    if ended is not None:
        return ended
    entry = None
    if packet.protocol in (TCP, UDP) and not flow.app:
        entry = prepared(flow.to_server, next_hop, packet.key, context)
    lower(packet)
    return carried(context.output.send(packet, next_hop, offload), entry)
