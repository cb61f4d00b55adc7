"""Destination hashing.  Source: `lvs-semantics` F.2; V54."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler
from director.scheduling.hashing import hash32, table_bits


class DestinationHash(Scheduler):
    """dh: by the virtual address asked for; made for clusters of caches behind many addresses.

    A table of 256 buckets is filled with the servers in turn, weight ignored.  None when the bucket's
    server is not eligible.
    """

    bits = 0
    table: tuple[IServer, ...] = ()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The server of the address's bucket."""
        if self.stale:
            self._fill()
        if not self.table:
            return None
        server = self.table[hash32(key.virtual_number, self.bits)]
        return server if self.eligible(server, servers) else None

    def _fill(self) -> None:
        """Deal the buckets out; a change of weight deals them the same way again."""
        self.bits = table_bits(len(self.roster))
        self.table = tuple(islice(cycle(self.roster), 1 << self.bits))
        self.stale = False
