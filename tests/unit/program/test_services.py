from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.task import Clock

from director.health.io.passive import LOOK, PassiveChecks
from director.health.io.service import HealthService
from director.model.pools import Check, Pool
from director.model.settings import Configuration
from director.program.health_memory import EVERY, NAME, HealthMemory
from director.program.services import AdminPart, Health, ServicePart
from tests.support.candidates import candidate
from tests.support.registries import registry_of, server, turn

READ = Configuration(pools=(Pool("web", (server(),), checks=("alive",)),), checks=(Check("alive"),))


def test_health_follows_what_runs_from_start_to_stop(tmp_path: Path) -> None:
    registry, clock = registry_of(configuration=READ), Clock()
    health = HealthService(registry, clock, clock.seconds, lambda _: None)
    passive = PassiveChecks(registry, clock.seconds, lambda _: None)
    part: ServicePart = Health(health, passive, registry, HealthMemory(health, tmp_path, clock))
    assert [period for _, period in part.chores()] == [LOOK, EVERY]
    part.commit(candidate(READ))
    assert health.snapshot() == (), "not before the start"
    part.start()
    assert [one.address for one in health.snapshot()] == ["10.0.0.1:80"]
    more = evolve(READ, pools=(evolve(READ.pools[0], servers=(server(), server("b", 2))),))
    turn(registry, more)
    part.commit(candidate(more))
    assert [one.address for one in health.snapshot()] == ["10.0.0.1:80", "10.0.0.2:80"]
    done: list[None] = []
    part.stop(0.0).addCallback(done.append)
    assert done == [None]
    assert not health.running
    assert clock.getDelayedCalls() == []


def test_the_next_program_reads_what_is_known_and_keeps_it(tmp_path: Path) -> None:
    registry, clock = registry_of(configuration=READ), Clock()
    health = HealthService(registry, clock, clock.seconds, lambda _: None)
    passive = PassiveChecks(registry, clock.seconds, lambda _: None)
    part = Health(health, passive, registry, HealthMemory(health, tmp_path, clock))
    part.start()
    assert part.bequest() == {}
    (tmp_path / NAME).unlink()
    part.let_go()
    part.stop(0.0)
    assert not (tmp_path / NAME).exists(), "it is the next one's"
    part.go_on()
    part.stop(0.0)
    assert (tmp_path / NAME).exists()


class Answering(Service):
    """Stands for the admin."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def sockets(self) -> dict[str, int]:
        return {"127.0.0.1:8404": 7}

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


def test_one_program_answers_at_a_time() -> None:
    service: Any = Answering()
    part = AdminPart(service)
    assert part.alone
    assert part.bequest() == {"admin 127.0.0.1:8404": 7}
    part.let_go()
    part.go_on()
    assert service.told == ["pause", "resume"]
