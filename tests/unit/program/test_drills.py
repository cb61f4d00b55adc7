"""Drills in a program of which only the clock and the registry are real."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from director.errors import ChangeRefused, DirectorError
from director.model.drills import Drill, DrillStep, DrillTerm, Expectation, Fault, FaultAction
from director.model.http import L7Service
from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration, Settings
from director.model.tls import ListenerTLS
from director.program.candidate import Candidate
from director.program.drills import RUNS_KEPT, Drills, ProgramStage
from director.registry.changes import Change, Ordered, plan
from director.registry.registry import Registry
from director.registry.reports import ConnectionEntry, ConnectionPage, ConnectionQuery
from tests.support.registries import FirstFit

HANG = Fault("a hangs", (("web", "a"),), FaultAction("hang", "hang"))
DRILL = Drill(
    "x",
    "www",
    (
        DrillStep(1.0, "start", ("a hangs",)),
        DrillStep(2.0, "drain", ("web/b",)),
        DrillStep(3.0, "heal"),
        DrillStep(4.0, "end"),
    ),
    expect=(Expectation("during", DrillTerm("requests >= 1", "requests", value=1.0)),),
)
POOL = Pool("web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))))
SERVICE = L7Service("www", (Address("0.0.0.0", 8080),), pool="web")
CONFIGURATION = Configuration(
    settings=Settings(drills=True), pools=(POOL,), l7=(SERVICE,), faults=(HANG,), drills=(DRILL,)
)


class Traffic:
    """Layer 7 that remembers no request."""

    def __init__(self) -> None:
        self.believed: list[tuple[str, str]] = []
        self.seen: list[dict[str, Any]] = []

    def learn_from(self, injected: Any) -> None:
        self.injected = injected

    def inject(self, faults: Any) -> None:
        """None but this process."""

    def heal(self, names: Any) -> None:
        """None but this process."""

    def believe(self, service: str, source: str) -> None:
        self.believed.append((service, source))

    def said(self, name: str) -> Sequence[Any]:
        return [{}]

    def refreshed(self, route: str = "") -> None:
        """All is known."""

    def traces(self, limit: int) -> Sequence[dict[str, Any]]:
        return self.seen

    def trace(self, identity: str) -> dict[str, Any] | None:
        return None


class Packets(Traffic):
    """Layer 4 that forwards nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[ConnectionQuery] = []

    def laid(self) -> None:
        """No flow has to know."""

    def connections(self, wanted: ConnectionQuery) -> ConnectionPage:
        self.wanted.append(wanted)
        plain = ConnectionEntry(
            "TCP", "192.0.2.1:5000", "192.0.2.2:80", "10.0.0.1:80", "ESTABLISHED", 900.0, "l4:x", "x/a",
            "Masq", 3, template=False, id=7,
        )  # fmt: skip
        return ConnectionPage((plain, evolve(plain, id=6, state="NONE", template=True)))


class World:
    """The part over a registry."""

    def __init__(self, configuration: Configuration = CONFIGURATION) -> None:
        self.registry = Registry(FirstFit)
        self.registry.apply(plan(Configuration(), configuration), "start", 0.0, 0.0)
        self.clock = Clock()
        self.traffic = Traffic()
        self.drills = Drills(
            self.registry,
            cast("Any", self.traffic),
            cast("Any", Packets()),
            cast("Any", self),
            self.clock,
            Random(1),
        )
        self.drills.commit(cast("Candidate", None))

    def apply(self, changes: Iterable[Change], author: str) -> Deferred[Any]:
        return succeed(self.registry.apply(tuple(changes), author, self.clock.seconds(), 0.0))

    def reload(self, author: str) -> Deferred[Any]:
        return succeed(author)

    def until(self, seconds: float) -> None:
        while self.clock.seconds() < seconds:
            self.clock.advance(0.05)

    @property
    def states(self) -> list[State]:
        return [server.state for server in self.registry.servers()]

    @property
    def stage(self) -> ProgramStage:
        return ProgramStage(
            self.registry, cast("Any", self.traffic), self.drills.faults, self, Random(1), "drill x"
        )


def test_a_run_from_begin_to_end() -> None:
    world = World()
    told = world.drills.run_drill("x", "ops", 7)
    assert told.running
    world.until(1.5)
    assert [one.fault.name for one in world.drills.faults.running()] == ["a hangs"]
    world.until(2.5)
    assert world.states == [State.READY, State.DRAIN]
    going = world.drills.run_of("x")
    assert going is not None
    assert going.running
    assert going.sheet is not None
    world.until(4.5)
    assert world.states == [State.READY, State.READY]
    assert world.drills.faults.running() == []
    done = world.drills.run_of(told.run)
    assert done is not None
    assert not done.running
    assert done.sheet is not None
    assert (done.sheet["verdict"], done.sheet["seed"]) == ("void", 7)
    assert "fault a hangs never fired" in done.sheet["why"]


def test_a_control_run_comes_first() -> None:
    world = World()
    told = world.drills.run_drill("x", "ops", control=True)
    world.until(1.5)
    assert world.drills.faults.running() == []
    world.until(5.5)
    assert world.drills.faults.running() != []
    world.until(9.0)
    done = world.drills.run_of(told.run)
    assert done is not None
    assert done.sheet is not None
    assert done.sheet["control"]


def test_one_at_a_time() -> None:
    world = World()
    told = world.drills.run_drill("x", "ops")
    with pytest.raises(ChangeRefused) as caught:
        world.drills.run_drill("x", "ops")
    assert caught.value.code == "EBUSY"
    world.drills.stop_drill(told.run)
    with pytest.raises(ChangeRefused) as caught:
        world.drills.stop_drill("x")
    assert caught.value.code == "ENOENT"
    assert world.drills.run_drill("x", "ops").run != told.run


def test_stopped_in_the_middle_everything_is_taken_back() -> None:
    world = World()
    told = world.drills.run_drill("x", "ops")
    world.until(2.5)
    world.drills.stop_drill("x")
    assert world.states == [State.READY, State.READY]
    assert world.drills.faults.running() == []
    done = world.drills.run_of(told.run)
    assert done is not None
    assert done.sheet is not None
    assert done.sheet["why"][0] == "halted: stopped by hand"


def test_only_the_last_runs_are_remembered() -> None:
    world = World()
    for _ in range(RUNS_KEPT + 3):
        world.drills.run_drill("x", "ops")
        world.drills.stop_drill("x")
    assert len(world.drills.runs()) == RUNS_KEPT


@pytest.mark.parametrize(
    ("configuration", "name", "code"),
    [(evolve(CONFIGURATION, settings=Settings()), "x", "EPERM"), (CONFIGURATION, "y", "ENOENT")],
)
def test_refused(configuration: Configuration, name: str, code: str) -> None:
    with pytest.raises(ChangeRefused) as caught:
        World(configuration).drills.run_drill(name, "ops")
    assert caught.value.code == code


def test_the_end_of_the_program_ends_a_run() -> None:
    world = World()
    world.drills.run_drill("x", "ops")
    world.until(1.5)
    world.drills.stop(1.0)
    assert world.drills.faults.running() == []
    assert world.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("listen", "host", "source"),
    [
        (Address("0.0.0.0", 80), "127.0.0.1", "127."),
        (Address("::", 80), "::1", "::1"),
        (Address("10.0.0.9", 80), "10.0.0.9", "127."),
        (Address("edge.example.org", 80), "edge.example.org", ""),
    ],
)
def test_where_the_load_goes_and_comes_from(listen: Address, host: str, source: str) -> None:
    world = World(evolve(CONFIGURATION, l7=(evolve(SERVICE, listen=(listen,)),)))
    target = world.stage.target(DRILL)
    assert (target.address.host, target.tls) == (host, False)
    assert target.source.startswith(source)


def test_tls_and_sockets() -> None:
    tls = ListenerTLS(("c",), (Address("127.0.0.1", 443),))
    world = World(evolve(CONFIGURATION, l7=(evolve(SERVICE, listen=tls.addresses, tls=tls),)))
    assert world.stage.target(DRILL).tls
    world = World(evolve(CONFIGURATION, l7=(evolve(SERVICE, listen=(Address(path="/run/x"),)),)))
    assert world.stage.target(DRILL).address.path == "/run/x"
    world = World(evolve(CONFIGURATION, l7=()))
    with pytest.raises(DirectorError, match="no service www"):
        world.stage.target(DRILL)


def test_the_load_is_believed_in_every_process_for_the_time_of_its_run() -> None:
    world = World()
    world.stage.believe(DRILL, "127.1.2.3")
    assert world.registry.services["l7:www"].tester == "127.1.2.3"
    assert world.traffic.believed == [("l7:www", "127.1.2.3")]


def test_who_takes_work_and_what_was_answered() -> None:
    world = World()
    world.registry.apply([Ordered("web", "b", State.DRAIN)], "ops", 0.0, 0.0)
    assert world.stage.eligible() == {"web/a": True, "web/b": False}
    world.registry.services["l7:www"].requests.responses[:] = [0, 0, 7, 0, 1, 2]
    assert world.stage.answers(DRILL) == (10, 2)
    world.traffic.seen = [{"service": "www"}, {"service": "other"}]
    assert world.stage.traces(DRILL, 9) == [{"service": "www"}]


def test_connections_of_layer_4_as_a_drill_sees_them() -> None:
    packets = Packets()
    nobody = cast("Any", None)
    stage = ProgramStage(nobody, nobody, nobody, nobody, Random(1), "x", cast("Any", packets))
    found: list[Any] = []
    stage.flows().addCallback(found.append)
    stage.flows(7).addCallback(found.append)
    ProgramStage(nobody, nobody, nobody, nobody, Random(1), "x").flows().addCallback(found.append)
    assert found == [{7: "ESTABLISHED"}, {7: "ESTABLISHED"}, {}]
    assert [(one.limit, one.after) for one in packets.wanted] == [(1000, None), (1000, 8)]
