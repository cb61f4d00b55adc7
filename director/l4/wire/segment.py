"""Super-frames cut into what goes on the wire (GSO in software), and datagrams into fragments.

A tunnel cannot hand a super-frame on, because the virtio header has no word for it; and a packet that
is too large for its way out must be cut when its sender allows it (RFC 791, RFC 8200).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from director.l4.wire import ipv4
from director.l4.wire import offload as vnet
from director.l4.wire.checksum import UDP_ZERO, fold, ones_sum, pseudo
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.integrity import CHECKED, complete
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import TCP, UDP

ENDING = 0x01 | 0x08
"""FIN and PSH belong to the last segment only."""
ECHO_OF_FIRST = 0x80
"""CWR belongs to the first segment only (RFC 3168)."""
LEAST_SEGMENT = 8
"""Below this a segment size is nonsense."""
_CUT = {vnet.GSO_TCPV4: TCP, vnet.GSO_TCPV6: TCP, vnet.GSO_UDP_L4: UDP}
_PUT = Struct("!H").pack_into
_PUT_TWO = Struct("!HH").pack_into


def segments(packet: Packet, *, partial: bool = False) -> Iterator[bytearray]:
    """The ordinary frames a super-frame stands for, each complete with checksums.

    A frame that is none is given back as it is, with its checksum completed.  With `partial` a checksum
    that is still to be completed stays so: its field holds the sum of the frame's own pseudo-header.
    """
    size = packet.offload.gso_size
    if _CUT.get(packet.offload.kind) != packet.protocol or size < LEAST_SEGMENT:
        if packet.offload.partial and not partial:
            complete(packet, packet.source, packet.destination)
        yield packet.frame
        return
    start = packet.payload()
    body = memoryview(packet.frame)[start : packet.end]
    cutter = _Cutter(packet, start, partial=partial)
    for index, at in enumerate(range(0, len(body), size)):
        yield cutter.cut(bytes(body[at : at + size]), index, at, last=at + size >= len(body))


class _Cutter:
    """Makes segments of one super-frame: the sums of what all of them share are taken once."""

    __slots__ = (
        "_flags", "_head", "_ident", "_ip", "_l4", "_partial", "_pseudo", "_sequence", "_shared", "_tcp",
        "_v4",
    )  # fmt: skip

    def __init__(self, packet: Packet, start: int, *, partial: bool) -> None:
        head = bytearray(packet.frame[:start])
        l4 = self._l4 = packet.l4
        self._v4 = packet.family == IPV4
        self._tcp = packet.protocol == TCP
        self._ident = packet.ident
        self._sequence = int.from_bytes(head[l4 + 4 : l4 + 8], "big")
        self._flags = 0
        if self._tcp:
            self._flags = head[l4 + 12] << 8 | head[l4 + 13]
            head[l4 + 4 : l4 + 8] = bytes(4)
            head[l4 + 12 : l4 + 14] = head[l4 + 16 : l4 + 18] = b"\0\0"
        else:
            head[l4 + 4 : l4 + 8] = bytes(4)
        if self._v4:
            head[L3 + 2 : L3 + 6] = bytes(4)
            head[L3 + 10 : L3 + 12] = b"\0\0"
        self._ip = ones_sum(head[L3:l4])
        self._partial = partial
        self._pseudo = pseudo(packet.source, packet.destination, packet.protocol, 0)
        self._shared = self._pseudo + ones_sum(head[l4:])
        self._head = bytes(head)

    def cut(self, data: bytes, index: int, at: int, *, last: bool) -> bytearray:
        """The segment that carries `data`, which starts `at` bytes into the super-frame's payload."""
        l4 = self._l4
        frame = bytearray(self._head + data)
        length = len(frame) - l4
        total = self._shared + length + (0 if self._partial else ones_sum(data))
        if self._tcp:
            sequence = self._sequence + at & 0xFFFFFFFF
            flags = self._flags & (0xFFFF if last else ~ENDING) & (~ECHO_OF_FIRST if index else 0xFFFF)
            check = fold(total + (sequence >> 16) + (sequence & 0xFFFF) + flags) ^ 0xFFFF
            frame[l4 + 4 : l4 + 8] = sequence.to_bytes(4, "big")
            _PUT(frame, l4 + 12, flags)
            _PUT(frame, l4 + 16, check)
        else:
            _PUT(frame, l4 + 4, length)
            _PUT(frame, l4 + 6, (fold(total + length) ^ 0xFFFF) or UDP_ZERO)
        if self._partial:
            _PUT(frame, l4 + CHECKED[TCP if self._tcp else UDP], fold(self._pseudo + length))
        if self._v4:
            size, ident = len(frame) - L3, self._ident + index & 0xFFFF
            _PUT_TWO(frame, L3 + 2, size, ident)
            _PUT(frame, L3 + 10, fold(self._ip + size + ident) ^ 0xFFFF)
        else:
            _PUT(frame, L3 + 4, len(frame) - L3 - 40)
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


def fragments_v6(
    frame: bytearray, mtu: int, ident: int, cut: int = L3 + 40, head: int = L3 + 6
) -> list[bytearray]:
    """An IPv6 frame as fragments of at most `mtu` bytes of IP; empty when not even eight bytes fit.

    `cut` is where the part ends that every fragment carries (RFC 8200, 4.5), `head` the offset of the
    next-header byte that will name the fragment header.
    """
    body = memoryview(frame)[cut:]
    room = (mtu - (cut - L3) - 8) & ~7
    made: list[bytearray] = []
    for at in range(0, len(body), room) if room >= 8 else ():
        piece = body[at : at + room]
        more = at + len(piece) < len(body)
        header = bytes((frame[head], 0)) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        one = bytearray(frame[:cut]) + header + piece
        one[L3 + 4 : L3 + 6] = (len(one) - L3 - 40).to_bytes(2, "big")
        one[head] = 44
        made.append(one)
    return made
