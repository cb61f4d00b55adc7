"""The embedded demo servers as a part (composition)."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred

from director.demo.servers import DemoService
from director.model.settings import Demo
from director.program.candidate import Candidate
from director.program.parts import Part, all_of


class Demos(Part):
    """One server for each `[demo:NAME]`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._started = False
        self._running: dict[Demo, DemoService] = {}

    def commit(self, candidate: Candidate) -> None:
        """Stop those that went, start those that came."""
        wanted = candidate.desired.demos
        for demo in self._running.keys() - set(wanted):
            self._running.pop(demo).stopService()
        for demo in wanted:
            if demo not in self._running:
                self._running[demo] = DemoService(demo, self._reactor)
                if self._started:
                    self._running[demo].startService()

    def start(self) -> None:
        """Listen."""
        self._started = True
        for one in self._running.values():
            one.startService()

    def stop(self, grace: float) -> Deferred[None]:
        """Close all."""
        self._started = False
        ended: list[Any] = [maybeDeferred(cast("Any", one.stopService)) for one in self._running.values()]
        return all_of(ended)
