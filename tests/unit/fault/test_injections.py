from __future__ import annotations

from typing import Any

import pytest

from director.fault.injections import Injections
from director.model.conditions import Term
from director.model.drills import Fault, FaultAction, FaultHit, RunningFault
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration
from director.registry.changes import ServerAdded, plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

WEB = Pool("web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))))
HANG = FaultAction("hang", "hang")


class Facts:
    """A request with a header."""

    def __init__(self, drill: str = "") -> None:
        self._drill = drill

    def headers(self, name: str) -> tuple[str, ...]:
        return (self._drill,) if name == "x-drill" and self._drill else ()


@pytest.fixture
def registry() -> Registry:
    made = Registry(FirstFit)
    made.apply(plan(Configuration(), Configuration(pools=(WEB,))), "start", 0.0, 0.0)
    return made


def running(name: str, *places: tuple[str, str], **more: Any) -> RunningFault:
    return RunningFault(Fault(name, places, more.pop("action", HANG), **more), 7, 0.0, 10.0)


def met(registry: Registry, server: str, facts: Any = None, identity: str = "r1") -> str:
    injected = registry.pools["web"].by_name[server].injected
    found = injected.meet(facts or Facts(), identity) if injected is not None else None
    return found.fault if found is not None else ""


def test_laid_on_its_servers_and_taken_away(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "a")))
    assert (met(registry, "a"), met(registry, "b")) == ("x", "")
    assert registry.pools["web"].by_name["b"].injected is None
    assert faults.stop("x") is not None
    assert registry.pools["web"].by_name["a"].injected is None
    assert faults.stop("x") is None


def test_the_first_that_hits_counts(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("once", ("web", "a"), hit=FaultHit(first=1)))
    faults.start(running("always", ("web", "")))
    assert [met(registry, "a") for _ in range(3)] == ["once", "always", "always"]
    assert met(registry, "b") == "always"


def test_only_what_the_condition_says(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "a"), when=Term("header", "x-drill", "=", ("yes",))))
    assert (met(registry, "a", Facts()), met(registry, "a", Facts("yes"))) == ("", "x")
    found = faults.find("x")
    assert found is not None
    assert (found.choice.seen, found.choice.hits) == (1, 1)


def test_a_server_that_comes_later_is_concerned_after_follow(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "")))
    registry.apply([ServerAdded("web", Server("c", Address("10.0.0.3", 80)))], "ops", 1.0, 1.0)
    assert met(registry, "c") == ""
    faults.follow()
    assert met(registry, "c") == "x"


def test_a_drills_requests_are_known_by_their_numbers(registry: Registry) -> None:
    faults = Injections(registry)

    def hit(identities: list[str]) -> set[str]:
        faults.start(running("x", ("web", "a"), hit=FaultHit(share=0.5)))
        return {one for one in identities if met(registry, "a", identity=one)}

    identities = [f"drill-abc-{number}" for number in range(50)]
    again = [f"drill-other-{number}" for number in reversed(range(50))]
    first = {one.rpartition("-")[2] for one in hit(identities)}
    assert first == {one.rpartition("-")[2] for one in hit(again)}
    assert 0 < len(first) < 50


def test_a_delay_is_drawn_between_its_bounds(registry: Registry) -> None:
    faults = Injections(registry)
    slow = FaultAction("delay", "delay 200ms..400ms", low=0.2, high=0.4)
    faults.start(running("x", ("web", "a"), action=slow))
    server = registry.pools["web"].by_name["a"]
    drawn = [server.injected.meet(Facts(), "r").delay for _ in range(50)]
    assert all(0.2 <= one < 0.4 for one in drawn)
    assert len(set(drawn)) == 50


def test_checks_meet_it_only_where_it_says_so(registry: Registry) -> None:
    faults = Injections(registry)
    never = Term("header", "x-drill", "=", ("yes",))
    faults.start(running("x", ("web", "a"), checks=True, when=never, hit=FaultHit(first=1)))
    faults.start(running("y", ("web", "b")))
    a, b = (registry.pools["web"].by_name[name].injected for name in "ab")
    assert [a.meet_check().fault for _ in range(2)] == ["x", "x"]
    assert b.meet_check() is None


def test_packets_are_no_requests(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "a"), action=FaultAction("drop", "drop")))
    assert met(registry, "a") == ""
