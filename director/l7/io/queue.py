"""Lines of requests that wait for a server with room, one per pool, first come first served.

How many may wait and how long is the conversation's business (`queue =`); this keeps the order and
calls the next one when its pool has an eligible server again.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from director.registry.ledger import leave_place

if TYPE_CHECKING:
    from director.registry.registry import LivePool


class Waiting(Protocol):
    """Somebody in line."""

    def room(self) -> None:
        """Your turn."""


class Lines:
    """All lines; `waiting` is how many stand in them altogether."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lines: dict[LivePool, deque[Waiting]] = {}
        self._poking = False

    def join(self, pool: LivePool, who: Waiting) -> None:
        """Stand at the end of the pool's line; the place was taken (`ledger.take_place`)."""
        self._lines.setdefault(pool, deque()).append(who)
        self.waiting += 1

    def leave(self, pool: LivePool, who: Waiting) -> None:
        """Leave the line before one's turn."""
        line = self._lines.get(pool)
        if line is not None and who in line:
            line.remove(who)
            self._left(pool, line)

    def poke(self) -> None:
        """Something changed: call whoever can be served now."""
        if self._poking:
            return
        self._poking = True
        try:
            for pool, line in list(self._lines.items()):
                # Who cannot be served after all stands at the end again: nobody is called twice.
                for _ in range(len(line)):
                    if not line or not pool.eligible():
                        break
                    who = line.popleft()
                    self._left(pool, line)
                    who.room()
        finally:
            self._poking = False

    def _left(self, pool: LivePool, line: deque[Waiting]) -> None:
        leave_place(pool)
        self.waiting -= 1
        if not line:
            self._lines.pop(pool, None)
