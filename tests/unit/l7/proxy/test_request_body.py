"""The body of a request: its limit, its defects, and how much of it may wait for a server."""

from __future__ import annotations

from director.l7.http.body import LAST_BYTES
from director.l7.proxy.commands import ONLY_STREAM, ClientPassed
from director.l7.proxy.exchange import SPOOL_LIMIT
from director.model.http import L7Limits, L7Timeouts
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


# --- octets that the kernel moves -----------------------------------------------------------------


def uploading(size: int, framing: str = "") -> World:
    """A world whose server has got the head of a POST and its first octets, beyond what is kept."""
    world = World(pool("web", "a"), timeouts=L7Timeouts(client=10))
    lines = framing or f"Content-Length: {size}"
    world.tell(f"client POST / HTTP/1.1|Host: h|{lines}||")
    world.tell("new")
    return world


def test_a_long_body_may_pass_unread_but_for_its_end() -> None:
    """Behind its end another request may stand."""
    world = uploading(1_000_000)
    assert world.talk.unread() == (1_000_000 - LAST_BYTES, 0)
    assert world.deliver(ClientPassed(ONLY_STREAM, 900_000)) == []
    world.now = 9.0
    world.deliver(ClientPassed(ONLY_STREAM, 83_000))
    assert world.talk.unread() == (17_000 - LAST_BYTES, 0)
    assert world.talk.deadline == 19.0
    tail = "x" * 17_000
    assert world.tell(f"client {tail}GET /next HTTP/1.1|") == [f"to-server {tail}"]
    assert world.talk.unread() == (0, 0)
    assert world.record_of("server HTTP/1.1 204 No Content||")["received"] == 1_000_000


def test_what_may_be_sent_again_is_read() -> None:
    world = World(pool("web", "a"))
    world.tell("client PUT / HTTP/1.1|Host: h|Content-Length: 1000000||")
    world.tell("new")
    assert world.talk.unread() == (0, 0)
    world.tell(f"client {'x' * (SPOOL_LIMIT + 1)}")
    assert world.talk.unread() == (1_000_000 - SPOOL_LIMIT - 1 - LAST_BYTES, 0)


def test_chunks_are_read() -> None:
    world = uploading(0, "Transfer-Encoding: chunked")
    world.tell("client f0000|")
    assert world.talk.unread() == (0, 0)


def test_nothing_passes_before_the_server_is_there() -> None:
    world = World(pool("web", "a"))
    world.tell("client POST / HTTP/1.1|Host: h|Content-Length: 1000000||")
    assert world.talk.unread() == (0, 0)
