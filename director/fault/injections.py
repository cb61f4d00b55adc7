"""The faults that run in this process, laid on the servers that they concern.

A server on which nothing is laid has `injected` None, and that is all that a request looks at.  Otherwise it
is asked there, with its facts, and told what it meets.  Time is the shell's: it says when one ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.conditions.compile import compile_condition
from director.fault.choice import HitRule, drawn
from director.fault.delays import delay
from director.model.drills import Injected, RunningFault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from director.registry.live import RealServer
    from director.registry.registry import Registry

OF_REQUESTS = frozenset((
    "refuse", "reset", "hang", "delay", "status", "truncate", "garbage", "drip", "bandwidth", "close",
    "blackhole", "stops_reading", "wrong_length", "1xx", "late_trailers", "slow_close", "slicer", "tls",
    "dns",
))  # fmt: skip
"""What can happen to a request of layer 7."""
LIE = "lie"
"""What happens to checks alone."""
FLAPPING = "flapping"
TAG = "drill-"
"""How the id of a drill's own request begins; its number stands behind the last `-`."""


class Injection:
    """One running fault in this process.

    Attributes:
        running: what was started.
        choice: who was hit so far.
        checks: probes of health checks that met it.
    """

    __slots__ = ("_match", "_turns", "_usual", "checks", "choice", "running")

    def __init__(self, running: RunningFault) -> None:
        self.running = running
        self.choice = HitRule(running.fault.hit, running.seed)
        self.checks = 0
        self._match = compile_condition(running.fault.when)
        self._turns = {False: 0, True: 0}
        self._usual: dict[str, tuple[int, ...]] = {}

    def meet(self, facts: Any, number: str, server: RealServer) -> Injected | None:
        """What a request with these facts meets; None when it is none of those that are hit."""
        if self._match(facts) is None or not self._turn(checks=False) or not self.choice.take(number):
            return None
        return self._injected(number or str(self.choice.seen), server)

    def meet_check(self, server: RealServer) -> Injected | None:
        """What a probe meets: checks are hit, all of them, or not at all."""
        if not self._turn(checks=True):
            return None
        self.checks += 1
        return self._injected(f"check {self.checks}", server)

    def _injected(self, number: str, server: RealServer) -> Injected:
        fault = self.running.fault
        drawing = drawn(self.running.seed, f"delay {number}")
        seconds = delay(fault.action, drawing, self._usual.get(server.key, ()))
        return Injected(fault.name, fault.action, seconds)

    def remember(self, server: RealServer) -> None:
        """How long its answers took before: what the fault itself adds must not count."""
        if self.running.fault.action.times and server.key not in self._usual:
            self._usual[server.key] = tuple(server.requests.latency.buckets)

    def _turn(self, *, checks: bool) -> bool:
        """What flaps is bad every other time, and begins so."""
        if self.running.fault.action.word != FLAPPING:
            return True
        self._turns[checks] += 1
        return self._turns[checks] % 2 == 1


class OnServer:
    """All that is laid on one server, in the order in which it was started; the first that hits counts."""

    __slots__ = ("_of_checks", "_of_requests", "_server")

    def __init__(self, laid: Iterable[Injection], server: RealServer) -> None:
        found = list(laid)
        self._server = server
        self._of_requests = tuple(one for one in found if one.running.fault.action.kind in OF_REQUESTS)
        self._of_checks = tuple(one for one in found if _seen_by_checks(one.running))
        for one in self._of_requests:
            one.remember(server)

    def meet(self, facts: Any, identity: str) -> Injected | None:
        """What a request meets that was sent here; its id tells the number of a drill's own."""
        number = identity.rpartition("-")[2] if identity.startswith(TAG) else ""
        for one in self._of_requests:
            met = one.meet(facts, number, self._server)
            if met is not None:
                return met
        return None

    def meet_check(self) -> Injected | None:
        """What a probe of a health check meets."""
        for one in self._of_checks:
            met = one.meet_check(self._server)
            if met is not None:
                return met
        return None


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
            server.injected = OnServer(laid, server) if laid else None


def _concerns(running: RunningFault, server: RealServer) -> bool:
    """It is one of its servers, and one that can fail in this way: else a drill would seem to have hit it."""
    fault, pool = running.fault, server.pool.name
    if not any((pool, name) in fault.servers for name in (server.name, "")):
        return False
    if fault.action.kind == "tls":
        return server.pool.config.tls is not None
    return fault.action.kind != "dns" or server.address.is_named


def _seen_by_checks(running: RunningFault) -> bool:
    action = running.fault.action
    return action.kind == LIE or (running.fault.checks and action.kind in OF_REQUESTS)
