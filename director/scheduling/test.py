"""First fit: the toy of LVS's own tutorial, "test"."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler


class FirstFit(Scheduler):
    """test: the first server with weight and room; fills one to its bound, then the next."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Weight and room are what makes a server eligible."""
        return servers[0]
