from __future__ import annotations

import ipaddress

import pytest

from director.l7.http.requests import Limits
from director.l7.routing.rules import compile_rules
from director.l7.routing.service import CompiledService, ServiceHandle
from director.model.http import L7Service, Rule
from director.model.pools import Address, Pool
from director.model.settings import Configuration
from director.registry.counters import Requests
from tests.support.heads import facts
from tests.support.registries import registry_of, server


def compiled(**settings: object) -> CompiledService:
    config = L7Service("www", (Address("127.0.0.1", 80),), pool="web", **settings)  # type: ignore[arg-type]
    pools = (Pool("web", servers=(server(),)),)
    registry = registry_of(configuration=Configuration(pools=pools, l7=(config,)))
    rules = compile_rules([Rule(1, "all", "www", pool="web")], lambda _: Requests())
    return CompiledService(
        config, registry, registry.services["l7:www"], rules, lambda _: iter(()), "edge-1", Limits()
    )


@pytest.mark.parametrize(
    ("protocol", "switch", "is_http", "per_connection"),
    [("http", "request", True, False), ("http", "connection", True, True), ("tcp", "request", False, True)],
)
def test_how_a_service_switches(protocol: str, switch: str, *, is_http: bool, per_connection: bool) -> None:
    found = compiled(protocol=protocol, switch=switch)
    assert (found.is_http, found.per_connection) == (is_http, per_connection)


def test_whom_a_service_trusts() -> None:
    assert not compiled().trusts("10.0.0.1")
    found = compiled(trust=(ipaddress.ip_network("10.0.0.0/8"),))
    assert found.trusts("10.0.0.1")
    assert not found.trusts("192.0.2.1")
    assert not found.trusts("")


def test_a_site_decides_by_its_rules() -> None:
    found = compiled()
    assert found.decide(facts()) is found.rules[0]
    assert found.key == "l7:www"


def test_a_reload_changes_the_site_behind_a_front() -> None:
    first, second = compiled(), compiled()
    front = ServiceHandle(first, lambda: "id", lambda _: None)
    front.current = second
    assert front.current is second
    assert front.new_id() == "id"


def test_a_drills_own_load_is_trusted_for_its_time() -> None:
    site = compiled()
    assert not site.trusts("127.9.8.7")
    site.live.tester = "127.9.8.7"
    assert site.trusts("127.9.8.7")
    assert not site.trusts("127.9.8.8")
