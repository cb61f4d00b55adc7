"""Drills in the running program: who runs one, on what, and what is remembered of it (composition).

One run at a time: two would spoil each other's figures.  The last ones are remembered with their sheets.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred, succeed
from twisted.logger import Logger

from director.admin.control import DrillTold
from director.config.schema.drills import LARGEST_SEED
from director.errors import ChangeRefused, DirectorError
from director.fault.io.load import LoadTarget
from director.fault.io.runner import DrillRun
from director.fault.samples import FaultTold, RunRecord
from director.model.drills import Drill
from director.model.http import L7Service
from director.model.pools import Address, State
from director.program.candidate import Candidate
from director.program.faults import Faults
from director.program.parts import Part
from director.program.traffic import PacketView, TrafficView
from director.registry.changes import Ordered
from director.registry.registry import Registry
from director.registry.reports import ConnectionPage, ConnectionQuery

MOST_FLOWS = 1000
"""Connections of layer 4 of which a drill looks whether they are kept."""
RUNS_KEPT = 20
"""Runs that are remembered; the oldest is dropped."""
AUTHOR = "drill {}"
STATES = {"drain": State.DRAIN, "maint": State.MAINT, "ready": State.READY}
WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

_log = Logger(namespace="director.fault")


class ProgramStage:
    """The running program, as a run of a drill sees it (`fault.io.runner.Stage`)."""

    def __init__(
        self,
        registry: Registry,
        traffic: TrafficView,
        faults: Faults,
        verbs: Any,
        random: Random,
        author: str,
        packets: PacketView | None = None,
    ) -> None:
        self._packets = packets
        self._registry = registry
        self._traffic = traffic
        self._faults = faults
        self._verbs = verbs
        self._random = random
        self._author = author

    def _service(self, drill: Drill) -> L7Service:
        found = next((one for one in self._registry.configuration.l7 if one.name == drill.service), None)
        if found is None:
            raise DirectorError(f"there is no service {drill.service} any more")
        return found

    def target(self, drill: Drill) -> LoadTarget:
        """The service's first address that a client of this machine can reach."""
        service = self._service(drill)
        found = [one for one in service.listen if not one.endpoint]
        if not found:
            raise DirectorError(f"service {service.name} has no address that the load of a drill can reach")
        first = found[0]
        tls = service.tls is not None and first in service.tls.addresses
        if first.path:
            return LoadTarget(first, "", tls)
        host = WILDCARDS.get(first.host, first.host)
        return LoadTarget(Address(host, first.port), self._source(host), tls)

    def _source(self, host: str) -> str:
        """An address of this machine that nobody else uses: its requests are known by it."""
        try:
            if ipaddress.ip_address(host).version == 6:
                return "::1"
        except ValueError:
            return ""
        return "127." + ".".join(str(self._random.randrange(1, 255)) for _ in range(3))

    def believe(self, drill: Drill, source: str) -> Deferred[None]:
        """In every process."""
        key = f"l7:{drill.service}"
        live = self._registry.services.get(key)
        if live is not None:
            live.tester = source
        return self._traffic.believe(key, source) or succeed(None)

    def start_fault(self, name: str, seed: int, ttl: float) -> Deferred[FaultTold]:
        """Inject."""
        started = maybeDeferred(self._faults.start_fault, name, self._author, ttl, seed)
        return started.addCallback(
            lambda state: FaultTold(name, state.fault.places, str(state.fault.action), state.fault.hit)
        )

    def stop_faults(self, names: Sequence[str]) -> Deferred[None]:
        """Take away those that run."""
        running = {one.fault.name for one in self._faults.running()}
        done: Deferred[None] = succeed(None)
        for name in names:
            if name in running:
                done.addCallback(self._stop_fault, name)
        return done

    def _stop_fault(self, _: None, name: str) -> Deferred[None]:
        return self._faults.stop_fault(name, self._author)

    def order(self, verb: str, servers: Sequence[str]) -> Deferred[None]:
        """By an order, as an operator gives it."""
        places = [server.partition("/") for server in servers]
        changes = [Ordered(pool, name, STATES[verb]) for pool, _, name in places]
        done: Deferred[Any] = self._verbs.apply(changes, self._author)
        return done.addCallback(lambda _: None)

    def reload(self) -> Deferred[None]:
        """As SIGHUP does."""
        done: Deferred[Any] = self._verbs.reload(self._author)
        return done.addCallback(lambda _: None)

    def counted(self) -> Deferred[Mapping[str, tuple[int, int]]]:
        """Of all processes."""
        refreshed = self._traffic.refreshed("drills")
        done: Deferred[Any] = refreshed if refreshed is not None else succeed(None)
        return done.addCallback(lambda _: self._counts())

    def _counts(self) -> dict[str, tuple[int, int]]:
        return {one.name: (one.hits, one.checks) for one in self._faults.states() if one.running is not None}

    def eligible(self) -> Mapping[str, bool]:
        """Of all pools."""
        return {f"{one.pool.name}/{one.name}": one.serving for one in self._registry.servers()}

    def answers(self, drill: Drill) -> tuple[int, int]:
        """As the service has counted them."""
        live = self._registry.services.get(f"l7:{drill.service}")
        if live is None:
            return 0, 0
        return sum(live.requests.responses), live.requests.responses[5]

    def flows(self, up_to: int | None = None) -> Deferred[Mapping[int, str]]:
        """The newest of all services, no templates."""
        if self._packets is None:
            return succeed({})
        wanted = ConnectionQuery(MOST_FLOWS, None if up_to is None else up_to + 1)
        connections: Any = self._packets.connections
        asked: Deferred[ConnectionPage] = maybeDeferred(connections, wanted)
        return asked.addCallback(_states)

    def trace(self, identity: str) -> Deferred[Mapping[str, Any] | None]:
        """From whoever served it."""
        asked: Any = self._traffic.trace
        found: Deferred[Mapping[str, Any] | None] = maybeDeferred(asked, identity)
        return found

    def traces(self, drill: Drill, limit: int) -> Sequence[Mapping[str, Any]]:
        """Of the service."""
        return [one for one in self._traffic.traces(limit) if one["service"] == drill.service]


def _states(page: ConnectionPage) -> dict[int, str]:
    return {one.id: one.state for one in page.entries if not one.template}


class Drills(Part):
    """All drills that may be run, and the runs.

    Attributes:
        faults: what they inject; an operator may, too.
    """

    def __init__(
        self,
        registry: Registry,
        traffic: TrafficView,
        packets: PacketView,
        verbs: Any,
        reactor: Any,
        random: Random,
    ) -> None:
        self._registry = registry
        self._traffic = traffic
        self._packets = packets
        self.faults = Faults(registry, traffic, packets, reactor, random)
        self._verbs = verbs
        self._reactor = reactor
        self._random = random
        self._runs: dict[str, DrillTold] = {}
        self._now: DrillRun | None = None

    def commit(self, candidate: Candidate) -> None:
        """Faults follow; a run goes on with the drill that it began with."""
        self.faults.commit(candidate)

    def stop(self, grace: float) -> None:
        """End what runs."""
        if self._now is not None:
            self._now.stop("the director stops")
        self.faults.stop(grace)

    def known(self) -> Sequence[Drill]:
        """All of the configuration."""
        return self._registry.configuration.drills

    def runs(self) -> Sequence[DrillTold]:
        """The last ones, oldest first."""
        return list(self._runs.values())

    def run_of(self, name: str) -> DrillTold | None:
        """A run by its name, or the last one of a drill by the drill's."""
        found = self._runs.get(name)
        if found is None:
            found = next((one for one in reversed(self._runs.values()) if one.drill == name), None)
        if found is not None and self._now is not None and found.run == self._now.name:
            return DrillTold(found.run, found.drill, found.began, running=True, sheet=self._now.sheet())
        return found

    def run_drill(
        self, name: str, author: str, seed: int | None = None, *, control: bool = False
    ) -> DrillTold:
        """Begin one.  Raises ChangeRefused: EPERM, ENOENT, EBUSY while another runs."""
        configuration = self._registry.configuration
        if not configuration.settings.drills:
            text = "Drills are not allowed here; write drills = allowed into [director], then reload"
            raise ChangeRefused("EPERM", text, "drills")
        drill = next((one for one in configuration.drills if one.name == name), None)
        if drill is None:
            raise ChangeRefused("ENOENT", "No such drill; /api/v1/drills lists them", name)
        if self._now is not None:
            text = f"Drill {self._now.drill.name} runs; wait for its end, or stop it"
            raise ChangeRefused("EBUSY", text, self._now.name)
        if seed is None:
            seed = drill.seed if drill.seed is not None else self._random.randrange(LARGEST_SEED)
        run = f"{self._random.randrange(16**8):08x}"
        told = DrillTold(run, name, time.time(), running=True)
        self._runs[run] = told
        while len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        self._carry_out(drill, seed, run, author, control=control)
        return told

    def stop_drill(self, name: str) -> None:
        """End a run, by its name or its drill's.  Raises ChangeRefused ENOENT when it does not run."""
        if self._now is None or name not in {self._now.name, self._now.drill.name}:
            raise ChangeRefused("ENOENT", "No such drill runs; /api/v1/drills lists them", name)
        self._now.stop("stopped by hand")

    @inlineCallbacks
    def _carry_out(self, drill: Drill, seed: int, run: str, author: str, *, control: bool) -> Any:
        _log.warn("drill {name} begins, run {run}, seed {seed}, by {author}",
                  name=drill.name, run=run, seed=seed, author=author)  # fmt: skip
        before: RunRecord | None = None
        if control:
            idle = yield self._one(drill, seed, f"{run}-c", control=True)
            before = idle.record
        if before is not None and before.halted:
            sheet = idle.sheet()
        else:
            done = yield self._one(drill, seed, run)
            sheet = done.sheet(before)
        self._now = None
        self._runs[run] = DrillTold(run, drill.name, self._runs[run].began, sheet=sheet)
        say = _log.info if sheet["verdict"] == "pass" else _log.warn
        say("drill {name} ended: {verdict}{why}", name=drill.name, verdict=sheet["verdict"],
            why="".join(f"; {one}" for one in sheet["why"]))  # fmt: skip

    @inlineCallbacks
    def _one(self, drill: Drill, seed: int, run: str, *, control: bool = False) -> Any:
        author = AUTHOR.format(drill.name)
        stage = ProgramStage(
            self._registry, self._traffic, self.faults, self._verbs, self._random, author, self._packets
        )
        made = self._now = DrillRun(self._reactor, stage, drill, seed, run, control=control)
        yield made.run()
        return made
