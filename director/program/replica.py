"""A registry that follows candidates: what the control process and each of its workers have (composition)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from director.program.candidate import Candidate
from director.program.parts import Chore, Part
from director.registry.books import MappedBooks
from director.registry.live import Books
from director.registry.registry import Generation, Registry
from director.scheduling.catalog import Catalog
from director.scheduling.custom import Note

WARMING = 1.0
"""Seconds between two looks at servers that warm up."""

_log = Logger(namespace="director")


class Replica(Part):
    """A registry, and the schedulers that it may use.

    Attributes:
        registry: it, alive.
        made: what came of the last change of this run; one that changed nothing has no diff.
    """

    def __init__(self, reactor: Any, random: Random, books: Books | MappedBooks | None = None) -> None:
        self.registry = Registry(self._make_scheduler, books)
        self.made = Generation(0, "", 0.0, ())
        self._reactor = reactor
        self._random = random
        self._catalog = Catalog()

    def check(self, candidate: Candidate) -> None:
        """Every change holds, and every scheduler can begin."""
        old, self._catalog = self._catalog, candidate.catalog or self._catalog
        try:
            self.registry.proven(candidate.changes, self._reactor.seconds())
        finally:
            self._catalog = old

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Make it the registry's."""
        old, self._catalog = self._catalog, candidate.catalog or self._catalog
        now = self._reactor.seconds()
        try:
            self.made = self.registry.apply(
                candidate.changes, candidate.author, now, time.time(), candidate.origin
            )
        except Exception:
            self._catalog = old
            raise
        candidate.files.settled()
        return None

    def chores(self) -> Iterable[Chore]:
        """Servers that come back warm up."""
        return ((self._warm, WARMING),)

    def _warm(self) -> None:
        self.registry.warm(self._reactor.seconds())

    def note(self, note: Note) -> None:
        """A user's scheduler was replaced."""
        _log.error("{note}", note=str(note))

    def _make_scheduler(self, spec: Any) -> Any:
        return self._catalog.make(spec, self._random)
