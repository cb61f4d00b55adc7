"""What an exchange leaves in the books: its record, and the counters of service, rule and server."""

from __future__ import annotations

import pytest

from director.model.conditions import Term
from director.model.http import Rule
from tests.support.playbook import World, octets, pool

OK = "HTTP/1.1 200 OK|Content-Length: 2||hi"
GET = "GET / HTTP/1.1|Host: h||"


def test_times_and_octets_are_in_the_record() -> None:
    world = World(pool("web", "a"))
    world.tell(f"client {GET}")
    world.tell("after 1")
    world.tell("new")
    world.tell("after 1")
    world.tell(f"server {OK}")
    record = world.record()
    assert (record["connect"], record["first_byte"], record["total"]) == (1.0, 2.0, 2.0)
    assert record["sent"] == len(octets(OK))
    assert world.server("a").stats.traffic.outbytes == len(octets(OK))
    assert world.service.live.stats.traffic.outbytes == len(octets(OK))
    assert world.service.live.stats.traffic.conns == 1
    assert world.server("a").latency == 2.0


@pytest.mark.parametrize(("status", "index"), [(204, 2), (302, 3), (404, 4), (503, 5), (777, 5)])
def test_service_rule_and_server_count_the_class_of_the_status(status: int, index: int) -> None:
    rule = Rule(1, "all", "www", when=Term("path", "", "^=", ("/",)), pool="web")
    world = World(pool("web", "a"), rules=(rule,))
    world.tell(f"client {GET}")
    world.tell("new")
    world.tell(f"server HTTP/1.1 {status} x|Content-Length: 0||")
    live = world.service.live
    for counters in (live.requests, live.rule("1 all"), world.server("a").requests):
        assert counters.requests == 1
        assert counters.responses == [int(place == index) for place in range(6)]


# --- what is relayed unread (`protocol = tcp`, `switch = connection`) --------------------------------------


def test_a_relayed_connection_says_what_it_is() -> None:
    world = World(pool("web", "a"), protocol="tcp")
    world.tell("opened")
    world.tell("client early")
    world.tell("new")
    world.tell("client later!")
    world.tell("server 220 ready|")
    world.tell("client-ends")
    record = world.record_of("server-ends")
    assert (record["method"], record["target"], record["status"]) == ("TCP", "198.51.100.1:80", 0)
    assert record["outcome"] == "ok"
    assert (record["received"], record["sent"]) == (11, 11), "also what came before the server was there"


def test_a_switched_connection_has_its_first_request_and_its_first_status() -> None:
    world = World(pool("web", "a"), switch="connection")
    world.tell(f"client {GET}")
    world.tell("new")
    world.tell("after 1")
    world.tell("server HTTP/1.1 404 Not Found|Content-Length: 0||")
    world.tell("server HTTP/1.1 200 OK|Content-Length: 0||")
    world.tell("client-ends")
    record = world.record_of("server-ends")
    assert (record["method"], record["target"], record["status"]) == ("GET", "/", 404)
    assert record["first_byte"] == 1.0
    assert dict(world.service.live.requests.errors) == {}


@pytest.mark.parametrize(
    "world", [World(pool("web", "a"), protocol="tcp"), World(pool("web", "a"), switch="connection")]
)
def test_a_relayed_connection_that_idles_has_not_failed(world: World) -> None:
    world.tell(f"client {GET}" if world.service.is_http else "opened")
    world.tell("new")
    world.tell("server HTTP/1.1 200 OK||")
    assert world.record_of("after 3600")["outcome"] == "idle"
    assert dict(world.service.live.requests.errors) == {}
