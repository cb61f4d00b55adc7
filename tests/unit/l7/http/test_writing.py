from __future__ import annotations

import pytest

from director.l7.http.writing import own_response, phrase, response_head
from tests.support.heads import request, request_head, response
from tests.support.oracles import Reading, h11_request, h11_response


def test_a_request_on_its_way() -> None:
    head = request(
        b"X-Forwarded-For: 1", b"Connection: close, x-b", b"X-B: 1", b"X-C: 2", target=b"/a?b", minor=0
    )
    sent = request_head(head, b"/c?b", frozenset((b"x-forwarded-for",)), b"Via: 1.0 d\r\n")
    assert sent == b"GET /c?b HTTP/1.1\r\nHost: a.example\r\nX-C: 2\r\nVia: 1.0 d\r\n\r\n"


def test_one_host_whatever_came() -> None:
    """RFC 9112 3.2.2: the authority of an absolute target replaces Host; HTTP/1.0 may come without."""
    absolute = request(b"X: 1", target=b"http://b.example/x")
    for head, host in ((absolute, b"b.example"), (request(host=b""), b"")):
        reading = h11_request(request_head(head, head.sent, frozenset(), b""))
        assert reading is not None
        assert [value for name, value in reading.fields if name == b"host"] == [host]


def test_a_chunked_request_stays_chunked() -> None:
    head = request(b"Transfer-Encoding: CHUNKED", b"Connection: transfer-encoding", method=b"POST")
    sent = request_head(head, b"/", frozenset(), b"")
    assert sent == b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_an_upgrade_is_passed_on_alone() -> None:
    head = request(b"Connection: upgrade, x", b"Upgrade: websocket", b"X: 1")
    sent = request_head(head, b"/", frozenset(), b"")
    assert sent == b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_a_response_on_its_way() -> None:
    head = response(
        b"Connection: x-b", b"X-B: 1", b"Keep-Alive: 5", b"Content-Length: 3", b"Cache-Control: public"
    )
    sent = response_head(head, b"Connection: close\r\n")
    assert (
        sent == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: public\r\nConnection: close\r\n\r\n"
    )
    reading = h11_response(response_head(head, b"", no_store=True) + b"abc")
    assert reading is not None
    assert [value for name, value in reading.fields if name == b"cache-control"] == [b"no-store"]


@pytest.mark.parametrize("status", [b"204 No Content", b"100 Continue", b"101 x"])
def test_no_length_where_there_must_be_none(status: bytes) -> None:
    """RFC 9110 8.6."""
    assert b"ength" not in response_head(response(b"Content-Length: 3", status=status), b"")


def test_a_length_tells_of_the_body_that_is_not_sent() -> None:
    """RFC 9110 8.6: 304 and HEAD may say how long the body would have been."""
    for head in (
        response(b"Content-Length: 3", status=b"304 x"),
        response(b"Content-Length: 3", method=b"HEAD"),
    ):
        assert b"Content-Length: 3\r\n" in response_head(head, b"")


def test_what_was_added_to_an_answer_is_not_in_the_next_of_its_kind() -> None:
    """Answers that say the same share one head, which remembers what was made of it."""
    head = response(b"Content-Length: 2")
    for added in (b"", b"Date: 1\r\n", b"", b"Date: 2\r\n", b"Date: 2\r\n"):
        wanted = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + added + b"\r\n"
        assert response_head(head, added) == wanted
        assert b"no-store" in response_head(head, added, no_store=True)
        assert response_head(head, added) == wanted


# --- responses of our own -------------------------------------------------------------------------


def read(raw: bytes, method: bytes = b"GET") -> Reading:
    found = h11_response(raw, method)
    assert found is not None
    return found


@pytest.mark.parametrize("status", [200, 301, 403, 404, 431, 451, 500, 502, 508, 599])
def test_a_response_of_our_own_is_whole(status: int) -> None:
    found = read(own_response(status, b"text\n", b"X-A: 1\r\n"))
    assert (found.start[0], found.body) == (b"%d" % status, b"text\n")
    assert (b"x-a", b"1") in found.fields
    assert (b"content-type", b"text/plain; charset=utf-8") in found.fields


def test_head_gets_the_length_and_no_body() -> None:
    found = read(own_response(200, b"text", head_only=True), b"HEAD")
    assert (b"content-length", b"4") in found.fields
    assert found.body == b""


def test_reset_content_has_none() -> None:
    """RFC 9110 15.3.6."""
    assert own_response(205, b"text").endswith(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_where_there_is_none(status: int) -> None:
    """RFC 9110 15.3.5, 15.4.5."""
    assert read(own_response(status, b"text")).body == b""
    assert b"Content-Length" not in own_response(status, b"text")


def test_phrases() -> None:
    assert (phrase(404), phrase(599)) == ("Not Found", "Answer")
