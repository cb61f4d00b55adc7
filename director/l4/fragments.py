"""Datagrams put together from fragments, so that each goes to one server whole (`lvs-semantics` D.7).

Bounded in datagrams, bytes, pieces and time, each with a counter; overlapping pieces kill their datagram
(RFC 5722).  The forwarder calls `take` before it looks anything up.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from director.l4.wire import ipv4
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.packet import Packet

MAX_DATAGRAMS = 1024
MAX_BYTES = 4 << 20
MAX_PIECES = 256
SECONDS = 30.0
"""How long pieces wait for the rest (the kernel's ipfrag_time)."""
Key = tuple[bytes, bytes, int, int]


class Whole(NamedTuple):
    """A datagram put together: its frame, its largest piece's length, the identification of the pieces.

    `cut` is where the part ends that every IPv6 piece carried, `head` the byte that named the cut.
    """

    frame: bytearray
    largest: int
    ident: int
    cut: int
    head: int


class _Datagram:
    """Pieces by offset; `whole` is the payload's length once the last piece came."""

    __slots__ = ("head", "largest", "naming", "pieces", "since", "size", "whole")

    def __init__(self, now: float) -> None:
        self.since = now
        self.pieces: dict[int, bytes] = {}
        self.size = 0
        self.whole: int | None = None
        self.head: bytes = b""
        self.naming = self.largest = 0


class Reassembly:
    """Datagrams that wait for their rest.  `counters` gets what was dropped, by reason."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._waiting: dict[Key, _Datagram] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def held_bytes(self) -> int:
        """Bytes kept now."""
        return self._bytes

    def take(self, packet: Packet, now: float) -> Whole | None:
        """Keep a piece; the whole datagram when nothing is missing any more."""
        protocol = 0 if packet.family != IPV4 else packet.protocol
        key = (packet.source, packet.destination, packet.ident, protocol)
        datagram = self._waiting.get(key)
        if datagram is None:
            self._make_room()
            datagram = self._waiting[key] = _Datagram(now)
        start = packet.l4 if packet.family == IPV4 else packet.cut + 8
        piece = bytes(packet.frame[start : packet.end])
        wrong = _fault(datagram, packet, piece)
        if wrong:
            self._drop(key, wrong)
            return None
        if packet.fragment in datagram.pieces:
            return None
        self._keep(datagram, packet, piece)
        if datagram.whole != datagram.size or not datagram.head:
            return None
        self._forget(key)
        frame = _whole(datagram, packet.family)
        return Whole(frame, datagram.largest, packet.ident, len(datagram.head), datagram.naming)

    def expire(self, now: float) -> None:
        """Drop what has waited too long; oldest first, as they stand in the dict."""
        late = []
        for key, datagram in self._waiting.items():
            if now - datagram.since < SECONDS:
                break
            late.append(key)
        for key in late:
            self._drop(key, "fragments_timed_out")

    def _keep(self, datagram: _Datagram, packet: Packet, piece: bytes) -> None:
        datagram.pieces[packet.fragment] = piece
        datagram.size += len(piece)
        self._bytes += len(piece)
        datagram.largest = max(datagram.largest, packet.length)
        if not packet.more:
            datagram.whole = packet.fragment + len(piece)
        if packet.fragment == 0:
            datagram.head, datagram.naming = _head(packet), packet.head

    def _make_room(self) -> None:
        while self._waiting and (len(self._waiting) >= MAX_DATAGRAMS or self._bytes >= MAX_BYTES):
            self._drop(next(iter(self._waiting)), "fragments_no_room")

    def _drop(self, key: Key, reason: str) -> None:
        self._counters[reason] += 1
        self._forget(key)

    def _forget(self, key: Key) -> None:
        self._bytes -= self._waiting.pop(key).size


def _fault(datagram: _Datagram, packet: Packet, piece: bytes) -> str:
    """Why this piece kills its datagram; empty when it fits, or repeats a piece exactly."""
    start, end = packet.fragment, packet.fragment + len(piece)
    known = datagram.pieces.get(start)
    if known is not None:
        return "" if known == piece else "fragments_overlap"
    if len(datagram.pieces) >= MAX_PIECES:
        return "fragments_too_many"
    if datagram.whole is not None and (end > datagram.whole or not packet.more):
        return "fragments_overlap"
    for offset, other in datagram.pieces.items():
        if start < offset + len(other) and offset < end:
            return "fragments_overlap"
        if not packet.more and offset + len(other) > end:
            return "fragments_overlap"
    return ""


def _head(packet: Packet) -> bytes:
    """What stands before the payload, as an unfragmented packet has it."""
    if packet.family == IPV4:
        return bytes(packet.frame[: packet.l4])
    head = packet.frame[: packet.cut]
    head[packet.head] = packet.frame[packet.cut]
    return bytes(head)


def _whole(datagram: _Datagram, family: int) -> bytearray:
    frame = bytearray(datagram.head)
    for offset in sorted(datagram.pieces):
        frame += datagram.pieces[offset]
    if family == IPV4:
        frame[L3 + 2 : L3 + 4] = min(0xFFFF, len(frame) - L3).to_bytes(2, "big")
        frame[L3 + 6 : L3 + 8] = b"\0\0"
        ipv4.sign(frame)
    else:
        frame[L3 + 4 : L3 + 6] = min(0xFFFF, len(frame) - L3 - 40).to_bytes(2, "big")
    return frame
