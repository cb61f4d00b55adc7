"""Power of two choices by weight.  Source: `lvs-semantics` F.2; V56."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Explanation, Scheduler
from director.scheduling.wlc import overhead


class PowerOfTwo(Scheduler):
    """twos: of two servers drawn in proportion to their weights, the one with less overhead by weight.

    The first draw wins ties; both draws may give the same server.  IPVS draws from 0 on and gives 0 to the
    first server as well, which with weights of 1 and 1 starves the second; we draw from 1 to the sum of the
    weights.
    """

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Two draws, one comparison."""
        total = sum(server.weight for server in servers)
        first = self._drawn(servers, self.random.randint(1, total))
        second = self._drawn(servers, self.random.randint(1, total))
        return second if second.weight * overhead(first) > first.weight * overhead(second) else first

    def _drawn(self, servers: Sequence[IServer], rest: int) -> IServer:
        for server in servers:
            rest -= server.weight
            if rest <= 0:
                return server
        return servers[-1]

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """The chance of each to be drawn, and what is compared then."""
        total = sum(server.weight for server in servers)
        return tuple(
            (each.name, f"drawn {each.weight}/{total}, load {overhead(each)}/{each.weight}")
            for each in servers
        )
