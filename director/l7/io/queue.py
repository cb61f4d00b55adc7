"""Queues of requests that wait for a server with room, one per pool, first come first served.

How many may wait and how long is the business of `proxy.dispatch` (`queue =`); this keeps the order and calls
the next one when its pool has an eligible server again, and everybody when waiting helps no more.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from director.l7.proxy.dispatch import waiting_helps
from director.registry.ledger import leave_place

if TYPE_CHECKING:
    from director.registry.registry import LivePool


class Waiting(Protocol):
    """Somebody who waits."""

    def slot_free(self) -> None:
        """Your turn."""


class Queues:
    """All queues; `waiting` is how many stand in them altogether."""

    def __init__(self) -> None:
        self.waiting = 0
        self._queues: dict[LivePool, deque[Waiting]] = {}
        self._waking = False

    def join(self, pool: LivePool, who: Waiting) -> None:
        """Stand at the end of the pool's queue; the place was taken (`ledger.take_place`)."""
        self._queues.setdefault(pool, deque()).append(who)
        self.waiting += 1

    def leave(self, pool: LivePool, who: Waiting) -> None:
        """Leave the queue before one's turn."""
        queue = self._queues.get(pool)
        if queue is not None and who in queue:
            queue.remove(who)
            self._left(pool, queue)

    def wake(self, *, everybody: bool = False) -> None:
        """Something changed: call whoever can be served now, and whoever waits for what will not come.

        A pool whose last server was drained, failed its check or left, or that left itself, has nothing to
        wait for: newcomers take the fault path at once, and so do those who wait.

        `everybody`: the configuration changed, and where a newcomer would go now, those go who wait.
        """
        if self._waking:
            return
        self._waking = True
        try:
            for pool, queue in list(self._queues.items()):
                # Who cannot be served after all stands at the end again: nobody is called twice.
                for _ in range(len(queue)):
                    if not queue or (not everybody and waiting_helps(pool) and not pool.eligible()):
                        break
                    who = queue.popleft()
                    self._left(pool, queue)
                    who.slot_free()
        finally:
            self._waking = False

    def _left(self, pool: LivePool, queue: deque[Waiting]) -> None:
        leave_place(pool)
        self.waiting -= 1
        if not queue:
            self._queues.pop(pool, None)
