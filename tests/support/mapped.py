"""Several processes in one: registries over the same words, one of which gives the slots out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from director.model.pools import Pool, Queue
from director.model.settings import Configuration
from director.registry.books import MappedBooks
from director.registry.cells import CellTable, Geometry
from director.registry.changes import Change, plan
from director.registry.mapped import MappedServer
from director.registry.registry import Registry
from tests.support.registries import FirstFit, live, server

ROOMY = Configuration(pools=(Pool("web", (server("a", 1), server("b", 2))),))
"""Two servers without thresholds."""


def limited(maximum: int, minimum: int = 0, length: int = 0) -> Configuration:
    """One server with these thresholds, and a line of that length."""
    only = server("a", 1, max=maximum, min=minimum)
    return Configuration(pools=(Pool("web", (only,), queue=Queue(length, 5.0)),))


def one(registry: Registry, name: str = "a") -> MappedServer:
    """A server of the pool `web`."""
    found = live(registry, "web", name)
    assert isinstance(found, MappedServer)
    return found


class Held:
    """Locks of a single process, which cannot be in each other's way unless a test says so."""

    def __init__(self) -> None:
        self.stuck: set[int] = set()
        self.held: set[int] = set()

    def take(self, number: int) -> bool:
        """Not twice, and not what a stopped process holds."""
        assert number not in self.held, "a lock was taken inside itself"
        if number in self.stuck:
            return False
        self.held.add(number)
        return True

    def give(self, number: int) -> None:
        """Only what was taken."""
        self.held.remove(number)


class Together:
    """A control process and `workers`, which take every change in the same turn.

    `called` are the pools for whose queues somebody said that there is room, with who said it.
    """

    def __init__(self, configuration: Configuration, workers: int = 2, slots: int = 32) -> None:
        size = Geometry(slots, workers + 1)
        self.locks = Held()
        self.words = memoryview(array("q", bytes(8 * size.words)))
        self.called: list[tuple[int, str]] = []
        self.books = [
            MappedBooks(
                CellTable(self.words, size, column, self.locks),
                gives=column == 0,
                room=self._heard_from(column),
                processes=workers,
            )
            for column in range(size.columns)
        ]
        self.registries = [Registry(FirstFit, books) for books in self.books]
        self.turn(configuration)

    def _heard_from(self, column: int) -> Callable[[str], None]:
        return lambda pool: self.called.append((column, pool))

    @property
    def control(self) -> Registry:
        """The one that gives the slots out."""
        return self.registries[0]

    @property
    def workers(self) -> list[Registry]:
        """The others."""
        return self.registries[1:]

    def turn(self, configuration: Configuration, now: float = 0.0) -> None:
        """Reload, everywhere."""
        self.apply(plan(self.control.configuration, configuration), now)

    def apply(self, changes: Iterable[Change], now: float = 0.0) -> None:
        """Apply changes, everywhere."""
        changes = tuple(changes)
        self.control.apply(changes, "test", now, 0.0)
        news = self.books[0].news()
        for books, registry in zip(self.books[1:], self.workers, strict=True):
            books.learn(news)
            registry.apply(changes, "test", now, 0.0)
