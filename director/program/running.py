"""What runs: the registry, the file that it came from, and what operators changed over it (composition).

`Running` is the first of the parts: it proves a candidate on a draft, and makes it the registry's when all
other parts are prepared.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from director import plugins
from director.admin.control import Applied
from director.errors import ChangeRefused
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.fixed import AT_START
from director.program.overrides import Overrides
from director.program.parts import Chore
from director.program.replica import Replica
from director.registry.books import MappedBooks
from director.registry.changes import Change, SchedulersRead, changed, plan
from director.registry.counters import ESTIMATOR_PERIOD
from director.registry.registry import SWEEP_PERIOD, Generation
from director.store.io.base import Store

TRY_AGAIN = 5.0
"""Seconds until what could not be kept is tried again."""
SAID = 20
"""Sentences of a generation's diff that are logged; more are counted."""

_log = Logger(namespace="director")


class Running(Replica):
    """The registry and where it came from.

    Attributes:
        candidate: what runs.
        overrides: what operators changed over the file.
        given: the slots that the last change gave out, for the processes that count there.
    """

    def __init__(
        self,
        candidate: Candidate,
        store: Store,
        reactor: Any,
        random: Random,
        books: MappedBooks | None = None,
    ) -> None:
        super().__init__(reactor, random, books)
        self.candidate = candidate
        self.overrides = Overrides(store, self.registry)
        self.given: list[list[Any]] = []
        self._books = books

    # -- candidates --

    def of_file(self, read: Candidate, author: str, origin: str = "") -> Candidate:
        """What was read, with what operators changed over it, and what that changes here.

        Raises ConfigError when the file has errors.
        """
        laid = self.overrides.over(read.require())
        changes: list[Change] = [
            *plan(self.registry.configuration, laid.configuration),
            *self.overrides.unfulfilled(laid),
        ]
        anew = tuple(one.name for one in laid.configuration.schedulers if read.files.differs(one.path))
        if self.registry.running and anew:
            changes.append(SchedulersRead(anew))
        found = read.by(author, laid.configuration, laid, origin)
        catalog = plugins.catalog(laid.configuration.schedulers, self.note, files=read.files)
        return evolve(found, changes=tuple(changes), catalog=catalog)

    def of_changes(self, changes: Iterable[Change], author: str, origin: str = "") -> Candidate:
        """What a command makes of what runs.  Raises ChangeRefused when it does not hold."""
        ordered = tuple(changes)
        desired = changed(self.registry.configuration, ordered)
        found = self.candidate.by(author, desired, origin=origin)
        return evolve(found, changes=ordered, catalog=self._catalog)

    # -- life --

    def check(self, candidate: Candidate) -> None:
        """Every change holds, and every scheduler can begin."""
        self._refuse_what_needs_a_restart(candidate.desired)
        super().check(candidate)

    def commit(self, candidate: Candidate) -> Deferred[None]:
        """Make it the registry's, and keep it."""
        super().commit(candidate)
        made, self.candidate = self.made, candidate
        if self._books is not None:
            self.given = [list(one) for one in self._books.news()]
        if candidate.laid is None:
            keeping = self.overrides.note(made)
        else:
            keeping = self.overrides.settle(candidate.require(), candidate.laid)
        announce(made)
        return keeping.addCallback(lambda _: None)

    @property
    def applied(self) -> Applied:
        """What became of the last change."""
        return Applied(self.made, kept=not self.overrides.unkept)

    def stop(self, grace: float) -> Deferred[None]:
        """Try once more to keep what could not be kept."""
        return self.overrides.again().addCallback(lambda _: None)

    def chores(self) -> Iterable[Chore]:
        """Servers that left or come back, what could not be kept, and rates where no other process counts."""
        rates = () if self._books is not None else ((self.estimate, ESTIMATOR_PERIOD),)
        return (
            *super().chores(),
            *rates,
            (self._sweep, SWEEP_PERIOD),
            (self.overrides.again, TRY_AGAIN),
        )

    def _refuse_what_needs_a_restart(self, desired: Configuration) -> None:
        """Some settings are read at start only; saying so beats ignoring them."""
        if not self.registry.running:
            return
        old = self.registry.configuration
        for name in AT_START:
            if getattr(old.settings, name) != getattr(desired.settings, name):
                raise ChangeRefused("EINVAL", f"[director] {name} is read at start; restart to change it")
        if old.admin != desired.admin:
            raise ChangeRefused("EINVAL", "[admin] listen is read at start; restart to change it")

    def estimate(self) -> None:
        """Take a sample of what was counted, for the rates."""
        for server in self.registry.servers():
            server.stats.estimator.tick()
        for service in self.registry.services.values():
            service.stats.estimator.tick()

    def _sweep(self) -> None:
        self.registry.sweep(self._reactor.seconds())


def announce(made: Generation) -> None:
    """Say what a generation changed."""
    for sentence in made.diff[:SAID]:
        _log.info(
            "generation {number} by {author}: {what}", number=made.number, author=made.author, what=sentence
        )
    more = len(made.diff) - SAID
    if more > 0:
        _log.info("generation {number}: and {count} more", number=made.number, count=more)


def announce_reload(applied: Applied) -> Applied:
    """Say what became of a reload."""
    made = applied.generation
    text = "generation {number} by {author}, {count} change(s)"
    if not made.diff:
        text = "generation {number} runs on, nothing changed (asked by {author})"
    _log.info(f"reloaded: {text}", number=made.number, author=made.author, count=len(made.diff))
    return applied
