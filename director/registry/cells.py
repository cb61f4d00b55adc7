"""Counts in memory that several processes map: where each cell stands, and who may write it.

Theory of operation.  Python has no atomic addition, so `x += 1` on memory that two processes write loses
counts.  Therefore **every cell has one owner**: a count is a row of cells, one column for each process; a
process adds to its own column only, and the count is the sum over the row.  A sum may be read at any time
without a lock: each cell is one aligned word, so it is never torn, and what it misses is at most what is
being written at this moment.  When a process dies, its columns are put to zero by the control process, and
with them go exactly the claims that it held: no message, no list of what was open.

Where that is not enough, because two must not both take the last place, there is a **lock for each slot**
(`Locks`): `max` of a server and the length of a line are looked at and claimed under it, and the threshold
flag (`lvs-semantics` B.5), which belongs to nobody's column, is written under it.  The lock must end with
its holder, whatever ends that; the kernel's record locks do.  It may also be held by a process that was
stopped in the middle, so nobody waits for it longer than a moment: who cannot have it counts as having
found the server full, and a release, which must not fail, lowers its own cell (no lock is needed for that)
and owes the look at the flag (`mapped.MappedBooks.tick`).

The words of the mapping, all signed and of 64 bits, in this order:

    header     what `Geometry` says, so that a process of another version sees it
    slots      for each slot: one row of `columns` words for each of `KINDS`
    directory  names of shared numbers: (hash, offset, size) each
    shared     the shared numbers of users' schedulers

A slot is a server or a pool; the control process gives it out (`mapped`).  Pure: the words are a memoryview,
the locks come from the shell (`registry.io.segment`).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Protocol

from attrs import frozen

from director.errors import DirectorError

MAGIC = 0x4C454447
"""`LEDG`."""
VERSION = 1
HEADER = 64
"""Words of the header; the rest of it is zero."""
WORD = 8

ACTIVE, INACTIVE, PERSISTENT, WAITING, EVIDENCE, EPOCH, STATE, SPARE = range(8)
"""The rows of a slot.  `EVIDENCE`: who last saw a server reachable, or not.  `EPOCH`: how often a process
changed what may be chosen in a pool.  `STATE`: no row, but words of the lock's holder, `FLAG` and
`GENERATION`."""
KINDS = 8
CLAIMS = (ACTIVE, INACTIVE, PERSISTENT, WAITING)
"""The rows that end with a process."""
FLAG, GENERATION = 0, 1

NAMES = 64
"""Shared numbers that can be named."""
ENTRY = 3


class Locks(Protocol):
    """One lock for each number; the kernel frees what a dead process held."""

    def take(self, number: int) -> bool:
        """Have it; False when it could not be had within a moment."""

    def give(self, number: int) -> None:
        """Let it go."""


@frozen
class Geometry:
    """How large everything is.

    `slots` servers and pools, `columns` processes at once (old and new ones of an upgrade together), and
    `shared` numbers of users' schedulers for each process.
    """

    slots: int
    columns: int
    shared: int = 4096

    def __attrs_post_init__(self) -> None:
        if self.slots < 1 or self.columns < 2 or self.shared < 0:
            raise DirectorError("a mapping needs a slot and two columns at least")

    @property
    def directory(self) -> int:
        """Where the directory begins."""
        return HEADER + self.slots * KINDS * self.columns

    @property
    def numbers(self) -> int:
        """Where the shared numbers begin."""
        return self.directory + NAMES * ENTRY

    @property
    def words(self) -> int:
        """All words."""
        return self.numbers + self.shared * self.columns

    @property
    def octets(self) -> int:
        """The size of the mapping."""
        return self.words * WORD

    @property
    def header(self) -> tuple[int, ...]:
        """What stands in the header."""
        return MAGIC, VERSION, self.slots, self.columns, self.shared


HEADER_FIELDS = 5


def geometry(words: memoryview[int]) -> Geometry:
    """What a mapping says of itself.  Raises DirectorError when it is none, or one of another version."""
    magic, version, *sizes = words[:HEADER_FIELDS].tolist()
    if magic != MAGIC:
        raise DirectorError("the memory handed over is no mapping of counts; restart the director")
    if version != VERSION:
        raise DirectorError(
            f"the counts are of version {version}, this program knows {VERSION}; restart the director"
        )
    return Geometry(*sizes)


class Given(NamedTuple):
    """A slot that was given out: to a server of a pool, or, with an empty name, to the pool itself."""

    pool: str
    server: str
    slot: int
    generation: int


class CellTable:
    """The words of a mapping as one process sees them; `column` is the one that it may write."""

    def __init__(self, words: memoryview[int], size: Geometry, column: int, locks: Locks) -> None:
        if not 0 <= column < size.columns:
            raise DirectorError(f"there is no column {column}: the mapping has {size.columns}")
        self.words = words
        self.geometry = size
        self.column = column
        self.columns = size.columns
        self.locks = locks

    def base(self, slot: int) -> int:
        """Where a slot begins."""
        return HEADER + slot * KINDS * self.columns

    def row(self, slot: int, kind: int) -> memoryview[int]:
        """All columns of one count; the sum is the count."""
        start = self.base(slot) + kind * self.columns
        return self.words[start : start + self.columns]

    def own(self, slot: int, kind: int) -> int:
        """The index of this process's cell of a count."""
        return self.base(slot) + kind * self.columns + self.column

    def state(self, slot: int, word: int) -> int:
        """The index of `FLAG` or `GENERATION`, which are written under the slot's lock."""
        return self.base(slot) + STATE * self.columns + word

    def renew(self, slot: int) -> int:
        """Make a slot ready for somebody else: all zero, and the next generation, which is returned."""
        number = self.words[self.state(slot, GENERATION)] + 1
        start = self.base(slot)
        for place in range(start, start + KINDS * self.columns):
            self.words[place] = 0
        self.words[self.state(slot, GENERATION)] = number
        return number

    def claimed(self, slot: int) -> bool:
        """Whether any process holds a claim there."""
        return any(any(self.row(slot, kind)) for kind in CLAIMS)

    def bury(self, column: int, slots: range) -> None:
        """Put the claims and the shared numbers of a process that is dead to zero."""
        for slot in slots:
            for kind in CLAIMS:
                self.words[self.base(slot) + kind * self.columns + column] = 0
        for _entry, offset, size in self._entries():
            for place in range(offset + column * size, offset + (column + 1) * size):
                self.words[place] = 0

    def _entries(self) -> list[tuple[int, int, int]]:
        start, words = self.geometry.directory, self.words
        found = []
        for place in range(start, start + NAMES * ENTRY, ENTRY):
            name, offset, size = words[place : place + ENTRY].tolist()
            if not size:
                break
            found.append((name, offset, size))
        return found

    def shared(self, name: str, size: int) -> SharedNumbers:
        """The numbers of that name, the same in every process; the first who asks makes them.

        Raises DirectorError when they exist with another size, or there is no room, or the directory's lock
        cannot be had.
        """
        if not 0 < size <= self.geometry.shared:
            raise DirectorError(f"shared({name!r}, {size}): from 1 to {self.geometry.shared} numbers")
        known = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
        # One lock beyond those of the slots.
        if not self.locks.take(self.geometry.slots):
            raise DirectorError(f"shared({name!r}, {size}): another process holds the directory; reload")
        try:
            return SharedNumbers(self.words, self._place(name, known, size), size, self.columns, self.column)
        finally:
            self.locks.give(self.geometry.slots)

    def _place(self, name: str, known: int, size: int) -> int:
        entries = self._entries()
        for found, offset, length in entries:
            if found == known:
                if length != size:
                    raise DirectorError(f"shared({name!r}, {size}): it has {length} numbers already; restart")
                return offset
        offset = self.geometry.numbers + sum(length for _, _, length in entries) * self.columns
        if len(entries) == NAMES or offset + size * self.columns > self.geometry.words:
            raise DirectorError(f"shared({name!r}, {size}): no room for more shared numbers; use fewer")
        place = self.geometry.directory + len(entries) * ENTRY
        # The size makes the entry valid, so it comes last: who dies before leaves nothing.
        self.words[place], self.words[place + 1] = known, offset
        self.words[place + 2] = size
        return offset


class SharedNumbers:
    """Integers of 64 bits that a user's scheduler shares with its like in other processes.

    `mine` is a memoryview of those of this process: read and write them (`mine[3] += 1`).  Those of others
    can be read only: `total(3)` is the sum over all processes.  What a process wrote goes when it ends.
    """

    def __init__(self, words: memoryview[int], offset: int, size: int, columns: int, column: int) -> None:
        self._all = words[offset : offset + size * columns].toreadonly()
        self._size = size
        own = offset + column * size
        self.mine = words[own : own + size]

    def __len__(self) -> int:
        return self._size

    def total(self, index: int) -> int:
        """The sum of number `index` over all processes.  Raises IndexError."""
        if not 0 <= index < self._size:
            raise IndexError(index)
        return sum(self._all[index :: self._size])
