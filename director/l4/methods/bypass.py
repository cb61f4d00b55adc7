"""BYPASS: without servers, a packet of a cache (mark) service goes where it wanted to (C.5, E)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import Means, lower, passable
from director.l4.verdicts import Verdict
from director.l4.wire.packet import Packet

if TYPE_CHECKING:
    from director.l4.flows import Flow


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, means: Means) -> Verdict:
    """Route a packet to its original destination, which must not be this host."""
    way = means.exits.way(packet.destination)
    if way is None:
        return means.icmp.answer(packet, Error.NO_ROUTE, now)
    if way.local:
        return means.exits.drop("bypass_to_this_host")
    ended = passable(packet, way.mtu, now, means)
    if ended is not None:
        return ended
    lower(packet)
    return means.exits.send(packet, way, offload)
