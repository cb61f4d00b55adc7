"""Playbooks of one client connection: reading requests, keeping order, ending."""

from __future__ import annotations

from typing import Any

from director.model.conditions import Term
from director.model.http import L7Limits, L7Timeouts, Rule
from tests.support.playbook import World, pool

OK = "HTTP/1.1 200 OK|Content-Length: 2||hi"
GET = "GET / HTTP/1.1|Host: h||"


def web(**settings: Any) -> World:
    return World(pool("web", "a b"), **settings)


def two_pools() -> World:
    rule = Rule(1, "images", "www", when=Term("path", "", "^=", ("/images/",)), pool="images")
    return World(pool("web", "a"), pool("images", "i"), rules=(rule,))


# --- keep-alive and pipelining (RFC 9112 9.3) --------------------------------------------


def test_a_connection_serves_one_request_after_the_other() -> None:
    world = web()
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        client {GET}
          open web/a
        reused
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        client-ends
          close-client
    """)
    assert [one[-7] for one in world.records] == [200, 200]


def test_pipelined_requests_are_answered_in_order() -> None:
    two_pools().play(f"""
        client GET /images/1 HTTP/1.1|Host: h||{GET}
          open images/i
        new
          to-server GET /images/1 HTTP/1.1|Host: h||
        server {OK}
          to-client {OK}
          keep-server
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
    """)


def test_requests_before_a_fin_are_all_answered() -> None:
    closing = "HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi"
    web().play(f"""
        client {GET}{GET}
          open web/a
        client-ends
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
          open web/a
        reused
          to-server {GET}
        server {OK}
          to-client {closing}
          keep-server
          close-client
    """)


def test_half_a_request_before_a_fin_is_dropped() -> None:
    world = web()
    world.play("""
        client GET / HTT
        client-ends
          close-client
    """)
    assert world.records == []


def test_each_request_of_a_connection_finds_its_own_pool() -> None:
    two_pools().play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        client GET /images/1 HTTP/1.1|Host: h||
          open images/i
        new
          to-server GET /images/1 HTTP/1.1|Host: h||
        server {OK}
          to-client {OK}
          keep-server
    """)


def test_http_1_0_closes_unless_asked_to_stay() -> None:
    web().play("""
        client GET / HTTP/1.0|Host: h||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          keep-server
          linger-client
    """)
    web().play("""
        client GET / HTTP/1.0|Host: h|Connection: keep-alive||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: keep-alive||hi
          keep-server
    """)


def test_connection_close_is_obeyed() -> None:
    web().play("""
        client GET / HTTP/1.1|Host: h|Connection: close||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          keep-server
          linger-client
        after 5
          close-client
    """)


# --- what cannot become a request ---------------------------------------------------------


def refused(lines: list[str]) -> str:
    """The status line of a refusal, which must come first and end the connection."""
    assert lines[-1] == "linger-client"
    assert "|Connection: close|" in lines[0]
    return lines[0].removeprefix("to-client ").partition("|")[0]


def test_a_bad_request_is_refused_and_nothing_behind_it_is_read() -> None:
    world = web()
    lines = world.tell(f"client GET / HTTP/1.1|Host: h|Content-Length: 1, 2||{GET}")
    assert refused(lines) == "HTTP/1.1 400 Bad Request"
    assert world.tell(f"client {GET}") == []
    world.play("""
        client-ends
          close-client
    """)
    assert world.record()["status"] == 400
    assert world.service.live.requests.errors["refused"] == 1


def test_a_bad_request_does_not_overtake_the_answer_before_it() -> None:
    world = web()
    world.play(f"""
        client {GET}BAD||
          open web/a
        new
          to-server {GET}
    """)
    lines = world.tell(f"server {OK}")
    assert lines[:2] == [f"to-client {OK}", "keep-server"]
    assert refused(lines[2:]) == "HTTP/1.1 400 Bad Request"


def test_a_head_that_does_not_come_in_time_is_a_408() -> None:
    world = web()
    assert world.tell("client GET / HT") == []
    assert world.tell("after 29.9") == []
    assert refused(world.tell("after 0.1")) == "HTTP/1.1 408 Request Timeout"


def test_a_dripping_head_does_not_win_time() -> None:
    world = web()
    for octet in "GET / HTTP/1.1":
        assert world.tell(f"client {octet}") == []
        world.tell("after 2")
    assert refused(world.tell("after 3")) == "HTTP/1.1 408 Request Timeout"


def test_a_client_that_says_nothing_is_let_go_in_silence() -> None:
    world = web()
    world.play("""
        after 29
        after 1
          close-client
    """)
    assert world.records == []


def test_an_idle_kept_connection_is_let_go_in_silence() -> None:
    world = web(timeouts=L7Timeouts(client=3.0, keepalive=10.0))
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        after 9
        after 1
          close-client
    """)


def test_a_kept_connection_that_begins_a_head_must_end_it() -> None:
    world = web(timeouts=L7Timeouts(client=3.0, keepalive=10.0))
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        after 9
        client GET
        after 2
    """)
    assert refused(world.tell("after 1")) == "HTTP/1.1 408 Request Timeout"


def test_the_record_of_a_refusal_says_what_was_asked() -> None:
    world = web()
    world.tell("client PUT /a/b HTTP/1.1|Host: h|Host: h||")
    assert (world.record()["method"], world.record()["target"]) == ("PUT", "/a/b")


def test_a_refused_head_request_gets_no_body_whatever_was_wrong() -> None:
    """RFC 9110 9.3.2; the path is judged when the head was taken already."""
    world = web()
    world.handle.date = lambda: b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    (line,) = [one for one in world.tell("client HEAD /a/../.. HTTP/1.1|Host: h||") if "to-client" in one]
    assert line.startswith("to-client HTTP/1.1 400 Bad Request|")
    assert "|Date: Sun, 06 Nov 1994 08:49:37 GMT|" in line
    assert line.endswith("||")


# --- drain ---------------------------------------------------------------------------------


def test_a_drain_lets_an_idle_client_go() -> None:
    web().play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        drain
          close-client
    """)


def test_a_drain_waits_a_moment_for_the_first_request_of_a_new_client() -> None:
    """Nobody may reset what the client, whose connection was accepted, has sent meanwhile."""
    web().play(f"""
        drain
        after 0.9
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          keep-server
          linger-client
    """)
    web().play("""
        drain
        after 0.9
        after 0.1
          close-client
    """)


def test_a_drain_lets_a_request_end_first() -> None:
    web().play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        drain
        server {OK}
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          keep-server
          linger-client
    """)


def test_a_drain_still_serves_a_head_that_has_begun() -> None:
    web().play("""
        client GET / HTTP/1.1|
        drain
        client Host: h||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0|Connection: close||
          keep-server
          linger-client
    """)


# --- bounds --------------------------------------------------------------------------------


def test_a_client_that_pipelines_is_paused_until_its_requests_are_served() -> None:
    world = web()
    many = GET * 4000
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
    """)
    assert world.tell(f"client {many}") == ["pause-client"]
    resumed = False
    while not resumed:
        lines = [*world.tell(f"server {OK}"), *world.tell("reused")]
        resumed = "resume-client" in lines
    # Not one octet more is taken before the store is below its limit again (64 kB).
    assert len(world.talk.framer.buffer) <= 65536


def test_much_at_once_is_welcome_of_bodies_only() -> None:
    """What may be requests comes in small reads: each connection can make us hold one of them."""
    world = web()
    assert world.talk.wanted() == 0
    world.tell("client POST / HTTP/1.1|Host: h|Content-Length: 300000||abc")
    assert world.talk.wanted() == 299_997
    world.tell("new")
    world.tell("client " + "x" * 299_997)
    assert world.talk.wanted() == 0
    world.tell(f"server {OK}")
    world.tell("client POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||ffff|abc")
    assert world.talk.wanted() == 0xFFFF - 3


def test_much_at_once_is_welcome_in_a_tunnel() -> None:
    world = web(switch="connection")
    world.tell(f"client {GET}")
    assert world.talk.wanted() == 0
    world.tell("new")
    assert world.talk.wanted() == 1 << 20


def answering(size: int) -> World:
    """A service that answers everything itself, with this many octets."""
    return web(rules=(Rule(1, "no", "www", respond=(403, "x" * size)),))


def test_own_answers_wait_for_a_client_that_does_not_read() -> None:
    """No server holds them back, so requests sent ahead must not become answers without bound."""
    world = answering(10_000)
    lines = world.tell("client " + GET * 1000)
    assert lines[1:] == ["await-client"]
    assert 65536 < len(lines[0]) < 80_000
    assert len(world.records) == 7
    lines = world.tell("client-takes")
    assert lines[0].startswith("to-client HTTP/1.1 403 ")
    assert lines[1:] == ["await-client"]
    assert len(world.records) == 14


def test_nothing_is_read_ahead_without_bound_while_a_client_does_not_read() -> None:
    world = answering(10_000)
    world.tell("client " + GET * 1000)
    assert world.tell("client " + GET * 4000) == ["pause-client"]
    asked = 5000
    resumed = False
    while len(world.records) < asked:
        lines = world.tell("client-takes")
        resumed = resumed or "resume-client" in lines
    assert resumed
    assert lines[-1] != "await-client"
    assert len(world.talk.framer.buffer) == 0


def test_a_fin_behind_requests_that_wait_loses_none_of_them() -> None:
    world = answering(40_000)
    assert world.tell("client " + GET * 3)[1:] == ["await-client"]
    assert world.tell("client-ends") == []
    lines = world.tell("client-takes")
    assert lines[0].startswith("to-client HTTP/1.1 403 ")
    assert "|Connection: close|" in lines[0]
    assert lines[1:] == ["close-client"]
    assert len(world.records) == 3


def test_a_client_that_never_reads_is_let_go() -> None:
    world = answering(40_000)
    world.tell("client " + GET * 3)
    assert world.tell("after 61") == ["close-client"]
    assert world.tell("client-takes") == []


def test_a_head_larger_than_the_read_ahead_is_still_read() -> None:
    world = web(limits=L7Limits(header=300_000))
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
    """)
    assert world.tell("client GET / HTTP/1.1|Host: h|X: " + "x" * 70_000) == ["pause-client"]
    assert "resume-client" in world.tell(f"server {OK}")


def test_a_client_gone_between_requests_leaves_nothing() -> None:
    world = web()
    assert world.tell("client-gone") == []
    assert world.talk.deadline == float("inf")


def test_when_others_serve_on_an_idle_client_is_answered_once_more() -> None:
    """To close at once could meet a request that is on its way (RFC 9112 9.6)."""
    web().play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
        retire
        after 2
        client {GET}
          open web/a
        reused
          to-server {GET}
        server {OK}
          to-client HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          keep-server
          linger-client
    """)
    web().play("""
        retire
        drain
        after 1
          close-client
    """)
