"""Writing lines on a thread of its own, so that a slow or dead target never stops the loop.

Blocks of lines wait in a bounded queue.  When it is full they are dropped and counted; the owner is
told once when lines begin to be lost, and once when they are written again.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import stat
import threading
import time
from collections.abc import Callable, Iterator

QUEUED_BLOCKS = 1024
"""Blocks that may wait."""
QUEUED_OCTETS = 16 << 20
"""Octets that may wait in all: the lines of a client that sends long targets are long."""
QUIET = 5.0
"""Seconds without a loss after which an episode is over: a disk that is nearly full takes some blocks."""


class LineWriter:
    """Writes blocks to a file, or to a descriptor that is open already.

    Attributes:
        dropped: lines lost because the target did not keep up or failed.
        failures: writes that failed (disk full, pipe gone).

    `warn` is called from either thread with a sentence, when an episode begins and when it is over.
    """

    def __init__(
        self,
        target: str | int,
        warn: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        *,
        shared: bool = False,
    ) -> None:
        """`shared`: other processes write there, too; into a pipe, only what is short stays in one piece."""
        self._shared = shared
        self._target = target
        self._warn = warn
        self._clock = clock
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=QUEUED_BLOCKS)
        self._file = -1
        self._thread: threading.Thread | None = None
        self._told = False
        self._last_loss = 0.0
        self._lost_before = 0
        self._torn = False
        # Each is written by one thread only, so their difference needs no lock.
        self._given = 0
        self._taken = 0
        self.dropped = 0
        self.failures = 0

    def start(self) -> None:
        """Open the target and begin.  Raises OSError when the file cannot be opened."""
        self._file = self._open()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def _open(self) -> int:
        if isinstance(self._target, int):
            return self._target
        return os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def write(self, block: bytes) -> None:
        """Hand a block over; never waits."""
        if self._given - self._taken <= QUEUED_OCTETS:
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(block)
                self._given += len(block)
                return
        self._lose(block, "the log cannot keep up (a slow disk, or a pipe that nobody reads)")

    def reopen(self) -> bool:
        """Open the file anew, after it was rotated away; False when the target is no file.

        Raises OSError and keeps the old one.
        """
        if isinstance(self._target, int):
            return False
        new = self._open()
        # The number stays: the thread may be about to write to it.
        os.dup2(new, self._file, inheritable=False)
        os.close(new)
        return True

    def stop(self) -> None:
        """Write what waits, for a second at most."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=0.2)
        thread.join(timeout=1.0)
        with contextlib.suppress(queue.Empty):
            while True:
                self.dropped += _lines(self._queue.get_nowait() or b"")

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            view = memoryview(b"\n" + block if self._torn else block)
            try:
                for piece in _pieces(view) if self._shared and self._is_pipe() else (view,):
                    self._put(piece)
            except OSError as error:
                self.failures += 1
                self._lose(block, f"the log cannot be written: {error.strerror}")
            else:
                if self._told and self._clock() - self._last_loss >= QUIET:
                    self._told = False
                    self._warn(
                        f"the log is written again; {self.dropped - self._lost_before} line(s) were lost"
                    )
            self._taken += len(block)

    def _put(self, view: memoryview) -> None:
        while view:
            view = view[os.write(self._file, view) :]
            self._torn = bool(view)

    def _is_pipe(self) -> bool:
        return stat.S_ISFIFO(os.fstat(self._file).st_mode)

    def _lose(self, block: bytes, why: str) -> None:
        if not self._told:
            self._told, self._lost_before = True, self.dropped
            self._warn(f"{why}; lines are dropped, traffic goes on")
        self._last_loss = self._clock()
        self.dropped += max(1, _lines(block))


def _pieces(view: memoryview) -> Iterator[memoryview]:
    """Whole lines, as many as the kernel writes in one piece (pipe(7), PIPE_BUF); a longer one by itself."""
    block, start = bytes(view), 0
    while start < len(block):
        end = block.rfind(b"\n", start, start + select.PIPE_BUF) + 1
        if not end:
            end = block.find(b"\n", start) + 1 or len(block)
        yield view[start:end]
        start = end


def _lines(block: bytes) -> int:
    return block.count(b"\n")
