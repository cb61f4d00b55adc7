from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError, TimeoutError  # noqa: A004
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.schedule import Trouble
from director.program.simulation.servers import PlayedServer


class Talk(Protocol):
    def __init__(self) -> None:
        self.got = b""
        self.end: Any = None

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.end = None if reason is None else reason.type


def dialled(trouble: str = "") -> tuple[SimulatedLoop, Talk, list[Any], Any]:
    loop = SimulatedLoop()
    server = PlayedServer(loop, "web/a")
    loop.network.places["10.0.0.1", 80] = server
    if trouble:
        server.begin(Trouble(0.0, "web/a", trouble, 99.0))
    talk = Talk()
    outcome: list[Any] = []
    connecting = TCP4ClientEndpoint(loop, "10.0.0.1", 80, timeout=5).connect(
        Factory.forProtocol(lambda: talk)
    )
    heard: Any = outcome.append
    connecting.addBoth(heard)
    return loop, talk, outcome, connecting


def test_an_endpoint_of_twisted_talks_to_a_played_server() -> None:
    loop, talk, outcome, _ = dialled()
    loop.run(1.0)
    assert outcome == [talk]
    assert talk.got.startswith(b"HTTP/1.1 200 ")
    assert talk.end is ConnectionDone
    assert loop.getDelayedCalls() == []
    assert not loop.network.own_ends()


@pytest.mark.parametrize(("trouble", "kind"), [("refuse", ConnectionRefusedError), ("silent", TimeoutError)])
def test_a_connect_fails_as_with_twisted(trouble: str, kind: type[Exception]) -> None:
    loop, _, outcome, _ = dialled(trouble)
    loop.run(10.0)
    assert outcome[0].check(kind)
    assert not loop.network.own_ends()


def test_a_connect_may_be_given_up() -> None:
    loop, _, outcome, connecting = dialled("silent")
    loop.run(1.0)
    connecting.cancel()
    assert outcome[0].check(CancelledError) or isinstance(outcome[0], Failure)
    assert loop.getDelayedCalls() == []


def test_an_abort_is_a_loss() -> None:
    loop, talk, _, _ = dialled("hang")
    loop.run(1.0)
    assert talk.transport is not None
    talk.transport.abortConnection()  # type: ignore[attr-defined]
    loop.run(2.0)
    assert talk.end is ConnectionLost
