"""The threshold rule of `lvs-semantics` B.5, written a second time."""

from __future__ import annotations


class Threshold:
    """B.5 as its text says it, for one destination: the oracle."""

    def __init__(self, u: int, lower: int) -> None:
        self.u, self.lower = u, lower
        self.activeconns = self.inactconns = 0
        self.overload = False

    def bound(self) -> None:
        """After the counters were raised."""
        if self.u != 0 and self.activeconns + self.inactconns >= self.u:
            self.overload = True

    def unbound(self) -> None:
        """After the counters were lowered."""
        total = self.activeconns + self.inactconns
        if self.lower != 0:
            if total < self.lower:
                self.overload = False
        elif self.u != 0:
            if total * 4 < self.u * 3:
                self.overload = False
        else:
            self.overload = False

    def edited(self, u: int, lower: int) -> None:
        """B.3: cleared when the new u is 0 or larger than the old one."""
        if u == 0 or u > self.u:
            self.overload = False
        self.u, self.lower = u, lower
