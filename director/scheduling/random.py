"""Weighted random."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


class WeightedRandom(Scheduler):
    """random: each server in proportion to its weight; keeps nothing, so many directors need not agree."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """One draw."""
        rest = self.random.randint(1, sum(server.weight for server in servers))
        for server in servers:
            rest -= server.weight
            if rest <= 0:
                return server
        return None

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The chance of each."""
        total = sum(server.weight for server in servers)
        return tuple((each.name, f"chance {each.weight}/{total}") for each in servers)
