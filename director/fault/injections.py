"""The faults that run in this process, laid on the servers that they concern.

A server on which nothing is laid has `injected` None, and that is all that a request looks at.  Otherwise it
is asked there, with its facts, and told what it meets.  Time is the shell's: it says when one ends.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Protocol

from attrs import evolve

from director.conditions.compile import compile_condition
from director.fault.choice import HitRule, drawn
from director.fault.delays import delay
from director.fault.packets import FlowFacts, FlowFate, knows, of_packets
from director.model.drills import Injected, RunningFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


class HitFlow(Protocol):
    """A flow of layer 4: its client (packed), protocol and server.

    `met` is kept for faults: each that it met, and behind it what became of the flow, one after the other.
    A flow costs no more than a tuple so, of which there may be a million.
    """

    client: bytes
    protocol: int
    server: RealServer
    met: tuple[Any, ...]


class Injection:
    """One running fault in this process.

    Attributes:
        running: what was started.
        choice: who was hit so far: requests, and flows of layer 4.
        checks: probes of health checks that met it.
        packets: packets of those flows that met it.
    """

    __slots__ = ("_match", "_probes", "_turns", "_usual", "checks", "choice", "packets", "running")

    def __init__(self, running: RunningFault) -> None:
        self.running = running
        self.choice = HitRule(running.fault.hit, running.seed)
        self.checks = self.packets = self._probes = 0
        self._match = compile_condition(running.fault.when)
        self._turns = {False: 0, True: 0}
        self._usual: dict[str, tuple[int, ...]] = {}

    def meet(self, facts: Any, number: str, server: RealServer) -> Injected | None:
        """What a request with these facts meets; None when it is none of those that are hit."""
        if self._match(facts) is None or not self._turn(checks=False) or not self.choice.take(number):
            return None
        return self._injected(number or str(self.choice.seen), server)

    def meet_packet(self, flow: HitFlow, length: int, *, outward: bool) -> Injected | None:
        """What the next packet of a flow meets, `outward` one of its server; None when it is spared."""
        fate = self._fate(flow)
        number = fate.next(length, outward=outward) if fate is not None else ""
        if not number:
            return None
        self.packets += 1
        return self._injected(number, flow.server)

    def _fate(self, flow: HitFlow) -> FlowFate | None:
        """What becomes of a flow, decided when it comes by for the first time; None when it is not hit."""
        met = flow.met
        for place in range(0, len(met), 2):
            if met[place] is self:
                known: FlowFate | None = met[place + 1]
                return known
        fate = self._decide(flow)
        flow.met = (*met, self, fate)
        return fate

    def _decide(self, flow: HitFlow) -> FlowFate | None:
        if not knows(self.running.fault, flow.protocol):
            return None
        client: Any = FlowFacts(str(ipaddress.ip_address(flow.client)))
        if self._match(client) is None or not self.choice.take():
            return None
        return FlowFate(self.running, self.choice.seen)

    def meet_check(self, server: RealServer, *, packets: bool = False) -> Injected | None:
        """What a probe meets: checks are hit, all of them, or not at all.

        Of one that is hit by its `packets`, where a share of them is: so many probes are.
        """
        if not self._turn(checks=True) or (packets and not self._loses()):
            return None
        self.checks += 1
        return evolve(self._injected(f"check {self.checks}", server), packets=packets)

    def _loses(self) -> bool:
        """The next probe is one of those that lose a packet."""
        self._probes += 1
        share = self.running.fault.action.share
        return share >= 1.0 or drawn(self.running.seed, f"probe {self._probes}") < share

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
    """All that is laid on one server, in the order in which it was started; the first that hits counts.

    Attributes:
        packets: those that happen to packets, where a service of layer 4 uses the server.
    """

    __slots__ = ("_of_checks", "_of_requests", "_server", "packets")

    def __init__(self, laid: Iterable[Injection], server: RealServer, *, layer4: bool) -> None:
        found = tuple(laid)
        self._server = server
        self._of_requests = tuple(one for one in found if one.running.fault.action.kind in OF_REQUESTS)
        self.packets = tuple(one for one in found if layer4 and of_packets(one.running.fault))
        self._of_checks = tuple(
            one for one in found if _seen_by_checks(one.running, packets=one in self.packets)
        )
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

    def meet_packet(self, flow: HitFlow, length: int, *, outward: bool) -> Injected | None:
        """What the next packet of a flow to this server meets, `outward` one of the server's.

        `length` is that of the IP packet, in octets.
        """
        met = flow.met
        if len(met) > 2 * len(self.packets):
            # What has ended would be kept as long as the flow.
            left = [place for place in range(0, len(met), 2) if met[place] in self.packets]
            flow.met = tuple(one for place in left for one in met[place : place + 2])
        for one in self.packets:
            injected = one.meet_packet(flow, length, outward=outward)
            if injected is not None:
                return injected
        return None

    def meet_check(self) -> Injected | None:
        """What a probe of a health check meets."""
        for one in self._of_checks:
            met = one.meet_check(self._server, packets=one in self.packets)
            if met is not None:
                return met
        return None


class Injections:
    """All faults that run in this process; `laid` is called when servers have other ones than before."""

    def __init__(self, registry: Registry, laid: Callable[[], object] = lambda: None) -> None:
        self._registry = registry
        self._laid = laid
        self._any = False
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
        any_before, self._any = self._any, bool(self._running)
        of_layer4 = {service.pool for service in self._registry.configuration.l4}
        for server in self._registry.servers():
            laid = [one for one in self._running.values() if _concerns(one.running, server)]
            layer4 = server.pool.name in of_layer4
            server.injected = OnServer(laid, server, layer4=layer4) if laid else None
        if any_before or self._any:
            self._laid()


def _concerns(running: RunningFault, server: RealServer) -> bool:
    """It is one of its servers, and one that can fail in this way: else a drill would seem to have hit it."""
    fault, pool = running.fault, server.pool.name
    if not any((pool, name) in fault.servers for name in (server.name, "")):
        return False
    if fault.action.kind == "tls":
        return server.pool.config.tls is not None
    return fault.action.kind != "dns" or server.address.is_named


def _seen_by_checks(running: RunningFault, *, packets: bool) -> bool:
    action = running.fault.action
    return action.kind == LIE or (running.fault.checks and (packets or action.kind in OF_REQUESTS))
