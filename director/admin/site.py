"""The HTTP server of the admin: Twisted's Site with limits on connections.

Two sites serve the same routes: one on `[admin] listen`, one on the control socket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import MutableMapping
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.server import Site

from director.admin.channel import AdminChannel, AdminRequest
from director.admin.resource import AdminResource
from director.admin.turns import Turns

CONNECTIONS = 256
"""Connections of one site at once."""
PER_PEER = 128
"""Of these, by one address."""
IDLE_SECONDS = 30


class AdminSite(Site):
    """A site with limits.  It keeps no access log: a query may hold a secret.

    A newcomer who finds no room gets the place of who has been waiting longest without a whole request,
    among all or among those of the same address; only while all are being served is a newcomer closed.

    Args:
        counted: where what is cut (`connections_cut`) and refused (`connections_refused`) is counted.
    """

    displayTracebacks = False  # noqa: N815
    noisy = False

    def __init__(
        self, resource: AdminResource, reactor: IReactorTime, turns: Turns, counted: MutableMapping[str, int]
    ) -> None:
        super().__init__(
            resource,
            requestFactory=AdminRequest,
            parsePOSTFormSubmission=False,
            timeout=IDLE_SECONDS,
            reactor=reactor,
        )
        self.turns = turns
        self.connections = 0
        self._counted = counted
        self._by_peer: Counter[str] = Counter()
        self._waiting: dict[AdminChannel, None] = {}

    def buildProtocol(  # type: ignore[override]
        self, addr: IAddress | None
    ) -> AdminChannel | None:
        """A channel, or None when there is no room."""
        if not self._room(str(getattr(addr, "host", ""))):
            self._counted["connections_refused"] += 1
            return None
        channel: Any = AdminChannel()
        channel.factory = self
        channel.site = self
        channel.requestFactory = self.requestFactory
        channel.timeOut = self.timeOut
        channel.callLater = self.reactor.callLater
        made: AdminChannel = channel
        return made

    def _room(self, peer: str) -> bool:
        if self._by_peer[peer] >= PER_PEER:
            longest = next((one for one in self._waiting if one.peer == peer), None)
        elif self.connections >= CONNECTIONS:
            longest = next(iter(self._waiting), None)
        else:
            return True
        if longest is None:
            return False
        longest.cut()
        return True

    # -- what channels tell --

    def opened(self, channel: AdminChannel) -> None:
        """One more."""
        self.connections += 1
        self._by_peer[channel.peer] += 1
        self._waiting[channel] = None

    def busy(self, channel: AdminChannel) -> None:
        """Its request is whole: from now on it is we who let it wait."""
        self._waiting.pop(channel, None)

    def idle(self, channel: AdminChannel) -> None:
        """It was served, and is the last whose place is taken."""
        self._waiting[channel] = None

    def closed(self, channel: AdminChannel) -> None:
        """One less."""
        self.connections -= 1
        self._by_peer[channel.peer] -= 1
        if not self._by_peer[channel.peer]:
            del self._by_peer[channel.peer]
        self._waiting.pop(channel, None)

    def cut(self, channel: AdminChannel) -> None:
        """It was too slow, or in the way."""
        self._counted["connections_cut"] += 1
        self._waiting.pop(channel, None)

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """For TLS's ALPN."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """No log file is opened."""

    def stopFactory(self) -> None:
        """No log file is closed."""

    def log(self, request: object) -> None:
        """Nothing: see above."""
