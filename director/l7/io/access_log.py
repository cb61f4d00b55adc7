"""The access log: batches of records in, lines out, written by a `Writer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from director.l7.io.writer import LineWriter
from director.l7.proxy.trace import json_line, text_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from director.l7.proxy.trace import Record

STANDARD_OUTPUT = 1
"""The descriptor, whatever stands in `sys.stdout`."""

_log = Logger(namespace="director.access_log")


class AccessLog:
    """Takes records; `target` is a path, `stdout` or `off`, `form` is `text` or `json`."""

    def __init__(self, target: str, form: str, epoch: float, reactor: Any, *, shared: bool = False) -> None:
        """`shared`: other processes write to the same target."""
        self._line = json_line if form == "json" else text_line
        self._epoch = epoch
        self._reactor = reactor
        self.target = target
        self.writer: LineWriter | None = None
        if target not in ("off", ""):
            to = STANDARD_OUTPUT if target == "stdout" else target
            self.writer = LineWriter(to, self._warn, shared=shared)

    def start(self) -> None:
        """Begin to write.  Raises OSError when the file cannot be opened."""
        if self.writer is not None:
            self.writer.start()

    def extend(self, records: Iterable[Record]) -> None:
        """Format records and hand them to the writer, in one piece."""
        if self.writer is not None:
            epoch, line = self._epoch, self._line
            text = "".join([line(record, epoch) for record in records])
            self.writer.write(text.encode("utf-8", "backslashreplace"))

    def reopen(self) -> bool:
        """Open the file anew, after it was rotated away; False when there is none.

        Raises OSError and keeps the old one.
        """
        return self.writer is not None and self.writer.reopen()

    @property
    def lost(self) -> int:
        """Lines that could not be written."""
        return 0 if self.writer is None else self.writer.dropped

    def stop(self) -> None:
        """Write what is left."""
        if self.writer is not None:
            self.writer.stop()

    def _warn(self, text: str) -> None:
        self._reactor.callFromThread(_log.warn, "access log {target}: {text}", target=self.target, text=text)
