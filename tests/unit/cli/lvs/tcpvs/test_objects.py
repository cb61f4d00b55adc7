from __future__ import annotations

import pytest
from attrs import evolve

from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs.objects import numbered, objects, steps
from director.cli.lvs.tcpvs.table import TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address

FIRST, SECOND = Address("10.0.0.1", 80), Address("10.0.0.2", 80)
SERVERS = (TcpvsServer(FIRST, 3), TcpvsServer(SECOND))
SERVICE = TcpvsService("x", servers=SERVERS, rules=(TcpvsRule("/a", 0, (FIRST,), 100, "x-100"),))


@pytest.mark.parametrize(
    ("scheduler", "protocol", "switch", "persist", "pool"),
    [
        ("http", "http", "connection", None, None),
        ("hhttp", "http", "connection", None, None),
        ("phttp", "http", "request", None, None),
        ("chttp", "http", "request", "cookie KTCPVS_SID insert follow", None),
        ("yhttp", "http", "request", "cookie KTCPVS_SID insert follow", None),
        ("wlc", "tcp", None, None, "x"),
    ],
)
def test_a_scheduler_is_switch_hash_and_affinity(
    scheduler: str, protocol: str, switch: str | None, persist: str | None, pool: str | None
) -> None:
    found = objects(TcpvsService("x", scheduler=scheduler))
    service = found["service", "l7:x"]
    assert (service["protocol"], service["switch"], service["pool"]) == (protocol, switch, pool)
    named = "chttp" if scheduler == "yhttp" else scheduler
    assert found["pool", "x"] == {"scheduler": named, "persist": persist, "check": None}


def test_a_server_stands_where_its_rule_is() -> None:
    servers = {name: keys["weight"] for (kind, name), keys in objects(SERVICE).items() if kind == "server"}
    assert servers == {"x/10.0.0.2-80": 1, "x-100/10.0.0.1-80": 3}
    both = objects(evolve(SERVICE, catch_all=True))
    assert ("server", "x/10.0.0.1-80") in both, "requests without a rule go to it as before"


@pytest.mark.parametrize(
    ("match", "when", "hashed"),
    [(1, "uri ~ /users/([^/]+)/", "uri.1"), (0, "uri ~ (?P<match>/users/([^/]+)/)", "uri.match")],
)
def test_what_hhttp_hashes(match: int, when: str, hashed: str) -> None:
    rule = TcpvsRule("/users/([^/]+)/", match, (FIRST,), 7, "x-7")
    found = objects(TcpvsService("x", scheduler="hhttp", servers=SERVERS, rules=(rule,)))
    assert (found["rule", "7"]["when"], found["rule", "7"]["hash"]) == (when, hashed)


def test_rules_get_numbers_in_front_and_behind() -> None:
    known = TcpvsRule("/a", number=100, pool="x-100")
    service = TcpvsService("x", rules=(TcpvsRule("/c"), TcpvsRule("/b"), known, TcpvsRule(".*")))
    made = numbered(service, {100, 99, 101})
    numbers = [one.number for one in made.rules if one.number is not None]
    assert sorted(numbers) == numbers
    assert len(set(numbers) - {99, 101}) == 4
    assert [one.pool for one in made.rules] == [f"x-{one}" for one in numbers]


def test_a_service_of_its_own_begins_in_the_middle() -> None:
    made = numbered(TcpvsService("x", rules=(TcpvsRule("/b"), TcpvsRule("/a"))), {500_000})
    assert [one.number for one in made.rules] == [500_001, 500_002]


def test_no_number_is_left_in_front_of_0() -> None:
    service = TcpvsService("x", rules=(TcpvsRule("/b"), TcpvsRule("/a", number=0, pool="p")))
    with pytest.raises(KernelError, match="no number is left"):
        numbered(service, {0})


def test_a_rule_that_goes_gives_its_server_back() -> None:
    found = steps(objects(SERVICE), objects(evolve(SERVICE, rules=())))
    assert [(one["verb"], one["kind"], one["name"]) for one in found] == [
        ("remove", "rule", "100"), ("add", "server", "x/10.0.0.1-80"), ("remove", "pool", "x-100"),
    ]  # fmt: skip
    assert found[1]["keys"] == {"address": "10.0.0.1:80", "weight": 3}


def test_only_what_differs_is_changed() -> None:
    found = steps(objects(SERVICE), objects(evolve(SERVICE, running=True)))
    assert found == [{"verb": "change", "kind": "service", "name": "l7:x", "keys": {"start": "yes"}}]
    assert steps(objects(SERVICE), objects(SERVICE)) == []
