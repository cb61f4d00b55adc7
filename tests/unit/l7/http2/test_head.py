"""RFC 9113 8.3: what a request of HTTP/2 may be, and what it becomes."""

from __future__ import annotations

import pytest

from director.errors import MessageError
from director.l7.http.fields import CHUNKED
from director.l7.http.requests import Limits
from director.l7.http2.fields import Fields, trailer_lines
from director.l7.http2.head import StreamBody, read_head

GET = ((b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a.example"), (b":path", b"/x?y"))
POST = ((b":method", b"POST"), *GET[1:])


def test_a_head() -> None:
    head = read_head(3, (*GET, (b"accept", b"*/*")), Limits(), ended=True)
    assert (head.stream, head.method, head.sent, head.query) == (3, b"GET", b"/x?y", b"?y")
    assert (head.host, head.header("accept"), head.reader, head.length) == (b"a.example", "*/*", None, 0)


def test_a_body_without_a_length_is_chunked_for_servers() -> None:
    head = read_head(1, POST, Limits(), ended=False)
    assert head.length == CHUNKED
    assert head.body() is head.reader
    assert read_head(1, (*POST, (b"content-length", b"7")), Limits(), ended=False).length == 7


def test_host_may_stand_for_the_authority() -> None:
    fields = (GET[0], GET[1], GET[3], (b"host", b"b.example"))
    assert read_head(1, fields, Limits(), ended=True).host == b"b.example"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((*GET, (b"x", b"a\r\nb: c")), 400),
        ((*GET, (b"x", b"a\0")), 400),
        ((*GET, (b"connection", b"close")), 400),
        ((*GET, (b"transfer-encoding", b"chunked")), 400),
        ((*GET, (b"host", b"b.example")), 400),
        ((GET[0], GET[1], GET[3]), 400),
        ((*GET[:3], (b":path", b"/a b")), 400),
        ((*GET[:3], (b":path", b"")), 400),
        ((*GET[:3], (b":path", b"http://evil.example/a")), 400),
        ((*GET[:2], (b":authority", b""), GET[3]), 400),
        ((*GET[:3], (b":path", b"/a HTTP/1.1\r\nX: y")), 400),
        ((*GET[:2], (b":authority", b"u@h"), GET[3]), 400),
        (((b":method", b"CONNECT"), *GET[1:]), 501),
        (((b":method", b"CONNECT"), (b":protocol", b"other"), *GET[1:]), 501),
        (((b":method", b"G ET"), *GET[1:]), 400),
        ((*GET, (b"content-length", b"1, 2")), 400),
        ((*GET, (b"content-length", b"+1")), 400),
        ((*GET, (b"content-length", b"5")), 400),
        ((*GET, (b"x" * 9, b"y" * 40000)), 431),
    ],
)
def test_what_no_server_shall_see(fields: Fields, status: int) -> None:
    with pytest.raises(MessageError) as caught:
        read_head(1, fields, Limits(), ended=True)
    assert caught.value.status == status


def test_trailers_are_judged_as_those_of_chunks() -> None:
    body = StreamBody(frozenset((b"x-internal",)))
    body.finish(trailer_lines(((b"x-sum", b"1"), (b"host", b"evil"), (b"x-internal", b"2"))))
    assert (body.done, body.trailers, body.remaining) == (True, b"x-sum: 1\r\n", 0)
    for wrong in ((b"x", b"a\nb"), (b":status", b"1")):
        with pytest.raises(MessageError):
            trailer_lines((wrong,))


@pytest.mark.parametrize(
    ("octets", "good"), [(b"abcde", True), (b"abcd", False), (b"", False), (b"abcdef", False)]
)
def test_a_body_has_the_length_that_was_announced(octets: bytes, good: bool) -> None:
    """RFC 9113 8.1.1; a server that counts would take the next request for the rest."""
    body = read_head(1, (*POST, (b"content-length", b"5")), Limits(), ended=False).body()
    body.read(octets)
    if good:
        body.finish()  # type: ignore[attr-defined]
    else:
        with pytest.raises(MessageError):
            body.finish()  # type: ignore[attr-defined]
