"""Twisted's services as parts: health and the admin (composition)."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred

from director.health.io.service import HealthService
from director.program.candidate import Candidate
from director.program.parts import Part
from director.registry.registry import Registry


class ServicePart(Part):
    """A service that runs from start to stop, whatever the configuration says."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def start(self) -> None:
        """Start it."""
        self._service.startService()

    def stop(self, grace: float) -> Deferred[None]:
        """Stop it."""
        ended: Deferred[Any] = maybeDeferred(self._service.stopService)
        return ended.addCallback(lambda _: None)


class Health(ServicePart):
    """The checks of what runs."""

    def __init__(self, service: HealthService, registry: Registry) -> None:
        super().__init__(service)
        self._health = service
        self._registry = registry

    def commit(self, candidate: Candidate) -> None:
        """Check what is there now."""
        if self._health.running:
            self._health.reload(self._registry.configuration)
