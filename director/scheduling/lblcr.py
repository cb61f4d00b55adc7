"""Locality-based least connections with replication.  Source: `lvs-semantics` F.2; V57."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler
from director.scheduling.locality import EXPIRATION, Locality, overburdened
from director.scheduling.wlc import lightest, overhead

Replicas = tuple[tuple[IServer, ...], float]
"""The servers of an address, and when that set last changed."""


def heaviest(servers: Sequence[IServer]) -> IServer:
    """The most overhead by weight of a non-empty sequence, first on ties; weight 0 cannot be it."""
    best, most, weight = servers[0], -1, 1
    for server in servers:
        if server.weight > 0 and most * server.weight < overhead(server) * weight:
            best, most, weight = server, overhead(server), server.weight
    return best


class LocalityReplicated(Scheduler):
    """lblcr: the lightest of the servers that serve this virtual address.

    A new server joins the set when that one is overburdened; a set that has not changed for a day loses its
    most loaded member.
    """

    def __init__(
        self, argument: str = "", flags: frozenset[str] = frozenset(), random: Random | None = None
    ) -> None:
        super().__init__(argument, flags, random)
        self.table: Locality[Replicas] = Locality()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Stay within the address's set, or extend it by the lightest server of all."""
        table = self.table
        table.tidy(now)
        members, changed = table.get(key.virtual, now) or ((), now)
        usable = [server for server in members if self.eligible(server, servers)]
        least = lightest(usable) if usable else None
        if len(members) > 1 and now > changed + EXPIRATION:
            most = heaviest(members)
            members, changed = tuple(server for server in members if server is not most), now
            table.put(key.virtual, (members, changed), now)
        if least is not None and not overburdened(least, servers):
            return least
        chosen = lightest(servers)
        if chosen not in members:
            # Those that left the pool or died are not worth a place in the set.
            members = (*(server for server in members if server.available), chosen)
            changed = now
        table.put(key.virtual, (members, changed), now)
        return chosen

    def stop(self) -> None:
        """Forget the table."""
        super().stop()
        self.table = Locality()
