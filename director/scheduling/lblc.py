"""Locality-based least connections.  Source: `lvs-semantics` F.2; V57."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler
from director.scheduling.locality import Locality, overburdened
from director.scheduling.wlc import lightest


class LocalityLeastConnections(Scheduler):
    """lblc: the server that served this virtual address last, as long as it is not overburdened; else as wlc.

    Made for clusters of caches.  IPVS keeps to an entry's server even at its upper threshold; here a full
    server is not eligible, so the entry moves.
    """

    def __init__(
        self, argument: str = "", flags: frozenset[str] = frozenset(), random: Random | None = None
    ) -> None:
        super().__init__(argument, flags, random)
        self.table: Locality[IServer] = Locality()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Keep the address on its server, or move it to the lightest."""
        table = self.table
        table.tidy(now)
        server = table.get(key.virtual, now)
        if server is not None and self.eligible(server, servers) and not overburdened(server, servers):
            return server
        server = lightest(servers)
        table.put(key.virtual, server, now)
        return server

    def stop(self) -> None:
        """Forget the table."""
        super().stop()
        self.table = Locality()
