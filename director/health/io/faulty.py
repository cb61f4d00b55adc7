"""A probe that meets an injected fault: it ends as the fault says, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from director.fault.probing import MetProbe
from director.registry.evidence import Result


class FaultyProbe:
    """In the place of a `Probe`; calls `report(result)` and then `gone()`, once each."""

    def __init__(
        self,
        reactor: Any,
        clock: Callable[[], float],
        met: MetProbe,
        report: Callable[[Result], None],
        gone: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._met = met
        self._report = report
        self._gone = gone
        self._began = clock()
        self._timer: Any = None
        self._reactor = reactor

    def start(self) -> None:
        """Begin; the outcome comes later, never now."""
        self._timer = self._reactor.callLater(self._met.seconds, self._end)

    def cancel(self) -> None:
        """Give up without a result."""
        self._timer.cancel()
        self._gone()

    def _end(self) -> None:
        now = self._clock()
        self._report(Result(now, self._met.alive, self._met.reason, now - self._began))
        self._gone()
