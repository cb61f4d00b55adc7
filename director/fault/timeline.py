"""When a drill does what: its steps and its requests on one line of time.  Pure.

The load is open: each request has its moment, whatever became of those before it, and the same drill has the
same moments again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from director.model.drills import Drill, DrillStep, LoadLine


@frozen
class DueRequest:
    """A request is due: its number (from 1 on), and the line of the load."""

    at: float
    number: int
    line: int


def timeline(drill: Drill) -> Iterator[DrillStep | DueRequest]:
    """All that is due, in order, up to the end; at one moment steps come before requests."""
    end = drill.steps[-1].at
    arrivals = _arrivals(drill.load, end)
    coming = next(arrivals, None)
    for step in drill.steps:
        while coming is not None and coming.at < step.at:
            yield coming
            coming = next(arrivals, None)
        yield step


def _arrivals(load: tuple[LoadLine, ...], end: float) -> Iterator[DueRequest]:
    """The requests of all lines before `end`, numbered in the order in which they are due."""
    lines = [_moments(line, number, end) for number, line in enumerate(load)]
    for number, (at, line) in enumerate(heapq.merge(*lines), 1):
        yield DueRequest(at, number, line)


def _moments(line: LoadLine, number: int, end: float) -> Iterator[tuple[float, int]]:
    """Each is reckoned from the begin, so that no error adds up; the first is due half a period after it."""
    count = 0
    while line.rate and (at := (count + 0.5) / line.rate) < end:
        yield at, number
        count += 1
