"""The new program's side, with the old one's channel in the same loop."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.model.pools import Address
from director.program.parts import Part, Parts
from director.program.processes.bequest import leave
from director.program.processes.channel import Channel
from director.program.upgrade.heritage import LET_GO, READY, REFUSED, Heritage, heritage
from director.program.upgrade.pidfile import PidFile
from director.program.upgrade.successor import VARIABLE
from tests.support.loops import Loop, loop_of


class Noted(Part):
    """Says when it starts and lets go."""

    def __init__(self, journal: list[str], name: str) -> None:
        self.journal, self.name = journal, name

    def start(self) -> None:
        self.journal.append(f"{self.name} starts")

    def let_go(self) -> None:
        self.journal.append(f"{self.name} lets go")


class Sole(Noted):
    alone = True


class Both:
    """A heritage, and the program before it."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.loop, self.folder = loop, folder
        self.journal: list[str] = []
        self.parts = Parts([Sole(self.journal, "admin"), Noted(self.journal, "layer 7")])
        self.pidfile = PidFile({"pidfile": str(folder / "pid")})
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        here, there = socket.socketpair()
        leave(here, {f"l7 127.0.0.1 {self.port} 0": self.listening.fileno(), "other": 0})
        self.made = heritage(self.pidfile, {VARIABLE: str(there.detach())})
        self.before = Channel({LET_GO: self.answer(LET_GO), READY: self.ready, REFUSED: self.journal.append})
        here.setblocking(False)
        factory = Factory.forProtocol(lambda: self.before)
        loop.reactor.adoptStreamConnection(here.fileno(), socket.AF_UNIX, factory)
        here.close()

    def answer(self, word: str) -> Any:
        return lambda _: self.journal.append(word)

    def ready(self, told: dict[str, Any]) -> None:
        assert told["pid"] == os.getpid()
        self.journal.append(READY)

    def start(self, *reasons: str) -> list[Any]:
        done: list[Any] = []
        self.made.start(self.loop.reactor, self.parts, lambda: reasons, self.folder).addBoth(done.append)
        return done


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    with loop_of() as loop:
        made = Both(loop, tmp_path)
        yield made
        made.listening.close()
        made.before.close()
        loop.quiet()


def test_what_there_can_be_one_only_of_starts_when_the_other_has_let_go(both: Both) -> None:
    taken = both.made.address(Address("127.0.0.1", both.port))
    assert taken is not None
    with taken:
        assert taken.getsockname() == ("127.0.0.1", both.port)
        assert not taken.getblocking()
    assert both.made.address(Address("127.0.0.1", both.port)) is None, "once"
    done = both.start()
    both.loop.turn(lambda: done)
    assert done == [None]
    assert both.journal == ["layer 7 starts", LET_GO, "admin starts", READY]
    assert not both.made.pending
    assert (both.folder / "pid").read_text() == str(os.getpid())
    assert both.made.take("other") is None, "what nobody wants is closed"
    both.made.give_back(both.parts)
    assert both.journal[-1] == READY, "it is this one's now"


def test_one_that_does_not_serve_asks_for_nothing_and_touches_nothing(both: Both) -> None:
    done = both.start("no worker serves")
    both.loop.turn(lambda: done)
    failure = done[0]
    assert isinstance(failure, Failure)
    both.made.refuse(failure)
    both.loop.turn(lambda: both.journal[-1] == "no worker serves")
    assert both.journal == ["layer 7 starts", "no worker serves"]
    both.made.give_back(both.parts)
    assert both.journal[-2:] == ["admin lets go", "layer 7 lets go"]
    assert not (both.folder / "pid").exists()


def test_one_that_is_killed_before_it_has_let_go_has_let_go(both: Both) -> None:
    """One that is stopped stops the new one first, so it is nobody's director any more."""
    both.before.close()
    both.loop.quiet()
    done = both.start()
    both.loop.turn(lambda: done)
    assert done == [None]
    assert both.journal == ["layer 7 starts", "admin starts"]
    assert not both.made.pending


def test_the_end_of_the_other_behind_it_does_not_matter(both: Both) -> None:
    both.ready = lambda _: Deferred()  # type: ignore[assignment, method-assign]
    both.before._answers = {LET_GO: both.answer(LET_GO), READY: both.ready}
    done = both.start()
    both.loop.turn(lambda: "admin starts" in both.journal)
    both.before.close()
    both.loop.turn(lambda: done)
    assert done == [None]
    assert not both.made.pending


def test_without_another_program_all_begins_as_ever(tmp_path: Path) -> None:
    journal: list[str] = []
    parts = Parts([Sole(journal, "admin"), Noted(journal, "layer 7")])
    nothing = heritage(PidFile(), {})
    assert nothing.address(Address("127.0.0.1", 80)) is None
    nothing.start(None, parts, tuple, tmp_path)
    assert journal == ["admin starts", "layer 7 starts"]
    nothing.give_back(parts)
    assert len(journal) == 2
    with pytest.raises(DirectorError, match="why"):
        nothing.refuse(Failure(DirectorError("why")))


def test_what_systemd_gave_is_for_this_process() -> None:
    here, there = socket.socketpair()
    with here:
        leave(here, {})
        environment = {VARIABLE: str(there.detach()), "LISTEN_PID": "1", "LISTEN_FDS": "2"}
        found = heritage(PidFile(), environment)
        assert environment == {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}
        assert isinstance(found, Heritage)
        found._before.close()
