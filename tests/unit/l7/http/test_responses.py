from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.http.fields import CHUNKED, UNTIL_CLOSE
from director.l7.http.responses import (
    RESPONSE_FIELDS_LIMIT,
    RESPONSE_HEAD_LIMIT,
    ResponseFramer,
    ResponseHead,
)
from tests.support.heads import response
from tests.support.oracles import h11_response, llhttp_response


def read(raw: bytes, method: bytes = b"GET") -> ResponseHead | None:
    framer = ResponseFramer(method)
    framer.feed(raw)
    return framer.head()


GOOD = {
    "plain": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no reason": b"HTTP/1.1 204\r\n\r\n",
    "empty reason": b"HTTP/1.1 204 \r\n\r\n",
    "8-bit reason": b"HTTP/1.1 200 \xc3\xa9t\xe9\r\nContent-Length: 0\r\n\r\n",
    "1.0": b"HTTP/1.0 200 OK\r\n\r\n",
    "no fields": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "large": b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"X-%d: %b\r\n" % (n, b"v" * 200) for n in range(100))
    + b"\r\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_whole_bytewise_truncated_and_with_junk_behind(name: str) -> None:
    raw = GOOD[name]
    for size in range(1, len(raw), 1 + len(raw) // 300):
        assert read(raw[:size]) is None
    framer = ResponseFramer(b"GET")
    for at in range(len(raw)):
        framer.feed(raw[at : at + 1])
        head = framer.head()
        assert (head is not None) is (at == len(raw) - 1)
        assert head is not None or framer.searched >= at - 3
    for junk in (b"", b"HTTP/1.1 200", b"\x00", b"\r\n\r\n"):
        framer.feed(raw + junk)
        again = framer.head()
        assert again is not None
        assert head is not None
        assert (again.status, again.reason, again.lines.text) == (head.status, head.reason, head.lines.text)
        assert framer.take() == junk


@pytest.mark.parametrize(
    ("lines", "status", "method", "version", "length", "keep_alive"),
    [
        # RFC 9112 6.3, 9.3
        ((b"Content-Length: 5",), b"200 OK", b"GET", b"HTTP/1.1", 5, True),
        ((b"Content-Length: 5",), b"200 OK", b"HEAD", b"HTTP/1.1", 0, True),
        ((b"Content-Length: 5",), b"304 x", b"GET", b"HTTP/1.1", 0, True),
        ((b"Content-Length: 5",), b"204 x", b"GET", b"HTTP/1.1", 0, True),
        ((b"Content-Length: 5",), b"100 x", b"GET", b"HTTP/1.1", 0, True),
        ((b"Content-Length: 5", b"Connection: close"), b"200 OK", b"GET", b"HTTP/1.1", 5, False),
        ((b"Content-Length: 5",), b"200 OK", b"GET", b"HTTP/1.0", 5, False),
        ((b"Content-Length: 5", b"Connection: keep-alive"), b"200 OK", b"GET", b"HTTP/1.0", 5, True),
        ((b"Transfer-Encoding: chunked",), b"200 OK", b"GET", b"HTTP/1.1", CHUNKED, True),
        ((b"Transfer-Encoding: chunked",), b"200 OK", b"HEAD", b"HTTP/1.1", 0, True),
        ((), b"200 OK", b"GET", b"HTTP/1.1", UNTIL_CLOSE, False),
        ((), b"200 OK", b"GET", b"HTTP/1.0", UNTIL_CLOSE, False),
        ((), b"200 OK", b"HEAD", b"HTTP/1.1", 0, True),
        ((), b"204 x", b"GET", b"HTTP/1.1", 0, True),
        ((b"Upgrade: websocket", b"Connection: upgrade"), b"101 x", b"GET", b"HTTP/1.1", 0, True),
    ],
)
def test_framing(
    lines: tuple[bytes, ...], status: bytes, method: bytes, version: bytes, length: int, *, keep_alive: bool
) -> None:
    head = response(*lines, status=status, method=method, version=version)
    assert (head.length, head.keep_alive) == (length, keep_alive)
    assert head.body().done is (length == 0)


def test_a_memo_does_not_mix_head_and_get() -> None:
    lines = (b"Content-Length: 5", b"X-Memo: 1")
    assert [response(*lines, method=method).length for method in (b"GET", b"HEAD", b"GET")] == [5, 0, 5]


REFUSED = {
    "garbage": b"garbage\r\n\r\n",
    "HTTP/0.9": b"<html>",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.10": b"HTTP/1.10 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "ICY": b"ICY 200 OK\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "tab": b"HTTP/1.1\t200 OK\r\n\r\n",
    "NUL in reason": b"HTTP/1.1 200 O\x00K\r\n\r\n",
    "CR in reason": b"HTTP/1.1 200 O\rK\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "one bare LF": b"HTTP/1.1 200 OK\r\nA: 1\nContent-Length: 0\r\n\r\n",
    "LF ends the head": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
    "empty line before": b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    "fold": b"HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "coding in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "too many fields": b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * (RESPONSE_FIELDS_LIMIT + 1) + b"\r\n",
    "too large": b"HTTP/1.1 200 OK\r\nA: " + b"a" * RESPONSE_HEAD_LIMIT + b"\r\n\r\n",
    "endless": b"HTTP/1.1 200 OK\r\nA: " + b"a" * RESPONSE_HEAD_LIMIT,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    raw = REFUSED[name]
    with pytest.raises(MessageError):
        read(raw)
    framer = ResponseFramer(b"GET")
    with pytest.raises(MessageError):  # noqa: PT012 - which octet is refused is not the point
        for at in range(0, len(raw), 1 + len(raw) // 500):
            framer.feed(raw[at : at + 1 + len(raw) // 500])
            framer.head()


def test_at_the_limits() -> None:
    start = b"HTTP/1.1 200 OK\r\nA: "
    raw = start + b"a" * (RESPONSE_HEAD_LIMIT - len(start) - 4) + b"\r\n\r\n"
    assert len(raw) == RESPONSE_HEAD_LIMIT
    assert read(raw) is not None
    assert read(b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * RESPONSE_FIELDS_LIMIT + b"\r\n") is not None


def test_interim_heads_come_one_by_one() -> None:
    framer = ResponseFramer(b"GET")
    framer.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\n\r\n" + GOOD["plain"] + b"GET")
    assert [head.status for head in (framer.head(), framer.head(), framer.head()) if head] == [100, 103, 200]
    assert framer.take() == b"GET"


PIECES = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"Content-Length: 3\r\n",
     b"Transfer-Encoding: chunked\r\n",
     b"A: 1\r\n",
     b"Connection: close\r\n", b"\r\n", b"\n", b" ", b"A", b":",
     b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"\x00"]
)  # fmt: skip
NEARLY = st.lists(PIECES, max_size=9).map(lambda pieces: b"HTTP/1.1 200 OK\r\n" + b"".join(pieces))


@given(NEARLY)
def test_accepted_by_us_is_accepted_by_others_with_the_same_meaning(raw: bytes) -> None:
    framer = ResponseFramer(b"GET")
    framer.feed(raw)
    try:
        head = framer.head()
        if head is None:
            return
        body = head.body()
        payload, surplus = body.read(framer.take())
    except MessageError:
        return
    body.end()
    if not body.done:
        return
    message = raw[: len(raw) - len(surplus)]
    oracles = [h11_response(message, ended=head.length == UNTIL_CLOSE)]
    if head.length != UNTIL_CLOSE:
        oracles.append(llhttp_response(message))
    for reading in oracles:
        assert reading is not None, message
        assert reading.start[0] == b"200"
        assert reading.body == payload


@given(st.one_of(st.binary(max_size=80), NEARLY), st.sampled_from([b"GET", b"HEAD"]))
def test_a_framer_raises_nothing_but_message_errors(raw: bytes, method: bytes) -> None:
    try:
        read(raw, method)
    except MessageError as error:
        assert error.status in {400, 413, 501, 502}  # noqa: PT017
