"""Round robin.  Source: `lvs-semantics` F.2; V49."""

from __future__ import annotations

from collections.abc import Sequence

from director.interfaces import IKey, IServer
from director.scheduling.base import Scheduler


class RoundRobin(Scheduler):
    """rr: the next eligible server behind the last one used; weight matters only as zero or not.

    Removing the last one used steps the pointer back by one, so the order of the others is kept.
    """

    last = -1

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Begin with the first server."""
        super().start(service, servers)
        self.last = -1

    def server_removed(self, server: IServer) -> None:
        """Keep the pointer on the server it stands on, or step back when that one leaves."""
        place = self.place(server)
        super().server_removed(server)
        if place is not None and place <= self.last:
            self.last -= 1

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The next one round the roster."""
        roster = self.roster
        size = len(roster)
        for step in range(1, size + 1):
            place = (self.last + step) % size
            if self.eligible(roster[place], servers):
                self.last = place
                return roster[place]
        return None
