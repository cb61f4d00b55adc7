"""What the workers counted and remember, fetched when somebody looks (composition).

One question for figures is under way at a time, and it costs no worker more than a share of its time, however
many ask: they wait for the next answer, all together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

from director.caches import CacheFigures
from director.program.processes.figures import Sums
from director.program.processes.process import Process
from director.registry.reports import WorkerFigures

ANSWERS = 2.0
"""Seconds that a question may take."""
REST = 20.0
"""A question for figures that costs a worker a second is followed by so many without one."""
LONGEST_REST = 2.0
REMEMBERED = 1000
"""Traces that are fetched from each."""
WITH_TRACES = frozenset({"home", "stats", "requests", "drills"})
"""Routes of the admin that show traces."""


class Collector:
    """Asks all that count, and keeps the answers."""

    def __init__(self, sums: Sums, reactor: Any) -> None:
        self._reactor = reactor
        self._sums = sums
        self._traces: list[Mapping[str, Any]] = []
        self._waiters: list[Deferred[None]] = []
        self._with_traces = False
        self._asking: Any = None
        self._not_before = 0.0

    @property
    def there(self) -> list[Process]:
        """The workers."""
        raise NotImplementedError

    @property
    def counting(self) -> list[Process]:
        """All processes that count, the workers first."""
        raise NotImplementedError

    @property
    def clients(self) -> int:
        """Connections of clients in all."""
        return sum(one.said.get("clients", 0) for one in self.there)

    def said(self, name: str) -> list[Any]:
        """One of the figures that each says of itself."""
        return [one.said.get(name, 0) for one in self.there]

    def caches(self) -> list[CacheFigures]:
        """Those of all that count."""
        return [CacheFigures(*told) for one in self.counting for told in one.said.get("caches", ())]

    def traces(self, limit: int) -> list[Mapping[str, Any]]:
        """The newest of all, newest first, as they were when `refreshed` was asked."""
        return self._traces[:limit]

    def faults(self, limit: int) -> list[Mapping[str, Any]]:
        """Those that the fault path answered."""
        return [one for one in self._traces if one["fault"]][:limit]

    def trace(self, identifier: str) -> Deferred[Mapping[str, Any] | None]:
        """One by its id, whoever served it."""
        asked = [self._soon(one.channel.ask("trace", identifier)) for one in self.there]
        return DeferredList(asked, consumeErrors=True).addCallback(
            lambda found: next((record for good, record in found if good and record is not None), None)
        )

    def processes(self) -> list[WorkerFigures]:
        """Each of them, in figures."""
        now = time.time()
        return [
            WorkerFigures(
                one.name,
                one.pid,
                one.begun,
                now - one.said.get("started", now),
                one.said.get("clients", 0),
                one.said.get("requests", 0),
                one.said.get("cpu", 0.0),
                one.said.get("rss", 0),
            )
            for one in self.counting
        ]

    def refreshed(self, route: str = "") -> Deferred[None]:
        """Fires when all that was counted up to now is summed up.

        One question is under way at a time, and it costs no worker more than a share of its time: whoever
        asks meanwhile waits for the next one, all together.
        """
        done: Deferred[None] = Deferred()
        self._waiters.append(done)
        self._with_traces = self._with_traces or route in WITH_TRACES
        if self._asking is None:
            self._ask_soon()
        return done

    def _ask_soon(self) -> None:
        pause = max(0.0, self._not_before - self._reactor.seconds())
        self._asking = self._reactor.callLater(pause, self._ask)

    def _ask(self) -> None:
        waiters, self._waiters = self._waiters, []
        traces, self._with_traces = self._with_traces, False
        asked: list[Deferred[Any]] = [
            self._soon(one.channel.ask("figures")).addCallback(self._counted, one) for one in self.counting
        ]
        if traces:
            asked.append(self._fetch_traces())
        DeferredList(asked, consumeErrors=True).addBoth(self._told, waiters)

    def _told(self, _: Any, waiters: list[Deferred[None]]) -> None:
        cost = max((one.said.get("cost", 0.0) for one in self.counting), default=0.0)
        self._not_before = self._reactor.seconds() + min(LONGEST_REST, cost * REST)
        self._asking = None
        for one in waiters:
            one.callback(None)
        if self._waiters and self._asking is None:
            self._ask_soon()

    def _counted(self, told: dict[str, Any], one: Process) -> None:
        one.said = {**told["process"], "pid": one.pid}
        one.heard = self._reactor.seconds()
        self._sums.take(one.column, told["counts"])

    def _fetch_traces(self) -> Deferred[None]:
        asked = [self._soon(one.channel.ask("traces", REMEMBERED)) for one in self.there]
        return DeferredList(asked, consumeErrors=True).addCallback(self._merge)

    def _merge(self, found: list[tuple[bool, Any]]) -> None:
        every = [record for good, records in found if good for record in records]
        self._traces = sorted(every, key=lambda record: -record["time"])

    def _soon(self, asked: Deferred[Any]) -> Deferred[Any]:
        clock: IReactorTime = self._reactor
        return asked.addTimeout(ANSWERS, clock)
