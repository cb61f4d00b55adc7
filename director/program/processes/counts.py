"""Where several processes count: the memory and the books on it, before there is any process."""

from __future__ import annotations

from collections.abc import Sequence

from director.registry.books import MappedBooks
from director.registry.cells import Geometry, Given
from director.registry.io.segment import Segment, create

SLOTS = 65_536
"""Servers and pools that can be counted across processes; what is not used costs addresses only."""


def size(workers: int) -> Geometry:
    """A column for each worker, for the control process, and for layer 4."""
    return Geometry(SLOTS, workers + 2)


def counts(
    workers: int, left: Segment | None = None, given: Sequence[Given] = ()
) -> tuple[Segment, MappedBooks] | tuple[None, None]:
    """Where several processes count: in memory that is new, or that was left, with what was given out of it.

    Raises DirectorError when there is no memory for it.
    """
    if not workers:
        return None, None
    segment = create(size(workers)) if left is None else left
    books = MappedBooks(segment.table(0), gives=True, processes=workers)
    books.inherit(given)
    return segment, books
