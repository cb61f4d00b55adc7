"""What joins rules, fault path and registry: one site per layer-7 service."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.l7.io.listener import BindError
from director.l7.routing.fault_path import Cause
from director.model.http import FaultStep, L7Limits, L7Service, Page, Rule
from director.model.pools import Address, Pool
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.program.layer7 import Layer7, compile_services
from tests.support.candidates import candidate
from tests.support.registries import registry_of


def test_each_service_gets_its_own_rules_limits_and_fault_path() -> None:
    configuration = Configuration(
        pools=(Pool("web"), Pool("old")),
        l7=(
            L7Service("www", (Address(port=80),), pool="web", limits=L7Limits(9, 8, 7, 6)),
            L7Service("shop", (Address(port=81),), pool="web", fault=(FaultStep("page", "sorry"),)),
        ),
        rules=(
            Rule(20, "b", "www", pool="old"),
            Rule(10, "a", "www", pool="web"),
            Rule(5, "c", "shop", pool="old"),
        ),
        pages=(Page("sorry", b"sorry"),),
    )
    registry = registry_of(configuration=configuration)
    www, shop = compile_services(configuration, registry)
    assert [one.name for one in www.rules] == ["10 a", "20 b"]
    assert [one.name for one in shop.rules] == ["5 c"]
    assert tuple(www.limits) == (9, 8, 7, 6)
    assert list(www.faults(Cause.NO_SERVER)) == []
    assert [step.label for step in shop.faults(Cause.NO_SERVER)] == ["page sorry"]
    assert www.live is registry.services["l7:www"]
    assert www.rules[0].counters is registry.services["l7:www"].rule("10 a")


def test_counters_of_a_rule_outlive_a_rebuild() -> None:
    configuration = Configuration(
        pools=(Pool("web"),),
        l7=(L7Service("www", (Address(port=80),)),),
        rules=(Rule(1, "a", "www", pool="web"),),
    )
    registry = registry_of(configuration=configuration)
    first = compile_services(configuration, registry)[0]
    first.rules[0].counters.requests += 1
    assert compile_services(configuration, registry)[0].rules[0].counters.requests == 1


class Addresses:
    """A shell whose addresses another program has."""

    def __init__(self) -> None:
        self.abandoned = 0
        self.waited: list[bool] = []

    def prepare(self, _services: object, *, waits: bool) -> None:
        self.waited.append(waits)

    def none_opened(self) -> BindError:
        return BindError("cannot listen on :80: the address is in use", taken=True)

    def abandon(self) -> None:
        self.abandoned += 1


def test_a_start_that_could_serve_nobody_is_refused() -> None:
    """A supervisor and a terminal see that; with layer 4 there is something to serve."""
    addresses: Any = Addresses()
    part = Layer7(registry_of(), addresses, lambda: "")
    web = Configuration(pools=(Pool("web"),), l7=(L7Service("www", (Address(port=80),)),))
    with pytest.raises(BindError, match="in use"):
        part.prepare(candidate(web))
    assert addresses.abandoned == 1
    dns = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "web")
    part.prepare(candidate(evolve(web, l4=(dns,))))
    assert addresses.waited == [True, True]
    assert addresses.abandoned == 1
