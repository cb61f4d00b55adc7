"""The director itself, on a simulated loop: the program's own parts, without what needs a machine around it.

The same parts in the same order as `program.service` makes them, in one process: guards, registry, health,
faults, layer 7.  What operators do goes through the same candidates.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.fault.io.timed import TimedInjections
from director.health.io.passive import PassiveChecks
from director.health.io.service import HealthService
from director.l7.io.access_log import AccessLog
from director.model.drills import RunningFault
from director.model.pools import Address
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.guards import Guards
from director.program.layer7 import Layer7, layer7_of
from director.program.parts import Part, Parts
from director.program.running import Running
from director.program.services import ServicePart
from director.registry.changes import Change
from director.registry.registry import RealServer
from director.store.kept import Kept

RECORDS = 100_000
"""Requests of one run that are remembered."""


class MemoryStore:
    """A store that keeps nothing beyond the run."""

    def load(self) -> Kept:
        """Nothing was kept."""
        return Kept("simulation")

    def save(self, kept: Kept) -> Deferred[None]:
        """Kept for as long as the run lasts."""
        return succeed(None)

    def watch(self, changed: Callable[[Kept], None]) -> Callable[[], None]:
        """Nobody else writes here."""
        return lambda: None


class HealthPart(ServicePart):
    """The checks, active and passive (`program.services.Health` without a memory on disk)."""

    def __init__(self, service: HealthService, passive: PassiveChecks, running: Running) -> None:
        super().__init__(service)
        self._service_of = service
        self._passive = passive
        self._running = running

    def chores(self) -> Iterable[tuple[Callable[[], object], float]]:
        """As in the program."""
        return ((self._passive.look, 1.0),)

    def commit(self, candidate: Candidate) -> None:
        """Check what is there now."""
        if self._service_of.running:
            self._service_of.reload(self._running.registry.configuration)


class FaultsPart(Part):
    """Injected faults follow the registry."""

    def __init__(self, timed: TimedInjections) -> None:
        self._timed = timed

    def commit(self, candidate: Candidate) -> None:
        """Lay them on the servers of now."""
        self._timed.injections.follow()

    def stop(self, grace: float) -> None:
        """End all."""
        self._timed.clear()


class Director:
    """A director on a simulated loop.

    Attributes:
        registry, shell: its own.
        faults: what is injected.
        stopped: it has come to its end.
        defects: what went wrong inside and should not have.
    """

    def __init__(self, loop: Any, first: Candidate, seed: int) -> None:
        self.loop = loop
        self.defects: list[str] = []
        chance = Random(f"{seed} director")
        self.running = running = Running(first, MemoryStore(), loop, chance)
        self.registry = registry = running.registry
        numbers = map("r-%x".__mod__, itertools.count(1)).__next__
        log = AccessLog("off", "text", 0.0, loop)
        _, layer7 = layer7_of(registry, loop, log, RECORDS, numbers, self._listen)
        self.layer7: Layer7 = layer7
        self.shell = layer7.shell
        self.health = HealthService(registry, loop, loop.seconds, self._judged, Random(f"{seed} health"))
        passive = PassiveChecks(registry, loop.seconds, self._judged)
        self.health.traffic = passive.failures
        registry.saw = passive.saw
        self.faults = TimedInjections(registry, loop, lambda _ended: None)
        self.parts = Parts(
            (
                Guards(registry, loop.seconds),
                running,
                HealthPart(self.health, passive, running),
                layer7,
                FaultsPart(self.faults),
            )
        )
        running.overrides.load()
        self.stopped = self._stopping = False
        self._loops: list[LoopingCall] = []
        self._take(running.of_file(first, "start"))
        self._await(self.parts.start())
        for chore, period in self.parts.chores():
            repeated = LoopingCall(chore)
            repeated.clock = loop
            repeated.start(period, now=False).addErrback(self._defect)
            self._loops.append(repeated)

    def _listen(self, address: Address) -> Any:
        return self.loop.network.listen((address.host, address.port))

    def _judged(self, servers: tuple[RealServer, ...]) -> None:
        if servers:
            self.layer7.wake()

    def _defect(self, failure: Failure) -> None:
        self.defects.append(failure.getBriefTraceback())

    def _await(self, done: Deferred[Any]) -> None:
        """In one process and without a disk everything is done at once.  Raises DirectorError."""
        outcome: list[Any] = []
        done.addBoth(outcome.append)
        if not outcome:
            raise DirectorError("a change did not come into force at once")
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()

    def _take(self, candidate: Candidate) -> None:
        self._await(self.parts.take(candidate))

    # -- what operators do --

    def apply(self, changes: Iterable[Change]) -> None:
        """A command.  Raises DirectorError when it is refused."""
        self._take(self.running.of_changes(tuple(changes), "operator"))

    def reload(self, configuration: Configuration) -> None:
        """SIGHUP, with another file.  Raises DirectorError when it is refused."""
        first = self.running.candidate
        loaded = first.loaded
        assert loaded is not None  # noqa: S101 - it began with one
        read = evolve(first, loaded=evolve(loaded, configuration=configuration), laid=None, changes=())
        self._take(self.running.of_file(read, "reload"))

    def inject(self, name: str, seed: int) -> None:
        """`fault start NAME`."""
        for fault in self.registry.configuration.faults:
            if fault.name == name:
                now = self.loop.seconds()
                self.faults.start(RunningFault(fault, seed, now, now + fault.ttl, "operator"))

    def stop(self, grace: float) -> None:
        """SIGTERM; the second one changes nothing."""
        if self._stopping:
            return
        self._stopping = True
        for one in self._loops:
            if one.running:
                one.stop()
        self.parts.stop(grace).addCallbacks(self._has_stopped, self._defect)

    def _has_stopped(self, _: None) -> None:
        self.stopped = True
