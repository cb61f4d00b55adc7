"""A probe in a reactor of memory, and what became of it."""

from __future__ import annotations

from typing import Any

from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from director.health.io.probes import Probe
from director.health.schedule import CheckTarget
from director.model.pools import Address, Check
from director.registry.evidence import Result


class Watched:
    """A probe in a reactor of memory, and what became of it."""

    def __init__(self, check: Check, address: Address | None = None) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.results: list[Result] = []
        self.gone = 0
        target = CheckTarget(address or Address("10.0.0.1", 80), check)
        self.probe = Probe(self.reactor, self.reactor.seconds, target, self.results.append, self._gone)
        self.transport = StringTransport()
        self.protocol: Any = None
        self.probe.start()

    def _gone(self) -> None:
        self.gone += 1

    def accept(self) -> None:
        factory = self.reactor.tcpClients[0][2]
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def refuse(self, problem: Exception) -> None:
        self.reactor.tcpClients[0][2].clientConnectionFailed(None, Failure(problem))

    def close(self, problem: Exception | None = None) -> None:
        self.protocol.connectionLost(Failure(problem or error.ConnectionDone()))

    @property
    def words(self) -> list[tuple[bool | None, str]]:
        return [(result.alive, result.reason) for result in self.results]
