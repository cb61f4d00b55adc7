"""A `Control` in memory, for tests and for trying the pages; it stands over a real registry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, execute, fail, succeed

from director.admin.control import (
    Applied,
    ConfirmWithin,
    DrillTold,
    PacketQuestion,
    Question,
    Rehearsed,
    Soon,
    Succeeded,
    TraceRecord,
    WaitingReload,
)
from director.caches import CacheFigures
from director.config.text.messages import Problem
from director.errors import ChangeRefused, DirectorError
from director.model.drills import Drill, RunningFault
from director.model.settings import User
from director.registry.changes import Change, plan
from director.registry.edits import Laid
from director.registry.evidence import ServerEvidence
from director.registry.registry import Registry
from director.registry.reports import (
    CheckEvidence,
    ConnectionEntry,
    ConnectionPage,
    ConnectionQuery,
    FaultState,
    Instant,
    ListenerState,
    LogEvent,
    PacketFigures,
    ProcessFigures,
    Readiness,
    TLSFigures,
    WorkerFigures,
)
from director.registry.snapshot import RegistrySnapshot, Snapshots


def record(**known: Any) -> TraceRecord:
    """A trace of a request that no rule matched; give what differs."""
    texts = dict.fromkeys(("rule", "pool", "server", "fault"), "")
    chosen = dict.fromkeys(("scheduler", "candidates", "load", "weight"))
    request = {
        "service": "www",
        "client": "127.0.0.1",
        "method": "GET",
        "target": "/",
        "host": "www.example.org",
    }
    result = {"status": 200, "sent": 0, "received": 0, "outcome": "ok", "tries": (), "sticky": False}
    times = {"connect": None, "first_byte": None, "total": 0.0}
    return {"id": "r1", "time": 0.0, **texts, **chosen, **request, **result, "times": times, **known}


@define
class MemoryRehearsals:
    """Faults that run nowhere: `known` by name; `allowed` says whether they may."""

    known: dict[str, FaultState] = field(factory=dict)
    allowed: bool = True

    def states(self) -> Sequence[FaultState]:
        """As set and started."""
        return list(self.known.values())

    def start_fault(
        self, name: str, author: str, ttl: float | None = None, seed: int | None = None
    ) -> Deferred[FaultState]:
        """From second 0 on."""
        if not self.allowed:
            raise ChangeRefused("EPERM", "Drills are not allowed here", "drills")
        fault = self._fault(name).fault
        ends = fault.ttl if ttl is None else ttl
        running = RunningFault(fault, seed or fault.seed or 0, 0.0, ends, author)
        self.known[name] = FaultState(fault, running)
        return succeed(self.known[name])

    def stop_fault(self, name: str, author: str) -> Deferred[None]:
        """Keep no count."""
        self.known[name] = FaultState(self._fault(name).fault)
        return succeed(None)

    def _fault(self, name: str) -> FaultState:
        if name not in self.known:
            raise ChangeRefused("ENOENT", "No such fault", name)
        return self.known[name]


@define
class MemoryDrills:
    """Drills that see nothing: a run ends as soon as it begins, with the sheet that is set."""

    drills: dict[str, Drill] = field(factory=dict)
    told: dict[str, DrillTold] = field(factory=dict)
    sheet: dict[str, Any] = field(factory=lambda: {"verdict": "pass", "why": []})

    def known(self) -> Sequence[Drill]:
        """As set."""
        return list(self.drills.values())

    def runs(self) -> Sequence[DrillTold]:
        """Those that were begun."""
        return list(self.told.values())

    def run_of(self, name: str) -> DrillTold | None:
        """By the name of the run."""
        return self.told.get(name)

    def run_drill(
        self, name: str, author: str, seed: int | None = None, *, control: bool = False
    ) -> DrillTold:
        """It is over at once."""
        if name not in self.drills:
            raise ChangeRefused("ENOENT", "No such drill", name)
        made = DrillTold(f"r{len(self.told) + 1}", name, 0.0, sheet=dict(self.sheet, seed=seed))
        self.told[made.run] = made
        return evolve(made, running=True)

    def stop_drill(self, name: str) -> None:
        """None runs that long, except those that are set."""
        if name not in self.told or not self.told[name].running:
            raise ChangeRefused("ENOENT", "No such drill runs", name)
        self.told[name] = evolve(self.told[name], running=False)


@define
class MemoryControl:
    """Everything is a field that a test may set; writes are remembered in `registry.generations`."""

    registry: Registry
    at: Instant = field(factory=lambda: Instant(1000.0, 1_800_000_000.0))
    heard: list[ListenerState] = field(factory=list)
    evidence: list[CheckEvidence] = field(factory=list)
    proven: ServerEvidence = field(factory=ServerEvidence)
    hurried: list[tuple[str, str]] = field(factory=list)
    happened: list[LogEvent] = field(factory=list)
    flows: list[ConnectionEntry] = field(factory=list)
    wanted: list[ConnectionQuery] = field(factory=list)
    whole: PacketFigures | None = None
    remembered: list[TraceRecord] = field(factory=list)
    known: list[CacheFigures] = field(factory=list)
    against: tuple[str, ...] = ()
    against_since: dict[str, float] = field(factory=dict)
    own: ProcessFigures = field(factory=lambda: ProcessFigures("0.1", 1_799_990_000.0, 50_000_000, 30, 1024))
    text: str = "[director]\nname = edge-1\n"
    problems: Soon[Sequence[Problem]] = ()
    reloaded: Deferred[Applied] | Exception | None = None
    upgraded: Succeeded | Exception = field(factory=lambda: Succeeded(4711, "1.2"))
    unconfirmed: WaitingReload | None = None
    foreseen: Rehearsed = field(factory=Rehearsed)
    store_nonce: str = "5eed"
    lost: str = ""
    workers: list[WorkerFigures] = field(factory=list)
    refreshing: Deferred[None] | None = None
    refreshed_for: list[str] = field(factory=list)
    probed: dict[tuple[str, str], int] = field(factory=dict)
    shaken: TLSFigures = field(factory=TLSFigures)
    moved: dict[str, int] = field(factory=dict)
    ended: dict[str, int] = field(factory=lambda: {"done": 0, "refused": 0})
    asked: list[Question] = field(factory=list)
    packet_asked: list[PacketQuestion] = field(factory=list)
    packet_told: Mapping[str, Any] | None = None
    rehearsals: MemoryRehearsals = field(factory=MemoryRehearsals)
    drills: MemoryDrills = field(factory=MemoryDrills)

    def moment(self) -> Instant:
        """As set."""
        return self.at

    def users(self) -> Sequence[User]:
        """Of the registry's configuration."""
        return self.registry.configuration.users

    def snapshot(self) -> RegistrySnapshot:
        """Of the registry as it is now."""
        return Snapshots(self.registry).take()

    def listeners(self) -> Sequence[ListenerState]:
        """As set."""
        return self.heard

    def readiness(self) -> Readiness:
        """As set."""
        return Readiness(self.against, self.against_since)

    def process(self) -> ProcessFigures:
        """As set."""
        return self.own

    def checks(self) -> Sequence[CheckEvidence]:
        """As set."""
        return self.evidence

    def proofs(self, pool: str, address: str) -> ServerEvidence:
        """As set."""
        return self.proven

    def probe_now(self, pool: str, address: str) -> int:
        """Remember who was asked; one check each."""
        self.hurried.append((pool, address))
        return 1

    def connections(self, wanted: ConnectionQuery) -> Soon[ConnectionPage]:
        """As set, newest first, in pages; `wanted` keeps what was asked for."""
        self.wanted.append(wanted)
        left = sorted(self.flows, key=lambda one: -one.id)
        left = [one for one in left if wanted.after is None or one.id < wanted.after]
        page = left[: wanted.limit]
        return ConnectionPage(tuple(page), page[-1].id if len(left) > len(page) else None)

    def packets(self) -> PacketFigures | None:
        """As set."""
        return self.whole

    def caches(self) -> Sequence[CacheFigures]:
        """As set."""
        return self.known

    def events(self, limit: int, after: int = -1) -> Sequence[LogEvent]:
        """As set."""
        return [one for one in self.happened if one.number > after][:limit]

    def schedulers(self) -> Sequence[tuple[str, str]]:
        """Two of them."""
        return (("rr", "Round robin."), ("wlc", "Weighted least connections."))

    def traces(self, limit: int) -> Sequence[TraceRecord]:
        """As set."""
        return self.remembered[:limit]

    def refreshed(self, route: str) -> Deferred[None] | None:
        """Remember who asked; as set."""
        self.refreshed_for.append(route)
        return self.refreshing

    def processes(self) -> Sequence[WorkerFigures]:
        """As set."""
        return self.workers

    def faults(self, limit: int) -> Sequence[TraceRecord]:
        """Those that are set."""
        return [one for one in self.remembered if one["fault"]][:limit]

    def traces_kept(self) -> int:
        """Those that are set."""
        return len(self.remembered)

    def checks_made(self) -> Mapping[tuple[str, str], int]:
        """As set."""
        return self.probed

    def tls(self) -> TLSFigures:
        """As set."""
        return self.shaken

    def relayed(self) -> Mapping[str, int]:
        """As set."""
        return self.moved

    def reloads(self) -> Mapping[str, int]:
        """As set."""
        return self.ended

    def trace(self, identifier: str) -> Soon[TraceRecord | None]:
        """By id."""
        return next((one for one in self.remembered if one["id"] == identifier), None)

    def explain(self, question: Question) -> TraceRecord:
        """Remember the question; answer with the newest trace."""
        self.asked.append(question)
        if not self.remembered:
            raise DirectorError("no service listens there")
        return self.remembered[0]

    def explain_packet(self, question: PacketQuestion) -> Mapping[str, Any]:
        """As set, for any packet."""
        self.packet_asked.append(question)
        if self.packet_told is None:
            raise DirectorError("no service takes it")
        return self.packet_told

    def config_text(self) -> str:
        """As set."""
        return self.text

    def check_config(self) -> Soon[Sequence[Problem]]:
        """As set."""
        return self.problems

    def unkept(self) -> str:
        """As set."""
        return self.lost

    def confirm(self, author: str) -> WaitingReload:
        """What was asked for last."""
        if self.unconfirmed is None:
            raise ChangeRefused("ENODATA", "No reload waits for a confirmation", "config")
        told, self.unconfirmed = self.unconfirmed, None
        return told

    def waiting(self) -> WaitingReload | None:
        """As set, or asked for."""
        return self.unconfirmed

    def reload(
        self, author: str, origin: str = "", confirm: ConfirmWithin | None = None
    ) -> Deferred[Applied]:
        """As set; nothing changed when nothing is set."""
        if isinstance(self.reloaded, Exception):
            return fail(self.reloaded)
        if confirm is not None:
            number = self.registry.generation + 1
            self.unconfirmed = WaitingReload(number, author, confirm.seconds, confirm.guard)
        return self.reloaded or self.apply((), author, origin)

    def upgrade(self, author: str) -> Deferred[Succeeded]:
        """As set."""
        return fail(self.upgraded) if isinstance(self.upgraded, Exception) else succeed(self.upgraded)

    def rehearse_reload(self, author: str) -> Deferred[Rehearsed]:
        """As set for `reload`, without its changes."""
        return fail(self.reloaded) if isinstance(self.reloaded, Exception) else succeed(self.foreseen)

    def apply(self, changes: Iterable[Change], author: str, origin: str = "") -> Deferred[Applied]:
        """On the registry."""
        return execute(self._apply, tuple(changes), author, origin)

    def _apply(self, changes: tuple[Change, ...], author: str, origin: str) -> Applied:
        made = self.registry.apply(changes, author, self.at.now, self.at.time, origin)
        return Applied(made, kept=not self.lost)

    def consider(self, changes: Iterable[Change], author: str) -> None:
        """There are no guards."""

    def zero(self, services: Collection[str]) -> None:
        """On the registry."""
        self.registry.zero(services)

    def undo(self, number: int, author: str, origin: str = "") -> Deferred[Applied]:
        """On the registry, for configurations alone."""
        return execute(lambda: self._apply(self._undoing(number), author, origin))

    def rehearse_undo(self, number: int) -> tuple[Change, ...]:
        """As `undo` would."""
        return self._undoing(number)

    def _undoing(self, number: int) -> tuple[Change, ...]:
        made = next((one for one in self.registry.generations if one.number == number), None)
        if made is None:
            raise ChangeRefused("ENOENT", "There is no such generation; only the last ones are kept")
        now = self.registry.configuration
        return plan(now, Laid(now, made.back).configuration)
