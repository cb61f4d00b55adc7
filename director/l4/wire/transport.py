"""TCP, UDP, SCTP and ICMP headers (RFC 9293, 768, 9260, 792, 4443) as far as a director reads them.

`read` checks the lengths that later code relies on and fills in ports and TCP flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import PacketError
from director.l4.wire.checksum import crc32c
from director.l4.wire.protocols import HEADER, ICMP, ICMPV6, PORTS, SCTP, TCP, UDP

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
_SHORT = {TCP: "short_tcp", UDP: "short_udp", SCTP: "short_sctp", ICMP: "short_icmp", ICMPV6: "short_icmp"}


def read(packet: Packet) -> None:
    """Check the layer-4 header of a packet or first fragment; raises PacketError."""
    protocol, frame, at = packet.protocol, packet.frame, packet.l4
    least = HEADER.get(protocol)
    if least is None:
        return
    room = packet.end - at
    if room < least:
        raise PacketError(_SHORT[protocol])
    if protocol in PORTS:
        packet.sport = frame[at] << 8 | frame[at + 1]
        packet.dport = frame[at + 2] << 8 | frame[at + 3]
    if protocol == TCP:
        if not 20 <= (frame[at + 12] >> 4) * 4 <= room:
            raise PacketError("bad_tcp_offset")
        packet.tcp_flags = frame[at + 13]
    elif protocol == UDP and not packet.more:
        _check_udp_length(packet, frame[at + 4] << 8 | frame[at + 5], room)


def _check_udp_length(packet: Packet, said: int, room: int) -> None:
    """The length field fits what is there; a super-frame of UDP segments may say anything."""
    if not 8 <= said <= room and not packet.offload.gso_type:
        raise PacketError("bad_udp_length")


def chunk(packet: Packet, number: int = 0) -> int | None:
    """The type of SCTP chunk 0 or 1, or None when the packet ends before it."""
    frame, place = packet.frame, packet.l4 + 12
    for index in range(number + 1):
        if place + 4 > packet.end:
            return None
        if index == number:
            return frame[place]
        length = frame[place + 2] << 8 | frame[place + 3]
        if length < 4:
            return None
        place += length + 3 & ~3
    return None


def sctp_verified(packet: memoryview) -> bool:
    """True when the CRC32c of an SCTP packet is right."""
    body = bytearray(packet)
    said = int.from_bytes(body[8:12], "little")
    body[8:12] = b"\0\0\0\0"
    return crc32c(body) == said


def sctp_sign(frame: bytearray, at: int, end: int) -> None:
    """Compute the CRC32c of the SCTP packet at `at` anew."""
    frame[at + 8 : at + 12] = b"\0\0\0\0"
    frame[at + 8 : at + 12] = crc32c(memoryview(frame)[at:end]).to_bytes(4, "little")
