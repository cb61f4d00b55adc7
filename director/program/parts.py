"""The life cycle that all parts of the program share (composition).

    start of the program      take(candidate), then start()
    reload, change, undo      take(candidate)
    reload --dry-run          rehearse(candidate)
    stop                      stop(grace), in the opposite order
    upgrade                   bequest(), let_go(), then stop(grace); or go_on()

`take` asks every part three times.  `check` says whether it could follow, and touches nothing.  `prepare`
does all that can fail (open addresses, let the kernel be ready) beside what serves.  Only when all are
prepared each is told to `commit`, which cannot fail; otherwise those that had begun `abandon`, and what
served goes on serving.  So a configuration is taken by all parts or by none, and no client meets half of
one.  Nothing else happens between the first `commit` and the last: they run in one turn of the loop.

With an upgrade another program goes on with what this one has open (`program.upgrade`).  It is given each
part's `bequest` and starts beside this one, all but what there can be one only of (`alone`); when all that
serves, `let_go` gives the rest away, and `stop` leaves what was handed on.

A new part is a subclass and one line in `service`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks, succeed
from twisted.python.failure import Failure

from director.program.candidate import Candidate

Chore = tuple[Callable[[], object], float]
"""Something to be done again and again, and how many seconds lie between."""


class Part:
    """One part of the program; what a subclass does not say, it has nothing to do for.

    Attributes:
        alone: two of it must not work at once: after an upgrade it starts when the old one has let go.
    """

    alone: ClassVar[bool] = False

    def check(self, candidate: Candidate) -> None:
        """Raise DirectorError when it cannot be followed; touch nothing."""

    def rehearse(self, candidate: Candidate) -> None:
        """Raise what `prepare` would raise, and leave nothing behind; `check` has held."""

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        """Do all that can fail.  Raises, or fails with, DirectorError or OSError."""

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Follow, from now on.  The result fires when it is in force; it never fails."""

    def abandon(self) -> Deferred[None] | None:
        """Give up what was prepared."""

    def start(self) -> Deferred[None] | None:
        """The loop runs and the first candidate is committed: begin to work."""

    def chores(self) -> Iterable[Chore]:
        """What must be done again and again from `start` on."""
        return ()

    def stop(self, grace: float) -> Deferred[None] | None:
        """End, and let what is under way end for `grace` seconds.  Never fails."""

    def bequest(self) -> Mapping[str, int]:
        """Open descriptors that the next program goes on with, by names that all versions know."""
        return {}

    def let_go(self) -> Deferred[None] | None:
        """The next program goes on: end what is `alone`, and `stop` without harm to it.  Never fails."""

    def go_on(self) -> None:
        """There is no next program, after all."""


class Parts:
    """All parts, in the order in which they commit and start."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._begun: list[Part] = []

    def rehearse(self, candidate: Candidate) -> None:
        """Raise DirectorError or OSError when `take` would fail; nothing is changed."""
        self._check(candidate)
        for part in self._parts:
            part.rehearse(candidate)

    def _check(self, candidate: Candidate) -> None:
        for part in self._parts:
            part.check(candidate)

    @inlineCallbacks
    def take(self, candidate: Candidate) -> Generator[Deferred[Any], Any, None]:
        """Make all parts follow, or none.

        The result fires when it is in force everywhere.  It fails with what kept a part from following,
        and everything is as it was.
        """
        yield self.prepare(candidate)
        yield self.commit(candidate)

    @inlineCallbacks
    def prepare(self, candidate: Candidate) -> Generator[Deferred[Any], Any, None]:
        """The first half: `commit` or `abandon` is the other.  Fails as `take` does."""
        try:
            self._check(candidate)
            for part in self._parts:
                self._begun.append(part)
                yield _soon(part.prepare(candidate))
        except Exception:  # noqa: BLE001 - whatever it is, half of what is not taken must not stay behind
            failure = Failure()
            yield self.abandon()
            failure.raiseException()

    @inlineCallbacks
    def commit(self, candidate: Candidate) -> Generator[Deferred[Any], Any, None]:
        """The second half; the result fires when it is in force everywhere."""
        try:
            followed = [part.commit(candidate) for part in self._parts]
        except Exception:  # noqa: BLE001 - as above
            failure = Failure()
            yield self.abandon()
            failure.raiseException()
        self._begun.clear()
        yield all_of(followed)

    @inlineCallbacks
    def abandon(self) -> Generator[Deferred[Any], Any, None]:
        """Give up what was prepared."""
        while self._begun:
            yield _soon(self._begun.pop().abandon())

    def start(self, *, alone: bool | None = None) -> Deferred[None]:
        """Start all, or those that are `alone`, or those that are not; fires when these have begun."""
        wanted = [part for part in self._parts if alone is None or part.alone is alone]
        return all_of([part.start() for part in wanted])

    def bequest(self) -> dict[str, int]:
        """What all leave to the next program."""
        return {name: one for part in self._parts for name, one in part.bequest().items()}

    def let_go(self) -> Deferred[None]:
        """Let it go on; fires when all have let go."""
        return all_of([part.let_go() for part in self._parts])

    def go_on(self) -> None:
        """Go on after all."""
        for part in self._parts:
            part.go_on()

    def chores(self) -> Iterable[Chore]:
        """Those of all parts."""
        return [chore for part in self._parts for chore in part.chores()]

    def stop(self, grace: float) -> Deferred[None]:
        """Stop all, the last one first, each when the one before it has ended."""
        done: Deferred[None] = succeed(None)
        for part in reversed(self._parts):
            done.addCallback(_stop, part, grace)
        return done


def _stop(_: None, part: Part, grace: float) -> Deferred[None]:
    return _soon(part.stop(grace))


def _soon(work: Deferred[None] | None) -> Deferred[None]:
    return succeed(None) if work is None else work


def all_of(works: Iterable[Deferred[None] | None]) -> Deferred[None]:
    """Fires when all of them have."""
    waited: Deferred[Any] = DeferredList([one for one in works if one is not None], consumeErrors=True)
    return waited.addCallback(lambda _: None)
