"""Servers and pools whose claims count across processes: the ledger's verbs over `cells`.

`books.MappedBooks` makes them.  What is different from one process: a claim whose slot's lock cannot be had
is refused (`refused` counts it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from director.errors import LeaseError
from director.model.pools import Pool, Server
from director.registry.cells import (
    ACTIVE,
    EPOCH,
    EVIDENCE,
    FLAG,
    GENERATION,
    INACTIVE,
    PERSISTENT,
    WAITING,
    CellTable,
    Given,
)
from director.registry.ledger import Lease, Reason, TemplateClaim, clears
from director.registry.live import LivePool, RealServer


class SlotKeeper(Protocol):
    """What servers and pools ask of who made them (`books`).

    Attributes:
        table: the counts.
        gives: this process gives out slots.
        refused: claims refused because a lock could not be had.
        owed: servers whose flag is still to be looked at.
    """

    table: CellTable
    gives: bool
    refused: int
    owed: set[MappedServer]

    def changed(self, pool: LivePool) -> None:
        """Another set of servers may be chosen in `pool`: every process is to look again."""

    def tell_others(self, pool: LivePool) -> None:
        """There may be room for those who wait elsewhere."""


class MappedServer(RealServer):
    """A live server whose load stands in a slot; `active` and its like are sums over all processes.

    Attributes:
        cells: where this process counts in its slot: active, inactive, persistent.
        flag: where the flag of B.5 stands; `stamp`, where the slot's generation does.
    """

    __slots__ = (
        "_active", "_evidence", "_inactive", "_load", "_made", "books", "cells", "flag", "generation", "slot",
        "stamp",
    )  # fmt: skip

    def __init__(self, config: Server, pool: LivePool, now: float, books: SlotKeeper, given: Given) -> None:
        self.books = books
        self.take_slot(given)
        self._made = False
        super().__init__(config, pool, now)
        self._made = True

    def take_slot(self, given: Given) -> None:
        """Count in another slot from now on."""
        table = self.books.table
        self.slot, self.generation = given.slot, given.generation
        self._active = table.row(self.slot, ACTIVE)
        self._inactive = table.row(self.slot, INACTIVE)
        # ACTIVE and INACTIVE are neighbours, so their sum is one.
        start = table.base(self.slot)
        self._load = table.words[start : start + 2 * table.columns]
        self._evidence = table.row(self.slot, EVIDENCE)
        self.flag, self.stamp = table.state(self.slot, FLAG), table.state(self.slot, GENERATION)
        self.cells = tuple(table.own(self.slot, kind) for kind in (ACTIVE, INACTIVE, PERSISTENT))

    def _begin(self) -> None:
        """What there is to count stands in the slot already."""

    # What a plain server keeps as numbers of its own.

    @property
    def active(self) -> int:  # type: ignore[override]
        """Active connections and requests, of all processes."""
        return sum(self._active)

    @property
    def inactive(self) -> int:  # type: ignore[override]
        """Inactive connections, of all processes."""
        return sum(self._inactive)

    @property
    def persistent(self) -> int:  # type: ignore[override]
        """Templates, of all processes."""
        return sum(self.books.table.row(self.slot, PERSISTENT))

    @property
    def load(self) -> int:
        """Active plus inactive, of all processes."""
        return sum(self._load)

    @property
    def overloaded(self) -> bool:  # type: ignore[override]
        """The flag of B.5."""
        return bool(self.books.table.words[self.flag])

    @property
    def reachable(self) -> bool:
        """What the process that tried last saw."""
        return not max(self._evidence) & 1

    @reachable.setter
    def reachable(self, value: bool) -> None:
        # The newest has the greatest number; its lowest bit says unreachable.
        newest = max(self._evidence)
        self._evidence[self.books.table.column] = ((newest >> 1) + 1) << 1 | (not value)

    # Claims.

    def lease(self, reason: Reason, inactive: bool = False, forced: bool = False) -> MappedLease | None:
        """A lease, or None when there is no room; `forced`: room or not."""
        if not self._claim(self.cells[INACTIVE if inactive else ACTIVE], forced=forced):
            return None
        return MappedLease(self, reason, inactive)

    def template(self) -> MappedTemplate:
        """A template's claim: no load, but the thresholds are tested (B.5)."""
        self._claim(self.cells[PERSISTENT], forced=True)
        return MappedTemplate(self)

    def _claim(self, own: int, *, forced: bool) -> bool:
        """Add one to the own cell `own`, if there is room."""
        books, words = self.books, self.books.table.words
        if not self.max:
            words[own] += 1
            return True
        if not books.table.locks.take(self.slot):
            books.refused += not forced
            if forced:
                words[own] += 1
                books.owed.add(self)
            return forced
        try:
            if not forced and words[self.flag]:
                return False
            words[own] += 1
            if sum(self._load) >= self.max:
                self._set_flag()
            return True
        finally:
            books.table.locks.give(self.slot)

    def give(self, kind: int, generation: int) -> None:
        """Take one from the own cell of `kind`; nothing when the slot is another's by now."""
        words = self.books.table.words
        if words[self.stamp] != generation:
            return
        words[self.cells[kind]] -= 1
        # Without a look at the flag under the lock, a claim that read the sum of before could set it behind
        # us, and nobody would be left to clear it.
        if self.max or words[self.flag]:
            self.settle()

    def settle(self) -> None:
        """Let the flag follow the load after it was lowered."""
        self._look(lambda total: clears(total, self.max, self.min))

    def reconsider(self) -> None:
        """Let the flag follow a load that a process left behind half changed: it may have to be set, too."""
        self._look(lambda total: clears(total, self.max, self.min), at_max=True)

    def _relieve(self) -> None:
        """`max` was raised or removed, which clears the flag (B.3): once for all, by who gives.

        A process that has not heard of the new `max` may have set it again since.  One that is made here may
        be full already, by what others claimed before.
        """
        if self._made:
            self._look(lambda total: self.books.gives or not self.max or total < self.max)

    def _look(self, clear: Callable[[int], bool], *, at_max: bool = False) -> None:
        books, words = self.books, self.books.table.words
        if not books.table.locks.take(self.slot):
            books.owed.add(self)
            return
        try:
            total = sum(self._load)
            if words[self.flag] and clear(total):
                words[self.flag] = 0
                books.changed(self.pool)
            elif at_max and self.max and total >= self.max:
                self._set_flag()
        finally:
            books.table.locks.give(self.slot)
        books.tell_others(self.pool)

    def _set_flag(self) -> None:
        words = self.books.table.words
        if not words[self.flag]:
            words[self.flag] = 1
            self.books.changed(self.pool)


class MappedPool(LivePool):
    """A live pool whose line counts across processes."""

    def __init__(self, config: Pool, books: SlotKeeper, given: Given) -> None:
        self.books = books
        self.slot, self.generation = given.slot, given.generation
        self.epochs = books.table.row(self.slot, EPOCH)
        self._line = books.table.row(self.slot, WAITING)
        self._seen = -1
        super().__init__(config)

    def _begin(self) -> None:
        """Who waits is counted in the slot already."""

    @property
    def waiting(self) -> int:  # type: ignore[override]
        """Who waits, in all processes."""
        return sum(self._line)

    @property
    def waiting_elsewhere(self) -> int:
        """Who waits in other processes."""
        return sum(self._line) - self._line[self.books.table.column]

    def eligible(self) -> tuple[RealServer, ...]:
        """As ever; another process may have filled a server, or made room."""
        epoch = sum(self.epochs)
        if epoch != self._seen:
            self._seen = epoch
            self._eligible = None
        return super().eligible()

    def take_place(self) -> bool:
        """A place in the line of all processes, which holds `queue.length`."""
        locks = self.books.table.locks
        if not locks.take(self.slot):
            self.books.refused += 1
            return False
        try:
            if sum(self._line) >= self.config.queue.length:
                return False
            self._line[self.books.table.column] += 1
            return True
        finally:
            locks.give(self.slot)

    def leave_place(self) -> None:
        """Give it back."""
        self._line[self.books.table.column] -= 1


class MappedSeats:
    """The seats of a service (`seats`), of all processes."""

    __slots__ = ("_books", "_own", "_row", "generation", "slot")

    def __init__(self, books: SlotKeeper, given: Given) -> None:
        self._books = books
        self.slot, self.generation = given.slot, given.generation
        self._row = books.table.row(given.slot, ACTIVE)
        self._own = books.table.column

    @property
    def taken(self) -> int:
        """How many there are."""
        return sum(self._row)

    def take(self, most: int) -> bool:
        """One more, if there are fewer than `most`; 0 is no limit."""
        if not most:
            self._row[self._own] += 1
            return True
        locks = self._books.table.locks
        if not locks.take(self.slot):
            self._books.refused += 1
            return False
        try:
            if sum(self._row) >= most:
                return False
            self._row[self._own] += 1
            return True
        finally:
            locks.give(self.slot)

    def move(self, count: int) -> None:
        """So many more (or fewer), room or not."""
        self._row[self._own] += count


class MappedLease(Lease):
    """A lease that counts in its server's slot."""

    __slots__ = ("_generation",)
    server: MappedServer

    def __init__(self, server: MappedServer, reason: Reason, inactive: bool) -> None:
        self.server = server
        self.reason = reason
        self._inactive = inactive
        self._held = True
        self._generation = server.generation

    def deactivate(self) -> None:
        """Count it as inactive from now on."""
        if self._held and not self._inactive:
            self._turn(inactive=True)

    def activate(self) -> None:
        """Count it as active from now on."""
        if self._held and self._inactive:
            self._turn(inactive=False)

    def _turn(self, *, inactive: bool) -> None:
        """The sum stays, so no lock: first up, then down, so that nobody finds room in between."""
        server, words = self.server, self.server.books.table.words
        self._inactive = inactive
        if words[server.stamp] == self._generation:
            up, down = (INACTIVE, ACTIVE) if inactive else (ACTIVE, INACTIVE)
            words[server.cells[up]] += 1
            words[server.cells[down]] -= 1

    def release(self) -> None:
        """Give the claim back.  Raises LeaseError when it was given back before."""
        server = self.server
        if not self._held:
            raise LeaseError(f"the lease on {server.pool.name}/{server.name} was released twice")
        self._held = False
        server.give(INACTIVE if self._inactive else ACTIVE, self._generation)


class MappedTemplate(TemplateClaim):
    """A template's claim in its server's slot."""

    __slots__ = ("_generation",)
    server: MappedServer

    def __init__(self, server: MappedServer) -> None:
        self.server = server
        self._held = True
        self._generation = server.generation

    def release(self) -> None:
        """Give it back.  Raises LeaseError when it was given back before."""
        server = self.server
        if not self._held:
            raise LeaseError(f"the template on {server.pool.name}/{server.name} was released twice")
        self._held = False
        server.give(PERSISTENT, self._generation)
