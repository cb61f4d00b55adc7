"""Peak EWMA.

The registry keeps each server's latency as a moving average that takes peaks at once and forgets them
slowly; the expected cost of one more request is that latency times the requests in flight.  Comparing two
servers drawn at random, not all, keeps many directors from choosing the same best server at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler
from director.scheduling.p2c import pair

UNPROVEN = 1.0
"""Seconds assumed for a server that is busy and has never answered: it is dear until its first answer is
there. An idle server without a figure costs nothing, so each is tried."""


def cost(server: IServer) -> float:
    """Expected seconds of one more request, by weight."""
    latency = server.latency or (UNPROVEN if server.active else 0.0)
    return latency * (server.active + 1) / server.weight


class PeakEwma(Scheduler):
    """ewma: of two servers drawn at random, the one with less `latency * (active + 1) / weight`.

    The first draw wins ties.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Two draws, one comparison."""
        first, second = pair(servers, self.random)
        return second if cost(second) < cost(first) else first

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The cost of each."""
        return tuple(
            (one.name, f"{one.latency * 1000:.1f} ms * ({one.active}+1)/{one.weight}, cost {cost(one):.4g} s")
            for one in servers
        )
