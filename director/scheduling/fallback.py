"""`X else Y`: the second scheduler is asked when the first has no answer.

The catalog makes one for each `else`; `X else Y else Z` is X else (Y else Z).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zope.interface import implementer

from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.base import Explanation, explanation, named


@implementer(IScheduler)
class Otherwise:
    """Two schedulers that live the same life.

    `name` is that of the one that answered last, so a decision's trace tells who chose.
    """

    def __init__(self, first: IScheduler, second: IScheduler) -> None:
        self.first = first
        self.second = second
        self.name = named(first)

    @property
    def replaced(self) -> str:
        """What is said of the parts that wlc had to take the place of; empty when there is none."""
        return "; ".join(
            said for part in (self.first, self.second) if (said := getattr(part, "replaced", ""))
        )

    def equip(self, processes: int, shared: Callable[[str, int], object]) -> None:
        """Pass it on to whoever wants it."""
        for part in (self.first, self.second):
            equip = getattr(part, "equip", None)
            if equip is not None:
                equip(processes, shared)

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Start both; when the second refuses, the first is stopped again."""
        self.first.start(service, servers)
        try:
            self.second.start(service, servers)
        except BaseException:
            self.first.stop()
            raise

    def server_added(self, server: IServer) -> None:
        """Tell both."""
        self.first.server_added(server)
        self.second.server_added(server)

    def server_removed(self, server: IServer) -> None:
        """Tell both."""
        self.first.server_removed(server)
        self.second.server_removed(server)

    def server_updated(self, server: IServer) -> None:
        """Tell both."""
        self.first.server_updated(server)
        self.second.server_updated(server)

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The first one's answer, or else the second one's."""
        chosen = self.first.choose(servers, key, now)
        if chosen is not None:
            self.name = named(self.first)
            return chosen
        chosen = self.second.choose(servers, key, now)
        self.name = named(self.second)
        return chosen

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """What each of the two says, one behind the other."""
        parts = (self.first, self.second)
        return tuple(
            (server, f"{named(part)}: {score}")
            for part in parts
            for server, score in explanation(part, servers, key, now)
        )

    def stop(self) -> None:
        """Stop both."""
        self.first.stop()
        self.second.stop()
