"""Never queue.  Source: `lvs-semantics` F.2; V52."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler
from director.scheduling.sed import delays, shortest


class NeverQueue(Scheduler):
    """nq: the first server with no active connection; when there is none, as sed."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """An idle server at once, else the shortest expected delay."""
        for server in servers:
            if not server.active:
                return server
        return shortest(servers)

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The expected delay of each, and who is idle."""
        idle = {server.name for server in servers if not server.active}
        return tuple((name, "idle" if name in idle else score) for name, score in delays(servers))
