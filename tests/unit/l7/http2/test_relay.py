from __future__ import annotations

import pytest

from director.errors import MessageError
from director.l7.http.requests import Limits
from director.l7.http2.head import read_head
from director.l7.http2.relay import StreamRelay
from tests.unit.l7.http2.test_side import GET, Both

FIELDS = [(name.encode(), value.encode()) for name, value in GET]


def relay(both: Both, method: bytes = b"GET") -> StreamRelay:
    head = read_head(1, [(b":method", method), *FIELDS[1:]], Limits(), ended=True)
    return StreamRelay(head, both.frames)


def begin(made: StreamRelay, octets: bytes) -> bytes:
    made.feed(octets)
    head = made.head()
    assert head is not None
    return made.begin(head, True, b"X-Added: 1\r\n", False)


@pytest.mark.parametrize(("method", "octets"), [(b"GET", {1: 5}), (b"HEAD", {})])
def test_a_whole_response_of_our_own(method: bytes, octets: dict[int, int]) -> None:
    both = Both()
    made = relay(both, method)
    both.take(made.own(503, b"sorry", b"Retry-After: 1\r\n", "text/plain", keep=False))
    assert (both.got, made.whole) == (octets, True)


def test_a_response_in_chunks() -> None:
    both = Both()
    made = relay(both)
    both.take(begin(made, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"))
    assert not made.done
    both.take(made.body(b"3\r\nyou\r\n0\r\n\r\n"))
    assert (both.got, made.done, made.reusable, made.whole) == ({1: 5}, True, True, True)


def test_the_end_of_the_connection_may_be_the_end() -> None:
    both = Both()
    made = relay(both)
    both.take(begin(made, b"HTTP/1.1 200 OK\r\n\r\nhi"))
    rest = made.end()
    assert rest is not None
    both.take(rest)
    assert (both.got, made.done, made.reusable) == ({1: 2}, True, False)


def test_a_short_body_is_cut() -> None:
    made = relay(Both())
    begin(made, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
    assert made.end() is None
    assert made.shows_its_end


def test_octets_behind_the_body_spoil_the_connection() -> None:
    made = relay(Both())
    begin(made, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK")
    assert (made.done, made.dirty, made.reusable) == (True, True, False)


def test_broken_chunks_are_an_error() -> None:
    made = relay(Both())
    begin(made, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(MessageError):
        made.body(b"zz\r\n")
