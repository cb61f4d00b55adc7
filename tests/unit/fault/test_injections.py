from __future__ import annotations

import ipaddress
from types import SimpleNamespace
from typing import Any

import pytest

from director.config.parse.faults import action
from director.fault.injections import Injection, Injections
from director.fault.packets import FlowFate
from director.model.conditions import Term
from director.model.drills import Fault, FaultAction, FaultHit, RunningFault
from director.model.pools import Address, Pool, Server, ServerTLS
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.registry.changes import ServerAdded, plan
from director.registry.registry import Registry
from tests.support.registries import FirstFit

WEB = Pool("web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))))
NAMED = Pool("named", (Server("n", Address("n.example", 80)),), tls=ServerTLS())
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
    made.apply(plan(Configuration(), Configuration(pools=(WEB, NAMED))), "start", 0.0, 0.0)
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


@pytest.mark.parametrize(("kind", "word"), [("tls", "expired"), ("dns", "empty")])
def test_only_who_can_fail_so_is_hit(registry: Registry, kind: str, word: str) -> None:
    """A server in clear text has no certificate, one with an address no name: nothing would come of it."""
    faults = Injections(registry)
    faults.start(running("x", ("web", ""), ("named", ""), action=FaultAction(kind, kind, word=word)))
    assert registry.pools["web"].by_name["a"].injected is None
    named = registry.pools["named"].by_name["n"].injected
    assert named.meet(Facts(), "r").fault == "x"


def test_lies_are_met_by_checks_alone(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "a"), action=FaultAction("lie", "lie up", word="up")))
    assert met(registry, "a") == ""
    assert registry.pools["web"].by_name["a"].injected.meet_check().fault == "x"


def test_what_flaps_is_bad_every_other_time(registry: Registry) -> None:
    faults = Injections(registry)
    lie = FaultAction("lie", "lie flapping", word="flapping")
    faults.start(running("x", ("web", "a"), action=lie))
    laid = registry.pools["web"].by_name["a"].injected
    assert [laid.meet_check() is not None for _ in range(5)] == [True, False, True, False, True]
    dns = FaultAction("dns", "dns flapping", word="flapping")
    faults.start(running("y", ("named", "n"), action=dns, hit=FaultHit(most=2), checks=True))
    laid = registry.pools["named"].by_name["n"].injected
    assert [laid.meet(Facts(), "r") is not None for _ in range(6)] == [True, False, True, False, False, False]
    # Probes take turns of their own.
    assert [laid.meet_check() is not None for _ in range(2)] == [True, False]
    found = faults.find("y")
    assert found is not None
    assert (found.choice.hits, found.checks) == (2, 1)


def test_a_servers_own_times_are_those_before(registry: Registry) -> None:
    """What the fault adds is no reason to add more."""
    server = registry.pools["web"].by_name["a"]
    for _ in range(10):
        server.requests.latency.add(0.008)
    faults = Injections(registry)
    faults.start(running("x", ("web", "a"), action=FaultAction("delay", "delay x3", times=3.0)))
    for _ in range(1000):
        server.requests.latency.add(8.0)
    faults.follow()
    assert 0.015 <= server.injected.meet(Facts(), "r").delay <= 0.03


# -- layer 4 --

WHOSE: Any = SimpleNamespace(key="10.0.0.1:80")


class Flow:
    """What is asked of a flow."""

    def __init__(self, client: str = "192.0.2.9", protocol: int = 6) -> None:
        self.client = ipaddress.ip_address(client).packed
        self.protocol = protocol
        self.server = WHOSE
        self.met: tuple[Any, ...] = ()


@pytest.fixture
def packets() -> Registry:
    """The same servers, used by a service of layer 4."""
    made = Registry(FirstFit)
    service = L4Service("s", Virtual("tcp", "192.0.2.80", 80), "web")
    made.apply(plan(Configuration(), Configuration(pools=(WEB,), l4=(service,))), "start", 0.0, 0.0)
    return made


def kinds(registry: Registry, flow: Flow, count: int = 1, *, outward: bool = False) -> list[str]:
    laid = registry.pools["web"].by_name["a"].injected
    met = [laid.meet_packet(flow, 40, outward=outward) for _ in range(count)]
    return ["" if one is None else one.action.kind for one in met]


def test_flows_are_counted_and_each_keeps_its_fate(packets: Registry) -> None:
    faults = Injections(packets)
    faults.start(running("x", ("web", "a"), action=action("drop"), hit=FaultHit(first=1)))
    first, second = Flow(), Flow()
    assert (kinds(packets, first), kinds(packets, second)) == (["drop"], [""])
    assert kinds(packets, first, 2) == ["drop", "drop"]
    found = faults.find("x")
    assert found is not None
    assert (found.choice.seen, found.choice.hits, found.packets) == (2, 1, 3)
    faults.follow()
    assert kinds(packets, second) + kinds(packets, first) == ["", "drop"], "a change asks no flow anew"


def test_a_start_anew_asks_flows_anew_and_forgets_the_one_before(packets: Registry) -> None:
    faults = Injections(packets)
    flow = Flow()
    for _ in range(3):
        faults.start(running("x", ("web", "a"), action=action("drop")))
        assert kinds(packets, flow, 2) == ["drop", "drop"]
    assert [type(one) for one in flow.met] == [Injection, FlowFate]


def test_only_the_client_can_be_asked_for(packets: Registry) -> None:
    faults = Injections(packets)
    drop, here = action("drop"), Term("client", "", "in", ("192.0.2.0/24",))
    faults.start(running("x", ("web", "a"), action=drop, when=here))
    assert kinds(packets, Flow()) + kinds(packets, Flow("198.51.100.1")) == ["drop", ""]
    slow = action("delay 10ms")
    faults.start(running("x", ("web", "a"), action=slow, when=Term("header", "x-drill", "=", ("yes",))))
    assert kinds(packets, Flow()) == [""]


def test_nobody_is_told_where_nothing_is_laid_and_nothing_was(packets: Registry) -> None:
    told: list[bool] = []
    faults = Injections(packets, lambda: told.append(True))
    faults.follow()
    assert told == []
    faults.start(running("x", ("web", "a"), action=action("drop")))
    faults.stop("x")
    assert len(told) == 2
    faults.follow()
    assert len(told) == 2


def test_the_first_that_hits_a_packet_counts(packets: Registry) -> None:
    faults = Injections(packets)
    faults.start(running("some", ("web", "a"), action=action("drop 50%")))
    faults.start(running("late", ("web", "a"), action=action("delay 10ms")))
    met = kinds(packets, Flow(), 100)
    assert set(met) == {"drop", "delay"}


def test_packets_of_servers_that_layer_4_does_not_use_meet_nothing(registry: Registry) -> None:
    faults = Injections(registry)
    faults.start(running("x", ("web", "a"), action=action("delay 10ms"), checks=True))
    laid = registry.pools["web"].by_name["a"].injected
    assert laid.packets == ()
    assert laid.meet_check().packets is False


def test_probes_meet_a_share_of_the_time(packets: Registry) -> None:
    faults = Injections(packets)
    faults.start(running("x", ("web", "a"), action=action("drop 50%"), checks=True))
    laid = packets.pools["web"].by_name["a"].injected
    met = [laid.meet_check() for _ in range(200)]
    found = faults.find("x")
    assert found is not None
    assert found.checks == sum(one is not None for one in met)
    assert 60 < found.checks < 140
    assert all(one.packets for one in met if one is not None)
