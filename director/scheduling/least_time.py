"""Least time: the server that is expected to answer first, of all."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


class LeastTime(Scheduler):
    """least-time: the least `latency * (active + 1) / weight`, first on ties.

    Idle servers without a figure come first, so that each gets one.  A server that is busy and has not
    answered yet is taken to be as slow as the slowest known: else one that hangs from the start would draw
    all traffic. When no figures are known at all, (active + 1) / weight decides.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Two passes over the eligible servers."""
        slowest = max(server.latency for server in servers) or 1.0
        best, least = servers[0], float("inf")
        for server in servers:
            if not server.latency and not server.active:
                return server
            time = (server.latency or slowest) * (server.active + 1) / server.weight
            if time < least:
                best, least = server, time
        return best

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """Latency and load of each."""
        return tuple((each.name, _figure(each)) for each in servers)


def _figure(server: IServer) -> str:
    if not server.latency:
        return "no figure yet"
    return f"{server.latency * 1000:.1f} ms * ({server.active}+1)/{server.weight}"
