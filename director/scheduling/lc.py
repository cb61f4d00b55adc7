"""Least connections.  Source: `lvs-semantics` F.1, F.2; V51."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


class LeastConnections(Scheduler):
    """lc: the least `active * 256 + inactive`, first on ties; weight matters only as zero or not."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """One pass over the eligible servers."""
        best = servers[0]
        least = best.active * 256 + best.inactive
        for server in servers:
            load = server.active * 256 + server.inactive
            if load < least:
                best, least = server, load
        return best

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The load of each."""
        return tuple((server.name, f"load {server.active * 256 + server.inactive}") for server in servers)
