"""One simulated run: a director, servers and clients on one loop, from the first step to silence."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

from attrs import evolve
from twisted.logger import LogLevel, globalLogPublisher

from director.l7.io.backend import CLOSE_SECONDS
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.simulation.clients import Asked, PlayedClient
from director.program.simulation.likeness import Likeness
from director.program.simulation.loop import SimulatedLoop
from director.program.simulation.orders import Operator, added
from director.program.simulation.schedule import ClientPlan, Schedule
from director.program.simulation.servers import PlayedServer, Receipt
from director.program.simulation.sockets import Cable
from director.program.simulation.stage import Director
from director.program.simulation.streams import StreamsClient

LONGEST = 1200.0
"""Seconds of the simulation after which whoever still waits is forgotten."""
SILENCE = 6.0
"""Seconds behind the last client until nothing may be under way any more."""
GRACE = 5.0
"""Seconds that the stop at the end gives."""


class Run:
    """One run, played to its end by `play`.

    Attributes:
        loop, director, operator, clients, servers: who takes part.
        ended: when the last client was through; None when one never was.
        over_max: servers whose claims passed their `max`.
    """

    def __init__(self, first: Candidate, likeness: Likeness, schedule: Schedule) -> None:
        self.schedule = schedule
        self.loop = loop = SimulatedLoop()
        self._links = Random(f"{schedule.seed} wires")
        loop.network.wires = lambda: Cable.drawn(self._links)
        configuration = without(likeness.configuration, schedule.absent)
        if any(plan.speaks == "h2" for plan in schedule.clients):
            services = tuple(evolve(one, h2c=True) for one in configuration.l7)
            configuration = evolve(configuration, l7=services)
        loaded = first.loaded
        assert loaded is not None  # noqa: S101 - the file was read
        self.servers = {name: PlayedServer(loop, name) for name in likeness.servers.values()}
        loop.network.places.update({place: self.servers[name] for place, name in likeness.servers.items()})
        self.defects: list[str] = []
        self.over_max: dict[str, int] = {}
        self.ended: float | None = None
        candidate = evolve(first, loaded=evolve(loaded, configuration=configuration))
        self.director = Director(loop, candidate, schedule.seed)
        self._waiting = len(schedule.clients)
        self.operator = Operator(self.director, configuration)
        self.clients = [self._client(plan, likeness.doors[plan.service]) for plan in schedule.clients]
        for trouble in schedule.troubles:
            loop.at(trouble.at, self.servers[trouble.server].begin, trouble)
        for order in schedule.orders:
            if order.verb == "add":
                made = self.servers.setdefault(
                    f"{order.pool}/{order.server}", PlayedServer(loop, f"{order.pool}/{order.server}")
                )
                loop.network.places[added(order), 80] = made
            loop.at(order.at, self.operator.carry_out, order)
        self._watched = [one for one in self.director.registry.servers() if one.config.max]

    def _client(self, plan: ClientPlan, doors: tuple[tuple[str, int], ...]) -> PlayedClient | StreamsClient:
        wire = Cable.drawn(Random(f"{self.schedule.seed} client {plan.number}"))
        kind = StreamsClient if plan.speaks == "h2" else PlayedClient
        return kind(self.loop, plan, doors[plan.number % len(doors)], wire, self._left_one)

    def play(self) -> None:
        """To the end."""
        heard: Any = self._heard
        globalLogPublisher.addObserver(heard)
        self.loop.looked = self._look if self._watched else None
        try:
            if self._waiting:
                self.loop.run(LONGEST)
            if not self._waiting:
                self.ended = self.loop.seconds()
            self.operator.over = True
            self.loop.run(max(self.loop.seconds(), self.loop.held_until) + SILENCE)
            backends = self.director.shell.backends
            if backends.open != backends.idle_count():
                # A server that takes nothing of what is queued for it is given up after a while.
                self.loop.run(self.loop.seconds() + CLOSE_SECONDS + SILENCE)
            self.left = self._left()
            self._stop()
        finally:
            globalLogPublisher.removeObserver(heard)
        self.defects += self.director.defects

    def _left_one(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self.loop.halt()

    def _heard(self, event: dict[str, Any]) -> None:
        if event.get("log_level") is LogLevel.critical or "log_failure" in event:
            failure = event.get("log_failure")
            why = failure.getTraceback() if failure is not None else str(event.get("log_format"))
            self.defects.append(why)

    def _look(self) -> None:
        for server in self._watched:
            if server.max and server.load > server.max:
                name = f"{server.pool.name}/{server.name}"
                self.over_max[name] = max(self.over_max.get(name, 0), server.load)

    # -- what is left --

    def _left(self) -> list[str]:
        """What is still held although nobody is there."""
        director, shell = self.director, self.director.shell
        found = [
            f"{server.pool.name}/{server.name} has {server.active} active, {server.inactive} inactive, "
            f"{server.persistent} persistent"
            for server in director.registry.servers()
            if server.active or server.inactive or server.persistent
        ]
        found += [
            f"{pool.name} has {pool.waiting} waiting"
            for pool in director.registry.pools.values()
            if pool.waiting
        ]
        found += [
            f"{service.key} has {service.seats.taken} seats taken"
            for service in director.registry.services.values()
            if service.seats.taken
        ]
        counts = {
            "clients": shell.clients,
            "queued": shell.queues.waiting,
            "arrivals": len(shell.arrivals.under_way),
        }
        found += [f"{count} {name}" for name, count in counts.items() if count]
        backends = shell.backends
        if backends.open != backends.idle_count():
            found.append(f"{backends.open} connections to servers, {backends.idle_count()} of them idle")
        return found

    def _stop(self) -> None:
        """After a stop nothing of the director is left on the loop."""
        grace = self.director.registry.configuration.settings.shutdown_grace
        self.director.stop(GRACE)
        self.loop.run(max(self.loop.seconds(), self.loop.held_until) + max(GRACE, grace) + SILENCE)
        if not self.director.stopped:
            self.left.append("the stop did not end")
        ends = self.loop.network.own_ends()
        if ends:
            self.left.append(f"{len(ends)} connections after the stop")
        calls = self.loop.getDelayedCalls()
        if calls:
            self.left.append(f"{len(calls)} timers after the stop")

    # -- what was seen --

    @property
    def asked(self) -> list[Asked]:
        """All requests."""
        return [one for client in self.clients for one in client.asked]

    @property
    def receipts(self) -> list[Receipt]:
        """All that servers got, by server."""
        return [one for server in self.servers.values() for one in server.receipts]

    def story(self) -> list[str]:
        """What happened, in words that are the same each time."""
        said = [(one.time, _receipt_told(one)) for one in self.receipts]
        for asked in self.asked:
            said += [(answer.time, f"{asked.name} got {answer}") for answer in asked.answers]
        return [f"{time:9.4f}s  {text}" for time, text in sorted(said)]

    def digest(self) -> str:
        """A number for the whole run: the same for the same schedule, always."""
        text = "\n".join((*self.story(), str(self.loop.events), f"{self.loop.seconds():.6f}"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _receipt_told(one: Receipt) -> str:
    how = f" ({one.failed})" if one.failed else " whole" if one.answered else ""
    return f"{one.server} got {one.method} of {one.tag}, answer {one.serial}{how}"


def without(configuration: Configuration, absent: tuple[tuple[str, str], ...]) -> Configuration:
    """The configuration without some servers."""
    if not absent:
        return configuration
    return evolve(
        configuration,
        pools=tuple(
            evolve(pool, servers=tuple(one for one in pool.servers if (pool.name, one.name) not in absent))
            for pool in configuration.pools
        ),
    )
