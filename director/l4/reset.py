"""Ends connections that are cut: says so to whoever talks, and makes the silent talk (`on_down = close`).

An end that sends a packet of a cut flow gets the answer of a host that knows no such connection: a RST for
TCP (RFC 9293, 3.10.7.1), an ABORT that reflects the tag for SCTP (RFC 9260, 8.4), else a port unreachable.

Such a RST counts only with the sequence number that its receiver expects (RFC 5961, 3.2), which the director
does not keep.  So a client that says nothing is asked: a SYN with any number, which every end of an
established connection answers with the number it expects (RFC 5961, 4.2), and that answer gets the RST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.icmp import Error, Icmp
from director.l4.wire import ipv4, ipv6, transport
from director.l4.wire.checksum import checksum, pseudo
from director.l4.wire.ethernet import IPV4, IPV6, L3, header
from director.l4.wire.parse import parse
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.l4.wire.transport import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from director.l4.flows import Flow
    from director.l4.output import Output
    from director.l4.verdicts import Drop, Single, Verdict
    from director.l4.wire.packet import Packet

ABORT_CHUNK, REFLECTED = 6, 1
"""Chunk type, and its T bit: the tag is the one that was received."""
ENDED = "server_down"
"""The reason that is counted."""


class Reset:
    """Sends them."""

    def __init__(self, output: Output, icmp: Icmp) -> None:
        self._output = output
        self._icmp = icmp

    def drop(self, reason: str) -> Drop:
        """Say nothing, and count why."""
        return self._output.drop(reason)

    def answer(self, packet: Packet, now: float) -> Verdict:
        """What `packet` belongs to is no more; its sender hears so, unless it said so itself."""
        if packet.protocol == TCP:
            if packet.tcp_flags & RST:
                return self._output.drop(ENDED)
            return self._send(packet.destination, packet.source, TCP, _rst(packet))
        if packet.protocol == SCTP:
            if transport.chunk(packet) == ABORT_CHUNK:
                return self._output.drop(ENDED)
            return self._send(packet.destination, packet.source, SCTP, _abort(packet))
        return self._icmp.answer(packet, Error.PORT_UNREACHABLE, now)

    def probe(self, flow: Flow, sequence: int, now: float) -> Single | None:
        """Make the client of a TCP flow say where it is, or tell the one of a UDP flow at once.

        None for a protocol in which nothing can be said unasked (SCTP: the tag is not known).
        """
        ports = flow.vport.to_bytes(2, "big") + flow.cport.to_bytes(2, "big")
        if flow.protocol == TCP:
            syn = ports + sequence.to_bytes(4, "big") + bytes((0, 0, 0, 0, 0x50, SYN, 0xFF, 0xFF, 0, 0, 0, 0))
            return self._send(flow.virtual, flow.client, TCP, bytearray(syn))
        return self._unreachable(flow, now) if flow.protocol == UDP else None

    def _unreachable(self, flow: Flow, now: float) -> Single | None:
        """An error that quotes the datagram which the client may have sent last; its content is not known."""
        udp = flow.cport.to_bytes(2, "big") + flow.vport.to_bytes(2, "big") + b"\0\x08\0\0"
        four = flow.family == 4
        quote = (ipv4.build if four else ipv6.build)(flow.client, flow.virtual, UDP, len(udp))
        kind, code = Error.PORT_UNREACHABLE.value[0 if four else 1]
        ends = flow.virtual, flow.client
        return self._icmp.send(IPV4 if four else IPV6, bytes(quote + udp), ends, (kind, code, 0), now)

    def _send(self, source: bytes, destination: bytes, protocol: int, segment: bytearray) -> Single:
        next_hop = self._output.next_hop(destination)
        if next_hop is None or next_hop.local:
            return self._output.drop("no_route")
        self._output.counters["resets_sent"] += 1
        if protocol == TCP:
            total = checksum(segment, pseudo(source, destination, TCP, len(segment)))
            segment[16:18] = total.to_bytes(2, "big")
        else:
            transport.sctp_sign(segment, 0, len(segment))
        if len(source) == 4:
            family, head = IPV4, ipv4.build(source, destination, protocol, len(segment), df=True)
        else:
            family, head = IPV6, ipv6.build(source, destination, protocol, len(segment))
        frame = bytearray(header(bytes(6), bytes(6), family)) + head + segment
        return self._output.emit(frame, next_hop)


def _rst(packet: Packet) -> bytearray:
    """In the sequence that the sender acknowledged, or acknowledging all it sent (RFC 9293, 3.10.7.1)."""
    frame, at = packet.frame, packet.l4
    ports = packet.dport.to_bytes(2, "big") + packet.sport.to_bytes(2, "big")
    if packet.tcp_flags & ACK:
        numbers, flags = bytes(frame[at + 8 : at + 12]) + bytes(4), RST
    else:
        length = packet.end - packet.payload() + bool(packet.tcp_flags & SYN) + bool(packet.tcp_flags & FIN)
        after = int.from_bytes(frame[at + 4 : at + 8], "big") + length & 0xFFFFFFFF
        numbers, flags = bytes(4) + after.to_bytes(4, "big"), RST | ACK
    return bytearray(ports + numbers + bytes((0x50, flags)) + bytes(6))


def as_reset(packet: Packet) -> Packet:
    """The same segment as a RST of its sender: no data, the numbers that its receiver expects next."""
    frame, at = packet.frame, packet.l4
    flags = RST | packet.tcp_flags & ACK
    segment = bytearray(frame[at : at + 12]) + bytes((0x50, flags)) + bytes(6)
    total = checksum(segment, pseudo(packet.source, packet.destination, TCP, len(segment)))
    segment[16:18] = total.to_bytes(2, "big")
    ends = packet.source, packet.destination
    if packet.family == IPV4:
        head = ipv4.build(*ends, TCP, len(segment), ttl=packet.ttl, df=True)
    else:
        head = ipv6.build(*ends, TCP, len(segment), hops=packet.ttl)
    made = parse(frame[:L3] + head + segment)
    made.tag, made.tag_ifindex, made.verified = packet.tag, packet.tag_ifindex, True
    return made


def _abort(packet: Packet) -> bytearray:
    """An ABORT with the verification tag of the packet."""
    ports = packet.dport.to_bytes(2, "big") + packet.sport.to_bytes(2, "big")
    tag = bytes(packet.frame[packet.l4 + 4 : packet.l4 + 8])
    return bytearray(ports + tag + bytes(4) + bytes((ABORT_CHUNK, REFLECTED, 0, 4)))
