from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from director.health.io.passive import PassiveChecks
from director.health.io.service import HealthService
from director.health.verdict import Evidence
from director.model.pools import Check, Eject, Pool
from director.model.settings import Configuration
from director.program.health_memory import NAME, SOON, HealthMemory
from director.registry.evidence import Result
from director.registry.registry import Registry
from tests.support.registries import live, registry_of, server
from tests.support.said import said

READ = Configuration(pools=(Pool("web", (server(),), checks=("alive",)),), checks=(Check("alive"),))
KEY = ("10.0.0.1:80", "alive")


def run(state: Path) -> tuple[Registry, HealthService, HealthMemory, Any]:
    registry, clock = registry_of(configuration=READ), Clock()
    health = HealthService(registry, clock, clock.seconds, lambda _: None)
    memory = HealthMemory(health, state, clock)
    memory.load()
    health.startService()
    return registry, health, memory, clock


def fall(health: HealthService) -> None:
    evidence = Evidence(Check("alive", fall=1), 0.0)
    evidence.take(Result(0.0, False, "connect refused", 0.1))
    health._evidence[KEY] = evidence
    health.changed()


def test_a_server_that_was_down_is_down_after_a_restart(tmp_path: Path) -> None:
    _, health, memory, clock = run(tmp_path)
    fall(health)
    assert not (tmp_path / NAME).exists()
    clock.advance(SOON)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640
    memory.save()
    health.stopService()
    registry, again, _, _ = run(tmp_path)
    assert not live(registry, "web", "a").available
    assert again.evidence(*KEY[:1], ["alive"])[0].transitions[0].reason == "connect refused"


def test_without_a_folder_nothing_is_kept() -> None:
    _, health, memory, clock = run(Path())
    fall(health)
    memory.save()
    health.stopService()
    assert clock.getDelayedCalls() == []


def test_what_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    _, health, memory, _ = run(tmp_path)
    (tmp_path / NAME).mkdir()
    with said() as lines:
        memory.save()
        memory.save()
    assert len(lines) == 1
    assert "a restart will begin its checks anew" in lines[0]
    health.stopService()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with said() as lines:
        _, health, _, _ = run(tmp_path)
    assert "checks begin anew" in lines[0]
    health.stopService()


def test_while_another_program_keeps_the_file_it_is_left_alone(tmp_path: Path) -> None:
    _, health, memory, _ = run(tmp_path)
    fall(health)
    memory.rest()
    memory.save()
    assert not (tmp_path / NAME).exists()
    memory.rest(False)
    memory.save()
    assert (tmp_path / NAME).exists()
    health.stopService()


def test_an_ejection_is_kept_with_what_led_to_it(tmp_path: Path) -> None:
    eject = Eject(frozenset({"5xx"}), after=1, seconds=300.0)
    configuration = Configuration(pools=(Pool("web", (server(), server("b", 2)), eject=eject),))

    def begun() -> tuple[Registry, PassiveChecks, HealthMemory, Any]:
        registry, clock = registry_of(configuration=configuration), Clock()
        health = HealthService(registry, clock, clock.seconds, lambda _: None)
        passive = PassiveChecks(registry, clock.seconds, lambda _: None)
        memory = HealthMemory(health, tmp_path, clock, passive)
        memory.load()
        return registry, passive, memory, clock

    registry, passive, _, clock = begun()
    passive.saw(live(registry, "web", "a"), "5xx")
    clock.advance(SOON)  # killed, not ended
    registry, passive, _, _ = begun()
    assert not live(registry, "web", "a").available
    (out,) = passive.judge.evidence("web", "10.0.0.1:80").ejections
    assert (out.reason, [cause for _, cause in out.failures]) == ("1 failure in a row: 1 5xx", ["5xx"])
