"""Power of two choices, uniform.

Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001).  `pair` also serves
ewma.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler
from director.scheduling.sed import delays


def pair(servers: Sequence[IServer], random: Random) -> tuple[IServer, IServer]:
    """Two different servers drawn with equal chances, or the only one twice; O(1)."""
    size = len(servers)
    if size == 1:
        return servers[0], servers[0]
    first = random.randrange(size)
    second = random.randrange(size - 1)
    return servers[first], servers[second + (second >= first)]


class PowerOfTwoUniform(Scheduler):
    """p2c: of two different servers, the one with the shorter expected delay (active + 1) / weight.

    Unlike twos it draws without looking at weights, so its cost does not grow with the pool.  The first
    draw wins ties.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Two draws, one comparison."""
        first, second = pair(servers, self.random)
        if (first.active + 1) * second.weight > (second.active + 1) * first.weight:
            return second
        return first

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """What is compared."""
        return delays(servers)
