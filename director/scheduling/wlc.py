"""Weighted least connections, the default.  Source: `lvs-semantics` F.1, F.2; V51.

`lightest` is the pick itself; lblc and lblcr use it over their own sets.  KTCPVS's http, phttp and chttp are
names for this scheduler: their pick (A.11) counts connections only, and at layer 7 nothing is inactive.
"""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


def overhead(server: IServer) -> int:
    """The load of a server: an inactive connection weighs 1/256 of an active one (F.1)."""
    return server.active * 256 + server.inactive


def lightest(servers: Sequence[IServer]) -> IServer:
    """The least overhead by weight of a non-empty sequence, first on ties; by cross-multiplication, exact.

    This loop is the cost of a choice in a large pool, so it calls nothing and ends at a server without load.
    """
    best = servers[0]
    least = best.active * 256 + best.inactive
    weight = best.weight
    for server in servers:
        if not least:
            break
        load = server.active * 256 + server.inactive
        if least * server.weight > load * weight:
            best, least, weight = server, load, server.weight
    return best


class WeightedLeastConnections(Scheduler):
    """wlc: the least `(active * 256 + inactive) / weight`, first on ties."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """One pass over the eligible servers."""
        return lightest(servers)

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """Load, weight and their quotient."""
        return tuple(
            (each.name, f"load {overhead(each)}/{each.weight} = {overhead(each) / each.weight:g}")
            for each in servers
        )
