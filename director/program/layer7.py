"""Layer 7 inside the running program, and its services compiled: what joins rules, fault path and registry.

Composition.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from director.l7.http.requests import Limits
from director.l7.io.service import Shell
from director.l7.routing.fault_path import FaultPath
from director.l7.routing.rules import compile_rules
from director.l7.routing.service import CompiledService
from director.model.http import L7Service
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.parts import Part
from director.registry.registry import Registry


class Layer7(Part):
    """The layer-7 shell as a part.

    Attributes:
        shell: listeners, clients, deadlines.
    """

    def __init__(self, registry: Registry, shell: Shell, new_id: Callable[[], str]) -> None:
        self.shell = shell
        self._registry = registry
        self._new_id = new_id

    def rehearse(self, candidate: Candidate) -> None:
        """Every address that is new can be listened on: tried, and let go at once."""
        self.prepare(candidate)
        self.abandon()

    def prepare(self, candidate: Candidate) -> None:
        """Open the addresses that are new."""
        self.shell.prepare(candidate.desired.l7)

    def commit(self, candidate: Candidate) -> None:
        """Serve these services, and let who waits try anew."""
        configuration = self._registry.configuration
        self.shell.apply(compile_services(configuration, self._registry), self._new_id)
        local = {str(step.address) for one in configuration.l7 for step in one.fault if step.kind == "local"}
        now = self.shell.reactor.seconds()
        self.shell.backends.sweep(now, set(self._registry.by_address) | local)
        self.shell.queues.wake()

    def abandon(self) -> None:
        """Close what was opened."""
        self.shell.abandon()

    def start(self) -> None:
        """Watch deadlines."""
        self.shell.start()

    def stop(self, grace: float) -> Deferred[None]:
        """Stop accepting, let requests end for `grace` seconds, then cut what is left."""
        return self.shell.stop(grace).addCallback(lambda _: self.shell.settle())


def compile_services(configuration: Configuration, registry: Registry) -> list[CompiledService]:
    """One site per layer-7 service; `registry` must run the same configuration."""
    return [_site(service, configuration, registry) for service in configuration.l7]


def _site(service: L7Service, configuration: Configuration, registry: Registry) -> CompiledService:
    live = registry.services[f"l7:{service.name}"]
    own = [rule for rule in configuration.rules if rule.service == service.name]
    limits = service.limits
    return CompiledService(
        service,
        registry,
        live,
        compile_rules(own, live.rule),
        FaultPath(service, configuration.rules, configuration.pages, registry).targets,
        configuration.settings.name,
        Limits(limits.line, limits.header, limits.fields, limits.body),
    )
