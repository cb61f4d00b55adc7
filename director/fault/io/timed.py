"""Faults that end by themselves: each has its timer in each process, so none outlives who started it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from director.fault.injections import Injection, Injections
from director.model.drills import RunningFault
from director.registry.registry import Registry

Counts = tuple[int, int, int, int]
"""Requests and flows that came by, those that were hit, probes that were, packets that were."""


class TimedInjections:
    """All faults that run in this process, with their timers.

    Args:
        ended: told of one whose time is over.
        laid: called when servers have other faults than before.

    Attributes:
        injections: they.
    """

    def __init__(
        self,
        registry: Registry,
        reactor: Any,
        ended: Callable[[Injection], None],
        laid: Callable[[], object] = lambda: None,
    ) -> None:
        self.injections = Injections(registry, laid)
        self._reactor = reactor
        self._ended = ended
        self._timers: dict[str, Any] = {}

    def start(self, running: RunningFault) -> None:
        """Begin, or begin anew."""
        name = running.fault.name
        self._stop_timer(name)
        self.injections.start(running)
        left = max(0.0, running.ends - self._reactor.seconds())
        self._timers[name] = self._reactor.callLater(left, self._over, name)

    def stop(self, name: str) -> Injection | None:
        """End one early; None when it does not run."""
        self._stop_timer(name)
        return self.injections.stop(name)

    def clear(self) -> list[Injection]:
        """End all."""
        return [one for name in tuple(self._timers) if (one := self.stop(name)) is not None]

    def counts(self) -> dict[str, Counts]:
        """What was counted, by the name of what runs."""
        return {one.running.fault.name: counted(one) for one in self.injections}

    def _over(self, name: str) -> None:
        del self._timers[name]
        found = self.injections.stop(name)
        if found is not None:
            self._ended(found)

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def counted(one: Injection) -> Counts:
    """What was counted of it in this process."""
    return one.choice.seen, one.choice.hits, one.checks, one.packets
