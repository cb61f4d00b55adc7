"""BYPASS: without servers, a packet of a cache (mark) service goes where it wanted to (C.5, E)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import MethodContext, lower, passable
from director.l4.verdicts import Verdict
from director.l4.wire.packet import Packet

if TYPE_CHECKING:
    from director.l4.flows import Flow


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Route a packet to its original destination, which must not be this host."""
    next_hop = context.output.next_hop(packet.destination)
    if next_hop is None:
        return context.icmp.answer(packet, Error.NO_ROUTE, now)
    if next_hop.local:
        return context.output.drop("bypass_to_this_host")
    ended = passable(packet, next_hop.mtu, now, context)
    if ended is not None:
        return ended
    lower(packet)
    return context.output.send(packet, next_hop, offload)
