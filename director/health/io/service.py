"""The health service: runs the probes of the plan and carries verdicts into the registry.

One timer for all targets; the plan says what is due, `Evidence` says what a result
means, the registry shares the verdict with every server of that address and check.
The shell above learns which servers changed (`report`), so that waiting requests can
be served.  Failures stay small: one probe, one log line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.logger import Logger

from director.fault.probing import met
from director.health.io.contexts import Contexts
from director.health.io.faulty import FaultyProbe
from director.health.io.probes import Probe
from director.health.schedule import CheckTarget, Key, Plan, redirected, targets
from director.health.verdict import Evidence
from director.model.drills import Injected
from director.model.pools import NO_ADVICE, Advice, State
from director.model.settings import Configuration
from director.registry.evidence import CheckSnapshot, Result, Transition
from director.registry.registry import RealServer, Registry

Report = Callable[[tuple[RealServer, ...]], None]
"""Told which servers became available or unavailable."""

CHANGED = (
    "pool {pool} server {server} is {state}: {reason} ({count} of {needed}), "
    "was {before} for {lasted:.0f}s, next check in {every:g}s"
)
NOTED = (
    "pool {pool} server {server}: check {check} is {state}: {reason} ({count} of {needed}); something else "
    "decides for now, see director show checks {pool}/{server}"
)
ADVISED = "pool {pool} server {server}: its agent ({check}) wants {said}; {text}"
NOT_PROBED = (
    "{address} could not be checked by {check}: {reason}; mend that, or raise the limits of the process. "
    "Servers keep the verdict that they have"
)
PROBED = "checks are made again; {count} could not be made"
FOUND = {True: "passed", False: "failed", None: "unknown"}
"""Words for what a probe found."""
PAST_KEPT = 1000
"""Targets that are gone of which something is remembered."""
GONE = 120.0
"""Seconds for which the verdict about a server that is gone still says something when it returns (B.8)."""
QUIET_SECONDS = 10.0
"""Seconds without a check that could not be made, after which that is over."""


class HealthService(Service):
    """Probes everything the configuration names, as long as it runs.

    Args:
        clock: monotonic seconds.
        report: called with the servers whose availability a verdict changed.
        random: spreads the probes; seeded in tests.

    Attributes:
        probes: how many probes were begun.
        unjudged: how many could not be made for a reason of our own.
        traffic: what real work met lately at an address, as (time, cause).
        changed: told of each change of a verdict.
        recall: what an earlier run knew of a target.
    """

    log = Logger(namespace="director.health")

    def __init__(
        self,
        registry: Registry,
        reactor: Any,
        clock: Callable[[], float],
        report: Report,
        random: Random | None = None,
    ) -> None:
        self.registry = registry
        self.plan = Plan(random or Random())
        self.probes = 0
        self.unjudged = 0
        self._unprobed = 0
        self._unprobed_at = 0.0
        self.traffic: Callable[[str], tuple[tuple[float, str], ...]] = lambda _address: ()
        self.changed: Callable[[], None] = lambda: None
        self.recall: Callable[[CheckTarget], Evidence | None] = lambda _target: None
        self._contexts = Contexts()
        self._reactor = reactor
        self._clock = clock
        self._report = report
        self._made: Counter[tuple[str, str]] = Counter()
        self._evidence: dict[Key, Evidence] = {}
        self._past: dict[Key, Evidence] = {}
        self._under_way: dict[Key, Probe | FaultyProbe] = {}
        self._timer: Any = None
        self._timer_at = 0.0

    # -- life --

    def startService(self) -> None:
        """Begin with what the registry's configuration names."""
        super().startService()
        self.reload(self.registry.configuration)

    def stopService(self) -> None:
        """Give up all probes; verdicts stay as they are."""
        super().stopService()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        for probe in tuple(self._under_way.values()):
            probe.cancel()

    def reload(self, configuration: Configuration) -> None:
        """Probe what `configuration` names from now on; call it after every change of the registry.

        Evidence of checks that did not change is kept.  A check that changed begins anew, and the verdict
        it had stands until its first result.
        """
        now = self._clock()
        self._contexts.follow(configuration.certificates)
        wanted = targets(configuration)
        fresh = [target for key, target in wanted.items() if key not in self.plan.targets]
        changed = {key for key, old in self.plan.targets.items() if wanted.get(key) != old}
        for key in changed:
            self._follow(key, wanted.get(key))
        self.plan.retarget(wanted, now)
        for target in fresh:
            kept = self._returned(target, now) or self.recall(target)
            if kept is not None:
                self._evidence[target.key] = kept
            elif target.check.first is not None:
                self._evidence[target.key] = Evidence(target.check, now)
        told = [self.registry.forget_health(*key, now) for key in changed if key not in wanted]
        for key, evidence in self._evidence.items():
            # Again, because a server that left and came back in one change has lost its verdict.
            if evidence.alive is not None:
                told.append(self.registry.set_health(*key, evidence.alive, now))
            if evidence.advice != NO_ADVICE:
                told.append(self.registry.set_advice(*key, evidence.advice, now))
        self._tell(tuple(server for servers in told for server in servers))
        self._schedule()

    def _follow(self, key: Key, target: CheckTarget | None) -> None:
        """A target changed, or is gone: another question is asked anew, other settings judge on."""
        evidence = self._evidence.get(key)
        if target is None:
            if evidence is not None:
                del self._evidence[key]
                self._past[key] = evidence
                while len(self._past) > PAST_KEPT:
                    del self._past[next(iter(self._past))]
        elif evidence is not None and not evidence.adopt(target.check):
            evidence.since = self._clock()
        if key in self._under_way:
            self._under_way[key].cancel()

    def _returned(self, target: CheckTarget, now: float) -> Evidence | None:
        """What was known of a target that was gone; its verdict only when it was not gone for long."""
        evidence = self._past.pop(target.key, None)
        if evidence is not None:
            last = evidence.results[-1].time if evidence.results else evidence.since
            if not evidence.adopt(target.check) or now - last > GONE:
                evidence.alive, evidence.since = None, now
        return evidence

    # -- for the admin --

    def evidence(self, address: str, checks: Iterable[str]) -> tuple[CheckSnapshot, ...]:
        """What is known of one address by these checks."""
        keys = [(address, check) for check in checks]
        return tuple(self._shown(key, self.plan.targets[key]) for key in keys if key in self.plan.targets)

    def known(self) -> Mapping[Key, Evidence]:
        """All evidence, to be kept."""
        return self._evidence

    def snapshot(self) -> tuple[CheckSnapshot, ...]:
        """The evidence on every target, in the order of the configuration."""
        return tuple(self._shown(*one) for one in self.plan.targets.items())

    def _shown(self, key: Key, target: CheckTarget) -> CheckSnapshot:
        now, due = self._clock(), self.plan.due(key)
        evidence = self._evidence.get(key) or Evidence(target.check, now)
        return evidence.snapshot(key[0], None if due is None else max(0.0, due - now))

    def made(self) -> dict[tuple[str, str], int]:
        """How many probes found what, by check; every check of the configuration is there."""
        every = {(check, found): 0 for _, check in self.plan.targets for found in FOUND.values()}
        return every | self._made

    def probe_now(self, address: str, check: str) -> bool:
        """Probe at once, because an operator asks; False when there is no such target or it is busy."""
        known = self.plan.hurry((address, check), self._clock())
        self._schedule()
        return known

    # -- probing --

    def _schedule(self) -> None:
        """Keep the one timer at the time of the next probe."""
        due = self.plan.next_time() if self.running else None
        if self._timer is not None and self._timer.active():
            if due == self._timer_at:
                return
            self._timer.cancel()
        self._timer = None
        if due is not None:
            self._timer_at = due
            self._timer = self._reactor.callLater(max(0.0, due - self._clock()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        for target in self.plan.take(self._clock()):
            if self._asked_for(target.key):
                self._begin(target)
            else:
                self.plan.done(target.key, self._clock())
        self._schedule()

    def _asked_for(self, key: Key) -> bool:
        """Whether some server of that address and check is not in maintenance."""
        return any(server.state is not State.MAINT for server in self._servers(key))

    def _begin(self, target: CheckTarget) -> None:
        key = target.key

        def gone() -> None:
            del self._under_way[key]
            evidence = self._evidence.get(key)
            self.plan.done(key, self._clock(), changing=evidence is not None and evidence.is_changing)
            self._schedule()

        def report(result: Result) -> None:
            self._judge(target, result)

        self.probes += 1
        self._under_way[key] = probe = self._probe(target, report, gone)
        probe.start()

    def _probe(
        self, target: CheckTarget, report: Callable[[Result], None], gone: Callable[[], None]
    ) -> Probe | FaultyProbe:
        """One of the target, as a fault on its servers has it."""
        injected = self._injected(target)
        if injected is not None:
            found = met(injected, target.check, target.tls, target.address.host)
            if found is not None:
                return FaultyProbe(self._reactor, self._clock, found, report, gone)
            target = redirected(target, injected.action.old_address)
        return Probe(self._reactor, self._clock, target, report, gone, self._contexts)

    def _injected(self, target: CheckTarget) -> Injected | None:
        """The fault on one of its servers that a probe meets; None = none."""
        for server in self._servers(target.key):
            injected: Injected | None = server.injected.meet_check() if server.injected is not None else None
            if injected is not None:
                return injected
        return None

    # -- judging --

    def _say_unprobed(self, address: str, check: str, result: Result) -> None:
        """Said once: what lacks here lacks for all checks."""
        if not self._unprobed:
            self.log.warn(NOT_PROBED, address=address, check=check, reason=result.reason)  # noqa: G010
        self._unprobed += 1
        self._unprobed_at = result.time

    def _say_probed(self, result: Result) -> None:
        """It is over when nothing was lacking for a while."""
        if result.time - self._unprobed_at >= QUIET_SECONDS:
            self.log.info(PROBED, count=self._unprobed)
            self._unprobed = 0

    def _judge(self, target: CheckTarget, result: Result) -> None:
        address, check = key = target.key
        self._made[check, FOUND[result.alive]] += 1
        evidence = self._evidence.get(key)
        if evidence is None:
            evidence = self._evidence[key] = Evidence(target.check, result.time)
        if result.advice is not None:
            result = self._advise(target, evidence, result, result.advice)
        if result.alive is None:
            self.unjudged += 1
            self._say_unprobed(address, check, result)
        elif self._unprobed:
            self._say_probed(result)
        if result.alive:
            self.registry.reached(address)
        turned = evidence.take(result, self.traffic(address))
        if turned is not None:
            servers = self.registry.set_health(address, check, turned.alive, result.time)
            for server in self._servers(key) if turned.before is not None else servers:
                self._say(CHANGED if server in servers else NOTED, server, target, turned)
            self._tell(servers)
            self.changed()

    def _advise(self, target: CheckTarget, evidence: Evidence, result: Result, advice: Advice) -> Result:
        """Pass on what an agent says; where it says nothing of life and death, the verdict stands."""
        address, check = target.key
        said = advice.over(evidence.advice)
        if said != evidence.advice:
            evidence.advice = said
            servers = self.registry.set_advice(address, check, said, result.time)
            for server in servers:
                self.log.info(
                    ADVISED,
                    pool=server.pool.name,
                    server=server.name,
                    check=check,
                    said=said,
                    text=result.reason,
                )
            self._tell(servers)
        if result.alive is not None:
            return result
        return evolve(result, alive=evidence.alive is not False)

    def _servers(self, key: Key) -> tuple[RealServer, ...]:
        """All servers of that address and check."""
        address, check = key
        alike = self.registry.by_address.get(address, ())
        return tuple(server for server in alike if check in server.pool.config.checks)

    def _say(self, text: str, server: RealServer, target: CheckTarget, turned: Transition) -> None:
        words = {True: "up", False: "down", None: "unknown"}
        say = self.log.info if turned.alive else self.log.warn
        say(
            text,
            pool=server.pool.name,
            server=server.name,
            address=server.key,
            check=target.check.name,
            state=words[turned.alive],
            reason=turned.reason,
            count=turned.count,
            needed=turned.needed,
            before=words[turned.before],
            lasted=turned.lasted,
            every=target.check.every,
        )

    def _tell(self, servers: tuple[RealServer, ...]) -> None:
        if servers:
            self._report(servers)
