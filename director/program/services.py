"""Twisted's services as parts: health and the admin (composition)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred

from director.admin.service import AdminService
from director.health.io.passive import LOOK, PassiveChecks
from director.health.io.service import HealthService
from director.model.pools import Advice
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.health_memory import EVERY, HealthMemory
from director.program.parts import Chore, Part
from director.program.traffic import PacketView, TrafficView
from director.registry.registry import LivePool, RealServer, Registry

ADMIN = "admin "
"""How the names of its sockets begin in a bequest."""


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


class AdminPart(ServicePart):
    """The admin: there is one control socket, so one program answers there."""

    alone = True

    def __init__(self, service: AdminService) -> None:
        super().__init__(service)
        self._admin = service

    def bequest(self) -> Mapping[str, int]:
        """The listening sockets."""
        return {ADMIN + address: number for address, number in self._admin.sockets().items()}

    def let_go(self) -> None:
        """Accept nobody more; who is here is answered."""
        self._admin.pause()

    def go_on(self) -> None:
        """Accept again."""
        self._admin.resume()


class Health(ServicePart):
    """The checks of what runs, active and passive."""

    def __init__(
        self, service: HealthService, passive: PassiveChecks, registry: Registry, memory: HealthMemory
    ) -> None:
        super().__init__(service)
        self._memory = memory
        service.traffic = passive.failures
        self._health = service
        self._passive = passive
        self._registry = registry

    def start(self) -> None:
        """Begin with what the run before knew."""
        self._memory.load()
        super().start()

    def stop(self, grace: float) -> Deferred[None]:
        """End, and keep what is known."""
        return super().stop(grace).addCallback(lambda _: self._memory.save())

    def bequest(self) -> Mapping[str, int]:
        """Nothing is handed on, but the next program reads what is known by now."""
        self._memory.save()
        return {}

    def let_go(self) -> None:
        """The next program keeps what it finds; checks go on for who is served here to the end."""
        self._memory.rest()

    def go_on(self) -> None:
        """Keep it here."""
        self._memory.rest(False)

    def chores(self) -> Iterable[Chore]:
        """Compare servers, let those come back whose time is over, and keep verdicts."""
        return ((self._passive.look, LOOK), (self._memory.refresh, EVERY))

    def commit(self, candidate: Candidate) -> None:
        """Check what is there now."""
        if self._health.running:
            self._health.reload(self._registry.configuration)


class Verdicts:
    """The registry as the checks see it: what they find goes to every process that serves."""

    def __init__(self, registry: Registry, *layers: TrafficView | PacketView) -> None:
        self._registry = registry
        self._layers = layers
        self.reached = registry.reached

    @property
    def configuration(self) -> Configuration:
        """What runs."""
        return self._registry.configuration

    @property
    def by_address(self) -> Mapping[str, Mapping[RealServer, None]]:
        """The servers of each address."""
        return self._registry.by_address

    @property
    def pools(self) -> dict[str, LivePool]:
        """All pools."""
        return self._registry.pools

    def set_health(self, address: str, check: str, alive: bool, now: float) -> tuple[RealServer, ...]:
        """See `Registry.set_health`."""
        for layer in self._layers:
            layer.verdict(address, check, alive)
        return self._registry.set_health(address, check, alive, now)

    def set_advice(self, address: str, check: str, advice: Advice, now: float) -> tuple[RealServer, ...]:
        """See `Registry.set_advice`."""
        for layer in self._layers:
            layer.verdict(address, check, advice.told())
        return self._registry.set_advice(address, check, advice, now)

    def forget_health(self, address: str, check: str, now: float) -> tuple[RealServer, ...]:
        """See `Registry.forget_health`."""
        for layer in self._layers:
            layer.verdict(address, check, None)
        return self._registry.forget_health(address, check, now)
