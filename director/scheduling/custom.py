"""A user's own scheduler (`[scheduler:NAME] python = FILE.py:CLASS`), kept from doing harm.

`Guarded` stands around it: the class may be plain, only `choose` is required.  It sees servers and requests
as `views`, which cannot be written.  wlc takes its place, until its file or its section changes, with one
`Note` that says at which line, as soon as it

* raises, in `choose` or in a life-cycle call (an error in `start` refuses the service instead);
* returns something that is neither None nor, by its identity, one of the servers it was given;
* collects three strikes.  A choice that takes longer than the budget is a strike, and sixteen choices in a
  row within the budget take one back.  So a slow scheduler goes after three choices, one that is slow now
  and then goes, too, and a pause that is not its fault (garbage collection, a busy machine) is forgiven.

A choice that never ends cannot be stopped from outside: the guard looks at the clock when it comes back.

With several processes each has a scheduler of its own.  Before `start` it gets two attributes: `processes`,
how many processes accept clients, and `shared`: `self.shared(NAME, SIZE)` gives `SIZE` integers that it has
in common with its like in the other processes (`registry.cells.SharedNumbers`: `mine[i]` to read and write,
`total(i)` over all processes).  They stay while the director runs, also over reloads.

Loading the file is the composition's work (`director.plugins`); the clock is passed in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Protocol, cast

from attrs import frozen
from zope.interface import implementer

from director.errors import SchedulerError
from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.base import Explanation, Scheduler, explanation
from director.scheduling.views import KeyView, ServerView
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
    """What the shell logs as an event when a user's scheduler was replaced: whose, why, and what to do.

    `at` is ` at FILE:LINE`, or empty where that is not known.
    """

    name: str
    reason: str
    advice: str
    at: str = ""

    def __str__(self) -> str:
        return f"scheduler {self.name} was replaced by wlc: {self.reason}{self.at}; {self.advice}"


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
        path: the user's file, to tell its lines from others.

    Attributes:
        reason: why it was replaced; empty as long as it was not.
        at: ` at FILE:LINE`, where that was; empty when it is not known.
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
        path: str = "",
    ) -> None:
        self.inner = inner
        self.name = self.configured_name = name
        self.budget = budget
        self.clock = clock
        self.note = note
        self.fallback = fallback or WeightedLeastConnections()
        self.reason = self.at = ""
        self.strikes = 0
        self._good = 0
        self._path = path
        self._views: dict[IServer, Any] = {}
        self._servers: dict[int, IServer] = {}
        self._among: Sequence[IServer] | None = None
        self._shown: tuple[Any, ...] = ()

    @property
    def replaced(self) -> str:
        """In words, that and why wlc chooses in its place; empty as long as it does not."""
        return f"{self.configured_name} was replaced by wlc: {self.reason}{self.at}" if self.reason else ""

    def equip(self, processes: int, shared: Callable[[str, int], object]) -> None:
        """Tell it how many processes there are, and give it the means to share numbers with them."""

        def own(name: str, size: int) -> object:
            return shared(f"{self.configured_name}/{name}", size)

        for name, value in (("processes", processes), ("shared", own)):
            # A class whose slots have no place for them does not want them.
            with suppress(AttributeError):
                setattr(self.inner, name, value)

    def start(self, service: str, servers: Sequence[IServer]) -> None:
        """Start both.  Raises SchedulerError when the user's `start` raises: the service is then refused."""
        self.fallback.start(service, servers)
        try:
            self._tell("start", service, tuple(map(self._view, servers)))
        except THEIRS as error:
            where = self._place(line(error, self._path))
            raise SchedulerError(
                f"{self.name}: start raised {cause(error)}{where}; mend it and reload"
            ) from error

    def server_added(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_added(server)
        self._tell_safely("server_added", self._view(server))

    def server_removed(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_removed(server)
        self._tell_safely("server_removed", self._view(server))
        self._servers.pop(id(self._views.pop(server, None)), None)
        self._among = None

    def server_updated(self, server: IServer) -> None:
        """Tell both."""
        self.fallback.server_updated(server)
        self._tell_safely("server_updated", self._view(server))

    def stop(self) -> None:
        """Tell both."""
        self._tell_safely("stop")
        self.fallback.stop()

    def choose(self, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """The user's choice, or wlc's when that one cannot be trusted any more."""
        if self.reason:
            return self.fallback.choose(servers, key, now)
        shown, server = self._show(servers), None
        began = self.clock()
        try:
            chosen = self.inner.choose(shown, cast("IKey", KeyView(key)), now)
            spent = self.clock() - began
            server = self._servers.get(id(chosen))
            if chosen is not None and (server is None or not self.fallback.eligible(server, servers)):
                what = "choose returned something that is not one of the eligible servers"
                self._replace(what, self._line_of_choose())
            elif spent > self.budget or self.strikes:
                self._judge(spent)
        except THEIRS as error:
            self._replace(f"choose raised {cause(error)}", line(error, self._path))
        return self.fallback.choose(servers, key, now) if self.reason else server

    def explain(self, servers: Sequence[IServer], key: IKey, now: float) -> Explanation:
        """What the user's `explain` says, if it has one that works."""
        if self.reason:
            return self.fallback.explain(servers, key, now)
        try:
            said = explanation(self.inner, self._show(servers), cast("IKey", KeyView(key)), now)
            return tuple((str(name), str(score)) for name, score in said)
        except THEIRS as error:
            return (("", f"explain raised {cause(error)}"),)

    def _view(self, server: IServer) -> Any:
        view = self._views.get(server)
        if view is None:
            view = self._views[server] = ServerView(server)
            self._servers[id(view)] = server
        return view

    def _show(self, servers: Sequence[IServer]) -> tuple[Any, ...]:
        if servers is not self._among:
            self._shown = tuple(map(self._view, servers))
            # A list may change behind our back, so only a tuple is remembered.
            self._among = servers if isinstance(servers, tuple) else None
        return self._shown

    def _place(self, number: int) -> str:
        """` at FILE:LINE`; empty when the line is not known."""
        return f" at {self._path}:{number}" if number and self._path else ""

    def _line_of_choose(self) -> int:
        """Where `choose` begins, for what is wrong with all of it; 0 when it stands in another file."""
        code = getattr(getattr(self.inner.choose, "__func__", self.inner.choose), "__code__", None)
        return code.co_firstlineno if code is not None and code.co_filename == self._path else 0

    def _judge(self, spent: float) -> None:
        if spent > self.budget:
            self.strikes += 1
            self._good = 0
            if self.strikes >= STRIKES:
                took, allowed = spent * 1e6, self.budget * 1e6
                self._replace(
                    f"choose took {took:.0f} us, its budget is {allowed:.0f} us, {STRIKES} strikes",
                    self._line_of_choose(),
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
            self._replace(f"{word} raised {cause(error)}", line(error, self._path))

    def _replace(self, reason: str, number: int, advice: str = "mend it and reload") -> None:
        self.reason = reason
        self.at = self._place(number)
        self.name = f"wlc for {self.configured_name}"
        self.note(Note(self.configured_name, reason, advice, self.at))


def cause(error: BaseException) -> str:
    """What a stranger's code raised, on one line, also when its words are broken, too."""
    try:
        text = " ".join(str(error).split())
    except THEIRS:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def line(error: BaseException, path: str) -> int:
    """The last line of the file `path` that `error` came through; 0 when it did not."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
