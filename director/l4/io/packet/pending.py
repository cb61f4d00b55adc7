"""Frames that wait while the kernel finds a neighbour's link-layer address.

Pure.  Bounded per next hop and in all; what does not fit is dropped and counted, oldest
kept, as in the kernel's own queue (`unres_qlen`) only that a first SYN is worth more than a
later one.  A hop that does not answer in time loses its frames.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from attrs import define

Frame = TypeVar("Frame")

PER_HOP = 64
TOTAL = 4096
PATIENCE = 3.0
"""Seconds: three solicitations, one second apart, as the kernel's own."""

Hop = tuple[int, bytes]
"""Interface index and packed address of the next hop."""


@define
class HoldCounters:
    """What became of the frames."""

    held: int = 0
    released: int = 0
    dropped_hop_full: int = 0
    dropped_all_full: int = 0
    dropped_unresolved: int = 0


class HoldQueue(Generic[Frame]):
    """Frames by next hop, with the time the first of them came."""

    def __init__(self, per_hop: int = PER_HOP, total: int = TOTAL, patience: float = PATIENCE) -> None:
        self.counters = HoldCounters()
        self._per_hop, self._total, self._patience = per_hop, total, patience
        self._waiting: dict[Hop, tuple[float, deque[Frame]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, hop: Hop, frame: Frame, now: float) -> bool:
        """Keep `frame` for `hop`; False, and a counter, when there is no room."""
        if self._count >= self._total:
            self.counters.dropped_all_full += 1
            return False
        _since, queue = self._waiting.setdefault(hop, (now, deque()))
        if len(queue) >= self._per_hop:
            self.counters.dropped_hop_full += 1
            return False
        queue.append(frame)
        self._count += 1
        self.counters.held += 1
        return True

    def take(self, hop: Hop) -> list[Frame]:
        """All frames for `hop`, in the order they came: its address is known now."""
        frames = self._remove(hop)
        self.counters.released += len(frames)
        return frames

    def fail(self, hop: Hop) -> int:
        """`hop` does not answer: its frames are dropped; how many."""
        count = len(self._remove(hop))
        self.counters.dropped_unresolved += count
        return count

    def expire(self, now: float) -> list[Hop]:
        """Drop what has waited longer than the patience; the hops it was for."""
        late = [hop for hop, (since, _queue) in self._waiting.items() if now - since >= self._patience]
        for hop in late:
            self.fail(hop)
        return late

    def hops(self) -> list[Hop]:
        """The hops that frames wait for."""
        return list(self._waiting)

    def _remove(self, hop: Hop) -> list[Frame]:
        _since, queue = self._waiting.pop(hop, (0.0, deque[Frame]()))
        self._count -= len(queue)
        return list(queue)
