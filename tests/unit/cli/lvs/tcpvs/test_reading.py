from __future__ import annotations

from typing import Any

import pytest

from director.cli.lvs.tcpvs import reading
from director.cli.lvs.tcpvs.table import TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address
from tests.unit.cli.memory import MemoryClient


def found() -> dict[str, TcpvsService]:
    """The sample's own services, which no such command made."""
    client = MemoryClient()
    pools = {one["name"]: one for one in client.get("pools")}
    read = reading.services(client.get("services"), pools, client.get("rules"))
    return {one.ident: one for one in read}


def test_services_of_the_file_are_told_as_far_as_ktcpvs_has_words() -> None:
    www = found()["www"]
    assert (www.running, www.catch_all, www.pool) == (True, True, "web")
    assert www.max_clients == 65535, "no bound of its own"
    assert any(note.startswith("rule 100 images: pool images when ") for note in www.notes)
    assert TcpvsServer(Address("127.0.0.1", 9001), 2) in www.servers


@pytest.mark.parametrize(
    ("when", "pattern"),
    [
        ("uri ~ ^/a", "^/a"),
        ('uri ~ "a b"', "a b"),
        ("path ~ ^/users/([^/]+)/", "^/users/([^/]+)/"),
        ("", ".*"),
        ("path = /old", None),
        ("uri ~ /a and host = b", None),
        ("not uri ~ /a", None),
    ],
)
def test_a_condition_that_is_a_pattern(when: str, pattern: str | None) -> None:
    assert reading.pattern_of(when) == pattern


def test_the_group_around_all_of_a_pattern_is_none_of_it() -> None:
    assert reading.pattern_of("uri ~ (?P<match>/(a)/)", hashed=True) == "/(a)/"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        (":80", Address("0.0.0.0", 80)),
        ("[::1]:80", Address("::1", 80)),
        ("unix:/run/x.sock", None),
        ("systemd:domain=INET:index=0", None),
    ],
)
def test_addresses_that_a_file_can_say(text: str, found: Address | None) -> None:
    assert reading.place(text) == found


@pytest.mark.parametrize(
    ("protocol", "switch", "scheduler", "persist", "named"),
    [
        ("http", "request", "wlc", None, "phttp"),
        ("http", "connection", "wlc", None, "http"),
        ("http", "request", "wlc", "SID", "chttp"),
        ("http", "request", "rr", None, "rr"),
        ("tcp", "request", "wlc", None, "wlc"),
    ],
)
def test_the_name_of_how_a_service_works(
    protocol: str, switch: str, scheduler: str, persist: str | None, named: str
) -> None:
    view: dict[str, Any] = {
        "layer": "l7", "name": "x", "pool": "x", "listen": [], "fault": [], "ktcpvs": None, "start": False,
        "max_connections": 0, "protocol": protocol, "switch": switch,
    }  # fmt: skip
    pool = {"name": "x", "scheduler": scheduler, "persist": persist, "checks": ["alive"], "servers": []}
    (one,) = reading.services([view], {"x": pool}, [])
    assert (one.scheduler, one.checks, one.rules) == (named, ("alive",), ())


def test_rules_come_in_the_order_in_which_they_are_tried() -> None:
    view = {
        "layer": "l7", "name": "x", "pool": None, "listen": [":81"],
        "fault": ["active", "local 127.0.0.1:82"],
        "ktcpvs": {"startservers": 1, "minspareservers": 2, "maxspareservers": 3}, "start": True,
        "max_connections": 9, "protocol": "http", "switch": "connection",
    }  # fmt: skip
    rules = [
        {"service": "x", "name": "2 x", "number": 2, "when": "uri ~ /b", "pool": "p", "hash": "uri.1"},
        {"service": "x", "name": "1 x", "number": 1, "when": "uri ~ /a", "pool": "p", "hash": "uri.match"},
    ]
    pool = {"name": "p", "scheduler": "hhttp", "persist": None, "servers": [{"address": "a:1", "weight": 4}]}
    (one,) = reading.services([view], {"p": pool}, rules)
    server = Address("a", 1)
    assert one.rules == (TcpvsRule("/a", 0, (server,), 1, "p"), TcpvsRule("/b", 1, (server,), 2, "p"))
    assert (one.redirect, one.start_servers, one.max_spare) == (Address("127.0.0.1", 82), 1, 3)
    assert (one.scheduler, one.servers) == ("hhttp", (TcpvsServer(server, 4),))
