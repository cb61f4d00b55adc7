"""The memory behind `registry.cells`: an anonymous file that processes map, and locks on it.

The control process makes a `Segment` and hands its descriptor to the processes it starts; each of them opens
it by that number.  The file has no name, so nothing is left behind when the last process ends; it is sparse,
so a slot that nobody uses costs address space and no memory.

The locks are POSIX record locks, one octet for each lock: the kernel frees them when their process ends, by
whatever signal.  A robust mutex in the mapping (by ctypes) does the same.  Measured on a virtual machine of
two processors, taken and given back alone: 0.7 us by `fcntl`, 0.3 us by a robust mutex; by two processes that
do nothing else, 8.7 us and 4.7 us.  The record lock was chosen all the same: it lies in no memory that a
stray write could spoil, knows no layout of a C library, and the kernel says who holds it; only servers with
a `max` take one.  Open-file-description locks would not do: descriptors that are handed on share one.

A process that owns a column holds a lock for that as well, beyond those of the slots, for as long as it
lives: so the next control process knows for certain whose claims still stand.

Mind that the kernel also drops the locks of a process when it closes *any* descriptor of the file.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from pathlib import Path

from director.errors import DirectorError
from director.registry.cells import CellTable, Geometry, geometry

COLUMNS = 1 << 32
"""The lock of the first column; those of slots are before it."""
TRIES = 200
"""How often a lock is asked for at once.  Between two times others run, so a holder that was merely
interrupted goes on mostly; one that was stopped costs each claim about 0.2 ms until it is killed."""
NAP = 0.0002
PATIENCE = 0.1
"""Seconds between two further looks, and in all, while the holder wants to go on and has no processor: on a
busy machine that lasts longer than 200 turns, and the server would seem to be full."""
VAIN = 1.0
"""Seconds in which a holder for which somebody waited in vain is not waited for again: it may be frozen in a
way that nobody sees, and each claim would cost its process `PATIENCE`."""

_FLOCK = struct.Struct("hhqqi4x")


class Segment:
    """The mapping as this process holds it; `descriptor` is what other processes open."""

    def __init__(self, descriptor: int, size: Geometry) -> None:
        self.descriptor = descriptor
        self.geometry = size
        self._map = mmap.mmap(descriptor, size.octets)
        self.words = memoryview(self._map).cast("q")
        self._vain: tuple[int | None, float] = (None, 0.0)

    def table(self, column: int) -> CellTable:
        """The counts, as the process that owns `column` writes them."""
        return CellTable(self.words, self.geometry, column, self)

    def take(self, number: int) -> bool:
        """Have a lock; False when it cannot be had in `TRIES` turns, nor when its holder can go on."""
        for _ in range(TRIES):
            if self._try(number):
                return True
            os.sched_yield()
        return self._wait(number, self.holder(number))

    def _wait(self, number: int, holder: int | None) -> bool:
        now = time.monotonic()
        vain, until = self._vain
        if holder is not None and holder == vain and now < until:
            return False
        deadline = now + PATIENCE
        while not _is_stopped(self.holder(number)) and time.monotonic() < deadline:
            time.sleep(NAP)
            if self._try(number):
                return True
        self._vain = holder, time.monotonic() + VAIN
        return False

    def _try(self, number: int) -> bool:
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except BlockingIOError:
            return False
        return True

    def give(self, number: int) -> None:
        """Let a lock go."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, number)

    def occupy(self, column: int) -> None:
        """Own a column from now on, to the end of this process."""
        self._try(COLUMNS + column)

    def occupants(self) -> dict[int, int]:
        """Which columns other processes own, and which process each."""
        found = {column: self.holder(COLUMNS + column) for column in range(self.geometry.columns)}
        return {column: process for column, process in found.items() if process}

    def holder(self, number: int) -> int | None:
        """The process that holds a lock, None when nobody else does."""
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
        kind, _whence, _start, _length, process = _FLOCK.unpack(
            fcntl.fcntl(self.descriptor, fcntl.F_GETLK, asked)
        )
        return None if kind == fcntl.F_UNLCK else process

    def close(self) -> None:
        """Let go of the memory; what was made of it must not be used any more."""
        self.words.release()
        self._map.close()
        os.close(self.descriptor)


def _is_stopped(process: int | None) -> bool:
    """It was stopped (`T` of proc(5)), and nobody knows when it will go on."""
    try:
        told = Path(f"/proc/{process or 0}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return told.rpartition(") ")[2][:1] in {"T", "t"}


def create(size: Geometry) -> Segment:
    """A new mapping, all zero.  Raises DirectorError when the system gives none."""
    descriptor = -1
    try:
        descriptor = os.memfd_create("director-counts", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, size.octets)
        made = Segment(descriptor, size)
    except OSError as error:
        if descriptor >= 0:
            os.close(descriptor)
        needed = size.octets >> 20
        raise DirectorError(
            f"no memory for the counts of {size.columns} processes ({needed} MB of addresses):"
            f" {error.strerror}; set workers = 0, or raise the limit (ulimit -v)"
        ) from error
    for place, word in enumerate(size.header):
        made.words[place] = word
    return made


def attach(descriptor: int) -> Segment:
    """The mapping behind a descriptor that was handed over.  Raises DirectorError when it is none."""
    try:
        length = os.fstat(descriptor).st_size
        first = os.pread(descriptor, mmap.PAGESIZE, 0)
        size = geometry(memoryview(first).cast("q"))
        if length != size.octets:
            raise DirectorError("the memory handed over has not the size it says; restart the director")
        return Segment(descriptor, size)
    except (OSError, TypeError, ValueError) as error:
        raise DirectorError(
            f"the counts cannot be mapped: {error}; restart the director, or set workers = 0"
        ) from error
