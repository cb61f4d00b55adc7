"""DR (Route): the packet goes unchanged, but for the TTL, to the server's MAC (`lvs-semantics` E)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.icmp import Error
from director.l4.methods.base import HOST, Means, lower, passable, quicken
from director.l4.verdicts import Verdict
from director.l4.wire.packet import TCP, UDP, Packet

if TYPE_CHECKING:
    from director.l4.flows import Flow


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, means: Means) -> Verdict:
    """Hand a client's packet to the server as next hop; its port plays no part."""
    way = means.exits.way(flow.target)
    if way is None:
        return means.icmp.answer(packet, Error.NO_ROUTE, now)
    if way.local:
        return HOST
    ended = passable(packet, way.mtu, now, means)
    if ended is not None:
        return ended
    if packet.protocol in (TCP, UDP) and not flow.app:
        quicken(flow.to_server, way, now, packet.key, means)
    lower(packet)
    return means.exits.send(packet, way, offload)
