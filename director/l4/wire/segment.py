"""Super-frames cut into what goes on the wire (GSO in software), and datagrams into fragments.

A tunnel cannot hand a super-frame on, because the virtio header has no word for it; and a packet that
is too large for its way out must be cut when its sender allows it (RFC 791, RFC 8200).
"""

from __future__ import annotations

from collections.abc import Iterator

from director.l4.wire import ipv4
from director.l4.wire import offload as vnet
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.packet import TCP, Packet, complete, parse

FIN_PSH_CWR = 0x01 | 0x08 | 0x80
ECHO_OF_FIRST = 0x80
"""CWR belongs to the first segment only (RFC 3168)."""
MAX_SEGMENTS = 4096


def segments(packet: Packet) -> Iterator[bytearray]:
    """The ordinary frames a super-frame stands for, each complete with checksums.

    A frame that is none is given back as it is, with its checksum completed.
    """
    size = packet.offload.gso_size
    if packet.offload.kind not in (vnet.GSO_TCPV4, vnet.GSO_TCPV6, vnet.GSO_UDP_L4) or size < 8:
        if packet.offload.partial:
            complete(packet, packet.source, packet.destination)
        yield packet.frame
        return
    start = packet.payload()
    head, body = bytes(packet.frame[:start]), memoryview(packet.frame)[start : packet.end]
    for index, at in enumerate(range(0, len(body), size)):
        yield _segment(packet, head, bytes(body[at : at + size]), index, at, last=at + size >= len(body))


def _segment(packet: Packet, head: bytes, data: bytes, index: int, at: int, *, last: bool) -> bytearray:
    frame = bytearray(head) + data
    l4 = packet.l4
    if packet.protocol == TCP:
        sequence = int.from_bytes(head[l4 + 4 : l4 + 8], "big") + at & 0xFFFFFFFF
        frame[l4 + 4 : l4 + 8] = sequence.to_bytes(4, "big")
        flags = head[l4 + 13]
        if not last:
            flags &= ~(0x01 | 0x08)
        if index:
            flags &= ~ECHO_OF_FIRST
        frame[l4 + 13] = flags & 0xFF
    else:
        frame[l4 + 4 : l4 + 6] = (len(frame) - l4).to_bytes(2, "big")
    if packet.family == IPV4:
        frame[L3 + 2 : L3 + 4] = (len(frame) - L3).to_bytes(2, "big")
        frame[L3 + 4 : L3 + 6] = (packet.ident + index & 0xFFFF).to_bytes(2, "big")
        ipv4.sign(frame)
    else:
        frame[L3 + 4 : L3 + 6] = (len(frame) - L3 - 40).to_bytes(2, "big")
    one = parse(frame)
    complete(one, one.source, one.destination)
    return frame


def fragments(frame: bytearray, mtu: int) -> list[bytearray]:
    """An IPv4 frame as fragments of at most `mtu` bytes of IP; options are copied as RFC 791 says."""
    head = L3 + (frame[L3] & 15) * 4
    options = bytes(frame[L3 + 20 : head])
    later = _copied(options)
    body = memoryview(frame)[head : L3 + (frame[L3 + 2] << 8 | frame[L3 + 3])]
    base = (frame[L3 + 6] << 8 | frame[L3 + 7]) & (ipv4.OFFSET | ipv4.MF)
    made: list[bytearray] = []
    at = 0
    while at < len(body):
        own = later if at else options
        room = (mtu - 20 - len(own)) & ~7
        if room < 8:
            return []
        piece = body[at : at + room]
        more = ipv4.MF if at + len(piece) < len(body) else base & ipv4.MF
        one = bytearray(frame[: L3 + 20]) + own + piece
        one[L3] = 0x40 | (20 + len(own)) // 4
        one[L3 + 2 : L3 + 4] = (len(one) - L3).to_bytes(2, "big")
        one[L3 + 6 : L3 + 8] = (((base & ipv4.OFFSET) + at // 8) | more).to_bytes(2, "big")
        ipv4.sign(one)
        made.append(one)
        at += room
    return made


def _copied(options: bytes) -> bytes:
    """The options that every fragment carries (copied flag), padded to a multiple of four."""
    kept, place = b"", 0
    while place < len(options) and options[place]:
        size = 1 if options[place] == 1 else options[place + 1]
        if options[place] & 0x80:
            kept += options[place : place + size]
        place += size
    return kept + b"\0" * (-len(kept) % 4)


def fragments_v6(frame: bytearray, mtu: int, ident: int) -> list[bytearray]:
    """An IPv6 datagram that came in fragments, cut again (behind the fixed header) for `mtu`."""
    body = memoryview(frame)[L3 + 40 :]
    room = (mtu - 48) & ~7
    made = []
    for at in range(0, len(body), room):
        piece = body[at : at + room]
        more = at + len(piece) < len(body)
        header = bytes((frame[L3 + 6], 0)) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        one = bytearray(frame[: L3 + 40]) + header + piece
        one[L3 + 4 : L3 + 6] = (len(one) - L3 - 40).to_bytes(2, "big")
        one[L3 + 6] = 44
        made.append(one)
    return made
