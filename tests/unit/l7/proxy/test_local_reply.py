from __future__ import annotations

import pytest

from director.l7.proxy import local_reply
from director.model.http import Page
from tests.support.oracles import Reading, h11_response


def read(raw: bytes, method: bytes = b"GET") -> Reading:
    found = h11_response(raw, method)
    assert found is not None
    return found


@pytest.mark.parametrize("status", [200, 301, 403, 404, 431, 451, 500, 502, 508, 599])
def test_an_answer_is_whole(status: int) -> None:
    found = read(local_reply.answer(status, b"text\n", b"X-A: 1\r\n"))
    assert (found.start[0], found.body) == (b"%d" % status, b"text\n")
    assert (b"x-a", b"1") in found.fields
    assert (b"content-type", b"text/plain; charset=utf-8") in found.fields


def test_head_gets_the_length_and_no_body() -> None:
    found = read(local_reply.answer(200, b"text", head_only=True), b"HEAD")
    assert (b"content-length", b"4") in found.fields
    assert found.body == b""


def test_reset_content_has_none() -> None:
    """RFC 9110 15.3.6."""
    assert local_reply.answer(205, b"text", b"").endswith(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_where_there_is_none(status: int) -> None:
    """RFC 9110 15.3.5, 15.4.5."""
    assert read(local_reply.answer(status, b"text")).body == b""
    assert b"Content-Length" not in local_reply.answer(status, b"text")


def test_a_refusal_says_why() -> None:
    assert read(local_reply.refusal(400, "bad Host", b"")).body == b"400 Bad Request: bad Host\n"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_failure_is_never_stored(status: int) -> None:
    found = read(local_reply.failure(status, '<script>"', b"Connection: close\r\n"))
    assert (b"cache-control", b"no-store") in found.fields
    assert b"<script>" not in found.body
    assert b"&lt;script&gt;" in found.body


def test_a_page() -> None:
    found = read(local_reply.page(Page("sorry", b"<p>", "text/html", 503, 0.2), b""))
    assert (found.start[0], found.body) == (b"503", b"<p>")
    assert {(b"retry-after", b"1"), (b"cache-control", b"no-store"), (b"content-type", b"text/html")} <= set(
        found.fields
    )
    assert b"Retry-After" not in local_reply.page(Page("sorry"), b"")


def test_phrases() -> None:
    assert (local_reply.phrase(404), local_reply.phrase(599)) == ("Not Found", "Answer")
