"""The body of a request: its limit, its defects, and how much of it may wait for a server."""

from __future__ import annotations

from director.l7.proxy.exchange import SPOOL_LIMIT
from director.model.http import L7Limits
from tests.support.playbook import World, pool


def test_a_chunked_body_over_the_limit_is_a_413() -> None:
    world = World(pool("web", "a"), limits=L7Limits(body=4))
    world.tell("client POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||3|abc|")
    world.tell("new")
    lines = world.tell("client 3|def|")
    assert lines[0] == "drop-server"
    assert lines[1].startswith("to-client HTTP/1.1 413 ")
    assert world.leases == 0


def test_a_broken_body_is_a_400_before_and_after_the_server_is_there() -> None:
    for early in (True, False):
        world = World(pool("web", "a"))
        world.tell("client POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||")
        if not early:
            world.tell("new")
        lines = world.tell("client xyz|")
        assert lines[0] == "drop-server"
        assert lines[1].startswith("to-client HTTP/1.1 400 ")
        assert lines[2] == "linger-client"
        assert world.leases == 0


def test_a_body_in_the_head_that_is_broken_leaves_no_lease() -> None:
    world = World(pool("web", "a"))
    lines = world.tell("client POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||xyz|")
    assert lines[0].startswith("to-client HTTP/1.1 400 ")
    assert world.leases == 0


def test_a_client_is_paused_when_its_body_comes_before_the_server() -> None:
    world = World(pool("web", "a"))
    size = SPOOL_LIMIT * 3
    head = f"POST / HTTP/1.1|Host: h|Content-Length: {size}||"
    body = "x" * (SPOOL_LIMIT + 1)
    assert world.tell(f"client {head}{body}") == ["pause-client", "open web/a careful"]
    lines = world.tell("new")
    assert lines == [f"to-server {head}{body}", "resume-client"]
