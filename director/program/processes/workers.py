"""Layer 7 in processes of its own: the part that starts, feeds and watches the workers.

Theory of operation.  The control process decides, the workers serve.  A change comes to them as a value, in
two steps: all of them prepare it, and only when all have, all commit; the part's own `prepare` and `commit`
are no more than that, so a file that one worker cannot take is taken by nobody.  Whoever is started later
begins with a snapshot: the channel keeps the order, so no change is missed and none comes twice.

A worker that ends is waited for, what it claimed is given back (`MappedBooks.bury`), and another takes its
place, its sockets, and the clients who wait there.  One that ends again and again is started after longer and
longer pauses.  One that does not answer (an endless loop, a stopped process) is killed, and then it is like
any other that ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.l7.routing.service import CompiledService
from director.model.settings import Configuration, Settings
from director.program.candidate import Candidate
from director.program.layer7 import compile_services
from director.program.logs import event_log
from director.program.parts import Chore
from director.program.processes.channel import Gone
from director.program.processes.collector import Collector
from director.program.processes.orphan import orphans, release
from director.program.processes.process import Process
from director.program.processes.sockets import Sockets
from director.program.running import Running
from director.registry.changes import Ordered, plan
from director.registry.io.segment import Segment
from director.registry.mapped import MappedBooks
from director.store.values import packed

BEAT = 0.5
"""Seconds between two questions whether a worker is there."""
SILENCE = 3.0
"""Seconds without an answer after which one is killed."""
BEGINNING = 30.0
"""Seconds that a new one may take."""
QUICK = 5.0
"""One that lived no longer died at its start."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds before one that keeps dying is started again."""
ENDING = 5.0
"""Seconds beyond the grace after which one that should end is killed."""

_log = Logger(namespace="director")


class Workers(Collector):
    """All workers.

    Args:
        count: how many.
        run: what tells this run's requests from others.
        access_log: where they write.
    """

    def __init__(
        self,
        current: Running,
        segment: Segment,
        books: MappedBooks,
        reactor: Any,
        count: int,
        settings: Settings,
        run: str,
        access_log: str,
    ) -> None:
        super().__init__(current.registry, reactor)
        self.stopping = False
        self._current = current
        self._segment = segment
        self._books = books
        self._settings = settings
        self._run = run
        self._access_log = access_log
        self._sockets = Sockets(count)
        self._processes: list[Process | None] = [None] * count
        self._deaths = [0] * count
        self._orphans: list[Any] | None = None
        self._services: list[CompiledService] = []
        self._verdicts: list[tuple[str, str, bool | list[object] | None]] = []
        self.saw: Callable[[Any, Any], None] = lambda _saw, _samples: None
        self._last_look = reactor.seconds()
        self._started = False

    @property
    def _there(self) -> list[Process]:
        """Those that are there."""
        return [one for one in self._processes if one is not None]

    # -- life --

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        """Open what is new, and let every worker be ready."""
        if self._orphans is None:
            state_dir = self._settings.state_dir
            self._orphans = orphans(Path(state_dir)) if state_dir else []
        addresses = [address for one in candidate.desired.l7 for address in one.places]
        self._sockets.prepare(addresses, beside=bool(self._orphans))
        if not self._there:
            return None
        told = {
            "author": candidate.author,
            "changes": packed(candidate.changes),
            "files": _sources(candidate),
        }
        for one in self._there:
            for name, sock in self._sockets.new(one.index).items():
                one.channel.hand(name, sock)
        return _all([_of(one, one.channel.ask("prepare", told)) for one in self._there])

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Let every worker follow; fires when all have."""
        registry = self._current.registry
        self._services = compile_services(registry.configuration, registry)
        # Ours first: then a worker's is the last copy of a socket that goes, and takes who waits there.
        self._sockets.commit()
        given = [list(one) for one in self._books.news()]
        asked = [one.channel.ask("commit", {"given": given}) for one in self._there]
        for one, work in zip(self._there, asked, strict=True):
            work.addErrback(self._not_committed, one)
        return _all(asked)

    def _not_committed(self, failure: Failure, one: Process) -> None:
        if not failure.check(Gone):
            why = failure.getErrorMessage()
            _log.error("{name} could not follow a change and is replaced: {why}", name=one.name, why=why)
            one.kill()

    def abandon(self) -> None:
        """Forget what was prepared, everywhere."""
        self._sockets.abandon()
        for one in self._there:
            one.channel.tell("abandon")

    def start(self) -> Deferred[None]:
        """Start all; fires when all serve."""
        self._started = True
        begun = _all([self._spawn(index) for index in range(len(self._processes))])
        return begun.addCallback(self._release)

    def _release(self, _: None) -> None:
        waiting, self._orphans = self._orphans or [], []
        if waiting:
            _log.info("{count} worker(s) of an earlier run retire", count=len(waiting))
            release(waiting)

    def chores(self) -> Iterable[Chore]:
        """The pulse, the rates, and what the counts owe."""
        return (self._look, BEAT), (self.refreshed, 2.0), (self._books.tick, 1.0)

    def stop(self, grace: float) -> Deferred[None]:
        """Let all end what they have within `grace` seconds."""
        self.stopping = True
        self._sockets.stop()
        for one in self._there:
            one.channel.tell("stop", grace)
            late = self._reactor.callLater(grace + ENDING, one.kill)
            one.over.addBoth(_calm, late)
        return _all([one.over for one in self._there])

    def cut(self, why: str) -> None:
        """While stopping: wait no longer."""
        for one in self._there:
            one.channel.tell("cut", why)

    def reopen(self) -> None:
        """The access log was rotated away."""
        for one in self._there:
            one.channel.tell("reopen")

    # -- one after the other --

    def _spawn(self, index: int) -> Deferred[None]:
        answers = {"event": self._event, "room": lambda pool: self._room(pool, index), "work": self._work}
        one = Process(self._reactor, index, index + 1, answers, self._ended)
        try:
            one.spawn(self._segment.descriptor)
        except OSError as error:
            _log.error(
                "{name} cannot be started: {why}; it is tried again, the others serve. "
                "After `twistd --uid` that user must be able to run Python",
                name=one.name,
                why=str(error),
            )
            # Like one that died at its start: what the system refuses it mostly refuses again.
            self._deaths[index] += 1
            self._again(index)
            return succeed(None)
        self._processes[index] = one
        for name, sock in self._sockets.of(index).items():
            one.channel.hand(name, sock)
        begun = one.channel.ask("begin", self._snapshot(one))
        return begun.addCallback(self._begun, one).addErrback(self._not_begun, one)

    def _snapshot(self, one: Process) -> dict[str, Any]:
        """All that a new worker must know."""
        registry, candidate = self._current.registry, self._current.candidate
        changes = [*plan(Configuration(), registry.configuration)]
        changes += [Ordered(*place, state) for place, state in registry.states().items()]
        return {
            "index": one.index + 1,
            "column": one.column,
            "processes": len(self._processes),
            "settings": packed(self._settings),
            "state_dir": self._settings.state_dir,
            "access_log": self._access_log,
            "run": self._run,
            "author": "start",
            "changes": packed(tuple(changes)),
            "files": _sources(candidate),
            "given": [list(given) for given in self._books.all_given()],
            "verdicts": registry.verdicts(),
        }

    def _begun(self, _: Any, one: Process) -> None:
        one.begun = True
        one.heard = self._reactor.seconds()

    def _not_begun(self, failure: Failure, one: Process) -> None:
        if not failure.check(Gone):
            _log.error("{name} cannot begin: {why}", name=one.name, why=failure.getErrorMessage())
            one.kill()

    def _ended(self, one: Process, why: str) -> None:
        """It was waited for: give back what it claimed, and start another."""
        self._processes[one.index] = None
        self._books.bury(one.column)
        self._sums.end(one.column)
        if self.stopping:
            return
        lived = self._reactor.seconds() - one.born
        self._deaths[one.index] = self._deaths[one.index] + 1 if lived < QUICK else 0
        _log.error(
            "{name} (process {pid}) ended {why} after {lived:.1f}s; another takes its place",
            name=one.name,
            pid=one.pid or one.said.get("pid", "?"),
            why=why,
            lived=lived,
        )
        self.wake()
        self._again(one.index)

    def _again(self, index: int) -> None:
        quick = self._deaths[index]
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (quick - 1)) if quick else 0.0
        if quick > 1:
            _log.error(
                "worker {index} keeps ending; the next one comes in {pause:g}s", index=index + 1, pause=pause
            )
        self._reactor.callLater(pause, self._replace, index)

    def _replace(self, index: int) -> None:
        if not self.stopping and self._processes[index] is None:
            self._spawn(index)

    def _look(self) -> None:
        """Kill who does not answer; nobody is blamed for a pause of our own."""
        now = self._reactor.seconds()
        ours, self._last_look = now - self._last_look > 2 * BEAT, now
        for one in self._there:
            if ours:
                one.heard += BEAT
            limit = SILENCE if one.begun else BEGINNING
            if now - one.heard > limit and not ours:
                _log.error("{name} has not answered for {limit:g}s and is killed", name=one.name, limit=limit)
                one.kill()
            one.beat()

    # -- news --

    def _event(self, told: list[Any]) -> None:
        event_log.take(*told)

    def _work(self, told: dict[str, Any]) -> None:
        """How work goes, for passive checks."""
        self.saw(told["saw"], told["samples"])

    def _room(self, pool: str, index: int) -> None:
        for one in self._there:
            if one.index != index:
                one.channel.tell("room", pool)

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """What a check found; None: nobody asks any more.  Many go in one piece, after what is committed."""
        if not self._verdicts:
            self._reactor.callLater(0, self._tell_verdicts)
        self._verdicts.append((address, check, alive))

    def _tell_verdicts(self) -> None:
        told, self._verdicts = self._verdicts, []
        for one in self._there:
            one.channel.tell("verdicts", told)

    def wake(self) -> None:
        """There may be room for those who wait."""
        for one in self._there:
            one.channel.tell("room", "")

    # -- what control asks (more of it in `collector`) --

    def listeners(self) -> list[tuple[str, str, int]]:
        """(service, address, clients) of every listener."""
        counts: dict[tuple[str, str], int] = {}
        for one in self._there:
            for name, address, clients in one.said.get("listeners", ()):
                counts[name, address] = counts.get((name, address), 0) + clients
        services = self._current.registry.configuration.l7
        places = [(one.name, str(address)) for one in services for address in one.places]
        return [(*place, counts.get(place, 0)) for place in places]

    def unopened(self) -> list[tuple[str, str, str]]:
        """None: what cannot be opened is refused."""
        return []

    def services(self) -> list[CompiledService]:
        """For explaining."""
        return self._services

    def reasons(self) -> list[str]:
        """Why traffic should not come."""
        waiting = [
            str(index + 1) for index, one in enumerate(self._processes) if one is None or not one.begun
        ]
        if len(waiting) < len(self._processes) or not self._started:
            return []
        return ["no worker serves: they are being started"]


def _calm(_: Any, late: Any) -> None:
    if late.active():
        late.cancel()


def _sources(candidate: Candidate) -> dict[str, str]:
    return {path: source.decode("latin-1") for path, source in candidate.files.sources().items()}


def _of(one: Process, work: Deferred[Any]) -> Deferred[Any]:
    """What a worker says against it, with its name; one that is gone has nothing to say."""

    def named(failure: Failure) -> None:
        if not failure.check(Gone):
            raise DirectorError(f"{one.name}: {failure.getErrorMessage()}")

    return work.addErrback(named)


def _all(works: list[Deferred[Any]]) -> Deferred[None]:
    """Fires when all have; fails when all have ended and one has failed."""
    waited: Deferred[Any] = DeferredList(works, consumeErrors=True)

    def ended(found: list[tuple[bool, Any]]) -> None:
        for good, result in found:
            if not good:
                result.raiseException()

    return waited.addCallback(ended)
