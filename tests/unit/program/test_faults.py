"""Injected faults as a part: who may start them, what a reload does to them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, cast

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from director.errors import ChangeRefused
from director.model.drills import Fault, FaultAction, RunningFault
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration, Settings
from director.program.candidate import Candidate
from director.program.faults import Faults
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

HANG = Fault("a hangs", (("web", "a"),), FaultAction("hang", "hang"), ttl=60.0, seed=7)
DRAWN = Fault("a refuses", (("web", "a"),), FaultAction("refuse", "refuse"))
POOL = Pool("web", (Server("a", Address("10.0.0.1", 80)),))
ALLOWED = Configuration(settings=Settings(drills=True), pools=(POOL,), faults=(HANG, DRAWN))


class Elsewhere:
    """Other processes, and what they are told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.counts: list[dict[str, tuple[int, int, int, int]]] = []
        self.laid_times = 0
        self.knows: Deferred[None] | None = None

    def learn_from(self, injected: Any) -> None:
        self.injected = injected

    def inject(self, faults: Sequence[RunningFault]) -> Deferred[None] | None:
        self.told += [one.fault.name for one in faults]
        return self.knows

    def heal(self, names: Sequence[str]) -> None:
        self.told += [f"heal {name}" for name in names]

    def said(self, name: str) -> Sequence[Any]:
        assert name == "faults"
        return self.counts

    def laid(self) -> None:
        self.laid_times += 1


class World:
    """The part over a real registry."""

    def __init__(self, configuration: Configuration = ALLOWED) -> None:
        self.registry = Registry(FirstFit)
        self.clock = Clock()
        self.elsewhere, self.packets = Elsewhere(), Elsewhere()
        self.faults = Faults(
            self.registry, cast("Any", self.elsewhere), cast("Any", self.packets), self.clock, Random(1)
        )
        self.become(configuration)

    def become(self, configuration: Configuration) -> None:
        changes = plan(self.registry.configuration, configuration)
        self.registry.apply(changes, "test", self.clock.seconds(), 0.0)
        self.faults.commit(cast("Candidate", None))

    def start(self, name: str, **more: Any) -> Any:
        found: list[Any] = []
        self.faults.start_fault(name, "ops", **more).addCallback(found.append)
        return found[0] if found else None

    @property
    def laid(self) -> bool:
        return self.registry.pools["web"].by_name["a"].injected is not None


def test_started_and_over_after_its_time() -> None:
    world = World()
    state = world.start("a hangs", ttl=2.0)
    assert (state.running.seed, state.running.ends, state.running.author) == (7, 2.0, "ops")
    assert world.laid
    assert world.elsewhere.told == world.packets.told == ["a hangs"]
    world.clock.advance(2.5)
    assert not world.laid
    assert [one.running for one in world.faults.states()] == [None, None]


def test_without_a_seed_each_start_draws_one() -> None:
    world = World()
    seeds = {world.start("a refuses").running.seed for _ in range(5)}
    assert len(seeds) == 5
    assert world.start("a refuses", seed=3).running.seed == 3


def test_it_is_told_when_every_process_knows() -> None:
    world = World()
    world.elsewhere.knows = Deferred()
    assert world.start("a hangs") is None
    found: list[Any] = []
    world.elsewhere.knows.addCallback(lambda _: found.append(world.laid))
    world.elsewhere.knows.callback(None)
    assert found == [True]


def test_what_all_processes_counted() -> None:
    world = World()
    world.start("a hangs")
    world.elsewhere.counts = [{"a hangs": (5, 3, 1, 0)}, {"a hangs": (4, 2, 0, 0)}, {}]
    world.packets.counts = [{"a hangs": (2, 1, 0, 30)}, {}]
    (state, _) = world.faults.states()
    assert (state.seen, state.hits, state.checks, state.packets) == (11, 6, 1, 30)


def test_layer_4_is_told_when_it_is_laid_and_when_it_is_taken_away() -> None:
    world = World()
    before = world.packets.laid_times
    world.start("a hangs")
    assert world.packets.laid_times == before + 1
    world.faults.stop_fault("a hangs", "ops")
    assert world.packets.laid_times == before + 2
    assert world.packets.told == ["a hangs", "heal a hangs"]


def test_stopped() -> None:
    world = World()
    world.start("a hangs")
    world.faults.stop_fault("a hangs", "ops")
    assert not world.laid
    assert world.elsewhere.told[-1] == "heal a hangs"
    for name, text in (("a hangs", "does not run"), ("b", "No such fault")):
        with pytest.raises(ChangeRefused, match=text) as caught:
            world.faults.stop_fault(name, "ops")
        assert caught.value.code == "ENOENT"


@pytest.mark.parametrize(
    ("configuration", "name", "ttl", "code"),
    [
        (evolve(ALLOWED, settings=Settings()), "a hangs", None, "EPERM"),
        (ALLOWED, "nobody", None, "ENOENT"),
        (ALLOWED, "a hangs", 0.0, "EINVAL"),
        (ALLOWED, "a hangs", 1e6, "EINVAL"),
    ],
)
def test_refused(configuration: Configuration, name: str, ttl: float | None, code: str) -> None:
    world = World(configuration)
    with pytest.raises(ChangeRefused) as caught:
        world.faults.start_fault(name, "ops", ttl)
    assert caught.value.code == code
    assert not world.laid
    assert world.elsewhere.told == []


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (evolve(ALLOWED, settings=Settings()), []),
        (evolve(ALLOWED, faults=(DRAWN,)), []),
        (evolve(ALLOWED, faults=(evolve(HANG, ttl=9.0), DRAWN)), []),
        (evolve(ALLOWED, demos=()), ["a hangs"]),
    ],
)
def test_a_reload_ends_what_is_not_as_it_was_started(after: Configuration, left: list[str]) -> None:
    world = World()
    world.start("a hangs")
    world.become(after)
    assert [one.fault.name for one in world.faults.running()] == left
    assert world.laid == bool(left)
    assert ("heal a hangs" in world.elsewhere.told) == (not left)


def test_a_server_that_left_and_came_back_meets_it_again() -> None:
    world = World()
    world.start("a hangs")
    world.become(evolve(ALLOWED, pools=(evolve(POOL, servers=()),)))
    world.become(ALLOWED)
    assert world.laid


def test_a_stop_ends_all() -> None:
    world = World()
    world.start("a hangs")
    world.faults.stop(1.0)
    assert not world.laid
    assert world.clock.getDelayedCalls() == []
