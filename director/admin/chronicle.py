"""An hour of figures for graphs: of the whole, of services, pools and servers, a row every ten seconds.

Pure.  Rows stand in slots of wall-clock time, so that what an earlier run kept is taken up where it belongs,
and the time between two runs stays empty.  Of more than `MOST` things the first have a history: the whole,
services, pools, then servers in their order.  A thing that is gone is forgotten when its last row is.

    text    one line of JSON: format, slots, names of the things
    octets  for each thing its rows, native 32-bit floats; what is not known is NaN
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from director.registry.counters import (
    INBYTES,
    LATENCY_BOUNDS,
    OUTBYTES,
    RequestFigures,
    TrafficFigures,
    quantile,
)
from director.registry.snapshot import RegistrySnapshot

STEP = 10
"""Seconds of a slot."""
SLOTS = 360
"""An hour."""
MOST = 1000
"""Things with a history: 14 kB each."""
FIGURES = ("rate", "failed", "errors", "in", "out", "mean", "p99", "active", "waiting", "eligible")
"""Of each row: requests (of layer 4 connections), answers of class 5xx, errors, octets from and to clients,
all per second; the mean time to the answer and the bound below which 99 % lie, in seconds; and what was so at
that moment: active connections, requests that waited, servers that could be chosen."""
WHOLE = "*"
"""All services together."""
FORMAT = 1
UNKNOWN = math.nan
_ROW = len(FIGURES)
_EMPTY = array("f", [UNKNOWN]) * (_ROW * SLOTS)
NOTHING = (UNKNOWN, UNKNOWN, UNKNOWN)


class Counted(NamedTuple):
    """What was counted so far."""

    requests: int = 0
    failed: int = 0
    errors: int = 0
    received: int = 0
    sent: int = 0
    seconds: float = 0.0
    buckets: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS) + 1)


Told = tuple[str, Counted, tuple[float, float, float]]
"""A thing, its sums, and its last three figures."""


def sums(requests: RequestFigures, traffic: TrafficFigures) -> Counted:
    """Of one service or server: layer 7 counts requests, layer 4 connections and octets."""
    return Counted(
        max(requests.requests, traffic.totals[0]),
        requests.responses[5],
        sum(count for _, count in requests.errors),
        traffic.totals[INBYTES],
        traffic.totals[OUTBYTES],
        requests.seconds,
        requests.buckets,
    )


def added(found: Iterable[Counted]) -> Counted:
    """The sums of several."""
    counts, seconds, buckets = [0] * 5, 0.0, [0] * (len(LATENCY_BOUNDS) + 1)
    for one in found:
        if one.requests or one.errors:
            counts = list(map(int.__add__, counts, one[:5]))
            buckets = list(map(int.__add__, buckets, one.buckets))
            seconds += one.seconds
    requests, failed, errors, received, sent = counts
    return Counted(requests, failed, errors, received, sent, seconds, tuple(buckets))


def told(seen: RegistrySnapshot) -> Iterator[Told]:
    """All things in the order in which they get a history."""
    services = [(key, sums(one.requests, one.traffic)) for key, one in seen.services.items()]
    pools = seen.pools.values()
    now = (
        float(sum(one.active for pool in pools for one in pool.servers)),
        float(sum(pool.waiting for pool in pools)),
        float(sum(pool.eligible for pool in pools)),
    )
    yield WHOLE, added(one for _, one in services), now
    for key, found in services:
        yield key, found, NOTHING
    for pool in seen.pools.values():
        active = sum(one.active for one in pool.servers)
        found = added(sums(one.requests, one.traffic) for one in pool.servers)
        yield pool.name, found, (active, pool.waiting, pool.eligible)
    for one in seen.servers():
        now = float(one.active), UNKNOWN, float(one.eligible)
        yield f"{one.pool}/{one.name}", sums(one.requests, one.traffic), now


def row(
    before: Counted | None, now: Counted, seconds: float, rest: tuple[float, float, float]
) -> Iterable[float]:
    """The figures of one slot; rates are unknown without a sample before, or after counting began anew."""
    if before is None or now.requests < before.requests or seconds <= 0:
        return (*(UNKNOWN,) * (_ROW - 3), *rest)
    rates = [max(0.0, new - old) / seconds for new, old in zip(now[:5], before[:5], strict=True)]
    buckets = [max(0, new - old) for new, old in zip(now.buckets, before.buckets, strict=True)]
    timed = sum(buckets)
    mean = max(0.0, now.seconds - before.seconds) / timed if timed else UNKNOWN
    bound = quantile(buckets, 0.99)
    p99 = UNKNOWN if bound is None else min(bound, LATENCY_BOUNDS[-1])
    return (*rates, mean, p99, *rest)


class HourBook:
    """The hour."""

    def __init__(self) -> None:
        self._slots = [-1] * SLOTS
        self._rows: dict[str, array[float]] = {}
        self._before: dict[str, Counted] = {}
        self._last: float | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def due(self, time: float) -> bool:
        """Whether the slot of that moment (seconds since the epoch) has no row yet."""
        return self._slots[int(time) // STEP % SLOTS] != int(time) // STEP

    def sample(self, seen: RegistrySnapshot, time: float) -> Iterator[None]:
        """Write a row for each thing; a step of the iterator writes one, so that others may work between."""
        slot = int(time) // STEP
        place = slot % SLOTS
        self._slots[place] = slot
        seconds = time - self._last if self._last is not None else 0.0
        self._last = time
        empty = array("f", [UNKNOWN]) * _ROW
        for rows in self._rows.values():
            rows[place * _ROW : (place + 1) * _ROW] = empty
        before, self._before = self._before, {}
        for name, now, rest in islice(told(seen), MOST):
            rows = (
                self._rows.setdefault(name, array("f", _EMPTY))
                if name not in self._rows
                else self._rows[name]
            )
            rows[place * _ROW : (place + 1) * _ROW] = array("f", row(before.get(name), now, seconds, rest))
            self._before[name] = now
            yield
        self._forget(slot)

    def _forget(self, slot: int) -> None:
        """What is gone and has no row left, and the oldest of what is gone when there is no room."""
        gone = [name for name in self._rows if name not in self._before]
        for name in gone:
            if len(self._rows) > MOST or all(map(math.isnan, self._rows[name])):
                del self._rows[name]

    # -- asking --

    def names(self) -> list[str]:
        """What has a history."""
        return list(self._rows)

    def series(self, name: str, time: float, span: float) -> dict[str, list[float | None]] | None:
        """The last `span` seconds of each figure, oldest first; None for what has no history."""
        rows = self._rows.get(name)
        if rows is None:
            return None
        wanted = self.slots(time, span)
        value = self._value
        return {figure: [value(rows, slot, place) for slot in wanted] for place, figure in enumerate(FIGURES)}

    def line(self, name: str, figure: str, time: float, points: int = 60) -> list[float | None]:
        """The hour of one figure in so many points, each the largest of its slots; empty without history."""
        rows = self._rows.get(name)
        if rows is None:
            return []
        wanted, size = self.slots(time, SLOTS * STEP), SLOTS // points
        first = wanted[0] % SLOTS
        values, slots = rows[FIGURES.index(figure) :: _ROW], self._slots
        told = zip(values[first:] + values[:first], slots[first:] + slots[:first], wanted, strict=True)
        # No figure is below 0, and what is not known is not equal to itself.
        known = [value if slot == then and value == value else -1.0 for value, slot, then in told]  # noqa: PLR0124
        peaks = (max(known[place : place + size]) for place in range(0, SLOTS, size))
        return [None if peak < 0 else peak for peak in peaks]

    @staticmethod
    def slots(time: float, span: float) -> range:
        """The slots of the last `span` seconds; that of the moment is the last."""
        last = int(time) // STEP
        return range(last - min(SLOTS, max(1, math.ceil(span / STEP))) + 1, last + 1)

    def _value(self, rows: Sequence[float], slot: int, index: int) -> float | None:
        if self._slots[slot % SLOTS] != slot:
            return None
        value = rows[slot % SLOTS * _ROW + index]
        return None if math.isnan(value) else float(f"{value:.6g}")

    # -- over restarts --

    def kept(self) -> bytes:
        """All of it."""
        head = {"format": FORMAT, "figures": FIGURES, "slots": self._slots, "of": list(self._rows)}
        return b"".join(
            [json.dumps(head).encode() + b"\n", *(rows.tobytes() for rows in self._rows.values())]
        )

    @staticmethod
    def largest() -> int:
        """Octets that `kept` has at most, when names are no longer than they can be."""
        return MOST * (_ROW * SLOTS * 4 + 512) + SLOTS * 16

    def take(self, content: bytes) -> bool:
        """Take up what an earlier run kept; False when it is none."""
        line, _, octets = content.partition(b"\n")
        size = _ROW * SLOTS * 4
        try:
            head: Any = json.loads(line)
            slots, names = [int(one) for one in head["slots"]], [str(one) for one in head["of"]]
            good = head["format"] == FORMAT and tuple(head["figures"]) == FIGURES
        except (ValueError, TypeError, KeyError):
            return False
        if not good or len(slots) != SLOTS or len(names) > MOST or len(octets) != size * len(names):
            return False
        self._slots = slots
        for index, name in enumerate(names):
            self._rows[name] = array("f")
            self._rows[name].frombytes(octets[index * size : (index + 1) * size])
        return True
