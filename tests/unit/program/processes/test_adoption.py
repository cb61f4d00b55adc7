"""A worker that was left alone goes on under another control process; both in one loop, over true sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.protocol import Factory

from director.model.pools import State
from director.model.settings import Configuration
from director.program.processes import adoption as adopting
from director.program.processes import counts
from director.program.processes.adoption import Adoption, adoption
from director.program.processes.channel import Channel
from director.program.processes.orphan import WORKER, orphans, release
from director.program.version import VERSION
from director.registry.books import MappedBooks
from director.registry.changes import Ordered, plan
from director.registry.io.segment import Segment
from director.registry.registry import Registry
from director.store.values import packed
from tests.support.control import Control, controlled
from tests.support.origin import Origin
from tests.support.registries import FirstFit
from tests.support.said import said

HUNG = """
import sys, time
from director.registry.io.segment import attach
segment = attach(int(sys.argv[1]))
segment.occupy(2)
print("occupies", flush=True)
time.sleep(60)
"""


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    monkeypatch.setattr(counts, "SLOTS", 16)
    with Origin() as origin, controlled(tmp_path, origin) as made:
        yield made


def left_alone(control: Control) -> None:
    """Its control process is gone, and it has noticed."""
    control.channel.close()
    control.loop.turn(lambda: list(control.folder.glob("worker-*.sock")))


def found(control: Control, configuration: Configuration, workers: int = 1) -> Adoption:
    """What the next one finds, which waits for the answers of what runs in this loop."""
    done: list[Adoption] = []
    thread = Thread(target=lambda: done.append(adoption(configuration, workers)))
    thread.start()
    control.loop.turn(lambda: done)
    thread.join()
    return done[0]


class Next:
    """The next control process."""

    def __init__(self, control: Control, wanted: Configuration, *orders: Ordered) -> None:
        self.control = control
        self.adoption: Any = found(control, wanted)
        assert self.adoption.pids == {os.getpid()}
        self.place = ("127.0.0.1", control.port)
        entrance: Any = self.adoption.entrance(self.place, 0)
        with entrance:
            self.listens = entrance.getsockname()
        segment = self.adoption.segment
        assert segment is not None
        self.books = MappedBooks(segment.table(0), gives=True)
        self.books.inherit(self.adoption.given)
        self.adoption.begin(self.books)
        self.registry = Registry(FirstFit, self.books)
        self.changes = (*plan(Configuration(), wanted), *orders)
        self.registry.apply(self.changes, "start", 0.0, 0.0)
        adoptee = self.adoption.take(1)
        assert adoptee is not None
        assert adoptee.pid == os.getpid()
        control.channel = Channel({"event": control.events.append, "room": lambda _: None})
        adoptee.sock.setblocking(False)
        factory = Factory.forProtocol(lambda: control.channel)
        control.loop.reactor.adoptStreamConnection(adoptee.sock.fileno(), socket.AF_UNIX, factory)
        adoptee.close()

    def adopt(self, **facts: Any) -> Any:
        wanted = self.registry.configuration
        return self.control.ask("adopt", {
            "version": VERSION, "settings": packed(wanted.settings), "author": "start",
            "changes": packed(self.changes), "files": {}, "verdicts": [], "faults": [],
            "given": [list(one) for one in self.books.all_given()],
            **facts,
        })  # fmt: skip


def test_it_goes_on_as_it_is_and_follows_what_differs(control: Control) -> None:
    left_alone(control)
    live: Any = control.program._replica.registry.pools["web"].servers[0]
    lease = live.lease(None)
    pool = control.read.pools[0]
    wanted = evolve(control.read, pools=(evolve(pool, servers=(evolve(pool.servers[0], weight=9),)),))
    heir = Next(control, wanted, Ordered("web", "a", State.DRAIN))
    seen: Any = heir.registry.pools["web"].servers[0]
    assert (seen.slot, seen.generation, seen.active) == (live.slot, live.generation, 1)
    assert heir.listens == heir.place
    assert heir.adopt()["pid"] == os.getpid()
    assert control.program._replica.registry.pools["web"].servers == (live,)
    assert (live.weight, live.state) == (9, State.DRAIN)
    lease.release()
    assert seen.active == 0
    assert control.fetch().startswith(b"HTTP/1.1 ")
    control.loop.turn(lambda: not list(control.folder.glob("worker-*.sock")))
    heir.adoption.over(control.folder)
    left_alone(control)
    release(orphans(control.folder, WORKER))
    control.loop.turn(lambda: control.reactor.stopped)


def test_one_that_counts_elsewhere_says_so(control: Control) -> None:
    left_alone(control)
    heir = Next(control, control.read)
    slots = [[*one[:2], one.slot + 1, one.generation] for one in heir.books.all_given()]
    with pytest.raises(Exception, match="counts elsewhere"):
        heir.adopt(given=slots)


@pytest.mark.parametrize(
    ("change", "workers", "why"),
    [
        ({"trace": 5}, 1, "they began with another name, log, trace or access_log in [director]"),
        ({}, 2, "they are not 2 worker(s)"),
        ({"version": "0.0"}, 1, f"they are of version 0.0, this one is {VERSION}"),
        ({"l7": ()}, 1, "there is no service for them any more"),
    ],
)
def test_who_cannot_be_adopted_goes_on_waiting(
    control: Control, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], workers: int, why: str
) -> None:
    if "version" in change:
        monkeypatch.setattr("director.program.processes.orphan.VERSION", change["version"])
    left_alone(control)
    settings = evolve(control.read.settings, trace=change.get("trace", control.read.settings.trace))
    wanted = evolve(control.read, settings=settings, l7=change.get("l7", control.read.l7))
    with said() as lines:
        assert not found(control, wanted, workers).pids
    assert lines == [f"warn: processes of an earlier run are replaced, not adopted: {why}"]
    control.loop.quiet()
    assert list(control.folder.glob("worker-*.sock"))
    assert not control.reactor.stopped


def test_one_of_them_that_does_not_answer_is_killed(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopting, "PATIENCE", 0.2)
    left_alone(control)
    program = [sys.executable, "-c", HUNG, str(control.segment.descriptor)]
    descriptors = (control.segment.descriptor,)
    with subprocess.Popen(program, stdout=subprocess.PIPE, pass_fds=descriptors) as hung:
        assert hung.stdout is not None
        assert hung.stdout.readline() == b"occupies\n"
        with said() as lines:
            adopted = found(control, control.read)
        assert adopted.pids == {os.getpid()}
        adopted.over(control.folder)
        assert hung.wait(10) == -9
    assert lines[0] == f"error: process {hung.pid} of an earlier run does not answer and is killed"


def test_without_anybody_there_is_nothing(tmp_path: Path, control: Control) -> None:
    settings = evolve(control.read.settings, state_dir=str(tmp_path / "other"))
    elsewhere = evolve(control.read, settings=settings)
    assert not adoption(elsewhere, 1).pids
    assert not adoption(control.read, 0).pids


def test_the_memory_is_that_of_the_one_before(control: Control) -> None:
    left_alone(control)
    heir = Next(control, control.read)
    assert isinstance(heir.adoption.segment, Segment)
    control.segment.words[100] = 77
    assert heir.adoption.segment.words[100] == 77
    heir.adopt()
