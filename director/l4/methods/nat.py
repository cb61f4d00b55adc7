"""NAT (Masq): both directions pass the director and are rewritten (`lvs-semantics` E).

In: destination becomes the server's.  Out: source becomes the virtual one.  Checksums follow by delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.flows import key
from director.l4.icmp import Error
from director.l4.methods.base import HOST, MethodContext, carried, lower, passable, prepared
from director.l4.verdicts import Verdict
from director.l4.wire.checksum import UDP_ZERO, adjust, adjust_partial, crc32c_change, delta
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.integrity import CHECKED, complete
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import SCTP, TCP, UDP

if TYPE_CHECKING:
    from director.l4.flows import Flow

_PORTS = frozenset({TCP, UDP, SCTP})
_FAST = frozenset({TCP, UDP})


def to_server(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Send a client's packet to the flow's server."""
    next_hop = context.output.next_hop(flow.target)
    if next_hop is None:
        return context.icmp.answer(packet, Error.NO_ROUTE, now)
    if next_hop.local:
        return context.output.drop("nat_to_loopback") if _loopback(flow.target) else HOST
    ended = passable(packet, next_hop.mtu, now, context)
    if ended is not None:
        return ended
    rewritten = key(flow.client, flow.target, flow.cport, flow.dport)
    entry = None
    if packet.protocol in _FAST and not flow.app and packet.sport == flow.cport:
        entry = prepared(flow.to_server, next_hop, rewritten, context)
    rewrite(packet, packet.source, flow.target, packet.sport, flow.dport)
    lower(packet)
    return carried(context.output.send(packet, next_hop, offload), entry)


def to_client(packet: Packet, flow: Flow, offload: bytes, now: float, context: MethodContext) -> Verdict:
    """Send a server's packet to the flow's client, as from the virtual address."""
    next_hop = context.output.next_hop(flow.client)
    if next_hop is None:
        return context.icmp.answer(packet, Error.NO_ROUTE, now)
    if next_hop.local:
        return context.output.drop("client_is_local")
    ended = passable(packet, next_hop.mtu, now, context)
    if ended is not None:
        return ended
    rewritten = key(flow.virtual, flow.client, flow.vport, flow.cport)
    entry = None
    if packet.protocol in _FAST and not flow.app:
        entry = prepared(flow.to_client, next_hop, rewritten, context)
    rewrite(packet, flow.virtual, packet.destination, flow.vport, packet.dport)
    lower(packet)
    return carried(context.output.send(packet, next_hop, offload), entry)


def _loopback(address: bytes) -> bool:
    """Traffic from outside must not reach what listens on the loopback only."""
    return address[0] == 127 if len(address) == 4 else address == bytes(15) + b"\x01"


def rewrite(packet: Packet, source: bytes, destination: bytes, sport: int, dport: int) -> None:
    """Put other addresses and ports into a packet, in place, checksums and parsed fields with them.

    AH, ESP and ICMP keep their layer 4 (D.5).  A UDP checksum of 0 becomes a complete one (D.3).
    """
    addresses = delta(packet.source + packet.destination, source + destination)
    ports = packet.protocol in _PORTS
    before = (packet.sport << 16 | packet.dport).to_bytes(4, "big")
    after = (sport << 16 | dport).to_bytes(4, "big") if ports else before
    _put_addresses(packet, source, destination, addresses)
    if ports:
        packet.sport, packet.dport = sport, dport
        _put_ports(packet, before, after, addresses)


def _put_addresses(packet: Packet, source: bytes, destination: bytes, change: int) -> None:
    frame = packet.frame
    packet.source, packet.destination = source, destination
    if packet.family == IPV4:
        frame[L3 + 12 : L3 + 20] = source + destination
        check = adjust(frame[L3 + 10] << 8 | frame[L3 + 11], change)
        frame[L3 + 10 : L3 + 12] = check.to_bytes(2, "big")
    else:
        frame[L3 + 8 : L3 + 40] = source + destination


def _put_ports(packet: Packet, before: bytes, after: bytes, addresses: int) -> None:
    frame, l4 = packet.frame, packet.l4
    frame[l4 : l4 + 4] = after
    if packet.protocol == SCTP:
        if not packet.offload.partial:
            change = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
            crc = crc32c_change(change.to_bytes(4, "big"), packet.end - l4 - 4)
            field = int.from_bytes(frame[l4 + 8 : l4 + 12], "little") ^ crc
            frame[l4 + 8 : l4 + 12] = field.to_bytes(4, "little")
        return
    place = l4 + CHECKED[packet.protocol]
    check = frame[place] << 8 | frame[place + 1]
    if packet.offload.partial:
        check = adjust_partial(check, addresses)
    elif check == 0 and packet.protocol == UDP:
        complete(packet, packet.source, packet.destination)
        return
    else:
        check = adjust(check, addresses + delta(before, after))
        if packet.protocol == UDP:
            check = check or UDP_ZERO
    frame[place : place + 2] = check.to_bytes(2, "big")
