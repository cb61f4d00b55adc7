"""Weighted round robin.  Source: `lvs-semantics` F.2; V50.

The pointer goes round the roster at a level; a server takes part in a round when its weight reaches the
level. At the end of a round the level falls by `step` (the gcd of all weights), and from the lowest it
returns to the highest.  So weights 4, 3, 2 give A, AB, ABC, ABC, and heavy servers are not served in one
block.

The corner: when the heaviest servers are down or full, many levels have nobody.  IPVS walks them all; here
the first round that found nobody lowers the level at once to the heaviest eligible weight, which gives the
same server and the same state at a cost of at most three rounds.  IPVS recomputes at each change; here
several changes without a choice between them count as one, so that a reload of a large pool stays linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler


class WeightedRoundRobin(Scheduler):
    """wrr: servers in turn, each as often as its weight says, interleaved."""

    at = 0
    level = 0
    step = 1
    high = 0

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Begin at the head with the highest level."""
        super().start(service, servers)
        self.level = 0
        self._measure()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The next server that reaches the level."""
        if self.stale:
            self._measure()
        if not self.high:
            return None
        for turn in range(3):
            found = self._rest_of_round(servers)
            if found is not None:
                return found
            self.at = 0
            self.level = self.level - self.step if self.level > self.step else self.high
            if turn:
                self._skip_empty_levels(max(server.weight for server in servers))
        return None

    def _rest_of_round(self, servers: Sequence[IServer]) -> IServer | None:
        roster, level = self.roster, self.level
        for at in range(self.at, len(roster)):
            server = roster[at]
            if server.weight >= level and self.eligible(server, servers):
                self.at = at + 1
                return server
        return None

    def _skip_empty_levels(self, heaviest: int) -> None:
        if self.level > heaviest:
            self.level -= -((heaviest - self.level) // self.step) * self.step

    def _measure(self) -> None:
        """Recompute step and highest level after a change; the round starts again at the head."""
        weights = [server.weight for server in self.roster if server.weight > 0]
        self.step = gcd(*weights) or 1
        self.high = max(weights) - (self.step - 1) if weights else 0
        self.at = 0
        if self.level > self.high or not self.level:
            self.level = self.high
        elif self.step > 1:
            self.level = self.level // self.step * self.step + 1
        self.stale = False
