"""Sequence numbers after a payload changed its length (`lvs-semantics` G.2).

One `Shift` per direction whose payload is rewritten: what that side sends moves by `change`, what the
other acknowledges moves back, selective acknowledgements too (RFC 2018).  The bytes that were replaced are
kept, so that they are replaced again however they are cut when they are sent again.
"""

from __future__ import annotations

from director.l4.wire.checksum import adjust, delta
from director.l4.wire.packet import Packet

WORD = 0xFFFFFFFF
_END, _NOTHING, _SACK = 0, 1, 5
"""Kinds of TCP options (RFC 9293, RFC 2018)."""


def after(one: int, other: int) -> bool:
    """`one` comes after `other`, modulo 2^32 (RFC 9293, 3.4)."""
    return 0 < (one - other & WORD) < 0x80000000


def distance(one: int, other: int) -> int:
    """How far `one` lies after `other`; negative before it."""
    return ((one - other) + 0x80000000 & WORD) - 0x80000000


class Shift:
    """By how much the sequence numbers of one direction are moved, and from where on.

    `change` and `previous` are IPVS's delta and previous_delta; `start` is its init_seq: where, as the
    sender counts, the bytes `old` stood in whose place the receiver gets `new`.
    """

    __slots__ = ("change", "new", "old", "previous", "start")

    def __init__(self) -> None:
        self.change = self.previous = 0
        self.start: int | None = None
        self.old = self.new = b""

    def replaced(self, sequence: int, old: bytes, new: bytes) -> None:
        """`new` took the place of `old` at `sequence`, as its sender counts; older places change nothing."""
        if self.start is None or after(sequence, self.start):
            self.previous = self.change
            self.change += len(new) - len(old)
            self.start, self.old, self.new = sequence & WORD, old, new

    def forth(self, sequence: int) -> int:
        """What the receiver must see for `sequence`."""
        if self.start is None:
            return sequence
        ahead = distance(sequence, self.start)
        if ahead >= len(self.old):
            return sequence + self.change & WORD
        return sequence + self.previous - max(0, ahead - len(self.new)) & WORD

    def back(self, acknowledged: int) -> int:
        """What the sender must see for an acknowledgement of the receiver."""
        if self.start is None:
            return acknowledged
        ahead = distance(acknowledged, self.start + self.previous)
        if ahead >= len(self.new):
            return acknowledged - self.change & WORD
        return acknowledged - self.previous - max(0, ahead - len(self.old) + 1) & WORD

    def text(self, sequence: int, payload: bytes) -> bytes:
        """What the receiver must get for `payload`, which its sender sends at `sequence`."""
        if self.start is None:
            return payload
        first = distance(self.start, sequence)
        last = first + len(self.old)
        if first >= len(payload) or last <= 0:
            return payload
        new = self.new
        if last > len(payload):
            new = new[: len(payload) - first]
        if first < 0:
            new = new[-first:]
        return payload[: max(0, first)] + new + payload[max(0, last) :]


def put(packet: Packet, place: int, number: int) -> None:
    """Write a sequence (`place` 4) or acknowledgement (`place` 8) number, checksum with it."""
    _write(packet, packet.l4 + place, number.to_bytes(4, "big"))


def acknowledge(packet: Packet, shift: Shift) -> None:
    """Let what the receiver acknowledges, selectively too, be understood by the sender."""
    frame, l4 = packet.frame, packet.l4
    put(packet, 8, shift.back(int.from_bytes(frame[l4 + 8 : l4 + 12], "big")))
    options = frame[l4 + 20 : packet.payload()]
    for edge in _edges(options):
        options[edge : edge + 4] = shift.back(int.from_bytes(options[edge : edge + 4], "big")).to_bytes(
            4, "big"
        )
    _write(packet, l4 + 20, bytes(options))


def _edges(options: bytearray) -> list[int]:
    """Where the numbers of the SACK option stand; none when the options cannot be read."""
    place = 0
    while place + 1 < len(options) and options[place] != _END:
        if options[place] == _NOTHING:
            place += 1
            continue
        size = options[place + 1]
        if size < 2 or place + size > len(options):
            break
        if options[place] == _SACK:
            return list(range(place + 2, place + size - 3, 4))
        place += size
    return []


def _write(packet: Packet, at: int, new: bytes) -> None:
    """Put `new` at an even offset of the TCP header, checksum with it."""
    frame = packet.frame
    old = bytes(frame[at : at + len(new)])
    if old == new:
        return
    frame[at : at + len(new)] = new
    if packet.offload.partial:
        return
    sum_at = packet.l4 + 16
    check = adjust(frame[sum_at] << 8 | frame[sum_at + 1], delta(old, new))
    frame[sum_at : sum_at + 2] = check.to_bytes(2, "big")
