"""What the admin and the commands may ask of the running program (composition).

`RunningControl` implements `admin.control.Control` over the parts that `service` put together.
"""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from director import plugins
from director.admin.control import (
    Applied,
    ConfirmWithin,
    DrillDesk,
    PacketQuestion,
    Question,
    Rehearsals,
    Rehearsed,
    Soon,
    Succeeded,
    TraceRecord,
    WaitingReload,
)
from director.admin.economy import Economy
from director.caches import CacheFigures, added, figures
from director.config.export import export
from director.config.loaded import Loaded
from director.config.text.messages import Problem
from director.health.io.service import HealthService
from director.health.passive import Passive
from director.model.pools import passive
from director.model.settings import User
from director.program.configuration import decide, examine
from director.program.confirmation import Confirmation
from director.program.drills import Drills
from director.program.listen_alerts import ListenAlerts
from director.program.logs import event_log
from director.program.packets import explain_packet
from director.program.running import Running
from director.program.traffic import PacketView, TrafficView
from director.program.version import VERSION
from director.registry.changes import Change
from director.registry.evidence import CheckSnapshot, Ejection, ServerEvidence
from director.registry.reports import (
    CheckEvidence,
    ConnectionPage,
    ConnectionQuery,
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

EVIDENCE_SHOWN = 10
"""Results of a check that are shown."""


@frozen
class Verbs:
    """What changes the running program; all answer when it is in force.  See `service`."""

    apply: Callable[[Iterable[Change], str, str], Deferred[Applied]]
    reload: Callable[[str, str, ConfirmWithin | None], Deferred[Applied]]
    rehearse: Callable[[str], Deferred[Rehearsed]]
    undo: Callable[[int, str, str], Deferred[Applied]]
    upgrade: Callable[[str], Deferred[Succeeded]]
    consider: Callable[[Iterable[Change], str], None] = lambda _changes, _author: None


class RunningControl:
    """The running program, as the admin sees it.

    Args:
        current: what runs, and where it came from.
        own_listeners: those of the admin, which is made after us.
        listening: what keeps clients from a listener.
        confirmation: the reload that may wait for it.
        passive: what real work showed.

    Attributes:
        rehearsals, drills: what is broken on purpose.
    """

    def __init__(
        self,
        path: str,
        current: Running,
        traffic: TrafficView,
        health: HealthService,
        layer4: PacketView,
        reactor: Any,
        verbs: Verbs,
        own_listeners: Callable[[], Iterable[ListenerState]],
        listening: ListenAlerts,
        confirmation: Confirmation,
        passive: Passive,
        drills: Drills,
    ) -> None:
        self.stopping = False
        self.reloaded = {"done": 0, "refused": 0}
        self._path = path
        self._current = current
        self._registry = current.registry
        self._snapshots = Snapshots(current.registry)
        self._seen = self._snapshots.take()
        self._economy = Economy()
        self._traffic = traffic
        self._health = health
        self._layer4 = layer4
        self._reactor = reactor
        self._verbs = verbs
        self._own_listeners = own_listeners
        self._listening = listening
        self._confirmation = confirmation
        self._passive = passive
        self.rehearsals: Rehearsals = drills.faults
        self.drills: DrillDesk = drills
        self._started = time.time()

    def moment(self) -> Instant:
        """Both clocks."""
        return Instant(self._reactor.seconds(), time.time())

    def users(self) -> Sequence[User]:
        """Those of the configuration that runs."""
        return self._registry.configuration.users

    def snapshot(self) -> RegistrySnapshot:
        """What exists now; a dear one serves a while, so that no caller can make us busy."""
        now = self._reactor.seconds()
        if not self._economy.serves(now) or self._seen.generation != self._registry.generation:
            begin = time.thread_time()
            self._seen = self._snapshots.take()
            self._economy.made(time.thread_time() - begin, now)
        return self._seen

    def listeners(self) -> Sequence[ListenerState]:
        """Every address of every service, and the admin's own."""
        serving = []
        lacking = self._lacking()
        for name, address, _ in self._traffic.listeners():
            why = self._listening.why(f"l7:{name}", address) or lacking.get((name, address), "")
            serving.append(ListenerState(f"l7:{name}", address, bound=not why, error=why))
        return [*serving, *self._layer4.listeners(), *self._own_listeners()]

    def _lacking(self) -> Mapping[tuple[str, str], str]:
        """Addresses of TLS whose services have no certificate, and why: nobody is served there."""
        told = {name: why for one in self._traffic.said("tls") if one for name, why in one["lacking"].items()}
        return {
            (service.name, str(place)): told[service.name]
            for service in self._registry.configuration.l7
            if service.tls is not None and service.name in told
            for place in service.tls.addresses
        }

    def readiness(self) -> Readiness:
        """Ready when nothing is in the way and nothing stops."""
        listening = self._listening.reasons()
        reasons = [*self._traffic.reasons(), *listening, *self._layer4.reasons()]
        if self.stopping:
            reasons.append("the director is stopping")
        return Readiness(tuple(reasons), listening | self._layer4.reasons_since())

    def process(self) -> ProcessFigures:
        """Memory, descriptors, stalls."""
        return ProcessFigures(
            VERSION,
            self._started,
            _resident(),
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
            resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            sum(self._traffic.said("stalls")),
            max(self._traffic.said("worst_stall"), default=0.0),
            {"access": sum(self._traffic.said("lost")), "events": event_log.lost},
        )

    def checks(self) -> Sequence[CheckEvidence]:
        """Health evidence."""
        return [*map(_evidence, self._health.snapshot()), *map(_ejected, self._passive.ejections())]

    def proofs(self, pool: str, address: str) -> ServerEvidence:
        """All that is known of a server."""
        live = self._registry.pools.get(pool)
        names = live.config.checks if live is not None else ()
        return ServerEvidence(self._health.evidence(address, names), self._passive.evidence(pool, address))

    def probe_now(self, pool: str, address: str) -> int:
        """Make a server's checks at once; how many are made, those under way not counted."""
        live = self._registry.pools.get(pool)
        names = live.config.checks if live is not None else ()
        return sum(self._health.probe_now(address, name) for name in names)

    def connections(self, wanted: ConnectionQuery) -> Soon[ConnectionPage]:
        """Layer-4 flows and templates."""
        return self._layer4.connections(wanted)

    def packets(self) -> PacketFigures | None:
        """Layer 4 as a whole."""
        return self._layer4.figures()

    def caches(self) -> Sequence[CacheFigures]:
        """The program's caches, and the heads of clients who repeat themselves: one for each at most."""
        heads = CacheFigures("repeated_heads", sum(self._traffic.said("repeating")), self._traffic.clients)
        return [*added([*figures(), *self._traffic.caches()]), heads]

    def events(self, limit: int, after: int = -1) -> Sequence[LogEvent]:
        """The last events, newest first."""
        found = list(event_log.events)[: -limit - 1 : -1]
        return list(takewhile(lambda one: one.number > after, found))

    def schedulers(self) -> Sequence[tuple[str, str]]:
        """Every installed scheduler with its text."""
        return [(one.name, one.description) for one in plugins.discover()]

    def traces(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests, newest first."""
        return self._traffic.traces(limit)

    def faults(self, limit: int) -> Sequence[TraceRecord]:
        """The last requests that the fault path answered, newest first."""
        return self._traffic.faults(limit)

    def traces_kept(self) -> int:
        """How many requests are remembered."""
        return sum(self._traffic.said("traces"))

    def checks_made(self) -> Mapping[tuple[str, str], int]:
        """Probes so far."""
        return self._health.made()

    def tls(self) -> TLSFigures:
        """Handshakes, and how long certificates last."""
        told = [one for one in self._traffic.said("tls") if one]
        failed: Counter[str] = Counter()
        for one in told:
            failed.update(one["failed"])
        # All serve the same files; one that has not looked yet has the older end.
        ends = {name: end - time.time() for one in told for name, end in one["ends"].items()}
        handshakes, resumed = (sum(one[name] for one in told) for name in ("handshakes", "resumed"))
        return TLSFigures(handshakes, resumed, dict(failed), ends)

    def relayed(self) -> Mapping[str, int]:
        """Octets that layer 7 has sent, by their way."""
        octets = Counter(dict.fromkeys(("splice", "copy", "tls"), 0))
        for told in self._traffic.said("relayed"):
            octets.update(told or {})
        return octets

    def reloads(self) -> Mapping[str, int]:
        """Reloads so far."""
        return dict(self.reloaded)

    def refreshed(self, route: str) -> Deferred[None] | None:
        """Let what other processes counted be known here."""
        return self._traffic.refreshed(route)

    def processes(self) -> Sequence[WorkerFigures]:
        """All processes; first this one, which is the only one when it serves as well."""
        workers = self._traffic.processes()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        served = sum(one.requests.requests for one in self._registry.services.values())
        here = WorkerFigures(
            "control" if workers else "director",
            os.getpid(),
            True,
            time.time() - self._started,
            0 if workers else self._traffic.clients,
            0 if workers else served,
            usage.ru_utime + usage.ru_stime,
            _resident() or 0,
        )
        return [here, *workers]

    def trace(self, identifier: str) -> Soon[TraceRecord | None]:
        """One request by its id, whoever served it."""
        return self._traffic.trace(identifier)

    def _epoch(self) -> float:
        return time.time() - float(self._reactor.seconds())

    def explain(self, question: Question) -> TraceRecord:
        """Decide as for a real request, without sending one."""
        sites = list(self._traffic.services())
        now = self._reactor.seconds()
        told = decide(
            sites,
            question.method,
            question.url,
            question.headers,
            question.client,
            question.service,
            now,
            question.down,
        )
        rules = {rule.name: rule for rule in self._registry.configuration.rules}
        if told.get("location") and told["rule"] in rules:
            told["location"] = rules[str(told["rule"])].masked(str(told["location"]))
        return {**told, "time": self._epoch() + now}

    def explain_packet(self, question: PacketQuestion) -> Mapping[str, Any]:
        """Decide as for a real packet."""
        return explain_packet(self._registry, question, self._reactor.seconds())

    def config_text(self) -> str:
        """The merged ini with what commands changed, without secrets."""
        loaded = self._current.candidate.loaded
        if loaded is None:
            return ""
        return export(loaded, self._registry.configuration, self._registry.states())

    def check_config(self) -> Deferred[Sequence[Problem]]:
        """Read the file again, off the loop, and say what is wrong with it."""
        pool = self._reactor.getThreadPool()
        reading: Deferred[Loaded] = deferToThreadPool(self._reactor, pool, examine, self._path)
        return reading.addCallback(lambda loaded: loaded.problems)

    @property
    def store_nonce(self) -> str:
        """Tells the store of this director from every other, also from one that was lost."""
        return self._current.overrides.nonce

    def unkept(self) -> str:
        """Why the last change would be lost at a restart; "" when it is kept."""
        return self._current.overrides.unkept

    def reload(
        self, author: str, origin: str = "", confirm: ConfirmWithin | None = None
    ) -> Deferred[Applied]:
        """Apply the configuration file."""
        return self._verbs.reload(author, origin, confirm)

    def upgrade(self, author: str) -> Deferred[Succeeded]:
        """Let a new program take this one's place."""
        return self._verbs.upgrade(author)

    def confirm(self, author: str) -> WaitingReload:
        """The reload that waits stays."""
        return self._confirmation.confirm(author)

    def waiting(self) -> WaitingReload | None:
        """The reload that waits for its confirmation."""
        return self._confirmation.waiting()

    def rehearse_reload(self, author: str) -> Deferred[Rehearsed]:
        """What `reload` would change; fails as it would."""
        return self._verbs.rehearse(author)

    def apply(self, changes: Iterable[Change], author: str, origin: str = "") -> Deferred[Applied]:
        """Apply changes."""
        return self._verbs.apply(changes, author, origin)

    def consider(self, changes: Iterable[Change], author: str) -> None:
        """Nothing, when guards would let changes pass.  Raises ChangeRefused."""
        self._verbs.consider(changes, author)

    def zero(self, services: Collection[str]) -> None:
        """Traffic is shown from 0 on."""
        self._registry.zero(services)
        if set(services) == set(self._registry.services):
            self._layer4.zero()
        self._economy.forget()

    def undo(self, number: int, author: str, origin: str = "") -> Deferred[Applied]:
        """Take a generation back."""
        return self._verbs.undo(number, author, origin)

    def rehearse_undo(self, number: int) -> tuple[Change, ...]:
        """What `undo` would change.  Raises ChangeRefused as it would."""
        return self._current.overrides.undoing(number)


def _resident() -> int | None:
    """Resident bytes of this process, where the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize()


def _evidence(check: CheckSnapshot) -> CheckEvidence:
    results = check.results[-EVIDENCE_SHOWN:]
    last = results[-1] if results else None
    return CheckEvidence(
        check.check,
        check.address,
        check.alive,
        check.since,
        last.reason if last is not None else "",
        tuple(one.alive for one in results if one.alive is not None),
        last.duration if last is not None else None,
    )


def _ejected(one: Ejection) -> CheckEvidence:
    return CheckEvidence(passive(one.pool), one.address, False, one.time, one.reason)
