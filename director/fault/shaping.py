"""What becomes of the octets that a server answers, under a fault: pure, one object for one answer.

`take` is given what came and says what goes on; `end` says, once it is not "", how the answer ends there:
`ended` (FIN) or `lost` (a reset).  `pace` is set where octets may go on only so many at a time, `later` once
the last of them have to wait.  Who has to read HTTP is in layer 7 (`misframed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.model.drills import FaultAction

TICK = 0.05
"""Seconds between two pieces of an answer whose bandwidth is small."""
PIECE = 65536
"""Octets of a piece, where a timer for each is not too much."""
MOST_TICKS = 200.0
"""Pieces a second at most: a timer each."""
ENDED, LOST = "ended", "lost"
_CUTS = {"reset": LOST, "close": ENDED}
_END_OF_HEAD = b"\r\n\r\n"


class Shaping:
    """An answer that passes as it is.

    Attributes:
        end: how it ends here, "" while it goes on.
        pace: (octets, seconds between them), None when all may go at once.
        later: (octets, seconds after which they go on), None for none.
    """

    __slots__ = ("end", "later", "pace")

    def __init__(self, pace: tuple[int, float] | None = None) -> None:
        self.end = ""
        self.pace = pace
        self.later: tuple[bytes, float] | None = None

    def take(self, data: bytes) -> bytes:
        """What goes on of what came."""
        return data

    def ended(self) -> None:
        """The server has ended its answer with its connection."""


class CutAfter(Shaping):
    """So many octets of the answer, its head included, then a reset or the end."""

    __slots__ = ("_how", "_left")

    def __init__(self, size: int, how: str) -> None:
        super().__init__()
        self._left = size
        self._how = how

    def take(self, data: bytes) -> bytes:
        """Up to the cut."""
        if len(data) < self._left:
            self._left -= len(data)
            return data
        self.end = self._how
        return data[: self._left]


class Truncated(Shaping):
    """The head, so many octets of the body, then the end; a body that is not longer passes whole.

    Interim heads (RFC 9110 15.2) pass.  The head is looked for in what came so far, which a server that
    sends none bounds by its own fields: more than `_LONGEST` without an end passes as body.
    """

    __slots__ = ("_left", "_seen")

    _LONGEST = 65536

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size
        self._seen: bytes | None = b""

    def take(self, data: bytes) -> bytes:
        """Up to the end."""
        if self._seen is None:
            return self._body(data)
        before, self._seen = len(self._seen), self._seen + data
        start = 0
        while True:
            at = self._seen.find(_END_OF_HEAD, start)
            if at < 0:
                if len(self._seen) > self._LONGEST:
                    self._seen = None
                return data
            interim = self._seen[start + 9 : start + 10] == b"1"
            start = at + len(_END_OF_HEAD)
            if not interim:
                break
        self._seen = None
        head = start - before
        return data[:head] + self._body(data[head:])

    def _body(self, data: bytes) -> bytes:
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        self.end = ENDED
        return data[: self._left]


def shaping(action: FaultAction) -> Shaping:
    """What a fault makes of an answer."""
    if action.kind in _CUTS:
        return CutAfter(action.size or 0, _CUTS[action.kind])
    if action.kind == "truncate":
        return Truncated(action.size or 0)
    if action.kind == "drip":
        # One octet at a time as long as there are not too many of them.
        octets = max(1, round(action.rate / MOST_TICKS))
        return Shaping((octets, octets / action.rate))
    if action.kind == "slicer":
        return Shaping((max(1, action.size or 0), max(action.low, 1.0 / MOST_TICKS)))
    if action.kind == "bandwidth":
        # Smaller pieces, more often, where they would be large; as often as timers allow where they are huge.
        octets = max(1, min(round(action.rate * TICK), max(PIECE, round(action.rate / MOST_TICKS))))
        return Shaping((octets, octets / action.rate))
    return Shaping()
