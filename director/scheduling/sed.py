"""Shortest expected delay.  Source: `lvs-semantics` F.2; V52.  nq is built on `shortest`."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


def shortest(servers: Sequence[IServer]) -> IServer:
    """The least (active + 1) / weight of a non-empty sequence, first on ties; exact."""
    best = servers[0]
    least, weight = best.active + 1, best.weight
    for server in servers:
        load = server.active + 1
        if least * server.weight > load * weight:
            best, least, weight = server, load, server.weight
    return best


def delays(servers: Sequence[IServer]) -> Explanation:
    """The expected delay of each server, in words."""
    return tuple(
        (each.name, f"({each.active}+1)/{each.weight} = {(each.active + 1) / each.weight:g}")
        for each in servers
    )


class ShortestExpectedDelay(Scheduler):
    """sed: the least `(active + 1) / weight`, first on ties; inactive connections do not count."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """One pass over the eligible servers."""
        return shortest(servers)

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The expected delay of each."""
        return delays(servers)
