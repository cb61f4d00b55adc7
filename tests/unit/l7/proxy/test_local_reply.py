"""Responses of our own: their text, their connection lines, and their mark for clients that are trusted."""

from __future__ import annotations

from typing import Any

import pytest

from director.errors import MessageError
from director.l7.proxy.local_reply import failure_text, refusal_text
from director.model.conditions import Term
from director.model.http import FaultStep, Page, Rule
from tests.support.oracles import Reading, h11_response
from tests.support.playbook import World, octets, pool

GET = "GET / HTTP/1.1|Host: h||"


def refusing(**settings: Any) -> World:
    """A world whose only rule answers paths below /old/ with a 403."""
    rule = Rule(1, "old", "www", when=Term("path", "", "^=", ("/old/",)), respond=(403, "no"))
    return World(pool("web", "a"), rules=(rule,), **settings)


def test_a_fixed_answer_has_its_text() -> None:
    world = refusing()
    lines = world.tell("client GET /old/x HTTP/1.1|Host: h||")
    assert lines[0].startswith("to-client HTTP/1.1 403 Forbidden|")
    assert lines[0].endswith("||no\n")
    lines = world.tell("client HEAD /old/x HTTP/1.1|Host: h||")
    assert lines[0].endswith("|Content-Length: 3||")


def test_an_answer_before_the_body_was_read_ends_the_connection() -> None:
    world = refusing()
    lines = world.tell(f"client POST /old/x HTTP/1.1|Host: h|Content-Length: 99||{GET}")
    assert "|Connection: close|" in lines[0]
    assert lines[1:] == ["linger-client"]
    assert len(world.records) == 1


def test_an_old_client_is_told_that_its_connection_stays() -> None:
    lines = refusing().tell("client GET /old/x HTTP/1.0|Connection: keep-alive||")
    assert "|Connection: keep-alive|" in lines[0]
    assert len(lines) == 1


def test_only_a_trusted_client_is_told_what_the_director_did() -> None:
    assert (
        "X-Director: respond; id=1|" in refusing(trusted=True).tell("client GET /old/x HTTP/1.1|Host: h||")[0]
    )
    assert "X-Director" not in refusing().tell("client GET /old/x HTTP/1.1|Host: h||")[0]


def test_own_answers_are_dated() -> None:
    """RFC 9110 6.6.1: a server with a clock dates 2xx, 3xx and 4xx answers."""
    rule = Rule(1, "no", "www", when=Term("path", "", "=", ("/no",)), respond=(403, "no"))
    world = World(pool("web", "a"), rules=(rule,))
    world.handle.date = lambda: b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    (line,) = world.tell("client GET /no HTTP/1.1|Host: h||")
    assert line.count("|Date: Sun, 06 Nov 1994 08:49:37 GMT|") == 1


# --- failures and pages ---------------------------------------------------------------------------


def page_of(world: World) -> Reading:
    """What a client gets when no server is there, read by h11."""
    world.down("a")
    (line,) = world.tell(f"client {GET}")
    found = h11_response(octets(line.removeprefix("to-client ")), b"GET")
    assert found is not None
    return found


def test_a_page_says_when_to_come_again_and_is_never_stored() -> None:
    page = Page("sorry", b"<p>", "text/html", 503, 0.2)
    found = page_of(World(pool("web", "a"), pages=(page,), fault=(FaultStep("page", "sorry"),)))
    assert (found.start[0], found.body) == (b"503", b"<p>")
    assert {(b"retry-after", b"1"), (b"cache-control", b"no-store"), (b"content-type", b"text/html")} <= set(
        found.fields
    )


def test_a_page_without_a_time_gives_none() -> None:
    found = page_of(World(pool("web", "a"), pages=(Page("sorry"),), fault=(FaultStep("page", "sorry"),)))
    assert b"retry-after" not in dict(found.fields)


def test_the_built_in_page_is_never_stored() -> None:
    found = page_of(World(pool("web", "a")))
    assert (b"cache-control", b"no-store") in found.fields
    assert b"<small>1</small>" in found.body, "the id of the request"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_built_in_page_holds_no_markup_of_others(status: int) -> None:
    text = failure_text(status, '<script>"')
    assert b"<script>" not in text
    assert b"&lt;script&gt;" in text
    assert b"<h1>%d " % status in text


def test_a_refusal_says_why() -> None:
    assert refusal_text(MessageError(400, "bad Host")) == b"400 Bad Request: bad Host\n"
