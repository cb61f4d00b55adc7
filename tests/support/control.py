"""The other end of one process that follows, in the same loop; its clients and servers are real."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from director.l7.io.sharing import share
from director.model.http import L7Service
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration, Settings
from director.program.processes.channel import Channel
from director.program.processes.orphan import WORKER, orphans, release
from director.program.processes.relay import Relay
from director.program.processes.worker import WorkerProgram
from director.program.version import VERSION
from director.registry.books import MappedBooks
from director.registry.cells import Geometry
from director.registry.changes import Change, plan
from director.registry.io.segment import create
from director.registry.registry import Registry
from director.store.values import packed
from tests.support.in_loop import Stoppable
from tests.support.loops import Loop, fetched, loop_of
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
        self.channel.hand(f"127.0.0.1 {address.port}", sock.fileno())
        self.open.append(sock)

    def begin(self) -> None:
        self.hand(self.address)
        self.ask("begin", {
            "version": VERSION, "label": "1", "column": 1, "processes": 1,
            "settings": packed(self.read.settings), "state_dir": str(self.folder),
            "access_log": str(self.folder / "access.log"), "run": "abc",
            "author": "start", "changes": packed(tuple(plan(Configuration(), self.read))), "files": {},
            "given": [list(one) for one in self.books.all_given()], "verdicts": [],
            "faults": [],
            "certificates": [],
        })  # fmt: skip

    def prepare(self, *changes: Change) -> None:
        self.ask("prepare", {"author": "ops", "changes": packed(changes), "files": {}})

    def commit(self) -> None:
        self.ask("commit", {"given": [list(one) for one in self.books.news()]})

    def fetch(self, port: int = 0) -> bytes:
        """What a client gets."""
        return fetched(self.loop, port or self.port)


@contextmanager
def controlled(folder: Path, origin: Origin) -> Iterator[Control]:
    """One worker that has begun; stopped when the test did not do that."""
    with loop_of() as loop:
        made = Control(loop, folder, origin)
        made.begin()
        yield made
        if not made.reactor.stopped:
            if made.channel.open:
                made.ask("stop", 0.0)
            else:
                release(orphans(folder, WORKER))
            loop.turn(lambda: made.reactor.stopped)
        made.channel.close()
        loop.quiet()
        for sock in made.open:
            sock.close()


def _same(end: Channel) -> Channel:
    return end
