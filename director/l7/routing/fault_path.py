"""The fault path: where a request goes, step by step, when its own pool cannot take it.

`FaultPath.targets(cause)` is asked once per request and gives targets one at a time:
the caller asks for the next when one leads nowhere.  `active` gives all live servers, one
after the other.  Each is judged when its turn comes, so what an earlier failure taught (a
server marked unreachable) counts.  Nothing is given twice for a request, so a path is as
long as the configuration says; at its end whoever walks it sends the built-in page.

Source: KTCPVS `fault_redirect` and `redirect_to_local` (`lvs-semantics` A.7; K24 to
K28).  The composition makes one path per layer-7 service and generation;
`proxy.dispatch` carries targets out.  Nothing here connects, counts or knows a clock.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from director.model.http import FaultStep, L7Service, Page, Rule
from director.model.pools import Address

if TYPE_CHECKING:
    from director.registry.registry import LivePool, RealServer, Registry


class Cause(enum.Enum):
    """Why a request found no answer, once all its tries are used up: the words of `fault_on` (design 5)."""

    NO_SERVER = "no_server"
    CONNECT = "connect"
    QUEUE = "queue"
    TIMEOUT = "timeout"
    EMPTY = "empty"
    JUNK = "junk"

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    @property
    def status(self) -> int:
        """What a page is served with that has no status of its own (RFC 9110 15.6.3 to 15.6.5)."""
        return {Cause.TIMEOUT: 504, Cause.EMPTY: 502, Cause.JUNK: 502}.get(self, 503)

    @property
    def worked_on(self) -> bool:
        """A server had the request, and may have acted on it (RFC 9110 9.2.2)."""
        return self in (Cause.TIMEOUT, Cause.EMPTY, Cause.JUNK)


@frozen(eq=False)
class ServerStep:
    """Claim this server (`selection.claim`) and connect once."""

    server: RealServer

    @property
    def label(self) -> str:
        """The step in the words of the log."""
        return f"active {self.server.name}"


@frozen
class PoolStep:
    """Select a server of this pool."""

    name: str

    @property
    def label(self) -> str:
        """The step in the words of the log."""
        return f"pool {self.name}"


@frozen
class LocalStep:
    """Send the client's request, whole, to this address, as if it had connected there."""

    address: Address

    @property
    def label(self) -> str:
        """The step in the words of the log."""
        return f"local {self.address}"


@frozen
class PageStep:
    """Answer with this page."""

    page: Page

    @property
    def label(self) -> str:
        """The step in the words of the log."""
        return f"page {self.page.name}"


FaultTarget = ServerStep | PoolStep | LocalStep | PageStep


class FaultPath:
    """The path of one service.

    Args:
        service: whose `fault` steps are walked.
        rules: all rules; those of the service count, by number.
        pages: what `page NAME` can mean.
        registry: where live servers are looked for.
    """

    def __init__(
        self, service: L7Service, rules: Iterable[Rule], pages: Iterable[Page], registry: Registry
    ) -> None:
        self._service = service
        self._registry = registry
        self._pages = {page.name: page for page in pages}
        mine = sorted((rule for rule in rules if rule.service == service.name), key=lambda rule: rule.number)
        names = [rule.pool for rule in mine if rule.pool]
        self._pools = tuple(dict.fromkeys((*names, service.pool) if service.pool else names))

    def targets(self, cause: Cause) -> Iterator[FaultTarget]:
        """What to try, in order; nothing for a cause that `fault_on` leaves out."""
        if cause.value in self._service.fault_on:
            for step in dict.fromkeys(self._service.fault):
                yield from self._targets_of(step)
                if step.kind == "page" and step.name in self._pages:
                    return

    def _targets_of(self, step: FaultStep) -> Iterator[FaultTarget]:
        if step.kind == "active":
            yield from map(ServerStep, self.live_servers())
        elif step.kind == "pool" and step.name in self._registry.pools:
            yield PoolStep(step.name)
        elif step.kind == "local" and step.address is not None:
            yield LocalStep(step.address)
        elif step.kind == "page" and step.name in self._pages:
            yield PageStep(self._pages[step.name])

    def live_servers(self) -> Iterator[RealServer]:
        """The live servers by rule order, then server order, then of the service's own pool (K25).

        Each is judged when its turn comes.
        """
        return (server for pool in self._live_pools() for server in pool.servers if live(server))

    def _live_pools(self) -> Iterator[LivePool]:
        for name in self._pools:
            pool = self._registry.pools.get(name)
            if pool is not None:
                yield pool


def live(server: RealServer) -> bool:
    """Whether `active` may take a server.

    It is up, in nobody's way (not drained, not at its `max`), and the last connect to it did not fail.
    As in KTCPVS, weight and load are not looked at.
    """
    return server.available and server.reachable and server.takes_new and not server.overloaded
