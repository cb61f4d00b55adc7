"""Output: next hop, MAC addresses, MTU, fragments (`lvs-semantics` E, common steps).

The methods ask `Output` for a `NextHop` and hand it a finished packet; a verdict comes back.  Learnt path
MTUs of tunnels are kept here, bounded and with an age.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from director.l4.verdicts import Drop, Hold, Outcome, Single, Transmit, batch
from director.l4.wire import ethernet
from director.l4.wire import offload as vnet
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.segment import fragments, fragments_v6, segments

if TYPE_CHECKING:
    from director.l4.routing import Routing
    from director.l4.wire.packet import Packet

PMTU_SECONDS = 600.0
"""How long a learnt path MTU counts (RFC 1191: ten minutes)."""
MAX_PMTU = 4096
LEAST_PMTU = {4: 552, 16: 1280}
"""The least path MTU that is believed, by the length of the address: of IPv4, what Linux believes
(`ip_rt_min_pmtu`); of IPv6, what every link carries (RFC 8200, 5).  A forged error can do no more."""
NO_MAC = b"\0" * 6


class NextHop(NamedTuple):
    """How to reach one destination: interface, next hop, its MAC (None = unknown), our MAC, MTU."""

    ifindex: int
    hop: bytes
    mac: bytes | None
    own: bytes
    mtu: int
    source: bytes
    local: bool


class Output:
    """Finds ways and sends packets out by them.  `counters` gets every drop by reason."""

    def __init__(self, routing: Routing, counters: Counter[str]) -> None:
        self.routing = routing
        self.counters = counters
        self._path_mtu: dict[bytes, tuple[int, float]] = {}

    def next_hop(self, destination: bytes) -> NextHop | None:
        """The next hop to `destination`, or None when there is no route or its interface is gone."""
        route = self.routing.route(destination)
        if route is None:
            return None
        if route.local:
            return NextHop(route.ifindex, destination, None, NO_MAC, 65535, route.source, local=True)
        link = self.routing.links.get(route.ifindex)
        if link is None:
            return None
        hop = route.gateway or destination
        mac = self.routing.mac(route.ifindex, hop)
        mtu = min(route.mtu, link.mtu) if route.mtu else link.mtu
        return NextHop(route.ifindex, hop, mac, link.mac, mtu, route.source, local=False)

    def drop(self, reason: str) -> Drop:
        """Count a drop by its reason and say so."""
        self.counters[reason] += 1
        return Drop(reason)

    def path_mtu(self, destination: bytes, next_hop: NextHop, now: float) -> int:
        """The MTU to `destination`: the next hop's, or a smaller one that was learnt and is not too old."""
        learnt = self._path_mtu.get(destination)
        if learnt is None:
            return next_hop.mtu
        if now - learnt[1] > PMTU_SECONDS:
            del self._path_mtu[destination]
            return next_hop.mtu
        return min(learnt[0], next_hop.mtu)

    def learn_mtu(self, destination: bytes, mtu: int, now: float) -> None:
        """A router said how large a packet to `destination` may be; the oldest knowledge makes room."""
        if destination not in self._path_mtu and len(self._path_mtu) >= MAX_PMTU:
            del self._path_mtu[next(iter(self._path_mtu))]
        self._path_mtu[destination] = (max(mtu, LEAST_PMTU[len(destination)]), now)

    def send(self, packet: Packet, next_hop: NextHop, offload: bytes) -> Outcome:
        """Send a whole packet: VLAN tag where it belongs, MACs, fragments where they are needed."""
        if next_hop.local:
            return self.drop("local_next_hop")
        frame = packet.frame
        if packet.tag and packet.tag_ifindex == next_hop.ifindex:
            ethernet.tag(frame, packet.tag)
            offload = vnet.moved(offload, 4)
            return self.emit(frame, next_hop, offload)
        if packet.segment > next_hop.mtu or (packet.pieces and packet.family != IPV4):
            return self._in_pieces(packet, next_hop)
        return self.emit(frame, next_hop, offload)

    def emit(self, frame: bytearray, next_hop: NextHop, offload: bytes = b"") -> Single:
        """One finished frame on its way, or on hold while the neighbour is unknown."""
        if next_hop.mac is None:
            frame[0:12] = NO_MAC + next_hop.own
            return Hold(next_hop.hop, next_hop.ifindex, frame, offload)
        frame[0:12] = next_hop.mac + next_hop.own
        return Transmit(next_hop.ifindex, frame, offload)

    def _in_pieces(self, packet: Packet, next_hop: NextHop) -> Outcome:
        made: list[Single] = []
        for frame in segments(packet):
            if len(frame) - L3 <= next_hop.mtu and not packet.pieces:
                made.append(self.emit(frame, next_hop))
            elif packet.family == IPV4:
                made += [self.emit(one, next_hop) for one in fragments(frame, next_hop.mtu)]
            elif packet.pieces:
                size = min(next_hop.mtu, max(packet.pieces, 1280))
                cut = fragments_v6(frame, size, packet.ident, packet.cut, packet.head)
                made += [self.emit(one, next_hop) for one in cut]
        if not made:
            return self.drop("too_large")
        self.counters["fragmented"] += 1
        return batch(made)
