"""A user's own scheduler (`[scheduler:NAME] python = FILE.py:CLASS`), kept from doing harm.

`Guarded` stands around it: the class may be plain, only `choose` is required.  It is replaced by wlc, for
good until the next reload and with one `Note`, as soon as it * raises in `choose` or in a life-cycle call
(an error in `start` refuses the service instead), or * returns something that is neither None nor one of
the eligible servers, or * collects three strikes.  A choice that takes longer than the budget is a strike;
sixteen choices in a row within
  the budget take one strike back.  So a slow scheduler goes after three choices, one that is slow now and
  then goes too, and a pause that is not its fault (garbage collection, a busy machine) is forgiven.

A choice that never ends cannot be stopped from outside: the guard looks at the clock when it comes back.
Loading the file is the composition's work (`director.plugins`); the clock is passed in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol, cast

from attrs import frozen
from zope.interface import implementer

from director.errors import SchedulerError
from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.base import Explanation, Scheduler, explanation
from director.scheduling.wlc import WeightedLeastConnections

THEIRS = (Exception, SystemExit, KeyboardInterrupt, GeneratorExit)
"""What a stranger's code may raise: anything.  Neither the director nor a client of it shall end by that; a
true Ctrl-C is a signal that the reactor takes."""

STRIKES = 3
FORGIVEN_AFTER = 16


class Chooses(Protocol):
    """All that is asked of a user's scheduler."""

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """See `IScheduler.choose`."""


@frozen
class Note:
    """What the shell logs as an event when a user's scheduler was replaced: whose, why, and what to do."""

    name: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"scheduler {self.name} was replaced by wlc: {self.reason}; {self.advice}"


def made(cls: object, where: str, random: Random) -> Chooses:
    """An instance of a user's class, checked as far as that goes without calling `choose`.

    `where` names the class in messages.  A subclass of `Scheduler` gets `random`.  Raises SchedulerError.
    """
    if not isinstance(cls, type):
        raise SchedulerError(f"{where} is no class; write the name of a class with a method choose")
    try:
        inner = cls("", frozenset(), random) if issubclass(cls, Scheduler) else cls()
    except THEIRS as error:
        message = f"{where} cannot be made without arguments ({cause(error)}); give its __init__ defaults"
        raise SchedulerError(message) from error
    choose = getattr(inner, "choose", None)
    if not callable(choose):
        raise SchedulerError(f"{where} has no method choose(self, servers, key, now); write one")
    try:
        inspect.signature(choose).bind((), None, 0.0)
    except TypeError as error:
        raise SchedulerError(f"{where}: write it as choose(self, servers, key, now) ({error})") from error
    return cast("Chooses", inner)


@implementer(IScheduler)
class Guarded:
    """A user's scheduler under watch, and wlc ready to take its place.

    Args:
        inner: an object with `choose` and any of the life-cycle methods.
        name: what the configuration calls it.
        budget: seconds per choice.
        clock: monotonic seconds, fine enough for the budget.
        note: gets the one `Note`.

    Attributes:
        reason: why it was replaced; empty as long as it was not.
        name: what the trace calls it; tells who really chooses.
    """

    def __init__(
        self,
        inner: Chooses,
        name: str,
        budget: float,
        clock: Callable[[], float],
        *,
        note: Callable[[Note], object],
        fallback: Scheduler | None = None,
    ) -> None:
        self.inner = inner
        self.name = self.configured_name = name
        self.budget = budget
        self.clock = clock
        self.note = note
        self.fallback = fallback or WeightedLeastConnections()
        self.reason = ""
        self.strikes = 0
        self._good = 0

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Start both.  Raises SchedulerError when the user's `start` raises: the service is then refused."""
        self.fallback.start(service, servers)
        try:
            self._tell("start", service, servers)
        except THEIRS as error:
            raise SchedulerError(f"{self.name}: start raised {cause(error)}; mend it and reload") from error

    def server_added(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_added(server)
        self._tell_safely("server_added", server)

    def server_removed(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_removed(server)
        self._tell_safely("server_removed", server)

    def server_updated(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_updated(server)
        self._tell_safely("server_updated", server)

    def stop(self) -> None:
        """Tell both."""
        self._tell_safely("stop")
        self.fallback.stop()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The user's choice, or wlc's when that one cannot be trusted any more."""
        if self.reason:
            return self.fallback.choose(servers, key, now)
        began = self.clock()
        try:
            chosen = self.inner.choose(servers, key, now)
            spent = self.clock() - began
            if chosen is not None and not self.fallback.eligible(chosen, servers):
                self._replace("choose returned something that is not one of the eligible servers")
            elif spent > self.budget or self.strikes:
                self._judge(spent)
        except THEIRS as error:
            self._replace(f"choose raised {cause(error)}")
        return self.fallback.choose(servers, key, now) if self.reason else chosen

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """What the user's `explain` says, if it has one that works."""
        if self.reason:
            return self.fallback.explain(servers, key, now)
        try:
            return explanation(self.inner, servers, key, now)
        except THEIRS as error:
            return (("", f"explain raised {cause(error)}"),)

    def _judge(self, spent: float) -> None:
        if spent > self.budget:
            self.strikes += 1
            self._good = 0
            if self.strikes >= STRIKES:
                took, allowed = spent * 1e6, self.budget * 1e6
                self._replace(
                    f"choose took {took:.0f} us, its budget is {allowed:.0f} us, {STRIKES} strikes",
                    f"make it faster, or raise budget in [scheduler:{self.configured_name}], and reload",
                )
            return
        self._good += 1
        if self._good >= FORGIVEN_AFTER:
            self.strikes -= 1
            self._good = 0

    def _tell(self, word: str, *facts: object) -> None:
        method = getattr(self.inner, word, None)
        if method is not None:
            method(*facts)

    def _tell_safely(self, word: str, *facts: object) -> None:
        if self.reason:
            return
        try:
            self._tell(word, *facts)
        except THEIRS as error:
            self._replace(f"{word} raised {cause(error)}")

    def _replace(self, reason: str, advice: str = "mend it and reload") -> None:
        self.reason = reason
        self.name = f"wlc for {self.configured_name}"
        self.note(Note(self.configured_name, reason, advice))


def cause(error: BaseException) -> str:
    """What a stranger's code raised, on one line, also when its words are broken, too."""
    try:
        text = " ".join(str(error).split())
    except THEIRS:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
