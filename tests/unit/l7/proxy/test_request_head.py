"""What is decided before a server is chosen: rules that answer, edits, Max-Forwards, loops."""

from __future__ import annotations

import re
from typing import Any

import pytest

from director.l7.proxy.commands import ONLY_STREAM, ClientBytes, ServerReady, ToServer
from director.model.conditions import Term
from director.model.http import FaultStep, HeaderEdit, Page, Rule
from director.model.pools import Queue, State
from tests.support.playbook import World, octets, pool

GET = "GET / HTTP/1.1|Host: h||"


def ruled(**action: Any) -> World:
    """A world whose only rule takes paths below /old/."""
    when = Term("path", "", "~", ("^/old/(.*)$",))
    return World(pool("web", "a"), rules=(Rule(1, "old", "www", when=when, **action),))


# --- rules --------------------------------------------------------------------------------------


def test_a_redirect_answers_and_keeps_the_connection() -> None:
    world = ruled(redirect=(301, "http://new.example/${path.1}"))
    world.play(f"""
        client GET /old/x HTTP/1.1|Host: h||
          to-client HTTP/1.1 301 Moved Permanently|Content-Type: text/plain; charset=utf-8|Content-Length: 0|Location: http://new.example/x||
        client {GET}
          open web/a
    """)  # noqa: E501 - one command, one line
    assert world.record()["outcome"] == "redirect"
    assert world.record()["rule"] == "1 old"


def test_a_rewritten_request_goes_out_with_its_edits() -> None:
    edits = (HeaderEdit("set", "X-A", "${path.1}"), HeaderEdit("del", "X-B"))
    world = ruled(pool="web", rewrite_path="/new/$1", headers=edits)
    world.play("""
        client GET /old/x?q HTTP/1.1|Host: h|X-B: 1||
          open web/a
        new
          to-server GET /new/x?q HTTP/1.1|Host: h|X-A: x||
    """)


def test_an_edit_never_makes_two_hosts() -> None:
    ruled(pool="web", headers=(HeaderEdit("add", "Host", "other"),)).play("""
        client GET /old/x HTTP/1.1|Host: h||
          open web/a
        new
          to-server GET /old/x HTTP/1.1|Host: h||
    """)


def edits_of(*edits: HeaderEdit, forwarded: str = "x-forwarded-for", **more: Any) -> World:
    """A world whose only rule takes everything and edits it."""
    return World(
        pool("web", "a"), rules=(Rule(1, "", "www", pool="web", headers=edits),), forwarded=forwarded, **more
    )


def upstream(world: World, *lines: str) -> list[str]:
    """The field lines that a server gets of a request with these lines."""
    world.tell("client GET /x HTTP/1.1|Host: asked.example|" + "".join(f"{one}|" for one in lines) + "|")
    (sent,) = (
        one for one in world.talk.receive(ServerReady(ONLY_STREAM, False), 0.0) if isinstance(one, ToServer)
    )
    head = sent.data.decode("latin-1").split("\r\n")
    return [line for line in head[1:-2] if not line.startswith("Via")]


@pytest.mark.parametrize("policy", ["x-forwarded-for", "forwarded", "off"])
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-Host", "b.example"),
        ("X-Forwarded-Port", "443"), ("Forwarded", "for=_hidden"), ("X-Request-Id", "mine"),
    ],
)  # fmt: skip
def test_what_a_rule_sets_is_what_the_server_gets(
    policy: str, name: str, value: str, *, trusted: bool
) -> None:
    world = edits_of(HeaderEdit("set", name, value), forwarded=policy, trusted=trusted)
    got = upstream(world, f"{name}: client", f"{name.replace('-', '_')}: client")
    assert [line for line in got if line.lower().replace("_", "-").startswith(name.lower() + ":")] == [
        f"{name}: {value}"
    ]


def test_what_a_rule_takes_out_is_gone() -> None:
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id")
    world = edits_of(*(HeaderEdit("del", name) for name in names))
    assert upstream(world, *(f"{name}: client" for name in names)) == ["Host: asked.example"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("x-forwarded-for", "X-Forwarded-Host: asked.example"),
        ("forwarded", 'Forwarded: for=192.0.2.7;proto=http;host="asked.example"'),
    ],
)
def test_the_asked_host_is_told(policy: str, expected: str) -> None:
    """RFC 7239 5.3: the Host field as the proxy received it."""
    got = upstream(edits_of(HeaderEdit("set", "Host", "internal"), forwarded=policy))
    assert "Host: internal" in got
    assert expected in got


def test_a_field_is_not_passed_in_another_spelling_than_the_rules_have() -> None:
    """RFC 3875 4.1.18: `X_Role` and `X-Role` are one variable to a script."""
    rules = (
        Rule(1, "", "www", when=Term("header", "x-role", "=", ("admin",)), respond=(403, "")),
        Rule(2, "", "www", when=Term("header", "x_own", "=", ("x",)), pool="web", hash="header X-Hash-Key"),
    )
    world = World(pool("web", "a"), rules=rules)
    sent = (
        "X_Role: admin",
        "x_ROLE: 1",
        "X-Own: 1",
        "X_Hash-Key: 1",
        "X-Hash_Key: 1",
        "Other_Field: 1",
        "X_Own: y",
    )
    assert [line for line in upstream(world, *sent) if not line.startswith("X-Request-Id")] == [
        "Host: asked.example", "Other_Field: 1", "X_Own: y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        ("X-Role: user", "X-Role: admin"), ("X-Role: admin", "X-Role: user"), ("X-Role:", "X-Role: admin"),
        ("X-Role: admin", "X-Role:"), ("X-Role: user, admin",), ("x-role: admin , user",), ("X-ROLE:admin",),
        ("X-Role: user", "A: 1", "X-Role: b", "X-Role: admin"), ('X-Role: "a,b", admin',),
    ],
)  # fmt: skip
def test_a_rule_sees_every_value_of_a_field(lines: tuple[str, ...]) -> None:
    """RFC 9110 5.3: several lines and one list are the same."""
    when = Term("header", "x-role", "=", ("admin",))
    world = World(pool("web", "a"), rules=(Rule(1, "", "www", when=when, respond=(403, "")),))
    world.tell("client GET /x HTTP/1.1|Host: h|" + "".join(f"{one}|" for one in lines) + "|")
    assert world.record()["status"] == 403


def test_trailers_pass_under_the_rules_for_fields() -> None:
    """RFC 9110 6.5.1, 7.6.1: what may not stand in front of the body does not come behind it either."""
    edits = (
        HeaderEdit("set", "X-User", "nobody"),
        HeaderEdit("del", "X-Internal"),
        HeaderEdit("add", "X-A", "1"),
    )
    when = Term("header", "x-role", "=", ("admin",))
    rules = (
        Rule(1, "", "www", when=when, respond=(403, "")),
        Rule(2, "", "www", pool="web", headers=edits),
    )
    names = (
        "X-User", "x_user", "X-Internal", "X_Internal", "X-A", "X-Role", "X_Role", "X-Hop", "X_Hop",
        "X-Forwarded-For", "X-Forwarded-Port", "X_Forwarded_Proto", "Forwarded", "X-Request-Id",
        "Content-Length", "Content_Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Upgrade",
        "Host", "Via", "HTTP2-Settings", "Proxy-Connection", "Authorization", "Cookie",
    )  # fmt: skip
    trailers = "".join(f"{name}: evil|" for name in names)
    world = World(pool("web", "a"), rules=rules)
    world.play(f"""
        client POST / HTTP/1.1|Host: h|Connection: x-hop|Transfer-Encoding: chunked||1|x|0|{trailers}X-Sum: 7||
          open web/a careful
        new
          to-server POST / HTTP/1.1|Host: h|X-User: nobody|X-A: 1|Transfer-Encoding: chunked||1|x|0|X-Sum: 7||
    """)  # noqa: E501 - one command, one line


def test_a_servers_trailers_pass_under_the_same_rules() -> None:
    World(pool("web", "a")).play("""
        client GET / HTTP/1.1|Host: h||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Connection: x-hop|Transfer-Encoding: chunked||0|X-Hop: 1|Set-Cookie: a|Content_Length: 3|X-Sum: 7||
          to-client HTTP/1.1 200 OK|Transfer-Encoding: chunked||0|X-Sum: 7||
          keep-server
    """)  # noqa: E501 - one command, one line


@pytest.mark.parametrize(
    ("lines", "trusted", "believed"),
    [
        (("X-Request-Id: abc-7",), True, True),
        (("x-request-id: 6f1e/QUJD+==:1",), True, True),
        (("X-Request-Id: abc-7",), False, False),
        (("X_Request_Id: abc-7",), True, False),
        (("X-Request-Id: a", "X-Request-Id: b"), True, False),
        (("X-Request-Id:",), True, False),
        (("X-Request-Id: a b",), True, False),
        (('X-Request-Id: a"id=b',), True, False),
        (("X-Request-Id: " + "a" * 129,), True, False),
    ],
)
def test_the_id_of_a_trusted_peer_is_the_id(lines: tuple[str, ...], *, trusted: bool, believed: bool) -> None:
    world = World(pool("web", "a"), trusted=trusted)
    got = upstream(world, *lines)
    world.tell("client-gone")
    identity = world.record()["id"]
    assert identity == (lines[0].partition(": ")[2] if believed else "1")
    assert [line.partition(": ")[2] for line in got if line.lower().startswith("x-request-id")] == [identity]


# --- Max-Forwards and loops (RFC 9110 7.6.2, 7.6.3) ----------------------------------------------


def test_max_forwards_counts_down_and_ends_here_at_zero() -> None:
    world = World(pool("web", "a"))
    world.play("""
        client OPTIONS / HTTP/1.1|Host: h|Max-Forwards: 3||
          open web/a
        new
          to-server OPTIONS / HTTP/1.1|Host: h|Max-Forwards: 2||
        server HTTP/1.1 204 No Content||
          to-client HTTP/1.1 204 No Content||
          keep-server
    """)
    lines = world.tell("client OPTIONS / HTTP/1.1|Host: h|Max-Forwards: 0||")
    assert lines[0].startswith("to-client HTTP/1.1 200 OK|")
    lines = world.tell("client TRACE / HTTP/1.1|Host: h|Max-Forwards: x||")
    assert lines[0].startswith("to-client HTTP/1.1 400 ")


def test_a_request_that_comes_round_again_and_again_is_a_508() -> None:
    via = ", ".join(["1.1 edge"] * 4)
    lines = World(pool("web", "a")).tell(f"client GET / HTTP/1.1|Host: h|Via: {via}||")
    assert lines[0].startswith("to-client HTTP/1.1 508 ")


# --- what servers are told, kept while a client repeats itself --------------------------------------


def test_a_client_that_repeats_its_fields_gets_the_same_lines_and_another_id() -> None:
    world = World(pool("web", "a"), forwarded="x-forwarded-for")

    def lines(target: str, host: str) -> list[bytes]:
        world.tell(f"client GET {target} HTTP/1.1|Host: {host}|X: 1||")
        sent = [
            one.data
            for one in world.talk.receive(ServerReady(ONLY_STREAM, False), 0.0)
            if isinstance(one, ToServer)
        ]
        world.tell("server HTTP/1.1 200 OK|Content-Length: 0||")
        return sent[0].split(b"\r\n")

    first, again, other = lines("/a", "h"), lines("/b", "h"), lines("/b", "i")
    assert first[0] == b"GET /a HTTP/1.1"
    assert first[1:-3] == again[1:-3] == [
        b"Host: h", b"X: 1", b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: h", b"Via: 1.1 edge",
    ]  # fmt: skip
    assert (first[-3], again[-3]) == (b"X-Request-Id: 1", b"X-Request-Id: 2")
    assert other[5] == b"X-Forwarded-Host: i"


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        # RFC 9110 7.6.2: 1*DIGIT; the lesser of one less and what the recipient supports at most
        ("1", "0"), ("0002", "1"), ("999999999", "999999998"), ("99999999999", "999999998"),
        ("9" * 5000, "999999998"), ("0" * 5000 + "7", "6"),
    ],
)  # fmt: skip
def test_any_number_of_hops_is_legal(sent: str, passed: str) -> None:
    world = World(pool("web", "a"))
    world.tell(f"client TRACE / HTTP/1.1|Host: h|Max-Forwards: {sent}||")
    assert world.tell("new") == [f"to-server TRACE / HTTP/1.1|Host: h|Max-Forwards: {passed}||"]


@pytest.mark.parametrize("sent", ["0", "0" * 5000])
def test_no_hops_left_in_any_spelling(sent: str) -> None:
    world = World(pool("web", "a"))
    lines = world.tell(f"client OPTIONS / HTTP/1.1|Host: h|Max-Forwards: {sent}||")
    assert lines[0].startswith("to-client HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        # RFC 9112 9.3: the version decides, Connection overrides; the server's answer passes unread.
        ("GET / HTTP/1.0|Host: h||", "GET / HTTP/1.0|Host: h||"),
        (
            "GET / HTTP/1.0|Host: h|Connection: keep-alive||",
            "GET / HTTP/1.0|Host: h|Connection: keep-alive||",
        ),
        ("GET / HTTP/1.1|Connection: close, x|Host: h||", "GET / HTTP/1.1|Host: h|Connection: close||"),
        ("GET / HTTP/1.1|Connection: keep-alive|Host: h||", "GET / HTTP/1.1|Host: h||"),
        (
            "GET / HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||",
            "GET / HTTP/1.1|Host: h|Connection: upgrade|Upgrade: websocket||",
        ),
    ],
)
def test_a_server_relayed_unread_hears_version_and_wish_of_the_client(said: str, passed: str) -> None:
    world = World(pool("web", "a"), switch="connection")
    world.tell(f"client {said}")
    assert world.tell("new") == [f"to-server {passed}"]


def test_who_repeats_a_head_is_judged_once_by_each_site() -> None:
    world = ruled(respond=(403, "no"))
    asked = "client GET /old/x HTTP/1.1|Host: h||"
    world.tell(asked)
    assert world.talk.routed is None
    world.tell(asked)
    routed = world.talk.routed
    assert routed is not None
    world.tell(asked)
    assert world.talk.routed is routed
    world.tell("client GET /old/y HTTP/1.1|Host: h||")
    assert world.talk.routed is not routed
    assert [one["rule"] for one in map(world.record, range(4))] == ["1 old"] * 4
    world.handle.current = ruled(respond=(410, "gone")).service
    assert world.tell(asked)[0].startswith("to-client HTTP/1.1 410 ")
    assert world.tell(asked)[0].startswith("to-client HTTP/1.1 410 ")


@pytest.mark.parametrize("trusted", [False, True])
def test_a_server_gets_the_same_when_a_head_is_repeated(*, trusted: bool) -> None:
    """With the edits of a rule and with its own id, whatever was remembered."""
    edits = (HeaderEdit("set", "X-A", "${path.1}"),)
    world = World(
        pool("web", "a"),
        rules=(
            Rule(1, "old", "www", when=Term("path", "", "~", ("^/old/(.*)$",)), pool="web", headers=edits),
        ),
        trusted=trusted,
    )
    raw = octets("GET /old/x HTTP/1.1|Host: h|X-Request-Id: theirs||")
    sent = []
    for number in range(1, 4):
        world.talk.receive(ClientBytes(raw), 0.0)
        sent += [
            one.data
            for one in world.talk.receive(ServerReady(ONLY_STREAM, True), 0.0)
            if isinstance(one, ToServer)
        ]
        world.tell("server HTTP/1.1 204 No||")
        identity = b"theirs" if trusted else b"%d" % number
        assert sent[-1].count(b"X-Request-Id: " + identity + b"\r\n") == 1
        assert b"\r\nX-A: x\r\n" in sent[-1]
    assert len({re.sub(rb"(?<=X-Request-Id: )[^\r]+", b"", one) for one in sent}) == 1


def test_nothing_is_kept_of_a_head_that_nobody_remembers() -> None:
    world = ruled(respond=(403, "no"))
    world.tell(f"client GET /old/x HTTP/1.1|Host: h|X: {'a' * 4000}||")
    assert world.talk.routed is None


def test_a_trusted_peer_that_speaks_for_others_is_judged_by_each_of_them() -> None:
    rule = Rule(1, "inside", "www", when=Term("client", "", "in", ("203.0.113.0/24",)), respond=(200, "in"))
    world = World(pool("web", "a"), rules=(rule,), trusted=True)
    for client, inside in (("203.0.113.9", True), ("203.0.113.9", True), ("198.51.100.9", False)):
        lines = world.tell(f"client GET / HTTP/1.1|Host: h|X-Forwarded-For: {client}||")
        assert lines[0].startswith("to-client") is inside


# --- who waits is decided anew ------------------------------------------------------------------------


FULL = pool("web", "a*", queue=Queue(9, 5.0))


def waiting(world: World, request: str = GET) -> World:
    """The only server is busy, and another client's request stands in the queue."""
    world.tell(f"client {GET}")
    world.call()
    assert world.tell(f"client {request}") == ["wait web"]
    return world


@pytest.mark.parametrize("order", [State.DRAIN, State.MAINT])
def test_who_waits_for_a_server_that_is_taken_out_gets_the_page(order: State) -> None:
    world = waiting(World(FULL, pages=(Page("sorry", b"sorry"),), fault=(FaultStep("page", "sorry"),)))
    world.server("a").state = order
    world.server("a").refresh()
    lines = world.tell("slot-free")
    assert lines[0].startswith("to-client HTTP/1.1 503 ")
    assert world.record()["fault"] == "page sorry"
    assert world.registry.pools["web"].waiting == 0


def test_who_waits_goes_where_the_rules_of_now_lead() -> None:
    """A reload that renames the pool: the old one is no longer there, the new one has room."""
    world = waiting(World(FULL))
    world.reload(pool("other", "b"), pool="other")
    world.play(f"""
        slot-free
          open other/b
        new
          to-server {GET}
    """)
    assert world.record_of("server HTTP/1.1 204 No||")["pool"] == "other"


def test_who_waits_is_refused_by_a_rule_that_came_meanwhile() -> None:
    world = waiting(World(FULL))
    deny = Rule(1, "no", "www", when=Term("path", "", "=", ("/",)), respond=(403, "no"))
    world.reload(FULL, rules=(deny,))
    assert world.tell("slot-free")[0].startswith("to-client HTTP/1.1 403 ")
    assert world.record()["rule"] == "1 no"


def test_who_waits_for_a_pool_that_went_gets_the_fault_path() -> None:
    world = waiting(World(FULL))
    world.reload(pool("other", "b"), pool="")
    assert world.tell("slot-free")[0].startswith("to-client HTTP/1.1 503 ")


def test_who_waits_keeps_its_body_and_its_time() -> None:
    world = waiting(World(FULL), "POST / HTTP/1.1|Host: h|Content-Length: 4||ab")
    world.tell("after 4")
    other = pool("other", "b*", queue=Queue(9, 5.0))
    world.reload(other, pool="other")
    world.server("b", "other").max = 1
    world.server("b", "other").overloaded = True
    world.registry.pools["other"].invalidate()
    assert world.tell("slot-free") == ["wait other"]
    assert world.tell("after 1")[0] == "leave-queue", "all waits together are no longer than the queue allows"
    world = waiting(World(FULL), "POST / HTTP/1.1|Host: h|Content-Length: 4||ab")
    world.reload(pool("other", "b"), pool="other")
    world.play("""
        client c
        slot-free
          open other/b careful
        new
          to-server POST / HTTP/1.1|Host: h|Content-Length: 4||abc
        client d
          to-server d
    """)


def test_who_waits_and_is_routed_again_is_counted_once() -> None:
    rule = Rule(1, "all", "www", when=Term("path", "", "^=", ("/",)), pool="web")
    world = waiting(World(FULL, rules=(rule,)))
    world.reload(FULL, rules=(rule,))
    assert world.tell("slot-free") == ["wait web"]
    assert world.service.live.rule("1 all").requests == 2, "the two clients"


def test_what_an_authority_looks_for_comes_before_any_rule() -> None:
    """RFC 8555 8.3: it must not be sent on, whatever the service does with other requests."""
    world = ruled(redirect=(302, "https://h/"))
    world.handle.proofs = {"/.well-known/acme-challenge/tok": "tok.print"}
    (answer,) = world.tell("client GET /.well-known/acme-challenge/tok HTTP/1.1|Host: h||")
    assert answer.startswith("to-client HTTP/1.1 200 OK|")
    assert answer.endswith("||tok.print")
    assert world.record()["outcome"] == "acme"
    assert world.tell("client GET /.well-known/acme-challenge/other HTTP/1.1|Host: h||") == ["open web/a"]
