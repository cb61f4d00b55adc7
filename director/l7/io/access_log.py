"""The access log: records in, lines out, in batches, on a thread of its own.

A slow disk, a full disk or a pipe that nobody reads must not stop traffic: records wait in a bounded
queue, and when it is full they are dropped and counted, with one warning per episode.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from director.l7.trace import json_line, text_line

if TYPE_CHECKING:
    from director.l7.trace import Record

BATCH_RECORDS = 512
"""Records that are handed to the writer at once, at the latest after a sweep of the shell."""
QUEUED_BATCHES = 128
"""Batches that may wait for the writer: about 64 000 records, 30 MB at the most."""

_log = Logger(namespace="director.access_log")


class AccessLog:
    """Writes records to a file descriptor or file.

    Attributes:
        dropped: records lost because the writer could not keep up.
        failures: writes that failed (disk full, pipe gone).
    """

    def __init__(self, target: str, form: str, epoch: float, reactor: Any) -> None:
        self._line = json_line if form == "json" else text_line
        self._target = target
        self._epoch = epoch
        self._reactor = reactor
        self._batch: list[Record] = []
        self._queue: queue.Queue[list[Record] | None] = queue.Queue(maxsize=QUEUED_BATCHES)
        self._file: int | None = None
        self._thread: threading.Thread | None = None
        self._told = False
        self.dropped = 0
        self.failures = 0
        self.off = target in ("off", "")

    def start(self) -> None:
        """Open the target and begin to write.  Raises OSError when a file cannot be opened."""
        if self.off:
            return
        self._open()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        if self._target == "stdout":
            self._file = sys.stdout.fileno()
        else:
            self._file = os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def append(self, record: Record) -> None:
        """Take a record."""
        batch = self._batch
        batch.append(record)
        if len(batch) >= BATCH_RECORDS:
            self.flush()

    def flush(self) -> None:
        """Hand what was taken to the writer."""
        batch = self._batch
        if not batch:
            return
        self._batch = []
        if self.off:
            return
        try:
            self._queue.put_nowait(batch)
            self._told = False
        except queue.Full:
            self.dropped += len(batch)
            self._warn("the access log cannot keep up (slow disk or a pipe that nobody reads); lines are dropped")

    def reopen(self) -> None:
        """Open the file anew, after it was rotated away."""
        if self._file is not None and self._target != "stdout":
            old = self._file
            self._open()
            os.close(old)

    def stop(self) -> None:
        """Write what is left, for a second at most."""
        self.flush()
        if self._thread is not None:
            try:
                self._queue.put(None, timeout=0.2)
                self._thread.join(timeout=1.0)
            except queue.Full:
                self.dropped += self._queue.qsize()
            self._thread = None

    def _run(self) -> None:
        """The writer's thread."""
        while True:
            batch = self._queue.get()
            if batch is None:
                return
            text = "".join([self._line(record, self._epoch) for record in batch])
            self._write(text.encode("utf-8", "backslashreplace"), len(batch))

    def _write(self, data: bytes, count: int) -> None:
        view = memoryview(data)
        try:
            while view:
                assert self._file is not None  # noqa: S101 - the thread runs only while it is open
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self.failures += 1
            self.dropped += count
            self._reactor.callFromThread(
                self._warn, f"the access log cannot be written: {error.strerror}; lines are dropped, traffic goes on"
            )

    def _warn(self, text: str) -> None:
        if not self._told:
            self._told = True
            _log.warn("{text}", text=text)
