"""Sequence numbers after a payload changed its length (`lvs-semantics` G.2).

One `Shift` per direction whose payload is rewritten: what that side sends moves by `delta`, what the
other acknowledges moves back.
"""

from __future__ import annotations

from director.l4.wire.checksum import adjust, delta
from director.l4.wire.packet import Packet

WORD = 0xFFFFFFFF


def after(one: int, other: int) -> bool:
    """`one` comes after `other`, modulo 2^32 (RFC 9293, 3.4)."""
    return 0 < (one - other & WORD) < 0x80000000


class Shift:
    """By how much the sequence numbers of one direction are moved, and from where on.

    `change` and `previous` are IPVS's delta and previous_delta; `start` is its init_seq.  `reply`
    remembers the last rewritten payload by its sequence number, for when it is sent again.
    """

    __slots__ = ("change", "previous", "reply", "start")

    def __init__(self) -> None:
        self.change = self.previous = 0
        self.start: int | None = None
        self.reply: tuple[int, bytes, bytes] | None = None

    def grew(self, sequence: int, difference: int) -> None:
        """The payload at `sequence` (as its sender counts) was made longer by `difference`."""
        if difference and (self.start is None or after(sequence, self.start)):
            self.previous = self.change
            self.change += difference
            self.start = sequence

    def forth(self, sequence: int) -> int:
        """What the receiver must see for `sequence`."""
        if self.start is None:
            return sequence
        return sequence + (self.change if after(sequence, self.start) else self.previous) & WORD

    def back(self, acknowledged: int) -> int:
        """What the sender must see for an acknowledgement of the receiver."""
        if self.start is None:
            return acknowledged
        moved = after(acknowledged, self.start + self.change & WORD)
        return acknowledged - (self.change if moved else self.previous) & WORD


def put(packet: Packet, place: int, number: int) -> None:
    """Write a sequence (`place` 4) or acknowledgement (`place` 8) number, checksum with it."""
    frame, at = packet.frame, packet.l4 + place
    old, new = bytes(frame[at : at + 4]), number.to_bytes(4, "big")
    if old == new:
        return
    frame[at : at + 4] = new
    if packet.offload.partial:
        return
    sum_at = packet.l4 + 16
    check = adjust(frame[sum_at] << 8 | frame[sum_at + 1], delta(old, new))
    frame[sum_at : sum_at + 2] = check.to_bytes(2, "big")
