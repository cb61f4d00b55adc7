"""Maglev hashing.  Source: `lvs-semantics` F.2; V55; Eisenbud et al., "Maglev" (NSDI 2016), section 3.4.

Each server has its own permutation of the slots of a table (an offset and a skip), and the servers in turn
claim their next free slot until the table is full; a server claims as many in each round as its weight
says.  A lookup is one hash and one index, however many servers there are.  When one of n servers leaves the
pool about 1/n of the clients move, and hardly any others.

The keyed hash is SipHash-1-3 with the keys of IPVS (`hashing.siphash13`), so on equal lists the table is
that of a 64-bit kernel; servers given by name use 32 bits of that name in the place of the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from director.errors import SchedulerError
from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler
from director.scheduling.hashing import MASK32, server_number, siphash13

KEY1 = 2654435761
KEY2 = 2654446892
PRIMES = {12: 4093, 13: 8191, 14: 16381, 15: 32749, 16: 65521, 17: 131071}
"""Table sizes by index.  IPVS is built for one of them, by default 4093, and refuses a service with more
servers than slots; we take the next size then."""


def keyed(number: int, key: int) -> int:
    """The 32-bit hash of a number under one of the two keys."""
    return siphash13(number, key, key) & MASK32


def table_index(servers: int) -> int:
    """The least index whose table has a slot for each server.  Raises SchedulerError beyond the largest."""
    for index, size in PRIMES.items():
        if servers <= size:
            return index
    raise SchedulerError(
        f"mh: {servers} servers are more than its {PRIMES[17]} slots; use wlc or split the pool"
    )


def turns(weights: Sequence[int], index: int) -> list[int]:
    """Slots each server claims in a round, for a table of that index (6 bits of weight at index 12)."""
    divisor = gcd(*weights) or 1
    shift = max(0, (max(weights, default=0) // divisor).bit_length() - index // 2)
    return [max(1, weight // divisor >> shift) if weight else 0 for weight in weights]


class Claim:
    """A server's place in its permutation of the slots, and how many it claims in a round."""

    __slots__ = ("server", "skip", "slot", "turns")

    def __init__(self, server: IServer, turns: int, size: int) -> None:
        number = server_number(server) + server.port
        self.server = server
        self.turns = turns
        self.slot = keyed(number, KEY1) % size
        self.skip = keyed(number, KEY2) % (size - 1) + 1


def populate(servers: Sequence[IServer], index: int) -> tuple[IServer, ...]:
    """The lookup table; empty when no server ever had a weight."""
    size = PRIMES[index]
    counts = turns([server.last_weight for server in servers], index)
    claims = [Claim(server, count, size) for server, count in zip(servers, counts, strict=True) if count]
    table: list[IServer | None] = [None] * size
    free = size if claims else 0
    while free:
        for claim in claims:
            slot, skip, server = claim.slot, claim.skip, claim.server
            claimed = min(claim.turns, free)
            for _ in range(claimed):
                while table[slot] is not None:
                    slot = (slot + skip) % size
                table[slot] = server
            claim.slot = slot
            free -= claimed
    return tuple(server for server in table if server is not None)


class MaglevHash(Scheduler):
    """mh: consistent by the client's address; with `port` by address and port; with `fallback` hashed again.

    The table is made from `last_weight`: a server set to weight 0 keeps its slots, so its clients come back
    to it. Meanwhile they get None, or with `fallback` another server each.
    """

    table: tuple[IServer, ...] = ()
    made_from: tuple[tuple[int, int, int, int], ...] = ()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The server of the client's slot, or with `fallback` of the first good slot of further hashes."""
        if self.stale:
            self._build()
        table = self.table
        size = len(table)
        if not size:
            return None
        number = key.client_number + (key.client_port if "port" in self.flags else 0)
        slot = keyed(number, KEY1) % size
        if self.eligible(table[slot], servers):
            return table[slot]
        if "fallback" in self.flags:
            for offset in range(size):
                server = table[keyed(number + (offset + slot) % size, KEY1) % size]
                if self.eligible(server, servers):
                    return server
        return None

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Refuse a pool that does not fit into the largest table."""
        table_index(len(servers))
        super().start(service, servers)

    def _build(self) -> None:
        """Make the table anew when what it depends on changed (thresholds do not count)."""
        roster = self.roster[: PRIMES[17]]
        made_from = tuple((id(each), each.number, each.port, each.last_weight) for each in roster)
        if made_from != self.made_from:
            self.table = populate(roster, table_index(len(roster)))
            self.made_from = made_from
        self.stale = False
