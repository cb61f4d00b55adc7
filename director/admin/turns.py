"""The admin's share of the loop: its work in small steps, a millisecond of them at a time.

Traffic and admin may live in one process.  Whatever anybody asks of the admin, by however many connections,
is put here as steps; after a slice of work the admin rests nine times as long, so that it takes a tenth of
the processor at most and no request of a client meets more than one slice.  Steps of all who wait take turns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

SLICE_SECONDS = 0.001
STEP_SECONDS = 0.0002
"""What a step costs the loop at least: it also reads the question and writes what came of it."""
REST = 9.0
"""Times of rest for each time of work."""

Step = Callable[[], bool]
"""Does a little; returns whether there is more to do at once."""

_log = Logger()


class Turns:
    """One queue for all listeners of the admin.  Bounded by its callers: each connection has one step."""

    def __init__(self, clock: IReactorTime, spent: Callable[[], float] | None = None) -> None:
        """`spent` tells processor time: on a busy machine a slice takes longer than it works."""
        self._clock = clock
        self._spent = spent or clock.seconds
        self._steps: deque[Step] = deque()
        self._due = False

    def add(self, step: Step) -> None:
        """Let `step` run in a later turn, and again as long as it returns True."""
        self._steps.append(step)
        self._again(0.0)

    def _again(self, after: float) -> None:
        if not self._due and self._steps:
            self._due = True
            self._clock.callLater(after, self._turn)

    def _turn(self) -> None:
        self._due = False
        begin = self._spent()
        spent = 0.0
        steps = 0
        while self._steps and spent < SLICE_SECONDS:
            step = self._steps.popleft()
            try:
                if step():
                    self._steps.append(step)
            except Exception:  # noqa: BLE001 - the steps of others must go on
                _log.failure("A step of the admin failed")
            steps += 1
            spent = max(self._spent() - begin, steps * STEP_SECONDS)
        self._again(spent * REST)
