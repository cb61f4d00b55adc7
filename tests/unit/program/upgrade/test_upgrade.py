"""The running program's side, with a new one that does what the test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from director.admin.control import Succeeded, WaitingReload
from director.errors import ChangeRefused, DirectorError
from director.model.settings import Configuration
from director.program.parts import Part, Parts
from director.program.processes.channel import Answer
from director.program.upgrade import upgrade
from director.program.upgrade.heritage import LET_GO, READY, REFUSED
from director.program.upgrade.starting import Starting
from director.program.upgrade.upgrade import LINGERING, STARTING, Upgrade
from tests.support.candidates import candidate


class New:
    """A new program."""

    refused: OSError | None = None

    def __init__(self, _reactor: Any, answers: Mapping[str, Answer], ended: Any) -> None:
        self.answers, self.ended, self.ends = answers, ended, list[int]()
        self.pid = 0

    def start(self, starting: Starting, left: Mapping[str, int]) -> None:
        if self.refused is not None:
            raise self.refused
        assert starting.command == ("twistd", "-n")
        assert left == {"one": 7}
        self.pid = 4711

    def end(self, number: int = 15) -> None:
        self.ends.append(number)


class Kept(Part):
    """A part that has something to hand over."""

    def __init__(self) -> None:
        self.journal: list[str] = []

    def bequest(self) -> dict[str, int]:
        return {"one": 7}

    def let_go(self) -> None:
        self.journal.append("let go")

    def go_on(self) -> None:
        self.journal.append("go on")


class Bench:
    """An upgrade and all that it meets."""

    def __init__(self) -> None:
        self.clock, self.part = Clock(), Kept()
        self.away: list[int] = []
        self.unconfirmed: WaitingReload | None = None
        self.upgrade = Upgrade(
            self.clock, Starting(("twistd", "-n"), "/"), lambda: self.unconfirmed, self.away.append
        )
        self.upgrade.learn(Parts([self.part]))

    @property
    def new(self) -> Any:
        return self.upgrade._new

    def run(self) -> list[Any]:
        done: list[Any] = []
        self.upgrade.run("ops").addBoth(done.append)
        return done


def words(done: list[Any]) -> str:
    return str(done[0].getErrorMessage())


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(upgrade, "Successor", New)
    monkeypatch.setattr(New, "refused", None)
    made = Bench()
    yield made
    assert made.clock.getDelayedCalls() == []


def test_the_one_who_asked_is_answered_when_the_new_one_serves(bench: Bench) -> None:
    done = bench.run()
    assert isinstance(bench.new.answers[LET_GO](None), Deferred)
    assert bench.part.journal == ["let go"]
    assert done == []
    bench.new.answers[READY]({"pid": 4711, "version": "2.0"})
    assert done == [Succeeded(4711, "2.0")]
    assert bench.away == [4711]
    bench.new.ended("it ended by SIGKILL")
    assert bench.part.journal == ["let go"], "whatever becomes of it, it is the director now"
    with pytest.raises(ChangeRefused, match="process 4711 goes on"):
        bench.upgrade.check(candidate(Configuration()))
    assert "under way" in words(bench.run())


def test_one_that_ends_before_it_is_given_anything_changes_nothing(bench: Bench) -> None:
    done = bench.run()
    bench.new.ended("it ended with status 1:\n3 problems")
    assert words(done).endswith("it ended with status 1:\n3 problems")
    assert bench.part.journal == []
    bench.upgrade.check(candidate(Configuration()))
    again = bench.run()
    bench.new.answers[REFUSED]("no worker serves")
    assert "no worker serves" in words(again)
    bench.new.ended("it ended by itself")


def test_one_that_ends_when_it_was_given_all_is_taken_back_from(bench: Bench) -> None:
    done = bench.run()
    bench.new.answers[LET_GO](None)
    bench.new.ended("it ended by SIGKILL")
    assert bench.part.journal == ["let go", "go on"]
    assert "this one goes on: it ended by SIGKILL" in words(done)
    assert bench.away == []


def test_one_that_takes_too_long_is_let_go_and_can_have_nothing_any_more(bench: Bench) -> None:
    done = bench.run()
    bench.clock.advance(STARTING)
    assert f"it does not serve after {STARTING:g}s" in words(done)
    for word in (LET_GO, READY):
        with pytest.raises(DirectorError, match="given up"):
            bench.new.answers[word]({"pid": 1, "version": "2"})
    assert bench.part.journal == []
    bench.clock.advance(LINGERING)
    assert bench.new.ends == [15, 9]


def test_one_at_a_time_and_none_while_a_reload_waits_or_the_system_refuses(bench: Bench) -> None:
    done = bench.run()
    assert "under way" in words(bench.run())
    bench.new.ended("it ended by itself")
    assert done
    bench.unconfirmed = WaitingReload(7, "ops", 60.0, "off")
    assert "generation 7 waits to be confirmed" in words(bench.run())
    bench.unconfirmed = None
    New.refused = OSError(11, "Resource temporarily unavailable")
    assert "cannot be started: [Errno 11]" in words(bench.run())
    New.refused = None
    bench.run()
    bench.upgrade.stop(1.0)
    assert bench.new.ends == [15]
    bench.upgrade.stop(1.0)
    assert bench.new.ends == [15]
