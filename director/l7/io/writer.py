"""Writing lines on a thread of its own, so that a slow or dead target never stops the loop.

Blocks of lines wait in a bounded queue.  When it is full they are dropped and counted; the owner is
told once per episode.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable

QUEUED_BLOCKS = 1024
"""Blocks that may wait."""
QUEUED_OCTETS = 16 << 20
"""Octets that may wait in all: the lines of a client that sends long targets are long."""


class Writer:
    """Writes blocks to a file, or to a descriptor that is open already.

    Attributes:
        dropped: blocks lost because the target did not keep up or failed.
        failures: writes that failed (disk full, pipe gone).

    `warn` is called from either thread with a sentence, once per episode.
    """

    def __init__(self, target: str | int, warn: Callable[[str], object]) -> None:
        self._target = target
        self._warn = warn
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=QUEUED_BLOCKS)
        self._file = -1
        self._thread: threading.Thread | None = None
        self._told = False
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
        self.dropped += 1
        self._tell("the log cannot keep up (a slow disk, or a pipe that nobody reads)")

    def reopen(self) -> None:
        """Open the file anew, after it was rotated away.  Raises OSError and keeps the old one."""
        if not isinstance(self._target, int):
            new = self._open()
            # The number stays: the thread may be about to write to it.
            os.dup2(new, self._file, inheritable=False)
            os.close(new)

    def stop(self) -> None:
        """Write what waits, for a second at most."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=0.2)
        thread.join(timeout=1.0)
        self.dropped += self._queue.qsize()

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            view = memoryview(block)
            try:
                while view:
                    view = view[os.write(self._file, view) :]
            except OSError as error:
                self.failures += 1
                self.dropped += 1
                self._tell(f"the log cannot be written: {error.strerror}")
            else:
                self._told = False
            self._taken += len(block)

    def _tell(self, text: str) -> None:
        if not self._told:
            self._told = True
            self._warn(f"{text}; lines are dropped, traffic goes on")
