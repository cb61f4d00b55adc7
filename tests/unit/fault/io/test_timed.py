from __future__ import annotations

from twisted.internet.task import Clock

from director.fault.injections import Injection
from director.fault.io.timed import TimedInjections
from director.model.drills import Fault, FaultAction, RunningFault
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration
from director.registry.changes import plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

FAULT = Fault("x", (("web", "a"),), FaultAction("hang", "hang"))


class World:
    """A registry with one server, and what was told of faults that ended."""

    def __init__(self) -> None:
        self.registry = Registry(FirstFit)
        pool = Pool("web", (Server("a", Address("10.0.0.1", 80)),))
        self.registry.apply(plan(Configuration(), Configuration(pools=(pool,))), "start", 0.0, 0.0)
        self.clock = Clock()
        self.ended: list[Injection] = []
        self.timed = TimedInjections(self.registry, self.clock, self.ended.append)

    @property
    def laid(self) -> bool:
        return self.registry.pools["web"].by_name["a"].injected is not None


def test_it_ends_by_itself() -> None:
    world = World()
    world.timed.start(RunningFault(FAULT, 1, 0.0, 2.0))
    world.clock.advance(1.9)
    assert world.laid
    world.clock.advance(0.2)
    assert not world.laid
    assert [one.running.fault for one in world.ended] == [FAULT]
    assert world.timed.stop("x") is None


def test_a_start_anew_has_its_own_time() -> None:
    world = World()
    world.timed.start(RunningFault(FAULT, 1, 0.0, 2.0))
    world.clock.advance(1.5)
    world.timed.start(RunningFault(FAULT, 1, 1.5, 4.5))
    world.clock.advance(1.5)
    assert world.laid
    world.clock.advance(1.5)
    assert not world.laid


def test_whoever_stops_it_is_not_told_of_its_end() -> None:
    world = World()
    world.timed.start(RunningFault(FAULT, 1, 0.0, 2.0))
    assert world.timed.counts() == {"x": (0, 0, 0, 0)}
    assert len(world.timed.clear()) == 1
    world.clock.advance(5.0)
    assert not world.laid
    assert (world.ended, world.timed.counts(), world.clock.getDelayedCalls()) == ([], {}, [])
