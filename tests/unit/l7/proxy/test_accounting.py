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
