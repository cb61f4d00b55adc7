"""One run of a drill: its steps and its load in time, what is watched meanwhile, and its end.

Theory of operation.  `timeline` says what is due; each thing is done at its moment, in order, and a step that
has to be known by other processes is waited for before the next.  Beside it a watch looks at the servers
twenty times a second, for who left and who came back, and at the reasons to halt.  However a run ends, by its
last step, a halt, a stop or a failure of its own, what it injected is taken away and servers that it ordered
elsewhere are put back; should this process die, each fault ends when its time is over.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, DeferredList, inlineCallbacks, maybeDeferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from director.fault import judging
from director.fault.io.load import Load, LoadTarget
from director.fault.samples import (
    BASELINE,
    HEAL,
    INJECT,
    RECOVER,
    DrillRequest,
    FaultTold,
    Happening,
    RunRecord,
)
from director.fault.sheet import Sheet, sheet
from director.fault.timeline import DueRequest, timeline
from director.model.drills import Drill, DrillStep

WATCH = 0.05
"""Seconds between two looks at the servers."""
COUNT_TURNS = 5
"""Looks at the servers for each look at the counts."""
LAST_SECONDS = 10.0
"""How long answers are waited for behind the last step."""
REAL_LIMIT = 1000
"""Requests of real traffic that are looked at, at a time."""
MOST_SAMPLES = 200_000
"""Requests of one run that are remembered; real traffic beyond them is not looked at."""
DISTURBING = frozenset({"start", "drain", "maint", "reload"})
"""Steps that end the baseline."""

ESTABLISHED = frozenset({"ESTABLISHED", "UDP"})
LOST = frozenset({"CLOSE", "CLOSED", ""})
"""The states of a connection that was reset (`lvs-semantics` D); one that is forgotten has none."""

_log = Logger(namespace="director.fault")


class Stage(Protocol):
    """What a run asks of the program in which it runs."""

    def target(self, drill: Drill) -> LoadTarget:
        """Where its load goes.  Raises DirectorError when it can go nowhere."""

    def believe(self, drill: Drill, source: str) -> Deferred[None]:
        """Believe the ids of requests that come from this address; "" for nobody's any more."""

    def start_fault(self, name: str, seed: int, ttl: float) -> Deferred[FaultTold]:
        """Inject."""

    def stop_faults(self, names: Sequence[str]) -> Deferred[None]:
        """Take away those that run."""

    def order(self, verb: str, servers: Sequence[str]) -> Deferred[None]:
        """`drain`, `maint` or `ready` servers (POOL/SERVER)."""

    def reload(self) -> Deferred[None]:
        """Read the configuration again."""

    def counted(self) -> Deferred[Mapping[str, tuple[int, int]]]:
        """Requests and probes that each running fault has hit up to now."""

    def eligible(self) -> Mapping[str, bool]:
        """POOL/SERVER of all servers, and whether they take new work."""

    def answers(self, drill: Drill) -> tuple[int, int]:
        """All answers of the service up to now, and those with 5xx."""

    def flows(self, up_to: int | None = None) -> Deferred[Mapping[int, str]]:
        """The newest connections of layer 4 by their ids, with their states; none with a larger id."""

    def trace(self, identity: str) -> Deferred[Mapping[str, Any] | None]:
        """How a request was decided."""

    def traces(self, drill: Drill, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last requests of the service, newest first."""


class DrillRun:
    """One run.

    Attributes:
        name: of this run, for the API.
        record: what was seen so far.
        control: nothing is injected.
        over: it has ended.
    """

    def __init__(
        self, reactor: Any, stage: Stage, drill: Drill, seed: int, name: str, *, control: bool = False
    ) -> None:
        self.name = name
        self.drill = drill
        self.seed = seed
        self.control = control
        self.record = RunRecord()
        self.over = False
        self._reactor = reactor
        self._stage = stage
        self._began = reactor.seconds()
        self._faults: dict[str, FaultTold] = {}
        self._ordered: dict[str, None] = {}
        self._waiting: Deferred[Any] | None = None
        self._following: list[Deferred[Any]] = []
        self._load: Load | None = None
        self._phase = BASELINE
        self._before: dict[str, bool] = {}
        self._seen: dict[str, bool] = {}
        self._answers = (0, 0)
        self._own = (0, 0)
        self._known: set[str] = set()
        self._flows: frozenset[int] = frozenset()
        self._turn = 0

    @property
    def now(self) -> float:
        """Seconds since the begin."""
        return float(self._reactor.seconds() - self._began)

    # -- life --

    @inlineCallbacks
    def run(self) -> Generator[Deferred[Any], Any, RunRecord]:
        """From the first step to the end; fires with the record, whatever happened."""
        watch = LoopingCall(self._watch)
        watch.clock = self._reactor
        try:
            yield self._begin()
            watch.start(WATCH, now=False)
            yield self._steps()
            yield self._look_at_flows("during", "after")
            self._say("step", "end" if not self.record.halted else f"halted: {self.record.halted}")
            self.record.length = self.now
            yield self._last_answers()
        except CancelledError:
            self._halt("stopped by hand")
        except Exception as error:  # noqa: BLE001 - whatever it is, what was injected must go
            _log.failure("drill {name} failed", name=self.drill.name)
            self._halt(f"it failed: {error}")
        yield self._end(watch)
        return self.record

    def stop(self, why: str) -> None:
        """End it at once."""
        self._halt(why)

    def sheet(self, control: RunRecord | None = None) -> Sheet:
        """What it came to, or what it is now."""
        record = evolve(self.record, length=self.record.length or self.now)
        return sheet(self.drill, record, self.seed, control)

    def _halt(self, why: str) -> None:
        if not self.record.halted:
            self.record.halted = why
        if self._waiting is not None:
            self._waiting.cancel()

    def _begin(self) -> Deferred[Any]:
        self.record.begins[BASELINE] = 0.0
        self._before = dict(self._stage.eligible())
        self._answers = self._stage.answers(self.drill)
        self._known = {str(one["id"]) for one in self._stage.traces(self.drill, REAL_LIMIT)}
        if not self.drill.load:
            return maybeDeferred(lambda: None)
        target = self._stage.target(self.drill)
        self._load = Load(self._reactor, target, self.drill.load, self.name, self._answered)
        return self._stage.believe(self.drill, target.source)

    @inlineCallbacks
    def _steps(self) -> Generator[Deferred[Any], Any, None]:
        for due in timeline(self.drill):
            wait = due.at - self.now
            if wait > 0:
                yield self._pause(wait)
            if self.record.halted:
                return
            if isinstance(due, DueRequest):
                self._send(due)
            else:
                yield self._step(due)

    @inlineCallbacks
    def _pause(self, seconds: float) -> Generator[Deferred[Any], Any, None]:
        self._waiting = deferLater(self._reactor, seconds, lambda: None)
        try:
            yield self._waiting
        except CancelledError:
            if not self.record.halted:
                raise
        finally:
            self._waiting = None

    @inlineCallbacks
    def _end(self, watch: LoopingCall) -> Generator[Deferred[Any], Any, None]:
        if watch.running:
            watch.stop()
        if not self.record.length:
            self.record.length = self.now
        if self._load is not None:
            self._load.give_up()
        try:
            yield self._heal()
            if self._load is not None:
                yield self._stage.believe(self.drill, "")
        except Exception:  # noqa: BLE001 - each fault has a time at which it ends by itself
            _log.failure("drill {name} could not take everything back", name=self.drill.name)
        yield DeferredList(self._following, consumeErrors=True)
        self._take_hits()
        self.record.faults = list(self._faults.values())
        self.over = True

    @inlineCallbacks
    def _last_answers(self) -> Generator[Deferred[Any], Any, None]:
        """Wait for those who still wait."""
        end = self.now + LAST_SECONDS
        while self._load is not None and self._load.under_way and self.now < end and not self.record.halted:
            yield self._pause(WATCH)

    # -- steps --

    @inlineCallbacks
    def _step(self, step: DrillStep) -> Generator[Deferred[Any], Any, None]:
        verb, stage = step.verb, self._stage
        if verb in DISTURBING and self._phase == BASELINE:
            yield self._remember_flows()
            self._enter(INJECT)
            self._answers = stage.answers(self.drill)
            self._own = (0, 0)
        if verb != "end":
            self._say("step", str(step) + (" (not in a control run)" if self._idle(verb) else ""))
        if self._idle(verb):
            return
        if verb == "start":
            for name in step.names:
                left = max(0.1, self.drill.ttl - self.now)
                self._faults[name] = yield stage.start_fault(name, self.seed, left)
        elif verb == "stop":
            yield self._count()
            yield stage.stop_faults(step.names)
        elif verb == "heal":
            yield self._look_at_flows("during")
            yield self._heal()
            self._enter(HEAL)
            self._recovered()
        elif verb == "reload":
            yield stage.reload()
        elif verb in {"drain", "maint", "ready"}:
            yield stage.order(verb, step.names)
            self._ordered.update(dict.fromkeys(step.names))

    def _idle(self, verb: str) -> bool:
        """A control run does nothing of it."""
        return self.control and verb in {"start", "stop", "drain", "maint", "ready", "reload"}

    @inlineCallbacks
    def _heal(self) -> Generator[Deferred[Any], Any, None]:
        """Take back all that this run did."""
        yield self._count()
        if self._faults:
            yield self._stage.stop_faults(tuple(self._faults))
        back = [server for server in self._ordered if self._before.get(server)]
        self._ordered.clear()
        if back:
            yield self._stage.order("ready", back)

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self.record.begins[phase] = self.now

    def _say(self, kind: str, text: str) -> None:
        self.record.happenings.append(Happening(self.now, kind, text))

    # -- requests --

    def _send(self, due: DueRequest) -> None:
        if self._load is not None:
            sample = DrillRequest(due.number, self.now, self._phase, due.line, due.at)
            self.record.samples.append(sample)
            self._load.send(sample)

    def _answered(self, sample: DrillRequest) -> None:
        """Nothing more comes of one: ask how it was decided."""
        if sample.status:
            answers, failed = self._own
            self._own = answers + 1, failed + (sample.status >= 500)
        asked = self._stage.trace(sample.identity).addCallback(self._traced, sample)
        self._following.append(asked.addErrback(lambda _: None))
        if len(self._following) > REAL_LIMIT:
            self._following = [one for one in self._following if not one.called]

    def _traced(self, found: Mapping[str, Any] | None, sample: DrillRequest) -> None:
        sample.trace = None if found is None else dict(found)
        if sample.fault.startswith("page ") and "page" not in self.record.marks and self._phase != BASELINE:
            self.record.marks["page"] = sample.sent + sample.seconds - self.record.begins.get(INJECT, 0.0)
            self._say("note", f"first answer by {sample.fault}")

    def _follow_real_traffic(self) -> None:
        """Without load of its own, what others ask is looked at."""
        fresh = [
            one for one in self._stage.traces(self.drill, REAL_LIMIT) if str(one["id"]) not in self._known
        ]
        for one in reversed(fresh):
            if len(self.record.samples) >= MOST_SAMPLES:
                return
            self._known.add(str(one["id"]))
            total = one["times"]["total"] or 0.0
            sample = DrillRequest(
                len(self.record.samples) + 1,
                max(0.0, self.now - total),
                self._phase,
                asked=f"{one['method']} {one['target']}",
                status=one["status"],
                seconds=total,
                whole=one["status"] > 0 and one["outcome"] in judging.WHOLE_ENDS,
                error="" if one["outcome"] in judging.WHOLE_ENDS else str(one["outcome"]),
                identity=str(one["id"]),
            )
            self.record.samples.append(sample)
            self._traced(one, sample)

    # -- the watch --

    def _watch(self) -> None:
        self._look_at_servers()
        self._turn += 1
        if self._turn % COUNT_TURNS:
            return
        if not self.drill.load:
            self._follow_real_traffic()
        self._count()
        answers, failed = self._stage.answers(self.drill)
        if self.drill.load and self._phase != BASELINE:
            own, own_failed = self._own
            self.record.untagged = (
                max(0, answers - self._answers[0] - own),
                max(0, failed - self._answers[1] - own_failed),
            )
        why = judging.reason_to_halt(self.drill, self.record)
        if why:
            self._halt(why)

    def _look_at_servers(self) -> None:
        marks, begins = self.record.marks, self.record.begins
        seen = self._stage.eligible()
        for server, takes in seen.items():
            if self._seen.get(server, takes) == takes:
                continue
            self._say("server", f"{server} takes work again" if takes else f"{server} takes no work any more")
            if not takes and self._phase == INJECT and "detect" not in marks:
                marks["detect"] = self.now - begins[INJECT]
        self._seen = dict(seen)
        if self._phase == HEAL:
            self._recovered()

    def _recovered(self) -> None:
        """Every server takes work that did before."""
        seen = self._stage.eligible()
        if all(seen.get(server, True) for server, took in self._before.items() if took):
            self.record.marks["recover"] = self.now - self.record.begins[HEAL]
            self._enter(RECOVER)

    # -- connections of layer 4 --

    @property
    def _wants_flows(self) -> bool:
        return any(one.term.metric == judging.FLOWS for one in self.drill.expect)

    @inlineCallbacks
    def _remember_flows(self) -> Generator[Deferred[Any], Any, None]:
        """Those that are established before anything is done to them."""
        if self._wants_flows:
            found = yield self._stage.flows()
            self._flows = frozenset(one for one, state in found.items() if state in ESTABLISHED)

    @inlineCallbacks
    def _look_at_flows(self, *windows: str) -> Generator[Deferred[Any], Any, None]:
        """How many of them are left at the end of windows that nobody has looked at."""
        fresh = [window for window in windows if window not in self.record.flows]
        if not (self._flows and fresh):
            return
        found = yield self._stage.flows(max(self._flows))
        kept = sum(found.get(one, "") not in LOST for one in self._flows)
        self.record.flows.update(dict.fromkeys(fresh, (kept, len(self._flows))))

    # -- counts --

    def _count(self) -> Deferred[None]:
        return self._stage.counted().addCallback(self._counted).addErrback(lambda _: None)

    def _counted(self, counts: Mapping[str, tuple[int, int]]) -> None:
        for name, (hits, checks) in counts.items():
            told = self._faults.get(name)
            if told is not None:
                self._faults[name] = evolve(told, hits=max(told.hits, hits), checks=max(told.checks, checks))

    def _take_hits(self) -> None:
        """What the requests themselves tell counts, too: a count may have come too late."""
        for name, told in self._faults.items():
            hits = sum(fault == name for one in self.record.samples for _, fault in one.injected)
            self._faults[name] = evolve(told, hits=max(told.hits, hits))
