"""What every scheduler stands on: the life cycle, the roster of the pool, and membership in O(1).

An algorithm's file subclasses `Scheduler` and writes `choose`; those that keep a table or a pointer over all
servers of the pool read `roster` and look at `stale`.  Installed plug-ins may use it too; a user's own class
need not.

List order: where `lvs-semantics` part F says "list order", IPVS means newest first, because it prepends new
servers.  We append: in this room list order is the configured order, and "first on ties" is the server that
stands first in the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from zope.interface import implementer

from director.interfaces import IKey, IScheduler, IServer

FEW = 16
"""Up to so many eligible servers a scan is faster than making a set of them."""

Explanation = tuple[tuple[str, str], ...]
"""(server name, how it scores) in the order of the eligible servers."""


@implementer(IScheduler)
class Scheduler:
    """A scheduler whose life cycle keeps `roster` and nothing else.

    Args:
        argument: the text in parentheses behind the name; empty if none.
        flags: the words behind the name, without the `sh-` or `mh-` of ipvsadm.
        random: the source of chance; seeded in tests.

    Attributes:
        name: what the decision trace calls it, such as `sh port`; set by the catalog.
        roster: all servers of the pool in configured order, eligible or not.
        stale: True after any change of the roster; whoever derives something from it puts it to False.
            So several changes in a row cost one rebuild, at the next choice.
    """

    name: str = ""

    def __init__(
        self, argument: str = "", flags: frozenset[str] = frozenset(), random: Random | None = None
    ) -> None:
        self.argument = argument
        self.flags = flags
        self.random = random or Random(0)
        self.roster: list[IServer] = []
        self.stale = True
        self._seen: Sequence[IServer] = ()
        self._seen_ids: frozenset[int] = frozenset()

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Take over the servers of the pool."""
        self.roster = list(servers)
        self.stale = True

    def server_added(self, server: IServer) -> None:
        """Put `server` at the end of the roster."""
        self.roster.append(server)
        self.stale = True

    def server_removed(self, server: IServer) -> None:
        """Take `server` off the roster."""
        place = self.place(server)
        if place is not None:
            del self.roster[place]
        self.stale = True

    def server_updated(self, server: IServer) -> None:
        """Remember that a weight or a threshold changed."""
        self.stale = True

    def stop(self) -> None:
        """Let go of the servers."""
        self.roster = []
        self._seen, self._seen_ids = (), frozenset()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Pick one of `servers`; each algorithm writes its own."""
        raise NotImplementedError

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """How each of `servers` scores, in words; empty when there is nothing to compare."""
        return ()

    def place(self, server: IServer) -> int | None:
        """Where `server` stands in the roster."""
        return next((place for place, one in enumerate(self.roster) if one is server), None)

    def eligible(self, server: IServer, servers: Sequence[IServer]) -> bool:
        """Whether `server` is one of `servers`.

        O(1) as long as the caller passes the same tuple again, as `selection` does: attributes alone cannot
        answer, because a drained server, an idle backup and one already tried look well.
        """
        if len(servers) <= FEW:
            return server in servers
        if servers is not self._seen:
            # A list may change behind our back, so only a tuple is remembered.
            self._seen = servers if isinstance(servers, tuple) else ()
            self._seen_ids = frozenset(map(id, servers))
        return id(server) in self._seen_ids


def named(scheduler: object) -> str:
    """What a scheduler is called in the trace; the class when it has no name."""
    return str(getattr(scheduler, "name", "")) or type(scheduler).__name__


def explanation(scheduler: object, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
    """The scores a scheduler gives, when it gives any: `explain` is no part of `IScheduler`."""
    explain = getattr(scheduler, "explain", None)
    return tuple(explain(servers, key, now)) if callable(explain) else ()
