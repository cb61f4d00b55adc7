"""What real work shows of one server, taken down where it happens, for those who judge it (`health.passive`).

One for each server of a pool with `eject`; of others the data paths find None and go on.  Failures are told
at once, and the first success behind one; everything else waits until it is asked for.  No clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from director.model.pools import Eject

MEANT = {
    "connect": "connect", "empty": "empty", "junk": "empty", "timeout": "timeout", "idle": "timeout",
    "truncated": "reset", "reset": "reset", "tunnel_reset": "reset", "5xx": "5xx",
}  # fmt: skip
"""Which word of `eject` a failure is, by the words in which data paths count."""
GOOD = ""
"""Told when work goes well again."""

DONE = frozenset({"ok", "fault"})
"""Outcomes of exchanges that went to their end, in the server's own place or in another's."""

Tell = Callable[[str], None]
"""Told a word of `eject`, or `GOOD`."""


class Sample(NamedTuple):
    """Work since the last look: how often it went well, how often not, response times and their sum (s)."""

    good: int = 0
    bad: int = 0
    timed: int = 0
    seconds: float = 0.0

    def plus(self, other: Sample) -> Sample:
        """Both."""
        return Sample(
            self.good + other.good,
            self.bad + other.bad,
            self.timed + other.timed,
            self.seconds + other.seconds,
        )


NOTHING = Sample()


class Watch:
    """One server's.

    Args:
        eject: what counts.
        tell: told each failure that counts, and the first success behind some.
    """

    __slots__ = ("_bad", "_failed", "_good", "_seconds", "_tell", "_timed", "eject")

    def __init__(self, eject: Eject, tell: Tell) -> None:
        self.eject = eject
        self._tell = tell
        self._failed = False
        self._good = self._bad = self._timed = 0
        self._seconds = 0.0

    def failed(self, cause: str) -> None:
        """A try failed; `cause` is a data path's word."""
        word = MEANT.get(cause)
        if word is not None and word in self.eject.causes:
            self._failed = True
            self._bad += 1
            self._tell(word)

    def worked(self) -> None:
        """A try went well."""
        self._good += 1
        if self._failed:
            self._failed = False
            self._tell(GOOD)

    def ended(self, status_class: int, first_byte: float | None, outcome: str) -> None:
        """An exchange is over; one that is not `DONE` was counted before, or broken off by its client."""
        if first_byte is not None:
            self._timed += 1
            self._seconds += first_byte
        if outcome not in DONE:
            return
        if status_class == 5 and "5xx" in self.eject.causes:
            self.failed("5xx")
        else:
            self.worked()

    def take(self) -> Sample:
        """What happened since the last call."""
        found = Sample(self._good, self._bad, self._timed, self._seconds)
        self._good = self._bad = self._timed = 0
        self._seconds = 0.0
        return found
