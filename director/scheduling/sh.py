"""Source hashing.  Source: `lvs-semantics` F.2; V54."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice, repeat

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler
from director.scheduling.hashing import hash32, table_bits


class SourceHash(Scheduler):
    """sh: by the client's address; with `port` by address and port; with `fallback` never None without need.

    A table of 256 buckets is filled round the roster, each server taking `weight` buckets in a row (one
    when its weight is 0).  When the weights add up to more than 256, the last servers get fewer or none, as
    in IPVS: keep them small.  None when the bucket's server is not eligible; with `fallback` the search
    goes on round the table.
    """

    bits = 0
    table: tuple[IServer, ...] = ()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The server of the client's bucket, or with `fallback` the first eligible one behind it."""
        if self.stale:
            self._fill()
        table = self.table
        if not table:
            return None
        port = key.client_port if "port" in self.flags else 0
        index = hash32(key.client_number + port, self.bits)
        if self.eligible(table[index], servers):
            return table[index]
        return self._fall_back(index, servers) if "fallback" in self.flags else None

    def _fall_back(self, index: int, servers: Sequence[IServer]) -> IServer | None:
        """Round the table from twice the index: IPVS adds the hash to an offset that starts with the hash."""
        size = len(self.table)
        for offset in range(size):
            server = self.table[(offset + 2 * index) % size]
            if self.eligible(server, servers):
                return server
        return None

    def _fill(self) -> None:
        """Deal the buckets out by weight."""
        self.bits = table_bits(len(self.roster))
        dealt = (each for server in cycle(self.roster) for each in repeat(server, max(1, server.weight)))
        self.table = tuple(islice(dealt, 1 << self.bits))
        self.stale = False
