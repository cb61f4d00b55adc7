"""The hash of KTCPVS.  Source: `lvs-semantics` A.14; K38."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler


class KtcpvsHash(Scheduler):
    """hhttp: the sum of the bytes of the rule's hash value, modulo the number of servers of the pool.

    An empty value (a group that matched nothing) has the sum 0 and gives the first server, as in KTCPVS;
    None when the rule has no value at all, or when the server found is not eligible (KTCPVS finds that out
    by a failed connect).  Mended: the original counted bytes from 0x80 on as negative and could find no
    server, and refused a value at the start of the target.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """An index into the roster; weight and load do not matter."""
        value = key.hash_key
        if value is None or not self.roster:
            return None
        server = self.roster[sum(value.encode("utf-8", "surrogatepass")) % len(self.roster)]
        return server if self.eligible(server, servers) else None
