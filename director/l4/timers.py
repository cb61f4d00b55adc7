"""A timer wheel: one dict per quarter second instead of one timer per flow (`lvs-semantics` C.2).

Theory of operation.  IPVS moves a kernel timer with every packet.  Here that would cost more than the packet,
so a packet only moves its entry's `stamp`, and the entry stays in the slot of an earlier deadline.  When that
slot comes the owner compares: is `stamp + timeout` still to come, the entry is put into the slot of that,
else it is over.  An entry is thus looked at once per timeout, however many packets it has, and never ends
early.  Only a deadline that comes nearer (a FIN shortens 15 minutes to 2) has to move the entry at once.

A slot is a dict used as an ordered set: entering and leaving cost the same however full it is, and nothing
is sorted.  Slots that are over are never gone back to: what is scheduled for the past is due in the next one.
Work per call is bounded by the caller's `limit`; what is left stays in its slot for the next call, so ten
thousand flows of one second do not hold up the packets of the next.  An entry may end up to one slot late.

`flows` owns the wheel; it knows neither flows nor clocks.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

STEP = 0.25
"""Seconds per slot: how late an entry may expire."""
UNSET = -1
"""`slot` of an entry that stands in no slot."""


class Timed(Protocol):
    """What the wheel needs of an entry: a place to remember its slot, and identity as hash."""

    slot: int


Entry = TypeVar("Entry", bound=Timed)


class Wheel(Generic[Entry]):
    """Entries by the slot in which they are due."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[Entry, None]] = {}
        self._done: int | None = None

    def schedule(self, entry: Entry, when: float) -> None:
        """Make `entry` due at `when` seconds, no longer at any other time."""
        self.cancel(entry)
        slot = int(when / STEP) + 1
        if self._done is not None and slot <= self._done:
            slot = self._done + 1
        entry.slot = slot
        self._slots.setdefault(slot, {})[entry] = None

    def cancel(self, entry: Entry) -> None:
        """Take `entry` out."""
        if entry.slot == UNSET:
            return
        slot = self._slots[entry.slot]
        del slot[entry]
        if not slot:
            del self._slots[entry.slot]
        entry.slot = UNSET

    def due(self, now: float, limit: int) -> list[Entry]:
        """Up to `limit` entries whose time has come, taken out; the rest come with the next call."""
        current = int(now / STEP)
        found: list[Entry] = []
        for slot in self._passed(current):
            entries = self._slots[slot]
            while entries and len(found) < limit:
                entry, _ = entries.popitem()
                entry.slot = UNSET
                found.append(entry)
            if entries:
                return found
            del self._slots[slot]
            self._done = slot
        self._done = max(current, self._done or current)
        return found

    def _passed(self, current: int) -> list[int]:
        """The filled slots up to `current`, oldest first; cheap whether few steps or many have passed."""
        first = self._done
        if first is None or current - first > len(self._slots):
            return sorted(slot for slot in self._slots if slot <= current)
        return [slot for slot in range(first + 1, current + 1) if slot in self._slots]
