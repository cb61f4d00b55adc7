"""Pipes through which the kernel moves octets from socket to socket (splice(2)), borrowed for a moment.

Nobody keeps a pipe: it is filled from one socket and emptied into another in the same call, and goes back.
Only what the second socket does not take stays in it, as a piece of that socket's queue, until it does
(`Stream.pour`).  So a process needs few of them, however many connections it relays.  When all are lent, or
the system gives none (`pipe-user-pages-soft` of proc(5), descriptors), octets are copied as ever.

Why pipes of this size: they take half of the processor time of copying, where those of 64 kB, the system's
default, take as much as it (`docs/benchmarks.md`, measured by `tests.bench.relay`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

PIPE_OCTETS = 1 << 20
"""What a pipe holds: as much as an ordinary user may ask for (proc(5), `pipe-max-size`)."""
PIPES = 32
"""Pipes of a process: the bound of what clients who stop reading can hold in them is 32 MB."""

_MISSING = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP})


class Pipe:
    """One pipe, and how many octets are in it."""

    __slots__ = ("_into", "_out", "_pipes", "size")

    def __init__(self, pipes: Pipes) -> None:
        """Raises OSError when there is none to be had, or only a small one."""
        self._pipes = pipes
        self.size = 0
        self._out, self._into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.fcntl(self._into, fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
        except OSError:
            self.close()
            raise

    def __len__(self) -> int:
        return self.size

    def fill(self, source: int, most: int) -> int:
        """Take up to so many octets from a socket; 0 for its end.  Raises OSError, also for none there."""
        self.size = os.splice(source, self._into, most)
        return self.size

    def empty_into(self, target: int) -> int:
        """Give a socket what it takes; returns how much that was.  Raises OSError, also for nothing."""
        sent = os.splice(self._out, target, self.size)
        self.size -= sent
        return sent

    def give_back(self) -> None:
        """Nobody needs it for now; what is still in it is lost."""
        if self.size:
            self.close()
            self._pipes.lost()
        else:
            self._pipes.put(self)

    def close(self) -> None:
        """Give its descriptors back."""
        with contextlib.suppress(OSError):
            os.close(self._out)
        with contextlib.suppress(OSError):
            os.close(self._into)


class Pipes:
    """The pipes of a process.

    Attributes:
        made: those there are.
        usable: the system can move octets at all; one that has said no is not asked again.
    """

    def __init__(self, limit: int = PIPES) -> None:
        self._limit = limit
        self._free: list[Pipe] = []
        self.made = 0
        self.usable = hasattr(os, "splice")

    def borrow(self) -> Pipe | None:
        """An empty one; None when there is none to be had, and octets must be copied."""
        if not self.usable:
            return None
        if self._free:
            return self._free.pop()
        if self.made >= self._limit:
            return None
        try:
            pipe = Pipe(self)
        except OSError as error:
            # For want of descriptors it is tried again at the next large read; without the right to a large
            # one it is not: the user's pipes are full, most often by other processes of ours.
            if error.errno in _MISSING:
                self._limit = self.made
            return None
        self.made += 1
        return pipe

    def draw(self, source: int, most: int) -> Pipe | None:
        """What is at a socket, in a pipe; None where that must be read: nothing, its end, no pipe.

        Raises OSError when the connection failed: a socket tells that once, and reading would find an end.
        """
        pipe = self.borrow()
        if pipe is None:
            return None
        try:
            if pipe.fill(source, most):
                return pipe
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            if error.errno not in _MISSING:
                pipe.give_back()
                raise
            self.usable = False
        pipe.give_back()
        return None

    def put(self, pipe: Pipe) -> None:
        """One comes back empty."""
        self._free.append(pipe)

    def lost(self) -> None:
        """One was closed with octets in it; another may be made."""
        self.made -= 1

    def close(self) -> None:
        """Close those that are not lent."""
        while self._free:
            self._free.pop().close()
            self.made -= 1


pipes = Pipes()
"""Those of this process."""
