"""Injected faults as a part of the program: who may start one, where, and for how long (composition).

They live in memory alone: a restart heals.  A reload heals what it takes away or changes, and all of it when
drills are not allowed any more.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from director.config.schema.drills import LARGEST_SEED
from director.errors import ChangeRefused
from director.fault.injections import Injection
from director.fault.io.timed import TimedInjections, counted
from director.model.drills import Fault, RunningFault
from director.program.candidate import Candidate
from director.program.parts import Part, all_of
from director.program.traffic import InjectingView, PacketView
from director.registry.registry import Registry
from director.registry.reports import FaultState

LONGEST = 86400.0
"""Seconds that a fault may run."""

_log = Logger(namespace="director.fault")


class Faults(Part):
    """All faults that may be started, and those that run.

    Attributes:
        timed: what runs in this process.
    """

    def __init__(
        self, registry: Registry, traffic: InjectingView, packets: PacketView, reactor: Any, random: Random
    ) -> None:
        self.timed = TimedInjections(registry, reactor, self._ended, packets.laid)
        self._registry = registry
        self._layers: tuple[InjectingView, ...] = (traffic, packets)
        self._reactor = reactor
        self._random = random
        for layer in self._layers:
            layer.learn_from(self.running)

    # -- as a part --

    def commit(self, candidate: Candidate) -> None:
        """Lay what runs on the servers of now; end what is not as it was started."""
        configuration = self._registry.configuration
        known = set(configuration.faults) if configuration.settings.drills else set()
        for one in self.timed.injections:
            if one.running.fault not in known:
                self._stop(one.running.fault.name, "the configuration changed")
                self._heal(one.running.fault.name)
        self.timed.injections.follow()

    def stop(self, grace: float) -> None:
        """End all."""
        self.timed.clear()

    # -- what the admin and drills ask --

    def states(self) -> list[FaultState]:
        """All of the configuration, with what runs of them."""
        return [self._state(fault) for fault in self._registry.configuration.faults]

    def start_fault(
        self, name: str, author: str, ttl: float | None = None, seed: int | None = None
    ) -> Deferred[FaultState]:
        """Start one, or let one that runs begin anew; fires when every process knows.

        Raises ChangeRefused: EPERM where drills are not allowed, ENOENT, EINVAL for a time out of range.
        """
        fault = self.allowed(name)
        seconds = fault.ttl if ttl is None else ttl
        if not 0.0 < seconds <= LONGEST:
            raise ChangeRefused("EINVAL", "A fault runs for a day at most; give another ttl", "ttl")
        if seed is None:
            seed = fault.seed if fault.seed is not None else self._random.randrange(LARGEST_SEED)
        now = self._reactor.seconds()
        running = RunningFault(fault, seed, now, now + seconds, author)
        self.timed.start(running)
        _log.warn(
            "fault {name} injected by {author}: {what} on {where}, for {ttl:g}s, seed {seed}",
            name=name,
            author=author,
            what=str(fault.action),
            where=", ".join(fault.places),
            ttl=seconds,
            seed=seed,
        )
        told = all_of([layer.inject([running]) or succeed(None) for layer in self._layers])
        return told.addCallback(lambda _: self._state(fault))

    def stop_fault(self, name: str, author: str) -> Deferred[None]:
        """End one.  Raises ChangeRefused: ENOENT when there is none or it does not run."""
        if self._stop(name, f"stopped by {author}") is None:
            known = any(fault.name == name for fault in self._registry.configuration.faults)
            text = "It does not run" if known else "No such fault; /api/v1/faults lists them"
            raise ChangeRefused("ENOENT", text, name)
        return self._heal(name)

    def running(self) -> list[RunningFault]:
        """What runs, for a process that begins."""
        return [one.running for one in self.timed.injections]

    def allowed(self, name: str) -> Fault:
        """The fault of that name, where it may be started.  Raises ChangeRefused."""
        configuration = self._registry.configuration
        if not configuration.settings.drills:
            text = "Drills are not allowed here; write drills = allowed into [director], then reload"
            raise ChangeRefused("EPERM", text, "drills")
        found = next((fault for fault in configuration.faults if fault.name == name), None)
        if found is None:
            raise ChangeRefused("ENOENT", "No such fault; /api/v1/faults lists them", name)
        return found

    # -- inside --

    def _heal(self, name: str) -> Deferred[None]:
        return all_of([layer.heal([name]) or succeed(None) for layer in self._layers])

    def _stop(self, name: str, why: str) -> Injection | None:
        found = self.timed.stop(name)
        if found is not None:
            self._say(found, why)
        return found

    def _ended(self, found: Injection) -> None:
        self._say(found, "its time is over")

    def _say(self, found: Injection, why: str) -> None:
        state = self._state(found.running.fault, found)
        _log.info(
            "fault {name} ended: {why}; {hits} of {seen} {what} met it",
            name=state.name,
            why=why,
            hits=state.hits,
            seen=state.seen,
            what=f"flows ({state.packets} packets)" if state.packets else "requests",
        )

    def _state(self, fault: Fault, found: Injection | None = None) -> FaultState:
        found = found or self.timed.injections.find(fault.name)
        state = FaultState(fault)
        if found is None:
            return state
        counts = Counter(dict(enumerate(counted(found))))
        for told in (told for layer in self._layers for told in layer.said("faults")):
            counts.update(dict(enumerate(told.get(fault.name, ()) if told else ())))
        seen, hits, checks, packets = (counts[place] for place in range(4))
        return evolve(state, running=found.running, seen=seen, hits=hits, checks=checks, packets=packets)
