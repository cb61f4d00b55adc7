"""The fault chain: where a request goes, step by step, when its own pool cannot take it.

`FaultChain.targets(cause)` is asked once per request and gives targets one at a time:
the caller asks for the next when one leads nowhere.  Each step is judged when its turn
comes, so what an earlier failure taught (a server marked unreachable) counts.  A step
is never given twice for a request, and the built-in page stands at the end of every
chain, so a chain is as long as the configuration says, plus one.

Source: KTCPVS `fault_redirect` and `redirect_to_local` (`lvs-semantics` A.7; K24 to
K28).  The composition makes one chain per layer-7 service and generation; layer 7
carries targets out.  Nothing here connects, counts or knows a clock.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from director.model.http import L7Service, Page, Rule
from director.model.pools import Address, State

if TYPE_CHECKING:
    from director.registry.registry import LivePool, RealServer, Registry


class Cause(enum.Enum):
    """Why the fault path is taken (design 5)."""

    NO_SERVER = "no_server"
    CONNECT_FAILED = "connect_failed"
    QUEUE_TIMEOUT = "queue_timeout"


BUILT_IN_PAGE = Page("built-in", body=b"", status=503)
"""The end of every chain; its body is made where it is sent, because it shows the id of the request."""


@frozen(eq=False)
class ToServer:
    """Claim this server (`selection.claim`) and connect once."""

    server: RealServer
    kind: str = "active"

    @property
    def value(self) -> RealServer:
        """The server."""
        return self.server


@frozen
class ToPool:
    """Select a server of this pool."""

    name: str
    kind: str = "pool"

    @property
    def value(self) -> str:
        """The pool's name."""
        return self.name


@frozen
class ToLocal:
    """Send the client's request, whole, to this address, as if it had connected there."""

    address: Address
    kind: str = "local"

    @property
    def value(self) -> Address:
        """The address."""
        return self.address


@frozen
class ToPage:
    """Answer with this page."""

    page: Page
    kind: str = "page"

    @property
    def value(self) -> Page:
        """The page."""
        return self.page


Target = ToServer | ToPool | ToLocal | ToPage


class FaultChain:
    """The chain of one service.

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

    def targets(self, cause: str) -> Iterator[Target]:
        """What to try, in order; the last one is always a page.

        `cause` is a value of `Cause`; ValueError for another.  Today every cause walks the same steps.
        """
        Cause(cause)
        return self._walk()

    def pairs(self, cause: str) -> Iterator[tuple[str, object]]:
        """The same as (`active`, `pool`, `local` or `page`; server, name, address or page).

        The built-in page is left out: it is what the caller sends when nothing is left.
        """
        found = self.targets(cause)
        return ((one.kind, one.value) for one in found if one.value is not BUILT_IN_PAGE)

    def _walk(self) -> Iterator[Target]:
        for step in dict.fromkeys(self._service.fault):
            if step.kind == "active":
                server = self.first_live()
                if server is not None:
                    yield ToServer(server)
            elif step.kind == "pool" and step.name in self._registry.pools:
                yield ToPool(step.name)
            elif step.kind == "local" and step.address is not None:
                yield ToLocal(step.address)
            elif step.kind == "page" and step.name in self._pages:
                yield ToPage(self._pages[step.name])
                return
        yield ToPage(BUILT_IN_PAGE)

    def first_live(self) -> RealServer | None:
        """The first live server in rule order, then server order, then of the service's own pool (K25)."""
        return next((server for pool in self._live_pools() for server in pool.servers if live(server)), None)

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
    return server.available and server.reachable and server.state is State.READY and not server.overloaded
