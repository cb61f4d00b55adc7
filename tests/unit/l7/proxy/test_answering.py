"""Answers of our own: their text, their connection lines, and their mark for clients that are trusted."""

from __future__ import annotations

from typing import Any

from director.model.conditions import Term
from director.model.http import Rule
from tests.support.playbook import World, pool

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
