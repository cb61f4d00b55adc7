"""What is done later than it was decided: packets that an injected fault delays.

One timer for all, for whatever is due first.  Bounded: what comes while `MOST` wait is dropped and counted,
as in the kernel's own queue of this kind (netem's `limit`); so does a real path whose buffers are full.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from attrs import define

from director.l4.verdicts import Later, Outcome

MOST = 16384
"""What waits at once at most: 100 Mbit/s of full packets for two seconds."""


@define
class LateCounters:
    """What became of them."""

    held: int = 0
    released: int = 0
    dropped_full: int = 0


class LateQueue:
    """Does each when its time has come; `perform` is told what, and the time."""

    def __init__(
        self, reactor: Any, clock: Callable[[], float], perform: Callable[[Outcome, float], None],
        most: int = MOST,
    ) -> None:  # fmt: skip
        self.counters = LateCounters()
        self._reactor, self._clock, self._perform, self._most = reactor, clock, perform, most
        # Of two that are due at once the first comes first.
        self._waiting: list[tuple[float, int, Later]] = []
        self._number = count()
        self._timer: Any = None

    def put(self, later: Later, now: float) -> None:
        """Keep it until its time; there may be no room."""
        if len(self._waiting) >= self._most:
            self.counters.dropped_full += 1
            later.take()
            return
        self.counters.held += 1
        heappush(self._waiting, (now + later.seconds, next(self._number), later))
        if self._waiting[0][2] is later:
            self._set(now)

    def close(self) -> None:
        """Forget all: nothing can be sent any more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, now: float) -> None:
        """The timer, for the first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = self._reactor.callLater(max(0.0, self._waiting[0][0] - now), self._release)

    def _release(self) -> None:
        self._timer = None
        now = self._clock()
        try:
            while self._waiting and self._waiting[0][0] <= now:
                decided = heappop(self._waiting)[2].take()
                if decided is not None:
                    self.counters.released += 1
                    self._perform(decided, now)
        finally:
            self._set(now)
