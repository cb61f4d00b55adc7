"""One client side: commands carried out in order, deadlines told with what the streams know."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
from attrs import evolve

from director.l7.io.frontend import CLOSE_SECONDS, ClientSide
from director.l7.io.queue import Queues
from director.l7.proxy.commands import (
    CONNECTION,
    ONLY_STREAM,
    Do,
    DropServer,
    EndServer,
    Expired,
    Happened,
    KeepServer,
    LeaveQueue,
    Open,
    ProxyCommand,
    ProxyEvent,
    ServerBytes,
    ServerEnded,
    ServerFailed,
    ServerReady,
    SlotFree,
    ToClient,
    ToServer,
    Wait,
)
from director.l7.routing.facts import Peer
from director.l7.routing.service import ServiceHandle
from director.model.pools import Address, OnDown, State
from director.registry.changes import Ordered, PoolChanged
from tests.support.playbook import World, pool
from tests.support.said import said


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
        self.shell.backends = self
        self.servers: list[Any] = []
        self.kept: list[Any] = []
        self.dropped: list[Any] = []
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

    def expect(self, *commands: ProxyCommand, deadline: float = math.inf) -> FakeDoor:
        """The conversation answers the next event with these commands."""
        door = FakeDoor(list(commands), deadline)
        self.side.door = door
        return door

    def take(self, key: str, caller: Any, careful: bool) -> Any:
        """No connection is idle."""

    def connect(self, address: Address, caller: Any, manner: object = None) -> Any:
        """A connection to a server."""
        server = type("Server", (), {})()
        server.stream, server.client, server.address = FakeStream(), caller, str(address)
        self.servers.append(server)
        return server

    def keep(self, server: Any, limit: int, now: float) -> None:
        self.kept.append(server)

    def drop(self, server: Any, now: float) -> None:
        self.dropped.append(server)


class FakeDoor:
    """A conversation that says what it was told to; `events` are what it heard."""

    repeats = client_ended = multiplexes = False

    def __init__(self, commands: list[ProxyCommand], deadline: float) -> None:
        self.commands = commands
        self.deadline = deadline
        self.events: list[Any] = []
        self.streams: tuple[int, ...] = (ONLY_STREAM,)

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        self.events.append(event)
        commands, self.commands = self.commands, []
        return commands

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        raise ZeroDivisionError

    def server_bytes(self, data: bytes, now: float, stream: int = 1) -> list[ProxyCommand]:
        return self.receive(ServerBytes(stream, data), now)

    def server_reused(self, stream: int, now: float) -> list[ProxyCommand]:
        return self.receive(ServerReady(stream, True), now)

    def due(self, now: float) -> tuple[int, ...]:
        return self.streams

    def postpone(self, seconds: float) -> None:
        self.deadline += seconds

    def move(self, handle: ServiceHandle) -> None:
        raise NotImplementedError

    def wanted(self) -> int:
        return 0

    def fail(self) -> list[ProxyCommand]:
        return [LeaveQueue(3), DropServer(3), DropServer(5), Do.ABORT_CLIENT]


def test_commands_are_carried_out_in_order() -> None:
    desk = Desk()
    desk.expect(ToClient(b"a"), Do.PAUSE_CLIENT, ToClient(b"b"), Do.RESUME_CLIENT, Do.END_CLIENT)
    desk.side.tell(Happened.DRAIN)
    assert desk.stream.calls == ["write a", "pause", "write b", "resume", "end"]


@pytest.mark.parametrize("command", list(Do))
def test_every_command_can_be_carried_out_without_a_server(
    command: Do,
) -> None:
    desk = Desk()
    desk.expect(command)
    desk.side.tell(Happened.DRAIN)
    assert "abort" not in desk.stream.calls or command is Do.ABORT_CLIENT


def test_a_server_that_blocks_outlasts_what_the_conversation_wants() -> None:
    desk = Desk()
    link = desk.side._link(ONLY_STREAM)
    link.server_blocked()
    desk.expect(Do.RESUME_CLIENT)
    desk.side.tell(Happened.DRAIN)
    assert desk.stream.calls == ["pause"]
    link.server_drained()
    assert desk.stream.calls == ["pause", "resume"]


def test_a_deadline_says_who_holds_things_up_and_whether_it_moves() -> None:
    desk = Desk()
    events = desk.expect(deadline=0.0).events
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


def test_a_client_that_takes_what_it_is_given_is_waited_for_in_a_later_turn() -> None:
    desk = Desk()
    events = desk.expect(Do.AWAIT_CLIENT).events
    desk.side.tell(Happened.DRAIN)
    assert events == [Happened.DRAIN]
    desk.later.pop()()
    assert events == [Happened.DRAIN, Happened.CLIENT_TAKES]


def test_a_client_that_does_not_take_is_waited_for_until_it_does() -> None:
    desk = Desk()
    events = desk.expect(Do.AWAIT_CLIENT).events
    desk.stream.is_blocked = True
    desk.side.tell(Happened.DRAIN)
    assert desk.later == []
    desk.stream.is_blocked = False
    desk.side.drained()
    desk.side.drained()
    assert events == [Happened.DRAIN, Happened.CLIENT_TAKES]


def test_a_close_that_makes_no_progress_is_cut() -> None:
    desk = Desk()
    desk.expect(Do.CLOSE_CLIENT)
    desk.side.tell(Happened.DRAIN)
    desk.stream.progress = 5
    desk.side.check(CLOSE_SECONDS)
    assert "abort" not in desk.stream.calls
    desk.side.check(2 * CLOSE_SECONDS)
    assert desk.stream.calls[-1] == "abort"


def test_time_in_which_the_loop_stood_still_counts_for_nobody() -> None:
    desk = Desk()
    before = desk.side.door.deadline
    desk.side.postpone(3.0)
    assert desk.side.door.deadline == before + 3.0
    events = desk.expect(Do.CLOSE_CLIENT).events
    desk.side.tell(Happened.DRAIN)
    desk.side.postpone(3.0)
    desk.side.check(CLOSE_SECONDS + 2.0)
    assert (events, desk.stream.calls) == ([Happened.DRAIN], ["close"])
    desk.side.check(CLOSE_SECONDS + 3.0)
    assert desk.stream.calls == ["close", "abort"]


def test_a_client_that_leaves_is_signed_off_once() -> None:
    desk = Desk()
    desk.side.lost("connection reset")
    assert desk.left == [desk.side]


# --- many exchanges at a time -------------------------------------------------------------------------


def two() -> tuple[Desk, Any, Any, FakeDoor]:
    """Exchanges 3 and 5 each have a server of their own."""
    desk = Desk()
    door = desk.expect(Open(3, Address("10.0.0.3", 80), True), Open(5, Address("10.0.0.5", 80), True))
    desk.side.tell(Happened.DRAIN)
    three, five = desk.servers
    return desk, three, five, door


def test_each_exchange_has_a_server_of_its_own() -> None:
    desk, three, five, door = two()
    assert (three.address, five.address) == ("10.0.0.3:80", "10.0.0.5:80")
    door.commands = [ToServer(5, b"b"), ToServer(3, b"a"), EndServer(3)]
    desk.side.tell(Happened.DRAIN)
    assert (three.stream.calls, five.stream.calls) == (["write a", "end"], ["write b"])
    door.commands = [KeepServer(5), DropServer(3), ToServer(3, b"late")]
    desk.side.tell(Happened.DRAIN)
    assert (desk.kept, desk.dropped) == ([five], [three])
    assert list(desk.side._links) == [ONLY_STREAM], "what nobody needs is forgotten"


def test_what_a_server_says_names_its_exchange() -> None:
    _, three, five, door = two()
    three.client.server_connected()
    five.client.server_received(b"x")
    three.client.server_ended()
    five.client.server_lost("connection reset")
    heard = [(type(one), one.stream) for one in door.events[1:]]
    assert heard == [(ServerReady, 3), (ServerBytes, 5), (ServerEnded, 3), (ServerFailed, 5)]


def test_a_client_is_held_back_until_all_servers_take() -> None:
    desk, three, five, _ = two()
    three.client.server_blocked()
    five.client.server_blocked()
    three.client.server_drained()
    assert desk.stream.calls == ["pause", "pause"]
    five.client.server_drained()
    assert desk.stream.calls[-1] == "resume"


def test_all_servers_are_held_back_for_a_client_that_does_not_take() -> None:
    desk, three, five, _ = two()
    desk.side.blocked()
    desk.side.drained()
    assert three.stream.calls == five.stream.calls == ["pause", "resume"]


def test_each_exchange_has_its_place_in_the_queue() -> None:
    desk = Desk()
    pool_ = desk.world.registry.pools["web"]
    pool_.waiting = 2
    door = desk.expect(Wait(3, pool_), Wait(5, pool_), LeaveQueue(3))
    desk.side.tell(Happened.DRAIN)
    (told,) = door.events[1:]
    assert isinstance(told, SlotFree)
    assert told.stream == 5
    assert pool_.waiting == 0


def test_each_deadline_that_passed_is_told() -> None:
    desk, _, five, door = two()
    five.stream.is_blocked = True
    door.deadline, door.streams = 1.0, (3, 5, CONNECTION)
    desk.side.check(1.0)
    assert [(one.stream, one.server_stalls) for one in door.events[1:]] == [
        (3, False), (5, True), (CONNECTION, False),
    ]  # fmt: skip


def test_a_defect_ends_all_exchanges_of_a_connection() -> None:
    desk, three, five, _ = two()
    with said("director.l7") as lines:
        desk.side.received(b"boom")
    assert len(lines) == 1
    assert desk.dropped == [three, five]
    assert desk.stream.calls[-1] == "abort"


@pytest.mark.parametrize(("on_down", "heard"), [(OnDown.CLOSE, [ServerFailed]), (OnDown.KEEP, [])])
def test_work_on_a_server_that_goes_down_ends_where_the_pool_says_so(
    on_down: OnDown, heard: list[type]
) -> None:
    """Design 3: `on_down`; another server's work and what runs to a local server goes on."""
    desk = Desk()
    registry = desk.world.registry
    config = evolve(registry.pools["web"].config, on_down=on_down)
    registry.apply([PoolChanged(config), Ordered("web", "a", State.MAINT)], "test", 0.0, 0.0)
    door = desk.expect(Open(3, desk.world.server("a")), Open(5, Address("127.0.0.1", 80)))
    desk.side.tell(Happened.DRAIN)
    gone, local = desk.servers
    desk.side.cut_down()
    assert [type(one) for one in door.events[1:]] == heard
    assert gone.stream.calls == (["abort"] if heard else [])
    assert local.stream.calls == []
