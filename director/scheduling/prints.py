"""What a user's scheduler prints: lines for the event log, where a daemon has no standard output.

A `Printer` stands as `print` among the names of a user's file.  A line is bounded, and so is what is said
in a second; what is more is counted, and the count is said with the next line.  Pure: the clock and where
lines go are given.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

LONGEST = 1000
"""Characters of one line."""
AT_MOST = 20
"""Lines a second: a `print` in `choose` is called for each request."""


class Printer:
    """`print` for one file: `say` gets each line, `clock` is monotonic seconds."""

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float]) -> None:
        self._say = say
        self._clock = clock
        self._begun = ""
        self._second = 0.0
        self._said = 0
        self._unsaid = 0

    def __call__(
        self,
        *values: object,
        sep: str | None = " ",
        end: str | None = "\n",
        file: Any = None,
        flush: bool = False,
    ) -> None:
        """As Python's; what is printed to a file of one's own goes there."""
        if file is not None:
            builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
            return
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        *lines, self._begun = (self._begun + text).split("\n")
        if len(self._begun) > LONGEST:
            lines, self._begun = [*lines, self._begun], ""
        for line in lines:
            self._line(line)

    def _line(self, line: str) -> None:
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._said = now, 0
        if self._said >= AT_MOST:
            self._unsaid += 1
            return
        self._said += 1
        missing, self._unsaid = self._unsaid, 0
        before = f"({missing} lines before this were too many for a second) " if missing else ""
        self._say(before + line[:LONGEST])
