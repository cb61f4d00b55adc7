"""A crew: all follow a change or none, and what ends is replaced; shown with workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from director.errors import DirectorError
from director.program.processes import channel, crew, follower
from director.program.version import VERSION
from tests.support.crews import NOTHING, Crews, crews
from tests.support.in_loop import InLoop
from tests.support.origin import Origin
from tests.support.said import said


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


@pytest.fixture
def program(tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crews]:
    with crews(tmp_path, origin.port, monkeypatch) as made:
        yield made


def test_what_one_cannot_take_nobody_takes(program: Crews, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_one_that_ends_is_replaced_and_its_claims_come_back(program: Crews) -> None:
    server: Any = program.current.registry.pools["web"].by_name["a"]
    dead = program.one()
    own = program.workers._shared.segment.table(dead.column)
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
    program: Crews, monkeypatch: pytest.MonkeyPatch
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


def test_one_that_does_not_answer_is_killed(program: Crews, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = program.one()
    monkeypatch.setattr(hung, "beat", lambda: None)
    hung.heard -= 10
    program.workers._last_look = program.loop.reactor.seconds()
    with said() as lines:
        program.workers._look()
        program.loop.turn(lambda: program.workers._processes[0] not in (None, hung) and program.one().begun)
    assert lines[0] == "error: worker 1 has not answered for 3s and is killed"


def test_nobody_is_blamed_for_a_pause_of_the_control_process(program: Crews) -> None:
    one = program.one()
    one.heard -= 10
    program.workers._last_look -= 10
    program.workers._look()
    assert program.one() is one


def test_nobody_is_blamed_for_a_busy_machine(program: Crews, monkeypatch: pytest.MonkeyPatch) -> None:
    one = program.one()
    monkeypatch.setattr(one, "starved", lambda: 9.0)
    one.heard -= 10
    program.workers._last_look = program.loop.reactor.seconds()
    program.workers._look()
    assert program.one() is one


def test_a_process_that_the_system_does_not_give_is_tried_again(
    program: Crews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: InLoop, segment: int) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    good = InLoop.spawn
    monkeypatch.setattr(InLoop, "spawn", fails)
    dead = program.one()
    with said() as lines:
        monkeypatch.setattr(dead, "born", dead.born - 3600)
        dead.end("by SIGKILL")
        program.loop.turn(lambda: program.workers._deaths[0] == 3)
    [_, told] = [line for line in lines if "worker 1" in line]
    assert told.startswith("error: worker 1 cannot be started: [Errno 11] Resource temporarily unavailable; ")
    assert program.workers._deaths[0] == 3, "once, and after longer and longer pauses"
    monkeypatch.setattr(InLoop, "spawn", good)
    program.loop.turn(lambda: program.workers._processes[0] is not None and program.one().begun)


def test_they_are_started_with_the_change_that_brings_work(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with crews(tmp_path, origin.port, monkeypatch, listen=NOTHING) as program:
        assert program.workers.there == []
        assert program.workers.reasons() == []
        program.write()
        assert program.reload() is None
        assert [one.begun for one in program.workers.there] == [True, True]
        assert program.fetch(program.port).startswith(b"HTTP/1.1 200 ")


def test_one_of_another_version_does_not_begin_and_says_so(
    program: Crews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "VERSION", "9.9")
    with said() as lines:
        program.one().end("by SIGKILL")
        program.loop.turn(lambda: program.workers._deaths[0] == 4)
    [_, told] = [line for line in lines if "worker 1" in line]
    assert told == (
        "error: worker 1 cannot begin, and is tried again: its program is of version 9.9 and cannot work "
        f"for the running {VERSION}; run `director upgrade`"
    ), "once"
    monkeypatch.undo()
    monkeypatch.setattr(crew, "Process", InLoop)
    program.loop.turn(lambda: program.workers._processes[0] is not None and program.one().begun)


def test_one_that_was_too_busy_to_hear_of_a_change_is_replaced(
    program: Crews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pipe is full: it would serve on with what was before, and nobody would know."""
    monkeypatch.setattr(channel, "WAITING", 2)
    busy = program.one(1)
    monkeypatch.setattr(busy.channel, "_waiting", 2)
    program.write(f", 127.0.0.1:{program.second}")
    with said() as lines:
        assert program.reload() is None
    assert any("worker 2 could not follow a change and is replaced" in line for line in lines)
    program.loop.turn(lambda: program.workers._processes[1] is not None and program.one(1).begun)
    assert program.one(1) is not busy
    for _ in range(4):
        assert program.fetch(program.second).startswith(b"HTTP/1.1 200 ")
