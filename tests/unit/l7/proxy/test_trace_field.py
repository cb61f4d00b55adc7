"""`X-Director-Trace`: who gets it, what it says; a Structured Field whatever stands in names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.l7.proxy import trace_field
from director.model.conditions import Term
from director.model.http import FaultStep, Page, Rule
from director.model.pools import Address, CookiePersistence, Queue
from tests.support.playbook import World, pool

ASKS = "X-Director-Trace: 1|"
GET = f"GET / HTTP/1.1|Host: h|{ASKS}|"
OK = "HTTP/1.1 200 OK|Content-Length: 2||hi"

STRING = r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
"""RFC 8941 3.3.3."""
PARAMETER = rf"; *[a-z*][a-z0-9_.*-]*=(?:{STRING}|-?[0-9]{{1,15}}|-?[0-9]{{1,12}}\.[0-9]{{1,3}})"
"""RFC 8941 3.1.2, 3.3.1, 3.3.2: a key, and a String, an Integer or a Decimal."""


def told(lines: list[str]) -> dict[str, str]:
    """The parameters of the one trace that the client got; {} for none."""
    (line,) = [line for line in lines if line.startswith("to-client")]
    found = re.findall(r"\|X-Director-Trace: ([^|]*)", line)
    if not found:
        return {}
    (value,) = found
    member = re.fullmatch(rf"({STRING})((?:{PARAMETER})*)", value)
    assert member, value
    pairs = re.findall(rf";([^=]*)=({STRING}|[0-9.]+)", member[2])
    return {"director": member[1], **dict(pairs)}


def served(world: World, request: str = GET) -> dict[str, str]:
    """What a client is told whose request reaches a server."""
    opened = world.tell(f"client {request}")
    assert any(line.startswith("open ") for line in opened), opened
    world.tell("new")
    return told(world.tell(f"server {OK}"))


def test_a_trusted_client_that_asks_is_told_the_decision() -> None:
    rule = Rule(100, "images", "www", when=Term("path", "", "^=", ("/",)), pool="img")
    found = served(World(pool("web", "a"), pool("img", "a b"), rules=(rule,), trusted=True))
    assert found == {
        "director": '"edge"', "id": '"1"', "service": '"www"', "rule": '"100 images"',
        "client": '"192.0.2.7"',
        "pool": '"img"', "by": '"wlc"', "server": '"a"', "active": "0", "inactive": "0", "weight": "1",
        "candidates": "2", "connect": "0.0", "first": "0.0",
    }  # fmt: skip


@pytest.mark.parametrize(("trusted", "request_"), [(False, GET), (True, GET.replace(ASKS, ""))])
def test_nobody_else_is_told(trusted: bool, request_: str) -> None:
    assert served(World(pool("web", "a"), trusted=trusted), request_) == {}


@pytest.mark.parametrize("spelt", ["X-Director-Trace", "x_director_trace"])
def test_a_director_behind_us_is_not_asked_in_the_name_of_a_stranger(spelt: str) -> None:
    world = World(pool("web", "a"))
    world.tell(f"client GET / HTTP/1.1|Host: h|{spelt}: 1||")
    assert world.tell("new") == ["to-server GET / HTTP/1.1|Host: h||"]


def test_it_is_passed_on_for_a_trusted_client() -> None:
    world = World(pool("web", "a"), trusted=True)
    world.tell(f"client {GET}")
    assert world.tell("new") == [f"to-server {GET}"]


def test_times_and_persistence() -> None:
    world = World(pool("web", "a", persist=CookiePersistence("sid")), trusted=True)
    world.tell(f"client {GET}")
    world.now = 0.0021
    world.tell("new")
    world.now = 0.0104
    found = told(world.tell(f"server {OK}"))
    assert (found["persist"], found["connect"], found["first"]) == ('"miss"', "2.1", "10.4")


def test_what_failed_stands_beside_what_came_instead() -> None:
    page = Page("sorry", b"sorry", status=503)
    world = World(pool("web", "a b"), fault=(FaultStep("page", "sorry"),), pages=(page,), trusted=True)
    world.tell(f"client {GET}")
    lines = world.tell("failed refused")
    while not any(line.startswith("to-client") for line in lines):
        lines = world.tell("failed refused")
    found = told(lines)
    assert found["failed"] == "3"
    assert found["tries"].startswith('"a: ')
    assert (found["cause"], found["fault"]) == ('"connect"', '"page sorry"')
    assert not {"server", "by", "first"} & {*found}


def test_a_local_server_of_the_fault_path_has_no_lease_to_tell_of() -> None:
    world = World(pool("web", "a"), fault=(FaultStep("local", address=Address(path="/s")),), trusted=True)
    world.down("a")
    found = served(world)
    assert found["server"] == '"unix:/s"'
    assert "by" not in found


def test_an_answer_of_a_rule_has_it() -> None:
    rule = Rule(1, "old", "www", when=Term("path", "", "^=", ("/",)), respond=(403, "no"))
    world = World(pool("web", "a"), rules=(rule,), trusted=True)
    found = told(world.tell(f"client {GET}"))
    assert (found["rule"], "server" in found) == ('"1 old"', False)


def test_who_waited_for_room_sees_how_long() -> None:
    world = World(pool("web", "a*", queue=Queue(5, 9.0)), trusted=True)
    world.tell(f"client {GET}")
    other = world.talk
    world.talk = world.call()
    world.tell(f"client {GET}")
    first, world.talk = world.talk, other
    world.tell("new")
    world.tell(f"server {OK}")
    world.now, world.talk = 1.5, first
    world.tell("slot-free")
    world.tell("new")
    assert told(world.tell(f"server {OK}"))["waited"] == "1500.0"


@given(name=st.text(max_size=300), missed=st.lists(st.tuples(st.text(), st.text()), max_size=9))
def test_whatever_stands_in_names_it_is_one_bounded_line(name: str, missed: list[tuple[str, str]]) -> None:
    world = World(pool("web", "a"), trusted=True)
    world.tell(f"client {GET}")
    exchange: Any = world.talk.exchange
    exchange.tries, exchange.identity, exchange.fault = tuple(missed), name, name
    line = trace_field.field(exchange, 1e6)
    assert re.fullmatch(rf"X-Director-Trace: {STRING}(?:{PARAMETER})*\r\n", line.decode("ascii"))
    assert len(line) < 4096
