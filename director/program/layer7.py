"""Layer-7 services of a configuration, compiled: what joins rules, fault path and registry (composition)."""

from __future__ import annotations

from director.l7.http.requests import Limits
from director.l7.routing.fault_path import FaultChain
from director.l7.routing.rules import compile_rules
from director.l7.routing.service import CompiledService
from director.model.http import L7Service
from director.model.settings import Configuration
from director.registry.registry import Registry


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
        FaultChain(service, configuration.rules, configuration.pages, registry).pairs,
        configuration.settings.name,
        Limits(limits.line, limits.header, limits.fields, limits.body),
    )
