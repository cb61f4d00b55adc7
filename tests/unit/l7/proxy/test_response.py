"""Playbooks of answers on their way back: framing, interim heads, upgrades and tunnels."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from director.l7.http.body import LAST_BYTES
from director.l7.proxy.commands import ONLY_STREAM, ClientPassed, ServerPassed
from director.l7.proxy.request_body import TUNNEL_OCTETS
from director.model.conditions import Term
from director.model.http import FaultStep, L7Timeouts, Rule
from director.model.pools import Address, CookiePersistence, PoolTimeouts
from tests.support.playbook import World, octets, pool

GET = "GET / HTTP/1.1|Host: h||"
NO_BODY = "HTTP/1.1 204 No Content||"
UPGRADE = "GET /ws HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||"
SWITCHED = "HTTP/1.1 101 Switching Protocols|Connection: upgrade|Upgrade: websocket||"


def asked(request: str = GET, sent: str = "", **settings: Any) -> World:
    """A world in which `request` was sent to server a."""
    world = World(pool("web", "a b"), **settings)
    world.play(f"""
        client {request}
          open web/a{"" if request.startswith(("GET", "HEAD")) else " careful"}
        new
          to-server {sent or request}
    """)
    return world


# --- dates (RFC 9110 6.6.1) ---------------------------------------------------------------------


THEN = "Date: Sun, 06 Nov 1994 08:49:37 GMT"


def dated() -> World:
    """A world whose clock gives another second each time it is asked."""
    world = asked()
    seconds = count(37)
    world.handle.date = lambda: b"Date: Sun, 06 Nov 1994 08:49:%d GMT\r\n" % next(seconds)
    return world


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "404 Not Found", "503 Service Unavailable"])
def test_an_answer_without_a_date_gets_one(status: str) -> None:
    dated().play(f"""
        server HTTP/1.1 {status}|Content-Length: 2||hi
          to-client HTTP/1.1 {status}|Content-Length: 2|{THEN}||hi
          keep-server
    """)


def test_the_same_answer_later_gets_a_later_date() -> None:
    """What is remembered of an answer does not hold its date."""
    dated().play(f"""
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|{THEN}||hi
          keep-server
        client {GET}
          open web/a
        reused
          to-server {GET}
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|{THEN.replace("37", "38")}||hi
          keep-server
    """)


@pytest.mark.parametrize("connection", ["", "Connection: date|"])
@pytest.mark.parametrize("name", ["Date", "dATE"])
def test_a_servers_own_date_is_passed_on(name: str, connection: str) -> None:
    """Also when Connection names it: nothing that all recipients need may be named there (7.6.1)."""
    dated().play(f"""
        server HTTP/1.1 200 OK|{name}: yesterday|{connection}Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|{name}: yesterday|Content-Length: 2||hi
          keep-server
    """)


def test_interim_answers_get_no_date_and_answers_without_a_body_do() -> None:
    dated().play(f"""
        server HTTP/1.1 103 Early Hints|Link: </a>||HTTP/1.1 304 Not Modified||
          to-client HTTP/1.1 103 Early Hints|Link: </a>||HTTP/1.1 304 Not Modified|{THEN}||
          keep-server
    """)


def test_a_date_stands_beside_the_cookie_and_the_mark_of_a_fault() -> None:
    sticky = World(pool("web", "a", persist=CookiePersistence("sid")))
    sticky.handle.date = f"{THEN}\r\n".encode
    lines = [line for event in ("client " + GET, "new", "server " + NO_BODY) for line in sticky.tell(event)]
    assert f"|{THEN}|Set-Cookie: " in lines[-2]
    fault = World(pool("web", "a"), fault=(FaultStep("local", address=Address(path="/s")),), trusted=True)
    fault.handle.date = f"{THEN}\r\n".encode
    fault.down("a")
    lines = [line for event in ("client " + GET, "new", "server " + NO_BODY) for line in fault.tell(event)]
    assert f"|{THEN}|X-Director: " in lines[-2]


def test_what_is_relayed_unread_is_left_as_it_is() -> None:
    world = World(pool("web", "a"), switch="connection")
    world.handle.date = f"{THEN}\r\n".encode
    world.play(f"""
        client {GET}
          open web/a fresh
        new
          to-server {GET}
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2||hi
    """)


# --- framing (RFC 9112 6, 7) -------------------------------------------------------------------


def test_a_body_with_a_length_is_relayed_as_it_comes() -> None:
    asked().play("""
        server HTTP/1.1 200 OK|Content-Length: 4||h
          to-client HTTP/1.1 200 OK|Content-Length: 4||h
        server i!
          to-client i!
        server ?
          to-client ?
          keep-server
    """)


def test_chunks_are_framed_anew() -> None:
    # RFC 9112 7.1: extensions may go, trailers may stay, the data is the same.
    asked().play("""
        server HTTP/1.1 200 OK|Transfer-Encoding: chunked||2;x=1|hi|
          to-client HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|
        server 1|
        server !|0|X-Sum: 1||
          to-client 1|!|0|X-Sum: 1||
          keep-server
    """)


def test_chunks_reach_an_http_1_0_client_as_plain_octets() -> None:
    asked("GET / HTTP/1.0|Host: h||", GET).play("""
        server HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|0||
          to-client HTTP/1.1 200 OK|Connection: close||hi
          keep-server
          linger-client
    """)


def test_a_close_delimited_answer_becomes_chunks() -> None:
    asked().play("""
        server HTTP/1.0 200 OK||hi
          to-client HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|
        server !
          to-client 1|!|
        server-ends
          to-client 0||
          drop-server
    """)


def test_a_close_delimited_answer_ends_an_http_1_0_client_by_close() -> None:
    asked("GET / HTTP/1.0|Host: h|Connection: keep-alive||", GET).play("""
        server HTTP/1.0 200 OK||hi
          to-client HTTP/1.1 200 OK|Connection: close||hi
        server-ends
          drop-server
          linger-client
    """)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_end_at_their_head(status: str) -> None:
    asked().play(f"""
        server HTTP/1.1 {status}||
          to-client HTTP/1.1 {status}||
          keep-server
    """)


def test_the_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    asked("HEAD / HTTP/1.1|Host: h||").play("""
        server HTTP/1.1 200 OK|Content-Length: 100||
          to-client HTTP/1.1 200 OK|Content-Length: 100||
          keep-server
    """)


def test_octets_behind_an_answer_are_not_relayed_and_end_the_server_connection() -> None:
    asked().play("""
        server HTTP/1.1 200 OK|Content-Length: 2||hiHTTP/1.1 200 OK|Content-Length: 4||evil
          to-client HTTP/1.1 200 OK|Content-Length: 2||hi
          drop-server
    """)


def test_a_server_that_closes_is_not_kept() -> None:
    asked().play("""
        server HTTP/1.1 200 OK|Content-Length: 2|Connection: close||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2||hi
          drop-server
    """)


def test_a_status_above_599_is_relayed_and_counted_as_a_server_error() -> None:
    # RFC 9110 15: a recipient takes an unknown one for a 5xx.
    world = asked()
    world.play("""
        server HTTP/1.1 999 Odd|Content-Length: 0||
          to-client HTTP/1.1 999 Odd|Content-Length: 0||
          keep-server
    """)
    assert world.service.live.requests.responses[5] == 1
    assert world.leases == 0


# --- request bodies ------------------------------------------------------------------------------


def test_a_body_split_over_reads_arrives_whole() -> None:
    world = World(pool("web", "a"))
    world.play("""
        client POST / HTTP/1.1|Host: h|Content-Length: 6||ab
          open web/a careful
        client c
        new
          to-server POST / HTTP/1.1|Host: h|Content-Length: 6||abc
        client de
          to-server de
        client fGET
          to-server f
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
        client  / HTTP/1.1|Host: h||
          open web/a
    """)
    assert world.record()["received"] == 6


def test_a_chunked_request_is_framed_anew() -> None:
    World(pool("web", "a")).play("""
        client POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||3;x|abc|
          open web/a careful
        new
          to-server POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||3|abc|
        client 2|de|0||
          to-server 2|de|0||
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
    """)


def test_expect_continue_is_between_client_and_server() -> None:
    World(pool("web", "a")).play("""
        client PUT / HTTP/1.1|Host: h|Content-Length: 2|Expect: 100-continue||
          open web/a
        new
          to-server PUT / HTTP/1.1|Host: h|Content-Length: 2|Expect: 100-continue||
        server HTTP/1.1 100 Continue||
          to-client HTTP/1.1 100 Continue||
        client ab
          to-server ab
        server HTTP/1.1 204 No Content||
          to-client HTTP/1.1 204 No Content||
          keep-server
    """)


def test_a_final_answer_instead_of_100_ends_the_connection_behind_it() -> None:
    World(pool("web", "a")).play("""
        client PUT / HTTP/1.1|Host: h|Content-Length: 2|Expect: 100-continue||
          open web/a
        new
          to-server PUT / HTTP/1.1|Host: h|Content-Length: 2|Expect: 100-continue||
        server HTTP/1.1 417 Expectation Failed|Content-Length: 0||
          to-client HTTP/1.1 417 Expectation Failed|Content-Length: 0|Connection: close||
          drop-server
          linger-client
    """)


def test_early_hints_pass_and_an_http_1_0_client_does_not_see_them() -> None:
    asked().play("""
        server HTTP/1.1 103 Early Hints|Link: </a.css>||HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 103 Early Hints|Link: </a.css>||HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
    """)
    asked("GET / HTTP/1.0|Host: h|Connection: keep-alive||", GET).play("""
        server HTTP/1.1 103 Early Hints|Link: </a.css>||
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0|Connection: keep-alive||
          keep-server
    """)


def test_an_early_answer_is_relayed_while_the_body_still_comes() -> None:
    world = World(pool("web", "a"))
    world.play("""
        client POST / HTTP/1.1|Host: h|Content-Length: 900||ab
          open web/a careful
        new
          to-server POST / HTTP/1.1|Host: h|Content-Length: 900||ab
        server HTTP/1.1 413 Content Too Large|Content-Length: 3||
          to-client HTTP/1.1 413 Content Too Large|Content-Length: 3|Connection: close||
        client cd
          to-server cd
        server big
          to-client big
          drop-server
          linger-client
        client ef
        client-ends
          close-client
    """)
    assert world.leases == 0


def test_an_upload_that_goes_on_behind_the_answers_head_is_no_idle_answer() -> None:
    World(pool("web", "a")).play("""
        client POST / HTTP/1.1|Host: h|Content-Length: 4||a
          open web/a careful
        new
          to-server POST / HTTP/1.1|Host: h|Content-Length: 4||a
        server HTTP/1.1 200 OK|Content-Length: 1||
          to-client HTTP/1.1 200 OK|Content-Length: 1|Connection: close||
        after 50
        client b
          to-server b
        after 50
        client cd
          to-server cd
        after 50
        server x
          to-client x
          keep-server
          linger-client
    """)


# --- affinity --------------------------------------------------------------------------------------


def sticky() -> World:
    return World(pool("web", "a b", persist=CookiePersistence("D", httponly=True)))


def cookie_of(lines: list[str]) -> str:
    """The pair of the Set-Cookie line."""
    return lines[0].partition("Set-Cookie: ")[2].partition(";")[0]


def test_the_first_answer_sets_the_cookie_and_the_next_request_follows_it() -> None:
    world = sticky()
    world.server("a").state = world.server("a").state.DRAIN
    world.server("a").refresh()
    world.play(f"""
        client {GET}
          open web/b
        new
          to-server {GET}
    """)
    lines = world.tell("server HTTP/1.1 200 OK|Content-Length: 0||")
    assert "; Path=/; HttpOnly|" in lines[0]
    world.server("a").state = world.server("a").state.READY
    world.server("a").refresh()
    mine = f"GET / HTTP/1.1|Host: h|Cookie: {cookie_of(lines)}||"
    world.play(f"""
        client {mine}
          open web/b
        new
          to-server {mine}
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
    """)
    assert world.record()["sticky"] is True


def test_a_cookie_whose_server_is_down_is_replaced() -> None:
    world = sticky()
    world.play(f"""
        client {GET}
          open web/a
        new
          to-server {GET}
    """)
    cookie = cookie_of(world.tell("server HTTP/1.1 200 OK|Content-Length: 0||"))
    world.down("a")
    mine = f"GET / HTTP/1.1|Host: h|Cookie: {cookie}||"
    world.play(f"""
        client {mine}
          open web/b
        new
          to-server {mine}
    """)
    again = cookie_of(world.tell("server HTTP/1.1 200 OK|Content-Length: 0||"))
    assert again
    assert again != cookie


# --- upgrades and tunnels ----------------------------------------------------------------------------


def switched() -> World:
    world = asked(UPGRADE, "GET /ws HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||")
    world.play(f"""
        server {SWITCHED}S
          to-client {SWITCHED}S
        client C
          to-server C
        server T
          to-client T
    """)
    return world


def test_a_tunnel_ends_when_both_sides_have_the_client_first() -> None:
    world = switched()
    world.play("""
        client-ends
          end-server
        server more
          to-client more
        server-ends
          end-client
          drop-server
          close-client
    """)
    assert world.record()["status"] == 101
    assert world.leases == 0


def test_a_tunnel_ends_when_both_sides_have_the_server_first() -> None:
    world = switched()
    world.play("""
        server-ends
          end-client
        client more
          to-server more
        client-ends
          end-server
          drop-server
          close-client
    """)
    assert world.leases == 0


def test_an_idle_tunnel_is_closed_after_its_time_out() -> None:
    switched().play("""
        after 3599
        client C
          to-server C
        after 3599
        after 1
          drop-server
          close-client
    """)


def test_a_tunnel_whose_server_is_reset_is_reset() -> None:
    lines = switched().tell("failed connection reset")
    assert lines == ["drop-server", "abort-client"]


def test_a_tunnel_whose_client_is_reset_is_reset() -> None:
    """A clean end would tell the server that it has got all (RFC 9293 3.5.2)."""
    world = switched()
    assert world.tell("client-gone") == ["abort-server"]
    assert world.record()["outcome"] == "client_gone"


def test_the_reset_of_a_tcp_client_is_passed_on_also_behind_its_end() -> None:
    world = World(pool("web", "a"), protocol="tcp")
    world.play("""
        opened
          open web/a fresh careful
        new
        client all
          to-server all
        client-ends
          end-server
        client-gone
          abort-server
    """)
    assert world.leases == 0


def test_what_a_client_sent_ahead_of_the_101_goes_into_the_tunnel() -> None:
    world = asked(UPGRADE, "GET /ws HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||")
    world.play(f"""
        client early
        server {SWITCHED}
          to-client {SWITCHED}
          to-server early
    """)


def test_a_server_may_decline_an_upgrade() -> None:
    world = asked(UPGRADE, "GET /ws HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||")
    world.play("""
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          drop-server
        client GET / HTTP/1.1|Host: h||
          open web/a
    """)


def test_an_unasked_101_is_a_502() -> None:
    world = asked()
    lines = world.tell(f"server {SWITCHED}")
    assert lines[0] == "drop-server"
    assert lines[1].startswith("to-client HTTP/1.1 502 ")
    assert world.leases == 0


def test_a_101_before_the_request_is_whole_is_a_502() -> None:
    # RFC 9110 7.8: the new protocol begins behind the request, so a server cannot switch before.
    world = World(pool("web", "a"))
    head = "POST / HTTP/1.1|Host: h|Content-Length: 9|Connection: upgrade|Upgrade: x||a"
    world.tell(f"client {head}")
    world.tell("new")
    lines = world.tell("server HTTP/1.1 101 Yes|Connection: upgrade|Upgrade: x||")
    assert lines[1].startswith("to-client HTTP/1.1 502 ")


def test_endless_interim_answers_are_a_502() -> None:
    world = asked()
    hints = "HTTP/1.1 103 Early Hints||"
    lines = world.tell("server " + hints * 40)
    assert lines[0].count("103") == 32
    assert any("HTTP/1.1 502 " in line for line in lines)


# --- relayed unread ------------------------------------------------------------------------------------


def test_switch_connection_relays_what_follows_the_first_head() -> None:
    world = World(pool("web", "a"), switch="connection")
    world.play(f"""
        client {GET}{GET}
          open web/a fresh
        new
          to-server {GET}{GET}
        client {GET}
          to-server {GET}
        server anything at all
          to-client anything at all
        client-ends
          end-server
        server-ends
          end-client
          drop-server
          close-client
    """)
    assert world.leases == 0


def test_a_body_behind_an_answered_head_is_never_a_request() -> None:
    world = World(pool("web", "a"), switch="connection")
    world.down("a")
    lines = world.tell(f"client POST / HTTP/1.1|Host: h|Content-Length: {len(GET) - 10}||{GET}")
    assert [line.partition("|")[0] for line in lines] == [
        "to-client HTTP/1.1 503 Service Unavailable", "linger-client",
    ]  # fmt: skip
    assert len(world.records) == 1


def test_tcp_is_relayed_and_the_server_may_speak_first() -> None:
    world = World(pool("web", "a"), protocol="tcp")
    world.play("""
        opened
          open web/a fresh careful
        new
        server 220 hello
          to-client 220 hello
        client HELO
          to-server HELO
        server-ends
          end-client
        client-ends
          end-server
          drop-server
          close-client
    """)
    assert world.record()["outcome"] == "ok"
    assert world.leases == 0


def test_rules_choose_the_pool_of_a_tcp_connection_by_its_client() -> None:
    def when(network: str) -> Term:
        return Term("client", "", "in", (network,))

    rules = (
        Rule(10, "other", "www", when=when("203.0.113.0/24"), pool="web"),
        Rule(20, "near", "www", when=when("192.0.2.0/24"), pool="near"),
    )
    world = World(pool("web", "a"), pool("near", "n"), rules=rules, protocol="tcp")
    world.play("""
        opened
          open near/n fresh careful
        new
        server-ends
          end-client
        client-ends
          end-server
          drop-server
          close-client
    """)
    record = world.record()
    assert (record["rule"], record["pool"], record["server"]) == ("20 near", "near", "n")
    hits = {rule.name: rule.counters.requests for rule in world.service.rules}
    assert hits == {"10 other": 0, "20 near": 1}


def test_tcp_holds_what_comes_before_the_server_is_there() -> None:
    World(pool("web", "a"), protocol="tcp").play("""
        opened
          open web/a fresh careful
        client early
        client-ends
        new
          to-server early
          end-server
    """)


def test_tcp_without_a_server_just_ends() -> None:
    world = World(pool("web", "a"), protocol="tcp")
    world.down("a")
    world.play("""
        opened
          linger-client
    """)
    assert world.record()["fault"] == "built-in page"


# --- a change of protocol with a body (request smuggling) ----------------------------------------------


def test_a_body_takes_the_upgrade_away_and_the_connection_carries_nothing_more() -> None:
    """A server that ends the request at its head would answer the next client with what the body asks for."""
    evil = "GET /evil HTTP/1.1|Host: h||"
    world = World(pool("web", "a"))
    world.play(f"""
        client POST /ws HTTP/1.1|Host: h|Connection: Upgrade|Upgrade: websocket|Content-Length: {len(octets(evil))}||{evil}
          open web/a careful
        new
          to-server POST /ws HTTP/1.1|Host: h|Content-Length: {len(octets(evil))}||{evil}
        server HTTP/1.1 200 OK|Content-Length: 2||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2||hi
          drop-server
    """)  # noqa: E501 - one event, one line


# --- fields for this hop and for the next (RFC 9110) -----------------------------------------------------


def test_a_426_says_which_protocol_to_change_to() -> None:
    """15.5.22: the server MUST send an Upgrade; 7.8: with the option of Connection."""
    asked().play("""
        server HTTP/1.1 426 Upgrade Required|Upgrade: TLS/1.2|Connection: Upgrade|Content-Length: 0||
          to-client HTTP/1.1 426 Upgrade Required|Content-Length: 0|Connection: upgrade|Upgrade: TLS/1.2||
          keep-server
    """)


def test_an_upgrade_that_is_only_advertised_stays_on_its_hop() -> None:
    asked().play("""
        server HTTP/1.1 200 OK|Upgrade: h2c|Connection: Upgrade|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
    """)


def test_trailers_are_asked_for_announced_and_passed_on() -> None:
    """10.1.4: TE with its option of Connection; 6.6.2: Trailer passes; 6.5: so do the trailers."""
    head = "HTTP/1.1 200 OK|Trailer: X-Sum|Transfer-Encoding: chunked||"
    out = "HTTP/1.1 200 OK|Trailer: X-Sum|Transfer-Encoding: chunked||"
    World(pool("web", "a")).play(f"""
        client GET / HTTP/1.1|Host: h|Connection: TE|TE: trailers||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h|TE: trailers|Connection: TE||
        server {head}1|a|0|X-Sum: 9||
          to-client {out}1|a|0|X-Sum: 9||
          keep-server
    """)


def test_one_connection_field_names_all_that_is_of_this_hop() -> None:
    World(pool("web", "a")).play("""
        client GET / HTTP/1.1|Host: h|Connection: upgrade, TE|Upgrade: x|TE: trailers||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h|TE: trailers|Connection: upgrade, TE|Upgrade: x||
    """)


# --- time (RFC 9110 10.1.1, 15.2) ------------------------------------------------------------------------


EXPECTS = "POST / HTTP/1.1|Host: h|Expect: 100-continue|Content-Length: 3||"


def expecting() -> World:
    """A client with one second for its body waits for a server's 100."""
    world = World(pool("web", "a", timeouts=PoolTimeouts(response=30.0)), timeouts=L7Timeouts(client=1.0))
    world.tell(f"client {EXPECTS}")
    world.tell("new")
    return world


def test_a_client_that_waits_for_100_is_not_late() -> None:
    world = expecting()
    assert world.tell("after 2.5") == []
    world.play("""
        server HTTP/1.1 100 Continue||
          to-client HTTP/1.1 100 Continue||
        after 0.9
        client abc
          to-server abc
    """)


def test_a_client_that_got_its_100_must_go_on() -> None:
    world = expecting()
    world.tell("after 2.5")
    world.tell("server HTTP/1.1 100 Continue||")
    lines = world.tell("after 1")
    assert lines[1].startswith("to-client HTTP/1.1 408 ")


def test_a_server_that_says_nothing_to_an_expectation_is_late() -> None:
    world = expecting()
    assert world.tell("after 29.9") == []
    lines = world.tell("after 0.1")
    assert lines[1].startswith("to-client HTTP/1.1 504 ")
    assert world.server("a").requests.errors["timeout"] == 1


def test_a_client_that_sends_without_waiting_must_go_on() -> None:
    world = expecting()
    world.tell("client a")
    assert world.tell("after 1")[1].startswith("to-client HTTP/1.1 408 ")


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_interim_heads_renew_the_time_of_the_server(status: str) -> None:
    world = asked()
    for _ in range(40):
        assert world.tell("after 20") == []
        assert world.tell(f"server HTTP/1.1 {status}||") == [f"to-client HTTP/1.1 {status}||"]
    assert world.tell("after 29") == []
    assert world.tell("after 1")[1].startswith("to-client HTTP/1.1 504 ")


def test_a_flood_of_interim_heads_is_no_response() -> None:
    world = asked()
    assert len(world.tell("server " + "HTTP/1.1 103 Early Hints||" * 32)) == 1
    assert world.tell("server HTTP/1.1 103 Early Hints||")[1].startswith("to-client HTTP/1.1 502 ")
    assert world.server("a").requests.errors["junk"] == 1


# --- octets that the kernel moves -----------------------------------------------------------------


def test_a_long_body_may_pass_unread_but_for_its_end() -> None:
    """Behind its end nothing may stand, and that is seen."""
    world = asked()
    assert world.talk.unread() == (0, 0)
    world.tell("server HTTP/1.1 200 OK|Date: now|Content-Length: 1000000||")
    assert world.talk.unread() == (0, 1_000_000 - LAST_BYTES)
    world.now = 9.0
    assert world.deliver(ServerPassed(ONLY_STREAM, 983_000)) == []
    assert world.talk.deadline == 9.0 + PoolTimeouts().idle
    tail = "x" * 17_000
    assert world.tell(f"server {tail}") == [f"to-client {tail}", "keep-server"]
    sent = world.record()["sent"]
    assert isinstance(sent, int)
    assert 1_000_000 < sent < 1_000_200


def test_octets_behind_a_body_that_passed_end_the_server_s_connection() -> None:
    world = asked()
    world.tell("server HTTP/1.1 200 OK|Date: now|Content-Length: 1000000||")
    world.deliver(ServerPassed(ONLY_STREAM, 983_000))
    assert world.tell(f"server {'x' * 17_000}HTTP/1.1 200 OK|")[-1] == "drop-server"


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked||f0000|", "Connection: close||"])
def test_what_is_framed_anew_is_read(framing: str) -> None:
    world = asked()
    world.tell(f"server HTTP/1.1 200 OK|{framing}")
    assert world.talk.unread() == (0, 0)


def test_a_cut_body_is_missed_though_it_passed() -> None:
    world = asked()
    world.tell("server HTTP/1.1 200 OK|Date: now|Content-Length: 1000000||")
    world.deliver(ServerPassed(ONLY_STREAM, 983_000))
    assert world.tell("server-ends") == ["drop-server", "close-client"]
    assert world.record()["outcome"] == "truncated"


def test_a_tunnel_passes_unread_and_lives_by_what_passes() -> None:
    world = World(pool("web", "a", timeouts=PoolTimeouts(tunnel=60)), protocol="tcp")
    world.tell("opened")
    world.tell("new")
    # The first octets of the server's side are looked at: they may be a status.
    assert world.talk.unread() == (TUNNEL_OCTETS, 0)
    world.tell("server hello")
    assert world.talk.unread() == (TUNNEL_OCTETS, TUNNEL_OCTETS)
    for passed in (ServerPassed(ONLY_STREAM, 1 << 20), ClientPassed(ONLY_STREAM, 5)):
        world.now += 59.0
        assert world.deliver(passed) == []
        assert world.talk.deadline == world.now + 60.0
    world.tell("server-ends")
    record = world.record_of("client-ends")
    assert (record["sent"], record["received"]) == ((1 << 20) + 5, 5)
