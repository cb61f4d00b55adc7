"""Workers as a part: all follow a change or none, what ends is replaced, and all is shown as one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from director.errors import DirectorError
from director.program.configuration import read
from director.program.parts import Parts
from director.program.processes import workers
from director.program.processes.workers import Workers
from director.program.running import Running
from director.program.service import counts
from director.registry.changes import weight
from director.store.io.file import FileStore
from tests.support.in_loop import InLoop
from tests.support.loops import Loop, loop_of
from tests.support.origin import Origin
from tests.support.running import free_port
from tests.support.said import said

GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Program:
    """What runs in the control process, and two workers."""

    def __init__(self, loop: Loop, folder: Path, origin: Origin) -> None:
        self.loop, self.path = loop, folder / "director.ini"
        self.port, self.second, self.origin = free_port(), free_port(), origin.port
        self.write()
        first = read(str(self.path))
        segment, books = counts(2)
        assert segment is not None
        assert books is not None
        self.current = Running(first, FileStore(folder / "var", loop.reactor), loop.reactor, Random(1), books)
        self.current.overrides.load()
        settings = first.require().settings
        self.workers = Workers(self.current, segment, books, loop.reactor, 2, settings, "abc", "off")
        self.parts = Parts([self.current, self.workers])
        self.outcome(self.parts.take(self.current.of_file(first, "start")))
        self.outcome(self.workers.start())

    def write(self, more: str = "") -> None:
        self.path.write_text(
            f"[director]\nstate_dir = var\n[l7:www]\nlisten = 127.0.0.1:{self.port}{more}\npool = web\n"
            f"[pool:web]\nserver.a = 127.0.0.1:{self.origin} max=3\n"
        )

    def outcome(self, work: Deferred[Any]) -> Any:
        done: list[Any] = []
        work.addBoth(done.append)
        self.loop.turn(lambda: done)
        return done[0]

    def reload(self) -> Any:
        found = self.current.of_file(read(str(self.path), self.current.candidate.files), "test")
        return self.outcome(self.parts.take(found))

    def fetch(self, port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 2) as client:
            client.sendall(GET)
            client.setblocking(False)
            got = bytearray()

            def ended() -> bool:
                try:
                    piece = client.recv(65536)
                except BlockingIOError:
                    return False
                got.extend(piece)
                return not piece

            self.loop.turn(ended)
        return bytes(got)

    def one(self, index: int = 0) -> InLoop:
        found: Any = self.workers._processes[index]
        assert isinstance(found, InLoop)
        return found


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture
def program(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setattr(workers, "Process", InLoop)
    with loop_of() as loop:
        made = Program(loop, tmp_path, origin)
        yield made
        stopping = made.workers.stop(0.0)
        there: list[Any] = made.workers._there
        loop.turn(lambda: all(one.program.reactor.stopped for one in there))
        for one in there:
            one.end("by itself")
        made.outcome(stopping)
        loop.quiet()


def test_clients_are_served_and_all_is_shown_as_one(program: Program) -> None:
    for _ in range(8):
        assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")
    program.outcome(program.workers.refreshed("requests"))
    server = program.current.registry.pools["web"].by_name["a"]
    assert server.requests.requests == 8
    assert server.load == 0
    traces = program.workers.traces(100)
    assert len({one["id"] for one in traces}) == 8
    assert [one["time"] for one in traces] == sorted((one["time"] for one in traces), reverse=True)
    assert program.outcome(program.workers.trace(traces[3]["id"])) == traces[3]
    assert program.outcome(program.workers.trace("nobody")) is None
    assert sum(program.workers.said("traces")) == 8
    assert program.workers.listeners() == [("www", f"127.0.0.1:{program.port}", 0)]
    assert [one.name for one in program.workers.processes()] == ["worker 1", "worker 2"]


def test_a_change_is_answered_when_all_have_it(program: Program) -> None:
    program.write(f", 127.0.0.1:{program.second}")
    assert program.reload() is None
    assert program.fetch(program.second).startswith(b"HTTP/1.1 200 ")
    change = weight(program.current.registry.configuration, "web", "a", 7)
    program.outcome(program.parts.take(program.current.of_changes([change], "ops")))
    for index in range(2):
        assert program.one(index).program._replica.registry.pools["web"].by_name["a"].weight == 7


def test_what_one_cannot_take_nobody_takes(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise DirectorError("no room here")

    monkeypatch.setitem(program.one(1).program.channel._answers, "prepare", refuse)
    program.write(f", 127.0.0.1:{program.second}")
    assert program.reload().getErrorMessage() == "worker 2: no room here"
    assert program.current.registry.generation == 1
    program.loop.quiet()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", program.second)) != 0
    monkeypatch.undo()
    assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")


def test_one_that_ends_is_replaced_and_its_claims_come_back(program: Program) -> None:
    server: Any = program.current.registry.pools["web"].by_name["a"]
    dead = program.one()
    own = program.workers._segment.table(dead.column)
    own.words[own.own(server.slot, 0)] = 2
    assert server.active == 2
    with said() as lines:
        dead.end("by SIGKILL")
        program.loop.turn(lambda: program.workers._processes[0] not in (None, dead) and program.one().begun)
    assert server.active == 0
    assert "worker 1 (process 4242) ended by SIGKILL after" in lines[0]
    for _ in range(8):
        assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")


def test_one_that_keeps_ending_comes_back_after_longer_and_longer_pauses(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    class Clock:
        """Remembers what is put off."""

        def callLater(self, pause: float, *_: object) -> None:  # noqa: N802 - Twisted's name
            pauses.append(pause)

    monkeypatch.setattr(program.workers, "_reactor", Clock())
    for deaths in range(9):
        program.workers._deaths[0] = deaths
        program.workers._again(0)
    monkeypatch.undo()
    assert pauses == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_one_that_does_not_answer_is_killed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = program.one()
    monkeypatch.setattr(hung, "beat", lambda: None)
    hung.heard -= 10
    program.workers._last_look = program.loop.reactor.seconds()
    with said() as lines:
        program.workers._look()
        program.loop.turn(lambda: program.workers._processes[0] not in (None, hung) and program.one().begun)
    assert lines[0] == "error: worker 1 has not answered for 3s and is killed"


def test_nobody_is_blamed_for_a_pause_of_the_control_process(program: Program) -> None:
    one = program.one()
    one.heard -= 10
    program.workers._last_look -= 10
    program.workers._look()
    assert program.one() is one


def test_who_asks_while_figures_are_under_way_waits_for_the_next_ones(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    one = program.one()
    ask = one.channel.ask

    def heard(word: str, value: Any = None) -> Deferred[Any]:
        asked.append(word)
        return ask(word, value)

    monkeypatch.setattr(one.channel, "ask", heard)
    done: list[None] = []
    for _ in range(50):
        program.workers.refreshed().addCallback(done.append)
    program.loop.turn(lambda: len(done) == 50)
    assert asked.count("figures") <= 2


def test_news_reach_all(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, object]] = []
    for index in range(2):
        monkeypatch.setattr(
            program.one(index).channel, "tell", lambda word, value=None: told.append((word, value))
        )
    program.workers.verdict("127.0.0.1:1", "alive", True)
    program.workers.verdict("127.0.0.1:2", "alive", None)
    program.loop.quiet()
    program.workers.wake()
    program.workers._room("web", 0)
    program.workers.reopen()
    program.workers.cut("are cut")
    verdicts = [("127.0.0.1:1", "alive", True), ("127.0.0.1:2", "alive", None)]
    assert told == [
        *[("verdicts", verdicts)] * 2, *[("room", "")] * 2, ("room", "web"), *[("reopen", None)] * 2,
        *[("cut", "are cut")] * 2,
    ]  # fmt: skip
    monkeypatch.undo()


def test_a_process_that_the_system_does_not_give_is_tried_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: InLoop, segment: int) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    good = InLoop.spawn
    monkeypatch.setattr(InLoop, "spawn", fails)
    dead = program.one()
    with said() as lines:
        monkeypatch.setattr(dead, "born", dead.born - 3600)
        dead.end("by SIGKILL")
        program.loop.turn(lambda: any("cannot be started" in line for line in lines))
    assert program.workers._deaths[0] == 1, "the next one comes after a pause"
    monkeypatch.setattr(InLoop, "spawn", good)
    program.loop.turn(lambda: program.workers._processes[0] is not None and program.one().begun)
    assert succeed(None).called
