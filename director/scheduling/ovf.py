"""Weighted overflow.  Source: `lvs-semantics` F.2; V53."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler


class WeightedOverflow(Scheduler):
    """ovf: of the servers with `active <= weight`, the heaviest, first on ties; None when all exceed.

    So a server takes weight + 1 active connections before the next one gets any.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The heaviest server with room."""
        best, heaviest = None, 0
        for server in servers:
            if heaviest < server.weight >= server.active:
                best, heaviest = server, server.weight
        return best

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """Who has room."""
        return tuple(
            (one.name, f"active {one.active} {'<=' if one.active <= one.weight else '>'} weight {one.weight}")
            for one in servers
        )
