"""The table that lblc and lblcr keep: who served a virtual address last.  Source: `lvs-semantics` F.2; V57.

Entries stand in the order of their last use.  There is no timer in this room: `tidy` is called at each
choice and does what IPVS's timer would have done by now, once a minute: every 30th run drops all that were
unused for a day; the others, when there are more than `LIMIT`, some that were idle for six minutes.  IPVS
walks its buckets for those, we take the longest idle first.  `BOUND` is our own: the table never has more
entries than that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

from director.interfaces import IServer

LIMIT = 16384
BOUND = 2 * LIMIT
EXPIRATION = 24 * 3600.0
"""Seconds: lblc_expiration and lblcr_expiration."""
RUN_EVERY = 60.0
FULL_EVERY = 30
IDLE = 360.0

Value = TypeVar("Value")


class Locality(Generic[Value]):
    """Values by virtual address, each with the time of its last use; values are immutable.

    `dropped` counts entries that had to go because the table was full.
    """

    def __init__(self) -> None:
        self.entries: OrderedDict[str, tuple[Value, float]] = OrderedDict()
        self.dropped = 0
        self._runs = 0
        self._next_run: float | None = None

    def copy(self) -> Locality[Value]:
        """An independent table with the same entries."""
        other: Locality[Value] = Locality()
        other.entries = self.entries.copy()
        other.dropped, other._runs, other._next_run = self.dropped, self._runs, self._next_run
        return other

    def get(self, address: str, now: float) -> Value | None:
        """The value of an address, noting its use; None when there is none."""
        entry = self.entries.get(address)
        if entry is None:
            return None
        self.put(address, entry[0], now)
        return entry[0]

    def put(self, address: str, value: Value, now: float) -> None:
        """Write a value; when the table is full the longest unused goes."""
        entries = self.entries
        entries[address] = (value, now)
        entries.move_to_end(address)
        if len(entries) > BOUND:
            entries.popitem(last=False)
            self.dropped += 1

    def tidy(self, now: float) -> None:
        """Do the runs that are due."""
        if self._next_run is None:
            self._next_run = now + RUN_EVERY
        if now < self._next_run:
            return
        due = 1 + int((now - self._next_run) // RUN_EVERY)
        full = (self._runs + due) // FULL_EVERY > self._runs // FULL_EVERY
        self._runs += due
        self._next_run += due * RUN_EVERY
        excess = len(self.entries) - LIMIT
        if full:
            self._drop_unused(now - EXPIRATION, len(self.entries))
        elif excess > 0:
            self._drop_unused(now - IDLE, min(excess * 4 // 3, LIMIT // 2))

    def _drop_unused(self, since: float, most: int) -> None:
        entries = self.entries
        while entries and most > 0 and next(iter(entries.values()))[1] <= since:
            entries.popitem(last=False)
            most -= 1


def overburdened(server: IServer, servers: Sequence[IServer]) -> bool:
    """More active connections than weight, while another one is less than half used ("overloaded" of F.2)."""
    return server.active > server.weight and any(other.active * 2 < other.weight for other in servers)
