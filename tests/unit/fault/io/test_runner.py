"""A run in a time that the test makes pass, on a stage that writes down what it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from director.errors import DirectorError
from director.fault.io import runner as module
from director.fault.io.load import LoadTarget
from director.fault.io.runner import LAST_SECONDS, DrillRun
from director.fault.samples import DrillRequest, FaultTold
from director.model.drills import Drill, DrillStep
from director.model.pools import Address
from tests.unit.fault.sample_runs import STEPS, drill, sample


class MemoryStage:
    """A program in which everything works at once."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.takes = {"web/a": True, "web/b": True}
        self.counts = (0, 0)
        self.hit: dict[str, tuple[int, int]] = {}
        self.real: list[dict[str, Any]] = []
        self.starting: Deferred[Any] | None = None
        self.broken: Exception | None = None
        self.connections: dict[int, str] = {}

    def target(self, _: Drill) -> LoadTarget:
        return LoadTarget(Address("127.0.0.1", 80), "127.1.2.3")

    def believe(self, _: Drill, source: str) -> Deferred[None]:
        self.asked.append(("believe", source))
        return succeed(None)

    def start_fault(self, name: str, seed: int, ttl: float) -> Deferred[FaultTold]:
        self.asked.append(("start", name, seed, round(ttl, 3)))
        if self.broken is not None:
            raise self.broken
        told = FaultTold(name, ("web/a",), "hang")
        return succeed(told) if self.starting is None else self.starting.addCallback(lambda _: told)

    def stop_faults(self, names: Sequence[str]) -> Deferred[None]:
        self.asked.append(("stop", *names))
        return succeed(None)

    def order(self, verb: str, servers: Sequence[str]) -> Deferred[None]:
        self.asked.append((verb, *servers))
        return succeed(None)

    def reload(self) -> Deferred[None]:
        self.asked.append("reload")
        return succeed(None)

    def counted(self) -> Deferred[Mapping[str, tuple[int, int]]]:
        return succeed(self.hit)

    def eligible(self) -> Mapping[str, bool]:
        return dict(self.takes)

    def answers(self, _: Drill) -> tuple[int, int]:
        return self.counts

    def flows(self, up_to: int | None = None) -> Deferred[Mapping[int, str]]:
        self.asked.append(("flows", up_to))
        return succeed(dict(self.connections))

    def trace(self, _: str) -> Deferred[Mapping[str, Any] | None]:
        return succeed(sample(1).trace)

    def traces(self, _: Drill, limit: int) -> Sequence[Mapping[str, Any]]:
        return self.real[:limit]


class MemoryLoad:
    """Answers every request at once with 200, or never."""

    answers = True

    def __init__(self, *facts: Any) -> None:
        *_, done = facts
        self.under_way: set[int] = set()
        self._done = done

    def send(self, one: DrillRequest) -> None:
        if self.answers:
            one.status, one.whole, one.seconds = 200, True, 0.01
            self._done(one)
        else:
            self.under_way.add(one.number)

    def give_up(self) -> None:
        self.under_way.clear()


class World:
    """A clock, a stage, and a run on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, answers: bool = True) -> None:
        monkeypatch.setattr(module, "Load", type("Load", (MemoryLoad,), {"answers": answers}))
        self.clock = Clock()
        self.stage = MemoryStage()
        self.ended: list[Any] = []

    def run(self, made: Drill, **more: Any) -> DrillRun:
        run = DrillRun(self.clock, self.stage, made, 7, "r", **more)
        run.run().addBoth(self.ended.append)
        return run

    def until(self, seconds: float) -> None:
        while self.clock.seconds() < seconds - 1e-9:
            self.clock.advance(0.01)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


GOOD = drill(during="ok >= 99%", after="ok >= 99%")


def test_a_whole_run(world: World) -> None:
    run = world.run(GOOD)
    world.stage.hit = {"x": (5, 2)}
    world.until(4.2)
    assert run.over
    record = run.record
    assert world.stage.asked == [
        ("believe", "127.1.2.3"), ("start", "x", 7, 119.0), ("stop", "x"), ("stop", "x"), ("believe", ""),
    ]  # fmt: skip
    assert len(record.samples) == 40
    assert {name: round(at, 1) for name, at in record.begins.items()} == {
        "baseline": 0.0, "inject": 1.0, "heal": 3.0, "recover": 3.0,
    }  # fmt: skip
    assert [one.phase for one in record.samples].count("inject") == 20
    assert record.faults == [FaultTold("x", ("web/a",), "hang", hits=5, checks=2)]
    assert run.sheet()["verdict"] == "pass"
    assert world.clock.getDelayedCalls() == []


def test_servers_that_leave_and_come_back(world: World) -> None:
    run = world.run(GOOD)
    world.until(1.5)
    world.stage.takes["web/a"] = False
    world.until(3.5)
    world.stage.takes["web/a"] = True
    world.until(4.2)
    marks = run.record.marks
    assert marks["detect"] == pytest.approx(0.5, abs=0.1)
    assert marks["recover"] == pytest.approx(0.5, abs=0.1)
    assert run.record.begins["recover"] == pytest.approx(3.5, abs=0.1)
    said = [one.text for one in run.record.happenings if one.kind == "server"]
    assert said == ["web/a takes no work any more", "web/a takes work again"]


def test_who_never_comes_back_is_never_recovered(world: World) -> None:
    run = world.run(GOOD)
    world.until(1.5)
    world.stage.takes["web/a"] = False
    world.until(4.2)
    assert "recover" not in run.record.begins
    assert "recover" not in run.record.marks


def test_a_step_is_waited_for_until_all_processes_know(world: World) -> None:
    run = world.run(GOOD)
    world.stage.starting = Deferred()
    world.until(1.5)
    count = len(run.record.samples)
    assert count == 10
    world.stage.starting.callback(None)
    # What was due meanwhile is made up for.
    assert len(run.record.samples) == 15


def test_a_control_run_injects_nothing(world: World) -> None:
    run = world.run(GOOD, control=True)
    world.until(4.2)
    assert world.stage.asked == [("believe", "127.1.2.3"), ("believe", "")]
    assert [one.phase for one in run.record.samples].count("inject") == 20


def test_what_was_ordered_is_put_back(world: World) -> None:
    steps = (DrillStep(0.5, "drain", ("web/a",)), DrillStep(1.0, "reload"), DrillStep(1.5, "end"))
    world.run(evolve(GOOD, steps=steps))
    world.until(2.0)
    assert world.stage.asked[1:] == [("drain", "web/a"), "reload", ("ready", "web/a"), ("believe", "")]


def test_halted_by_a_reason(world: World) -> None:
    run = world.run(evolve(drill("untagged 5xx > 10%", during="ok >= 1%")))
    world.until(1.5)
    world.stage.counts = (40, 30)
    world.until(2.5)
    assert run.over
    assert run.record.halted.startswith("untagged 5xx > 10%: ")
    assert ("stop", "x") in world.stage.asked
    assert run.sheet()["verdict"] == "void"


def test_own_answers_are_not_untagged(world: World) -> None:
    run = world.run(drill("untagged 5xx > 10%", during="ok >= 1%"))
    world.until(2.9)
    answered = [one for one in run.record.samples if one.phase == "inject"]
    world.stage.counts = (len(answered) + 20, 1)
    world.until(3.0)
    assert run.record.untagged[0] <= 21
    assert run.record.halted == ""


def test_stopped_by_hand(world: World) -> None:
    run = world.run(GOOD)
    world.until(1.5)
    run.stop("stopped by hand")
    assert run.over
    assert run.sheet()["why"][0] == "halted: stopped by hand"
    assert world.stage.asked[-2:] == [("stop", "x"), ("believe", "")]


def test_a_fault_that_cannot_be_started_ends_it(world: World) -> None:
    world.stage.broken = DirectorError("no such fault")
    run = world.run(GOOD)
    world.until(1.5)
    assert run.over
    assert run.record.halted == "it failed: no such fault"


def test_answers_are_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, answers=False)
    run = world.run(GOOD)
    world.until(4.0 + LAST_SECONDS - 0.5)
    assert not run.over
    world.until(4.0 + LAST_SECONDS + 0.5)
    assert run.over
    assert run.record.length == pytest.approx(4.0, abs=0.1)


def test_without_load_real_traffic_is_looked_at(world: World) -> None:
    def real(identity: str, **more: Any) -> dict[str, Any]:
        return {
            "id": identity, "service": "www", "method": "GET", "target": "/", "status": 200,
            "times": {"total": 0.2}, **(sample(1).trace or {}), **more,
        }  # fmt: skip

    world.stage.real = [real("before")]
    run = world.run(evolve(GOOD, load=(), steps=STEPS))
    world.until(1.5)
    world.stage.real = [real("second", status=0, outcome="client_gone"), real("first"), real("before")]
    world.until(4.2)
    assert [one.identity for one in run.record.samples] == ["first", "second"]
    assert [one.whole for one in run.record.samples] == [True, False]
    assert run.record.samples[0].phase == "inject"


FLOWS = drill(during="flows >= 100%", after="flows >= 50%")


def test_connections_of_layer_4_that_are_kept(world: World) -> None:
    """Of those that were established: one ends as it should, one is reset, one is forgotten."""
    run = world.run(FLOWS)
    world.stage.connections = {1: "ESTABLISHED", 2: "ESTABLISHED", 3: "ESTABLISHED", 4: "UDP", 5: "SYN_RECV"}
    world.until(2.0)
    world.stage.connections = {1: "ESTABLISHED", 2: "FIN_WAIT", 3: "CLOSE", 4: "UDP", 6: "ESTABLISHED"}
    world.until(3.5)
    del world.stage.connections[4]
    world.until(4.2)
    assert run.record.flows == {"during": (3, 4), "after": (2, 4)}
    assert [one for one in world.stage.asked if one[0] == "flows"] == [("flows", None), *[("flows", 4)] * 2]
    found = {one["text"]: (one["held"], one["seen"]) for one in run.sheet()["expectations"]}
    assert found == {
        "flows >= 100%": (False, "3 of 4 connections (75.00%)"),
        "flows >= 50%": (True, "2 of 4 connections (50.00%)"),
    }


def test_without_connections_none_can_be_lost_and_that_proves_nothing(world: World) -> None:
    run = world.run(FLOWS)
    world.until(4.2)
    sheet = run.sheet()
    assert sheet["verdict"] == "void"
    assert "no connection of layer 4 was established before, so none could be lost" in sheet["why"]


def test_who_expects_nothing_of_connections_does_not_ask(world: World) -> None:
    world.run(GOOD)
    world.until(4.2)
    assert "flows" not in {one[0] for one in world.stage.asked}
