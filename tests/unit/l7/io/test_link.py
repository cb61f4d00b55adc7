"""One link with fakes on both sides; what a whole client's side does is tried in `test_frontend`."""

from __future__ import annotations

from typing import Any, cast

from director.l7.io.link import ServerLink
from director.l7.proxy.commands import ProxyEvent, ServerBlocked, ServerDrained, ServerFailed


class Side:
    """A client's side that notes what it is told."""

    def __init__(self, *, multiplexes: bool) -> None:
        self.told: list[ProxyEvent] = []
        self.calls: list[str] = []
        self.forgotten: list[int] = []
        self.door = cast("Any", self)
        self.stream = cast("Any", self)
        self.multiplexes = multiplexes
        self.is_blocked = False

    def tell(self, event: ProxyEvent) -> None:
        self.told.append(event)

    def deliver(self, way_in: Any, *what: Any) -> None:
        way_in(*what)

    def forget(self, number: int) -> None:
        self.forgotten.append(number)

    def resume(self) -> None:
        self.calls.append("resume")

    def pause(self) -> None:
        self.calls.append("pause")


def test_one_after_the_other_the_client_is_held_back() -> None:
    side = Side(multiplexes=False)
    link = ServerLink(side, 1)
    link.server_blocked()
    link.server_drained()
    assert (side.calls, side.told) == (["pause", "resume"], [])


def test_of_many_only_the_stream_is_held_back() -> None:
    side = Side(multiplexes=True)
    link = ServerLink(side, 5)
    link.server_blocked()
    link.server_drained()
    assert side.calls == []
    assert [type(event) for event in side.told] == [ServerBlocked, ServerDrained]


def test_a_connection_that_was_given_up_tells_nobody() -> None:
    side = Side(multiplexes=True)
    link = ServerLink(side, 5)
    link.server_lost("reset")
    assert side.told == []
    link.server = cast("Any", type("Server", (), {"client": link, "stream": side})())
    link.server_lost("reset")
    assert isinstance(side.told[0], ServerFailed)
    assert side.forgotten == [5]
