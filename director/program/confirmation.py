"""A reload that is undone by itself unless somebody confirms it (composition).

    reload, confirm within 60 s  ->  waiting  --- confirm ---------------->  it stays
                                        |  `--- another reload ----------->  it stays, too
                                        |--- the time is over ----------->  what ran before runs again
                                        `--- the guard is crossed ------->  at once

What runs again is the file as it was read before, with all that operators changed until now laid over it: an
order that was given meanwhile is nobody's mistake.  The file itself is not touched, and a restart reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.admin.control import Applied, ConfirmWithin, WaitingReload
from director.errors import ChangeRefused
from director.program.candidate import Candidate
from director.program.parts import Chore, Part
from director.registry.reload_guard import ReloadGuard, Seen, Sight, guard, sight

AUTHOR = "commit-confirm"
"""Who takes it back, for the audit."""
LOOK_PERIOD = 1.0
SIGHT_PERIOD = 5.0
SIGHTS = 13
"""A minute of sights."""

_log = Logger(namespace="director")


@frozen
class Unconfirmed:
    """A reload that is not confirmed: what ran before it, and what was seen then."""

    base: Candidate
    number: int
    author: str
    until: float
    guard: ReloadGuard
    before: Sight
    begun: Sight


class Confirmation(Part):
    """At most one reload waits.

    Args:
        back: makes a candidate of before the running one; told who wants it, and from where.
        refreshed: lets what other processes counted be known here.
    """

    def __init__(
        self,
        registry: Seen,
        clock: IReactorTime,
        back: Callable[[Candidate, str, str], Deferred[Applied]],
        refreshed: Callable[[], Deferred[None] | None],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._back = back
        self._refreshed = refreshed
        self._waiting: Unconfirmed | None = None
        self._sights: deque[Sight] = deque([Sight()], maxlen=SIGHTS)

    def chores(self) -> Iterable[Chore]:
        """Look at the time and the guard; remember how it was."""
        return ((self.look, LOOK_PERIOD), (self.remember, SIGHT_PERIOD))

    def remember(self) -> None:
        """Take a sight, to know later how it was before."""
        self._sights.append(sight(self._registry))

    # -- a reload --

    def before(self, running: Candidate, author: str, asked: ConfirmWithin | None) -> Unconfirmed | None:
        """Just before a reload: what it would be taken back to; one that waits already keeps its own."""
        if asked is None:
            return None
        old = self._waiting
        begun = old.begun if old else sight(self._registry)
        before = old.before if old else self._sights[0]
        until = self._clock.seconds() + asked.seconds
        return Unconfirmed(old.base if old else running, 0, author, until, guard(asked.guard), before, begun)

    def after(self, applied: Applied, waiting: Unconfirmed | None) -> Applied:
        """Just after it: it waits from now on, or, being one that need not, settles what waited."""
        old, made = self._waiting, applied.generation
        if waiting is None:
            if old is not None:
                _log.info("the reload of generation {number} is confirmed by the next one", number=old.number)
            self._waiting = None
        elif old is not None or made.diff:
            self._waiting = evolve(waiting, number=made.number)
            _log.warn(
                "generation {number} by {author} is undone in {seconds:g}s unless confirmed; guard: {guard}",
                number=made.number,
                author=waiting.author,
                seconds=waiting.until - self._clock.seconds(),
                guard=waiting.guard.text,
            )
        return applied

    def waiting(self) -> WaitingReload | None:
        """What waits, for people."""
        one = self._waiting
        if one is None:
            return None
        return WaitingReload(
            one.number, one.author, max(0.0, one.until - self._clock.seconds()), one.guard.text
        )

    def confirm(self, author: str) -> WaitingReload:
        """It stays.  Raises ChangeRefused (ENODATA) when nothing waits."""
        told = self.waiting()
        if told is None:
            raise ChangeRefused("ENODATA", "No reload waits for a confirmation", "config")
        self._waiting = None
        _log.info("generation {number} is confirmed by {author}", number=told.number, author=author)
        return told

    def take_back(self, author: str, origin: str) -> Deferred[Applied]:
        """It goes now, by hand; when what ran before cannot be taken up again it goes on waiting."""
        one, self._waiting = self._waiting, None
        if one is None:
            raise ChangeRefused("ENODATA", "No reload waits for a confirmation", "config")
        _log.info("generation {number} is taken back by {author}", number=one.number, author=author)
        return self._back(one.base, author, origin).addErrback(self._still_waiting, one)

    def _still_waiting(self, failure: Failure, one: Unconfirmed) -> Failure:
        self._waiting = self._waiting or one
        return failure

    # -- the end of it --

    def look(self) -> Deferred[None]:
        """Undo what nobody confirmed in time, or what does harm."""
        if self._waiting is None:
            return succeed(None)
        if self._clock.seconds() >= self._waiting.until:
            return self._undo("nobody confirmed it in time")
        return (self._refreshed() or succeed(None)).addCallback(lambda _: self._watch())

    def _watch(self) -> Deferred[None]:
        one = self._waiting
        why = one.guard.crossed(one.before, one.begun, sight(self._registry)) if one else ""
        return self._undo(why) if why else succeed(None)

    def _undo(self, why: str) -> Deferred[None]:
        one, self._waiting = self._waiting, None
        assert one is not None  # noqa: S101 - both callers looked
        _log.warn("generation {number} is undone: {why}", number=one.number, why=why)
        return self._back(one.base, AUTHOR, "").addCallbacks(lambda _: None, self._not_undone)

    @staticmethod
    def _not_undone(failure: Failure) -> None:
        _log.error(
            "what ran before the reload cannot be taken up again: {why}; what runs now stays. "
            "Mend the file and reload, or undo a generation",
            why=failure.getErrorMessage(),
        )
