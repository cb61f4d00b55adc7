"""When one thing that is made for each who asks serves others as well: when making it is dear.

Pure.  `Economy` is the one rule of all that the admin shares: a snapshot of the registry, a rendering.
"""

from __future__ import annotations

CHEAP = 0.005
"""Seconds of processor time that making may take to be made anew for each, as fresh as can be."""
SERVES = 20
"""What is dear serves so many times as long as it took: a twentieth of a processor at most."""


class Economy:
    """What making one thing costs, time after time.

    It is dear when it was so twice in turn: one alone may have paid for Python's garbage.  Costs are of
    processor time: a pause of the process makes nothing dear.
    """

    def __init__(self) -> None:
        self._last = 0.0
        self._serves_until = 0.0

    def dear(self, cost: float) -> bool:
        """Whether making it for this cost, after the last one's, is dear."""
        return min(self._last, cost) > CHEAP

    def made(self, cost: float, now: float) -> None:
        """It was made, at this cost in seconds of processor time."""
        self._serves_until = now + min(self._last, cost) * SERVES if self.dear(cost) else now
        self._last = cost

    def serves(self, now: float) -> bool:
        """Whether what was made last is given to others, too."""
        return now < self._serves_until

    def forget(self) -> None:
        """What was made last is not so any more."""
        self._serves_until = 0.0
