"""The faults that run in this process, laid on the servers that they concern.

A server on which nothing is laid has `injected` None, and that is all that a request looks at.  Otherwise it
is asked there, with its facts, and told what it meets.  Time is the shell's: it says when one ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.conditions.compile import compile_condition
from director.fault.choice import HitRule, drawn
from director.model.drills import Injected, RunningFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from director.registry.live import RealServer
    from director.registry.registry import Registry

OF_REQUESTS = frozenset(
    {"refuse", "reset", "hang", "delay", "status", "truncate", "garbage", "drip", "bandwidth", "close"}
)
"""What can happen to a request of layer 7."""
TAG = "drill-"
"""How the id of a drill's own request begins; its number stands behind the last `-`."""


class Injection:
    """One running fault in this process.

    Attributes:
        running: what was started.
        choice: who was hit so far.
        checks: probes of health checks that met it.
    """

    __slots__ = ("_match", "checks", "choice", "running")

    def __init__(self, running: RunningFault) -> None:
        self.running = running
        self.choice = HitRule(running.fault.hit, running.seed)
        self.checks = 0
        self._match = compile_condition(running.fault.when)

    def meet(self, facts: Any, number: str) -> Injected | None:
        """What a request with these facts meets; None when it is none of those that are hit."""
        if self._match(facts) is None or not self.choice.take(number):
            return None
        return self._injected(number or str(self.choice.seen))

    def meet_check(self) -> Injected:
        """What a probe meets: checks are hit, all of them, or not at all."""
        self.checks += 1
        return self._injected(f"check {self.checks}")

    def _injected(self, number: str) -> Injected:
        fault = self.running.fault
        action = fault.action
        wide = action.high - action.low
        delay = action.low + (wide * drawn(self.running.seed, f"delay {number}") if wide else 0.0)
        return Injected(fault.name, action, delay)


class OnServer:
    """All that is laid on one server, in the order in which it was started; the first that hits counts."""

    __slots__ = ("_of_checks", "_of_requests")

    def __init__(self, laid: Iterable[Injection]) -> None:
        found = [one for one in laid if one.running.fault.action.kind in OF_REQUESTS]
        self._of_requests = tuple(found)
        self._of_checks = tuple(one for one in found if one.running.fault.checks)

    def meet(self, facts: Any, identity: str) -> Injected | None:
        """What a request meets that was sent here; its id tells the number of a drill's own."""
        number = identity.rpartition("-")[2] if identity.startswith(TAG) else ""
        for one in self._of_requests:
            met = one.meet(facts, number)
            if met is not None:
                return met
        return None

    def meet_check(self) -> Injected | None:
        """What a probe of a health check meets."""
        return self._of_checks[0].meet_check() if self._of_checks else None


class Injections:
    """All faults that run in this process."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._running: dict[str, Injection] = {}

    def __iter__(self) -> Any:
        """Those that run, in the order in which they were started."""
        return iter(tuple(self._running.values()))

    def start(self, running: RunningFault) -> None:
        """Lay one on its servers; one of that name that runs begins anew."""
        self._running.pop(running.fault.name, None)
        self._running[running.fault.name] = Injection(running)
        self.follow()

    def stop(self, name: str) -> Injection | None:
        """Take one away; None when it does not run."""
        found = self._running.pop(name, None)
        if found is not None:
            self.follow()
        return found

    def find(self, name: str) -> Injection | None:
        """The one of that name, if it runs."""
        return self._running.get(name)

    def follow(self) -> None:
        """The registry changed, or what runs did: lay everything anew."""
        for server in self._registry.servers():
            laid = [one for one in self._running.values() if _concerns(one.running, server)]
            server.injected = OnServer(laid) if laid else None


def _concerns(running: RunningFault, server: RealServer) -> bool:
    pool = server.pool.name
    return any((pool, name) in running.fault.servers for name in (server.name, ""))
