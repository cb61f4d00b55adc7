"""Weighted failover.  Source: `lvs-semantics` F.2; V53."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler

_by_weight = attrgetter("weight")


class WeightedFailover(Scheduler):
    """fo: the highest weight, first on ties; the next one takes over only when that is not eligible."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The heaviest; `max` keeps the first of equals."""
        return max(servers, key=_by_weight)

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The weights."""
        return tuple((server.name, f"weight {server.weight}") for server in servers)
