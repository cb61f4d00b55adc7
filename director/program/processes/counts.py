"""Where several processes count: the memory and the books on it, before there is any process."""

from __future__ import annotations

from director.registry.books import MappedBooks
from director.registry.cells import Geometry
from director.registry.io.segment import Segment, create

SLOTS = 65_536
"""Servers and pools that can be counted across processes; what is not used costs addresses only."""


def counts(workers: int) -> tuple[Segment | None, MappedBooks | None]:
    """Where several processes count.  Raises DirectorError when there is no memory for it."""
    if not workers:
        return None, None
    # A column for each, for this process, and for layer 4.
    segment = create(Geometry(SLOTS, workers + 2))
    return segment, MappedBooks(segment.table(0), gives=True, processes=workers)
