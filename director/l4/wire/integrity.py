"""Layer-4 checksums of whole packets: is it right, and compute it anew.

A checksum that the network card has verified, or is still to complete, is not ours to judge (`offload`).
"""

from __future__ import annotations

from director.l4.wire import transport
from director.l4.wire.checksum import UDP_ZERO, checksum, ones_sum, pseudo
from director.l4.wire.ethernet import IPV4
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import ICMP, ICMPV6, SCTP, TCP, UDP

CHECKED = {TCP: 16, UDP: 6, ICMPV6: 2}
"""Where the checksum with a pseudo-header stands in the layer-4 header."""


def verified(packet: Packet) -> bool:
    """True when the layer-4 checksum is right, absent as UDP over IPv4 allows, or not ours to judge."""
    if packet.offload.trusted or packet.fragmented:
        return True
    frame, at = packet.frame, packet.l4
    if packet.protocol == ICMP:
        return ones_sum(memoryview(frame)[at : packet.end]) == 0xFFFF
    place = CHECKED.get(packet.protocol)
    if place is None:
        return packet.protocol != SCTP or transport.sctp_verified(memoryview(frame)[at : packet.end])
    if packet.protocol == UDP and frame[at + 6] == frame[at + 7] == 0:
        return packet.family == IPV4
    end = _covered(packet)
    start = pseudo(packet.source, packet.destination, packet.protocol, end - at)
    return checksum(memoryview(frame)[at:end], start) == 0


def _covered(packet: Packet) -> int:
    """Where the bytes under the checksum end: UDP's own length may leave some over."""
    if packet.protocol != UDP:
        return packet.end
    said = packet.frame[packet.l4 + 4] << 8 | packet.frame[packet.l4 + 5]
    return min(packet.end, packet.l4 + said)


def complete(packet: Packet, source: bytes, destination: bytes) -> None:
    """Compute the layer-4 checksum of a whole packet anew, for addresses it now has."""
    frame, at = packet.frame, packet.l4
    place = CHECKED.get(packet.protocol)
    if packet.protocol == SCTP:
        transport.sctp_sign(frame, at, packet.end)
        return
    if place is None:
        return
    frame[at + place : at + place + 2] = b"\0\0"
    end = _covered(packet)
    start = pseudo(source, destination, packet.protocol, end - at)
    total = checksum(memoryview(frame)[at:end], start)
    if packet.protocol == UDP:
        total = total or UDP_ZERO
    frame[at + place : at + place + 2] = total.to_bytes(2, "big")
