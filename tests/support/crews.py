"""The control process's side of several processes, with both crews, whose processes run in the same loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from director.program.certificates import Certificates
from director.program.configuration import read
from director.program.parts import Parts
from director.program.processes import crew
from director.program.processes.adoption import Adoption
from director.program.processes.counts import counts
from director.program.processes.crew import Crew, Shared
from director.program.processes.layer4_apart import Layer4Apart
from director.program.processes.workers import Workers
from director.program.running import Running
from director.store.io.file import FileStore
from tests.support.in_loop import InLoop
from tests.support.loops import Loop, fetched, loop_of
from tests.support.running import free_port

NOTHING = "nothing"
"""No layer-7 service at all."""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Crews:
    """What runs in the control process, two workers, and layer 4 when `write` asks for it."""

    def __init__(self, loop: Loop, folder: Path, origin: int, listen: str, more: str) -> None:
        self.loop, self.path = loop, folder / "director.ini"
        self.port, self.second, self.origin = free_port(), free_port(), origin
        self.write(listen, more)
        first = read(str(self.path))
        segment, books = counts(2)
        assert segment is not None
        assert books is not None
        self.current = Running(first, FileStore(folder / "var", loop.reactor), loop.reactor, Random(1), books)
        self.current.overrides.load()
        settings = first.require().settings
        shared = Shared(self.current, segment, books, settings, 2, Adoption())
        self.workers = Workers(shared, loop.reactor, "abc", "off", Certificates().store)
        self.layer4 = Layer4Apart(shared, loop.reactor, self.workers.room)
        self.parts = Parts([self.current, self.layer4, self.workers])
        self.outcome(self.parts.take(self.current.of_file(first, "start")))
        self.outcome(self.parts.start())

    def write(self, listen: str = "", more: str = "") -> None:
        www = f"[l7:www]\nlisten = 127.0.0.1:{self.port}{listen}\npool = web\n"
        web = f"[pool:web]\nserver.a = 127.0.0.1:{self.origin} max=3\n"
        self.path.write_text(f"[director]\nstate_dir = var\n{web}{'' if listen == NOTHING else www}{more}")

    def outcome(self, work: Deferred[Any]) -> Any:
        done: list[Any] = []
        work.addBoth(done.append)
        self.loop.turn(lambda: done)
        return done[0]

    def reload(self) -> Any:
        found = self.current.of_file(read(str(self.path), self.current.candidate.files), "test")
        return self.outcome(self.parts.take(found))

    def fetch(self, port: int) -> bytes:
        """What a client gets."""
        return fetched(self.loop, port)

    def one(self, index: int = 0, crew: Crew | None = None) -> InLoop:
        found: Any = (crew or self.workers)._processes[index]
        assert isinstance(found, InLoop)
        return found

    def stop(self) -> None:
        """Let all end."""
        done: list[object] = []
        self.parts.stop(0.0).addBoth(done.append)

        def ended() -> bool:
            for one in (*self.workers.there, *self.layer4.there):
                found: Any = one
                if found.program.reactor.stopped:
                    found.end("by itself")
            return bool(done)

        self.loop.turn(ended)
        self.loop.quiet()


@contextmanager
def crews(
    folder: Path, origin: int, patch: pytest.MonkeyPatch, listen: str = "", more: str = ""
) -> Iterator[Crews]:
    """Started, and stopped."""
    patch.setattr(crew, "Process", InLoop)
    with loop_of() as loop:
        made = Crews(loop, folder, origin, listen, more)
        yield made
        made.stop()
