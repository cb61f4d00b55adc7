"""Processes of one kind: the part of the control process that starts, feeds and watches them.

Theory of operation.  The control process decides, the others work.  A change comes to them as a value, in two
steps: all of them prepare it, and only when all have, all commit; the part's own `prepare` and `commit` are
no more than that, so a file that one process cannot take is taken by nobody.  Whoever is started later begins
with a snapshot: the channel keeps the order, so no change is missed and none comes twice.

They are started when there is work for them: at the start, or with the change that brings it.

A process that ends is waited for, what it claimed is given back (`MappedBooks.bury`), and another takes its
place.  One that ends again and again is started after longer and longer pauses.  One that does not answer (an
endless loop, a stopped process) is killed, and then it is like any other that ended.

`workers` and `layer4_apart` are the kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.model.drills import RunningFault
from director.model.settings import Configuration, Settings
from director.program.candidate import Candidate
from director.program.logs import event_log
from director.program.parts import Chore, Part, all_of
from director.program.processes.adoption import Adoptee, Adoption
from director.program.processes.channel import Answer, Gone, Overfull
from director.program.processes.figures import Sums
from director.program.processes.process import Adopted, Process
from director.program.processes.snapshot import snapshot, sources
from director.program.running import Running
from director.registry.books import MappedBooks
from director.registry.io.segment import Segment
from director.store.values import packed

BEAT = 0.5
"""Seconds between two questions whether a process is there."""
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


class Shared:
    """What all crews of one control process share.

    Args:
        workers: how many processes accept clients; users' schedulers are told.
        adoption: what an earlier run left, and goes on here.

    Attributes:
        sums: what all have counted.
        crews: all of them, workers first.
    """

    def __init__(
        self,
        current: Running,
        segment: Segment,
        books: MappedBooks,
        settings: Settings,
        workers: int,
        adoption: Adoption,
    ) -> None:
        self.current = current
        self.segment = segment
        self.books = books
        self.settings = settings
        self.workers = workers
        self.adoption = adoption
        self.sums = Sums(current.registry)
        self.crews: list[Crew] = []

    def begin(self) -> Collection[int]:
        """Own the first column from now on; returns the processes of an earlier run that go on here."""
        self.segment.occupy(0)
        self.adoption.begin(self.books)
        return self.adoption.pids


class Crew(Part):
    """Processes of one kind.

    Args:
        shared: with the other crews.
        count: how many.
        first: the column of the first in the counts.
        module: their program.

    Attributes:
        saw: told how work on servers goes, for passive checks.
    """

    def __init__(self, shared: Shared, reactor: Any, count: int, first: int, module: str) -> None:
        self.stopping = False
        self._shared = shared
        shared.crews.append(self)
        self._reactor = reactor
        self._first = first
        self._module = module
        self._processes: list[Process | None] = [None] * count
        self._deaths = [0] * count
        self._said = [""] * count
        self._verdicts: list[tuple[str, str, bool | list[object] | None]] = []
        self.saw: Callable[[Any, Any], None] = lambda _saw, _samples: None
        self._running_faults: Callable[[], Sequence[RunningFault]] = tuple
        self._last_look = reactor.seconds()
        self._started = self._manned = self._handed_on = False

    # -- what a kind says --

    def _name(self, index: int) -> str:
        """For people."""
        raise NotImplementedError

    def _label(self, index: int) -> str:
        """For `ps`: at most six letters."""
        raise NotImplementedError

    def _wanted(self, configuration: Configuration) -> bool:
        """There is work for them."""
        raise NotImplementedError

    def _work(self, told: dict[str, Any]) -> None:
        self.saw(told["saw"], told["samples"])

    def _answers(self, index: int) -> Mapping[str, Answer]:
        """What is answered to one of them, beside events."""
        return {}

    def _facts(self) -> Mapping[str, Any]:
        """What a new one must know beside what all must."""
        return {}

    def _hand(self, one: Process, *, new: bool) -> None:
        """Hand over what it needs: all of it, or, with `new`, what a change needs."""

    def _follows(self, one: Process, state: Any) -> None:
        """It has begun, or followed a change, and says so."""

    def _lost(self, one: Process) -> None:
        """It has ended."""

    # -- life --

    @property
    def there(self) -> list[Process]:
        """Those that are there."""
        return [one for one in self._processes if one is not None]

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        """Let every one be ready."""
        if not self.there:
            return None
        told = {
            "author": candidate.author,
            "changes": packed(candidate.changes),
            "files": sources(candidate),
        }
        for one in self.there:
            self._hand(one, new=True)
        return _all([_of(one, one.channel.ask("prepare", told)) for one in self.there])

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Let every one follow; fires when all have."""
        if self._started and not self._manned:
            return self._man()
        asked = []
        for one in self.there:
            work = one.channel.ask("commit", {"given": self._shared.current.given})
            asked.append(work.addCallbacks(self._followed, self._not_committed, (one,), {}, (one,)))
        return _all(asked)

    def _followed(self, told: dict[str, Any], one: Process) -> None:
        self._follows(one, told["state"])

    def _not_committed(self, failure: Failure, one: Process) -> None:
        if failure.check(Overfull) or not failure.check(Gone):
            why = failure.getErrorMessage()
            _log.error("{name} could not follow a change and is replaced: {why}", name=one.name, why=why)
            one.kill()

    def abandon(self) -> Deferred[None] | None:
        """Forget what was prepared, everywhere."""
        for one in self.there:
            one.channel.tell("abandon")
        return None

    def start(self) -> Deferred[None]:
        """Start all that are wanted; fires when they serve."""
        self._started = True
        return self._man()

    def _man(self) -> Deferred[None]:
        if not self._wanted(self._shared.current.registry.configuration):
            return succeed(None)
        self._manned = True
        return _all([self._first_of(index) for index in range(len(self._processes))])

    def chores(self) -> Iterable[Chore]:
        """The pulse."""
        return ((self._look, BEAT),)

    def stop(self, grace: float) -> Deferred[None]:
        """Let all end what they have within `grace` seconds."""
        return self._end("retire" if self._handed_on else "stop", grace)

    def _end(self, word: str, grace: float) -> Deferred[None]:
        self.stopping = True
        for one in self.there:
            one.channel.tell(word, grace)
            late = self._reactor.callLater(grace + ENDING, one.kill)
            one.over.addBoth(_calm, late)
        return _all([one.over for one in self.there])

    # -- one after the other --

    def _first_of(self, index: int) -> Deferred[None]:
        """One that was left, or a new one."""
        found = self._shared.adoption.take(self._first + index)
        return self._spawn(index) if found is None else self._adopt(index, found)

    def _adopt(self, index: int, found: Adoptee) -> Deferred[None]:
        one = Adopted(found, *self._given(index))
        try:
            one.spawn(self._shared.segment.descriptor)
        except OSError:
            # It ended since it said that it is there.
            self._shared.books.bury(one.column)
            return self._spawn(index)
        return self._ask_to("adopt", one)

    def _given(self, index: int) -> tuple[Any, ...]:
        answers: dict[str, Answer] = {"event": self._event, "work": self._work, **self._answers(index)}
        column = self._first + index
        return self._reactor, self._module, self._name(index), index, column, answers, self._ended

    def _spawn(self, index: int) -> Deferred[None]:
        one = Process(*self._given(index))
        try:
            one.spawn(self._shared.segment.descriptor)
        except OSError as error:
            self._say(
                index,
                f"{one.name} cannot be started: {error}; it is tried again, the others serve. "
                "After `twistd --uid` that user must be able to run Python",
            )
            # Like one that died at its start: what the system refuses it mostly refuses again.
            self._deaths[index] += 1
            self._again(index)
            return succeed(None)
        return self._ask_to("begin", one)

    def _ask_to(self, word: str, one: Process) -> Deferred[None]:
        self._processes[one.index] = one
        self._hand(one, new=False)
        begun = one.channel.ask(word, self._snapshot(one))
        return begun.addCallback(self._begun, one).addErrback(self._not_begun, one)

    def _snapshot(self, one: Process) -> dict[str, Any]:
        """All that a new one must know."""
        shared = self._shared
        return {
            **snapshot(shared.current, shared.books, shared.settings, shared.workers),
            "label": self._label(one.index),
            "column": one.column,
            "faults": self._injected(self._running_faults()),
            **self._facts(),
        }

    def _begun(self, told: dict[str, Any], one: Process) -> None:
        one.begun = True
        self._said[one.index] = ""
        one.heard = self._reactor.seconds()
        self._follows(one, told["state"])

    def _not_begun(self, failure: Failure, one: Process) -> None:
        if not failure.check(Gone):
            self._say(one.index, f"{one.name} cannot begin, and is tried again: {failure.getErrorMessage()}")
            one.kill()

    def _say(self, index: int, why: str) -> None:
        """Why one cannot serve: once, until it does or the reason is another."""
        if self._said[index] != why:
            self._said[index] = why
            _log.error("{why}", why=why)

    def _ended(self, one: Process, why: str) -> None:
        """It was waited for: give back what it claimed, and start another."""
        self._processes[one.index] = None
        self._shared.books.bury(one.column)
        self._shared.sums.end(one.column)
        self._lost(one)
        if self.stopping:
            return
        lived = self._reactor.seconds() - one.born
        self._deaths[one.index] = self._deaths[one.index] + 1 if lived < QUICK else 0
        if self._said[one.index]:
            # It never served, and it was said why.
            self._again(one.index)
            return
        _log.error(
            "{name} (process {pid}) ended {why} after {lived:.1f}s; another takes its place",
            name=one.name,
            pid=one.pid or one.said.get("pid", "?"),
            why=why,
            lived=lived,
        )
        self._again(one.index)

    def _again(self, index: int) -> None:
        quick = self._deaths[index]
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (quick - 1)) if quick else 0.0
        if quick > 1 and not self._said[index]:
            name = self._name(index)
            _log.error("{name} keeps ending; the next one comes in {pause:g}s", name=name, pause=pause)
        self._reactor.callLater(pause, self._replace, index)

    def _replace(self, index: int) -> None:
        if not self.stopping and self._processes[index] is None:
            self._spawn(index)

    def _look(self) -> None:
        """Kill who does not answer; nobody is blamed for a pause of our own, or for a busy machine."""
        now = self._reactor.seconds()
        ours, self._last_look = now - self._last_look > 2 * BEAT, now
        for one in self.there:
            one.heard = min(now, one.heard + one.starved() + (BEAT if ours else 0.0))
            limit = SILENCE if one.begun else BEGINNING
            if now - one.heard > limit and not ours:
                _log.error("{name} has not answered for {limit:g}s and is killed", name=one.name, limit=limit)
                one.kill()
            one.beat()

    # -- news --

    def learn_from(self, injected: Callable[[], Sequence[RunningFault]]) -> None:
        """Ask there for the faults that run, for a process that begins."""
        self._running_faults = injected

    def inject(self, faults: Sequence[RunningFault]) -> Deferred[None]:
        """Let every one inject these; fires when all do."""
        told = self._injected(faults)
        return all_of([one.channel.ask("inject", told) for one in self.there])

    def heal(self, names: Sequence[str]) -> Deferred[None]:
        """Let every one end these."""
        return all_of([one.channel.ask("heal", list(names)) for one in self.there])

    def _injected(self, faults: Sequence[RunningFault]) -> list[Any]:
        """Faults with the seconds that they have left, for clocks need not agree."""
        now = self._reactor.seconds()
        return [[packed(one), one.ends - now] for one in faults]

    def _event(self, told: list[Any]) -> None:
        event_log.take(*told)

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """What a check found; None: nobody asks any more.  Many go in one piece, after what is committed."""
        if not self._verdicts:
            self._reactor.callLater(0, self._tell_verdicts)
        self._verdicts.append((address, check, alive))

    def _tell_verdicts(self) -> None:
        told, self._verdicts = self._verdicts, []
        for one in self.there:
            one.channel.tell("verdicts", told)


def _calm(_: Any, late: Any) -> None:
    if late.active():
        late.cancel()


def _of(one: Process, work: Deferred[Any]) -> Deferred[Any]:
    """What a process says against it, with its name; one that is gone has nothing to say."""

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
