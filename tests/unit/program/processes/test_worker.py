"""The program of a worker, told what to do over its channel; its clients and servers are real."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from director.l7.io.sharing import share
from director.model.http import L7Service
from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration, Settings
from director.program.processes.channel import Channel
from director.program.processes.relay import Relay
from director.program.processes.worker import WORDS, WorkerProgram
from director.registry.cells import Geometry
from director.registry.changes import Change, Ordered, plan
from director.registry.io.segment import create
from director.registry.mapped import MappedBooks
from director.registry.registry import Registry
from director.store.values import packed
from tests.support.in_loop import Stoppable
from tests.support.loops import Loop, loop_of
from tests.support.origin import Origin
from tests.support.registries import FirstFit
from tests.support.running import free_port

GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Control:
    """The other end: a registry that gives out the slots, and the worker's channel."""

    def __init__(self, loop: Loop, folder: Path, origin: Origin) -> None:
        self.loop, self.folder = loop, folder
        self.port = free_port()
        self.address = Address("127.0.0.1", self.port)
        pool = Pool("web", (Server("a", Address("127.0.0.1", origin.port)),))
        www = L7Service("www", (self.address,), pool="web")
        self.read = Configuration(Settings(state_dir=str(folder)), pools=(pool,), l7=(www,))
        self.segment = create(Geometry(16, 3))
        self.books = MappedBooks(self.segment.table(0), gives=True)
        self.registry = Registry(FirstFit, self.books)
        self.registry.apply(plan(Configuration(), self.read), "test", 0.0, 0.0)
        self.events: list[Any] = []
        self.open: list[socket.socket] = []
        self.channel = Channel({"event": self.events.append, "room": lambda _: None})
        self.reactor = Stoppable(loop.reactor)
        self.program = WorkerProgram(self.reactor, os.dup(self.segment.descriptor), Relay())
        for end, sock in zip((self.channel, self.program.channel), socket.socketpair(), strict=True):
            sock.setblocking(False)
            factory = Factory.forProtocol(partial(_same, end))
            loop.reactor.adoptStreamConnection(sock.fileno(), socket.AF_UNIX, factory)
            sock.close()

    def ask(self, word: str, value: Any = None) -> Any:
        done: list[Any] = []
        self.channel.ask(word, value).addBoth(done.append)
        self.loop.turn(lambda: done)
        if isinstance(done[0], Failure):
            done[0].raiseException()
        return done[0]

    def hand(self, address: Address) -> None:
        [sock] = share(address, 1)
        self.channel.hand(f"127.0.0.1 {address.port}", sock)
        self.open.append(sock)

    def begin(self) -> None:
        self.hand(self.address)
        self.ask("begin", {
            "index": 1, "column": 1, "processes": 1, "settings": packed(self.read.settings),
            "state_dir": str(self.folder), "access_log": str(self.folder / "access.log"), "run": "abc",
            "author": "start", "changes": packed(tuple(plan(Configuration(), self.read))), "files": {},
            "given": [list(one) for one in self.books.all_given()], "verdicts": [], "faults": [],
        })  # fmt: skip

    def prepare(self, *changes: Change) -> None:
        self.ask("prepare", {"author": "ops", "changes": packed(changes), "files": {}})

    def commit(self) -> None:
        self.ask("commit", {"given": [list(one) for one in self.books.news()]})

    def fetch(self, port: int = 0) -> bytes:
        """What a client gets."""
        with socket.create_connection(("127.0.0.1", port or self.port), 2) as client:
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


@pytest.fixture
def control(tmp_path: Path, origin: Origin) -> Iterator[Control]:
    with loop_of() as loop:
        made = Control(loop, tmp_path, origin)
        made.begin()
        yield made
        if not made.reactor.stopped:
            made.ask("stop", 0.0)
            loop.turn(lambda: made.reactor.stopped)
        made.channel.close()
        loop.quiet()
        for sock in made.open:
            sock.close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as found:
        yield found


def test_it_serves_what_it_was_told_and_says_what_it_counted(control: Control) -> None:
    assert control.fetch().startswith(b"HTTP/1.1 200 ")
    told = control.ask("figures")
    counts = {tuple(one[:3]): one[3] for one in told["counts"]}
    assert counts["server", "web", "a"][1] == counts["service", "l7:www", ""][1] == 1
    assert told["process"]["traces"] == 1
    [trace] = control.ask("traces", 10)
    assert trace["id"].startswith("abc01-")
    assert control.ask("trace", trace["id"]) == trace
    assert control.ask("trace", "nobody") is None
    assert control.ask("beat") is True


def test_a_change_counts_when_it_is_committed(control: Control) -> None:
    second = Address("127.0.0.1", free_port())
    more = evolve(control.read, l7=(*control.read.l7, L7Service("more", (second,), pool="web")))
    changes = plan(control.read, more)
    control.hand(second)
    control.prepare(*changes)
    control.registry.apply(changes, "ops", 0.0, 0.0)
    assert "l7:more" not in control.program._replica.registry.services
    control.commit()
    assert control.fetch(second.port).startswith(b"HTTP/1.1 200 ")


def test_what_was_prepared_can_be_forgotten(control: Control) -> None:
    second = Address("127.0.0.1", free_port())
    more = evolve(control.read, l7=(*control.read.l7, L7Service("more", (second,), pool="web")))
    control.hand(second)
    control.prepare(*plan(control.read, more))
    control.ask("abandon")
    for sock in control.open[1:]:
        sock.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", second.port)) != 0
    with pytest.raises(Exception, match="nothing was prepared"):
        control.commit()
    assert control.fetch().startswith(b"HTTP/1.1 200 ")


def test_what_does_not_hold_is_refused_in_words(control: Control) -> None:
    with pytest.raises(Exception, match="No such pool: gone"):
        control.prepare(Ordered("gone", "a", State.DRAIN))


def test_verdicts_and_room_reach_those_who_choose(control: Control) -> None:
    checked = evolve(control.read, pools=(evolve(control.read.pools[0], checks=()),))
    registry = control.program._replica.registry
    assert checked == control.read
    control.ask("verdicts", [[f"{registry.pools['web'].servers[0].key}", "alive", False]])
    assert registry.verdicts() == [(registry.pools["web"].servers[0].key, "alive", False)]
    control.ask("verdicts", [[registry.pools["web"].servers[0].key, "alive", None]])
    assert registry.verdicts() == []
    control.ask("room", "web")


def test_its_lines_are_in_the_one_log_also_after_that_was_rotated(control: Control) -> None:
    control.fetch()
    control.ask("traces", 1)
    log = control.folder / "access.log"
    control.loop.turn(log.exists)
    control.loop.turn(lambda: b"/x" in log.read_bytes())
    log.rename(control.folder / "old.log")
    assert control.ask("reopen") is True
    control.fetch()
    control.ask("traces", 1)
    control.loop.turn(lambda: log.exists() and log.read_bytes().count(b"\n") == 1)


def test_it_ends_when_it_is_told_and_takes_nobody_new(control: Control) -> None:
    control.ask("stop", 5.0)
    control.loop.turn(lambda: control.reactor.stopped)


def test_it_serves_on_alone_and_retires_for_the_next_control_process(control: Control) -> None:
    control.channel.close()
    control.loop.turn(lambda: not control.program.channel.open)
    assert control.fetch().startswith(b"HTTP/1.1 200 ")
    [path] = control.folder.glob("worker-*.sock")
    with socket.socket(socket.AF_UNIX) as heir:
        heir.connect(str(path))
        heir.sendall(b"retire 5\n")
        control.loop.turn(lambda: control.reactor.stopped)


def test_a_signal_to_end_counts_only_when_nobody_else_says_when(control: Control) -> None:
    control.program.stop_by_signal()
    control.loop.quiet()
    assert not control.reactor.stopped
    control.channel.close()
    control.loop.turn(lambda: not control.program.channel.open)
    control.program.stop_by_signal()
    control.loop.turn(lambda: control.reactor.stopped)


def test_it_has_an_answer_for_each_word() -> None:
    assert all(callable(getattr(WorkerProgram, f"_{word}")) for word in WORDS)


def _same(end: Channel) -> Channel:
    return end
