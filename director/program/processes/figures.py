"""What several processes count, as one: read where it is counted, summed up where it is shown.

A worker's `Meter` says what changed since it said it last, a few hundred things in a turn of the loop, so
that no client waits for a scrape.  The control process has a live registry, too, in which nothing is ever
chosen: `Sums` puts into its counters the sums over all processes, those that ended included, so a count
never goes back.  All that shows figures reads them there.

The form is JSON: `[kind, name, part, figures]`, where figures are five totals of traffic, requests, six
classes of responses, causes of errors, the buckets of the histogram, and the sum of all latencies; of a pool
they are four numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from director.registry.counters import Requests, Traffic
from director.registry.registry import Registry

AT_ONCE = 200
"""Things that are looked at in one turn."""
SERVER, SERVICE, RULE, POOL = "server", "service", "rule", "pool"
POOL_FIELDS = ("queue_full", "queue_timeouts", "no_server", "scheduler_failures")

Key = tuple[str, str, str]
"""Kind, name, and the part of it: pool and server, service and rule."""
Figures = tuple[Any, ...]


def counted(traffic: Traffic | None, requests: Requests) -> Figures:
    """A copy of what was counted."""
    latency = requests.latency
    return (
        traffic.totals() if traffic is not None else (),
        requests.requests,
        tuple(requests.responses),
        tuple(sorted(requests.errors.items())),
        tuple(latency.buckets),
        latency.total,
    )


class Meter:
    """Reads one registry and says what changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._said: dict[Key, Figures] = {}

    def changes(self) -> Iterator[list[tuple[str, str, str, Figures]]]:
        """What changed, in portions; what is between two of them may be done in between."""
        found: list[tuple[str, str, str, Figures]] = []
        for number, (key, figures) in enumerate(chain(self._pools(), self._services()), 1):
            if self._said.get(key) != figures:
                self._said[key] = figures
                found.append((*key, figures))
            if number % AT_ONCE == 0:
                yield found
                found = []
        yield found

    def _pools(self) -> Iterator[tuple[Key, Figures]]:
        for pool in tuple(self._registry.pools.values()):
            yield (POOL, pool.name, ""), tuple(getattr(pool, name) for name in POOL_FIELDS)
            for one in pool.servers:
                yield (SERVER, pool.name, one.name), counted(one.stats.traffic, one.requests)

    def _services(self) -> Iterator[tuple[Key, Figures]]:
        for key, live in tuple(self._registry.services.items()):
            yield (SERVICE, key, ""), counted(live.stats.traffic, live.requests)
            for name, requests in tuple(live.rules.items()):
                yield (RULE, key, name), counted(None, requests)


class Sums:
    """Sums over all processes, kept in the counters of the control process's own registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._parts: dict[Key, dict[int, Figures]] = {}
        self._ended: dict[Key, Figures] = {}

    def take(self, process: int, report: Iterable[Any]) -> None:
        """What a process said."""
        for kind, name, part, figures in report:
            key = (kind, name, part)
            self._parts.setdefault(key, {})[process] = figures
            self._show(key)

    def end(self, process: int) -> None:
        """A process has ended: what it counted stays."""
        for key, parts in self._parts.items():
            figures = parts.pop(process, None)
            if figures is not None:
                self._ended[key] = added([self._ended[key], figures] if key in self._ended else [figures])

    def _show(self, key: Key) -> None:
        whole = added([*self._parts[key].values(), *([self._ended[key]] if key in self._ended else [])])
        kind, name, part = key
        registry = self._registry
        if kind in {SERVICE, RULE}:
            live = registry.services.get(name)
            if live is None:
                return
            if kind == SERVICE:
                _put(whole, live.stats.traffic, live.requests)
            else:
                _put(whole, None, live.rule(part))
            return
        pool = registry.pools.get(name)
        if pool is None:
            return
        if kind == POOL:
            pool.become(*whole)
        else:
            server = pool.server(part)
            if server is not None:
                _put(whole, server.stats.traffic, server.requests)


def _put(whole: Figures, traffic: Traffic | None, requests: Requests) -> None:
    totals, *rest = whole
    if traffic is not None:
        traffic.become(totals)
    requests.become(*rest)


def added(parts: list[Figures]) -> Figures:
    """The sum of figures of one kind."""
    if len(parts) == 1:
        return parts[0]
    if not isinstance(parts[0][0], tuple | list):
        return tuple(map(sum, zip(*parts, strict=True)))
    totals, requests, responses, errors, buckets, seconds = zip(*parts, strict=True)
    causes: Counter[str] = Counter()
    for one in errors:
        causes.update(dict(one))
    return (
        tuple(map(sum, zip(*totals, strict=True))),
        sum(requests),
        tuple(map(sum, zip(*responses, strict=True))),
        tuple(causes.items()),
        tuple(map(sum, zip(*buckets, strict=True))),
        sum(seconds),
    )
