"""One client side: commands carried out in order, deadlines told with what the streams know."""

from __future__ import annotations

from typing import Any, cast

import pytest

from director.l7.io.backend import Backends
from director.l7.io.frontend import CLOSE_SECONDS, ClientSide
from director.l7.io.queue import Queues
from director.l7.proxy.commands import Do, Expired, Happened, ToClient
from director.l7.routing.facts import Peer
from tests.support.playbook import World, pool


class FakeStream:
    """Counts and writes down; the real one passes the tests of `stream`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.socket: object | None = self
        self.is_blocked = False
        self.progress = 0

    def __getattr__(self, name: str) -> Any:
        return lambda *data: self.calls.append(" ".join((name, *(one.decode() for one in data))))


class Desk:
    """A client side without a socket."""

    def __init__(self) -> None:
        self.world = World(pool("web", "a"))
        self.time = 0.0
        self.shell: Any = type("Shell", (), {})()
        self.shell.reactor = self
        self.shell.queues = Queues()
        self.shell.backends = Backends(self)
        self.handle = self.world.handle
        self.left: list[ClientSide] = []
        self.later: list[Any] = []
        listening: Any = self
        self.side: Any = ClientSide(listening, Peer("192.0.2.7", 1, "198.51.100.1", 80))
        self.stream = cast("Any", FakeStream())
        self.side.stream = self.stream

    def seconds(self) -> float:
        return self.time

    def callLater(self, seconds: float, act: Any) -> None:  # noqa: N802 - IReactorTime
        assert seconds == 0
        self.later.append(act)

    def gone(self, side: ClientSide) -> None:
        self.left.append(side)

    def expect(self, monkeypatch: pytest.MonkeyPatch, commands: list[Any]) -> list[Any]:
        """The conversation answers the next events with these commands; returns the events."""
        events: list[Any] = []

        def receive(event: Any, now: float) -> list[Any]:
            events.append(event)
            return commands if len(events) == 1 else []

        self.side.conversation = type("Talk", (), {})()
        talk: Any = self.side.conversation
        talk.receive, talk.deadline, talk.client_ended, talk.exchange, talk.closing = (
            receive, 0.0, False, None, False,
        )  # fmt: skip
        return events


def test_commands_are_carried_out_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.expect(
        monkeypatch, [ToClient(b"a"), Do.PAUSE_CLIENT, ToClient(b"b"), Do.RESUME_CLIENT, Do.END_CLIENT]
    )
    desk.side.tell(Happened.DRAIN)
    assert desk.stream.calls == ["write a", "pause", "write b", "resume", "end"]


@pytest.mark.parametrize("command", list(Do))
def test_every_command_can_be_carried_out_without_a_server(
    command: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk()
    desk.expect(monkeypatch, [command])
    desk.side.tell(Happened.DRAIN)
    assert "abort" not in desk.stream.calls or command is Do.ABORT_CLIENT


def test_a_server_that_blocks_outlasts_what_the_conversation_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.side.server_blocked()
    desk.expect(monkeypatch, [Do.RESUME_CLIENT])
    desk.side.tell(Happened.DRAIN)
    assert desk.stream.calls == ["pause"]
    desk.side.server_drained()
    assert desk.stream.calls == ["pause", "resume"]


def test_a_deadline_says_who_holds_things_up_and_whether_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    events = desk.expect(monkeypatch, [])
    desk.stream.is_blocked, desk.stream.progress = True, 7
    desk.side.check(1.0)
    desk.side.check(1.0)
    desk.stream.is_blocked, desk.stream.progress = False, 9
    desk.side.check(1.0)
    assert all(isinstance(one, Expired) for one in events)
    assert [(one.client_stalls, one.moving) for one in events] == [
        (True, True),
        (True, False),
        (False, False),
    ]


def test_a_client_that_takes_what_it_is_given_is_waited_for_in_a_later_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    events = desk.expect(monkeypatch, [Do.AWAIT_CLIENT])
    desk.side.tell(Happened.DRAIN)
    assert events == [Happened.DRAIN]
    desk.later.pop()()
    assert events == [Happened.DRAIN, Happened.CLIENT_TAKES]


def test_a_client_that_does_not_take_is_waited_for_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    events = desk.expect(monkeypatch, [Do.AWAIT_CLIENT])
    desk.stream.is_blocked = True
    desk.side.tell(Happened.DRAIN)
    assert desk.later == []
    desk.stream.is_blocked = False
    desk.side.drained()
    desk.side.drained()
    assert events == [Happened.DRAIN, Happened.CLIENT_TAKES]


def test_a_close_that_makes_no_progress_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.expect(monkeypatch, [Do.CLOSE_CLIENT])
    desk.side.tell(Happened.DRAIN)
    desk.side.conversation.deadline = float("inf")
    desk.stream.progress = 5
    desk.side.check(CLOSE_SECONDS)
    assert "abort" not in desk.stream.calls
    desk.side.check(2 * CLOSE_SECONDS)
    assert desk.stream.calls[-1] == "abort"


def test_time_in_which_the_loop_stood_still_counts_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    before = desk.side.conversation.deadline
    desk.side.postpone(3.0)
    assert desk.side.conversation.deadline == before + 3.0
    events = desk.expect(monkeypatch, [Do.CLOSE_CLIENT])
    desk.side.tell(Happened.DRAIN)
    desk.side.conversation.deadline = float("inf")
    desk.side.conversation.postpone = lambda _: None
    desk.side.postpone(3.0)
    desk.side.check(CLOSE_SECONDS + 2.0)
    assert (events, desk.stream.calls) == ([Happened.DRAIN], ["close"])
    desk.side.check(CLOSE_SECONDS + 3.0)
    assert desk.stream.calls == ["close", "abort"]


def test_a_client_that_leaves_is_signed_off_once() -> None:
    desk = Desk()
    desk.side.lost("connection reset")
    assert desk.left == [desk.side]
