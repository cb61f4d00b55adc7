from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.http.body import (
    CHUNK_LINE_LIMIT,
    EXTENSION_LIMIT,
    LAST_BYTES,
    NO_BODY,
    TRAILER_LIMIT,
    Body,
    ChunkedBody,
    LengthBody,
    UntilCloseBody,
    chunk,
    last_chunk,
)
from director.l7.http2.head import StreamBody
from tests.support.oracles import h11_request, llhttp_request

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def read_all(body: Body, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """Payload and surplus of all pieces; what comes behind the end is surplus."""
    payload = surplus = b""
    for piece in pieces:
        more, rest = body.read(piece)
        payload += more
        surplus += rest
    return payload, surplus


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def test_no_body_is_done_at_once() -> None:
    assert NO_BODY.done
    assert NO_BODY.read(b"GET") == (b"", b"GET")
    assert NO_BODY.end()


@pytest.mark.parametrize("pieces", [[b"abcde"], bytewise(b"abcde"), [b"ab", b"cde"], [b"abc", b"de"]])
def test_a_length_takes_exactly_its_octets(pieces: list[bytes]) -> None:
    body = LengthBody(3)
    assert not body.end()
    assert read_all(body, pieces) == (b"abc", b"de")
    assert body.done
    assert body.end()
    assert body.remaining == 0


def test_all_of_a_length_but_its_end_need_not_be_read() -> None:
    body = LengthBody(100_000)
    assert body.unread == 100_000 - LAST_BYTES
    body.passed(90_000)
    assert (body.unread, body.remaining, body.done) == (0, 10_000, False)
    assert body.read(bytes(10_001)) == (bytes(10_000), b"\0")
    assert body.done


@pytest.mark.parametrize("body", [NO_BODY, ChunkedBody(), UntilCloseBody(), StreamBody()])
def test_others_are_read(body: Body) -> None:
    assert body.unread == 0
    with pytest.raises(ValueError, match="were not read"):
        body.passed(1)


def test_a_length_gives_the_piece_itself_when_all_of_it_is_body() -> None:
    piece = bytes(100)
    assert LengthBody(200).read(piece)[0] is piece
    assert LengthBody(100).read(piece)[0] is piece


def test_a_length_cut_short_is_not_an_end() -> None:
    body = LengthBody(3)
    body.read(b"ab")
    assert not body.done
    assert not body.end()
    assert body.remaining == 1


def test_a_length_of_zero_is_done() -> None:
    body = LengthBody(0)
    assert body.done
    assert body.read(b"x") == (b"", b"x")


def test_until_close_ends_with_the_close() -> None:
    body = UntilCloseBody()
    assert body.read(b"abc") == (b"abc", b"")
    assert not body.done
    assert body.end()
    assert body.done


GOOD_CHUNKS = {
    # RFC 9112 7.1: chunk-size is 1*HEXDIG, in either case and with leading zeros
    "empty": (b"0\r\n\r\n", b""),
    "one": (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "two": (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
    "upper": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "lower": (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "zeros": (b"0003\r\nabc\r\n000\r\n\r\n", b"abc"),
    "crlf inside": (b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n0\r\n\r\n"),
    # RFC 9112 7.1.1: extensions are ignored
    "extension": (b"3;a=b\r\nabc\r\n0;z\r\n\r\n", b"abc"),
    "extension quoted": (b'3;a="b;\\"c"\r\nabc\r\n0\r\n\r\n', b"abc"),
    "extension spaced": (b"3 ; a = b\r\nabc\r\n0\r\n\r\n", b"abc"),
    # RFC 9112 7.1.2: trailers
    "trailer": (b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", b"abc"),
}


@pytest.mark.parametrize("name", GOOD_CHUNKS)
def test_good_chunks(name: str) -> None:
    raw, payload = GOOD_CHUNKS[name]
    for pieces in ([raw + b"GET "], bytewise(raw + b"GET ")):
        body = ChunkedBody()
        assert read_all(body, pieces) == (payload, b"GET ")
        assert body.done
        assert body.end()
    for size in range(len(raw)):
        body = ChunkedBody()
        got, surplus = body.read(raw[:size])
        assert payload.startswith(got)
        assert surplus == b""
        assert not body.done
        assert not body.end()


@pytest.mark.parametrize("name", GOOD_CHUNKS)
def test_good_chunks_are_good_for_others(name: str) -> None:
    raw, payload = GOOD_CHUNKS[name]
    for oracle in (h11_request, llhttp_request):
        reading = oracle(HEAD + raw)
        # h11 takes no white space around ";" (it is BWS in RFC 9112 7.1.1)
        if reading is None and name == "extension spaced":
            continue
        assert reading is not None, oracle
        assert reading.body == payload


BAD_CHUNKS = {
    # RFC 9112 7.1; CVE-2022-24801 (signs, 0x, octets in extensions), CVE-2025-43859 (octets behind data)
    "minus": b"-3\r\nabc\r\n",
    "plus": b"+3\r\nabc\r\n",
    "0x": b"0x3\r\nabc\r\n",
    "space first": b" 3\r\nabc\r\n",
    "space last": b"3 \r\nabc\r\n",
    "tab last": b"3\t\r\nabc\r\n",
    "no size": b"\r\nabc\r\n",
    "no size but extension": b";a=b\r\nabc\r\n",
    "underscore": b"1_0\r\n" + bytes(16) + b"\r\n",
    "letter": b"g\r\nabc\r\n",
    "comma": b"3,3\r\nabc\r\n",
    "bare LF": b"3\nabc\r\n",
    "bare CR": b"3\rabc\r\n",
    "CR CR LF": b"3\r\r\nabc\r\n",
    "LF behind data": b"3\r\nabc\n0\r\n\r\n",
    "CR and no LF behind data": b"3\r\nabc\r0\r\n\r\n",
    "two octets behind data": b"3\r\nabcde\r\n0\r\n\r\n",
    "data too short": b"4\r\nabc\r\n0\r\n\r\n",
    "17 digits": b"00000000000000003\r\nabc\r\n",
    "beyond 60 bits": b"ffffffffffffffff\r\nabc\r\n",
    "NUL in extension": b"3;a\x00\r\nabc\r\n",
    "CR in extension": b"3;a\rb\r\nabc\r\n",
    "LF in extension": b"3;a\nabc\r\n",
    "LF in quoted extension": b'3;a="\n"\r\nabc\r\n',
    "open quote": b'3;a="b\r\nabc\r\n',
    "extension without a name": b"3;\r\nabc\r\n",
    "trailer without colon": b"0\r\nX-Sum\r\n\r\n",
    "trailer with space before colon": b"0\r\nX-Sum : 1\r\n\r\n",
    "trailer folded": b"0\r\nX-Sum: 1\r\n 2\r\n\r\n",
    "trailer with bare LF": b"0\r\nX-Sum: 1\n\r\n",
    "trailer with CR": b"0\r\nX-Sum: 1\r2\r\n\r\n",
    "trailer with NUL": b"0\r\nX-Sum: \x00\r\n\r\n",
    "last LF bare": b"0\r\n\n",
    "last CR LF of two CR": b"0\r\n\r\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_are_refused(name: str) -> None:
    raw = BAD_CHUNKS[name]
    for pieces in ([raw], bytewise(raw), [raw[:2], raw[2:]]):
        with pytest.raises(MessageError) as caught:
            read_all(ChunkedBody(), pieces)
        assert caught.value.status == 400


@pytest.mark.parametrize("raw", [b"g", b"\r", b" ", b"-", b";"])
def test_a_wrong_first_octet_is_refused_at_once(raw: bytes) -> None:
    with pytest.raises(MessageError):
        ChunkedBody().read(raw)


def test_a_size_line_without_end_is_refused() -> None:
    body = ChunkedBody()
    body.read(b"3;" + b"a" * (CHUNK_LINE_LIMIT - 2))
    with pytest.raises(MessageError, match="chunk size"):
        body.read(b"aa")


def test_a_complete_size_line_has_the_same_limit() -> None:
    with pytest.raises(MessageError, match="chunk size"):
        ChunkedBody().read(b"3;" + b"a" * CHUNK_LINE_LIMIT + b"\r\nabc")


def test_extensions_of_a_whole_body_are_bounded() -> None:
    body = ChunkedBody()
    piece = b"1;" + b"a" * 99 + b"\r\nx\r\n"
    with pytest.raises(MessageError, match="extensions"):
        read_all(body, [piece] * (EXTENSION_LIMIT // 100 + 1))


@pytest.mark.parametrize("whole", [True, False])
def test_trailers_are_bounded(*, whole: bool) -> None:
    lines = b"0\r\n" + b"X-A: %b\r\n" % (b"a" * 993) * (TRAILER_LIMIT // 1000 + 1)
    with pytest.raises(MessageError) as caught:
        read_all(ChunkedBody(), [lines] if whole else bytewise(lines))
    assert caught.value.status == 431


def test_a_trailer_line_without_end_is_bounded() -> None:
    with pytest.raises(MessageError) as caught:
        ChunkedBody().read(b"0\r\nX-A: " + b"a" * TRAILER_LIMIT)
    assert caught.value.status == 431


def test_trailers_are_kept_less_those_that_steer() -> None:
    """RFC 9110 6.5.1: framing, routing, authentication and trust never come from a trailer."""
    body = ChunkedBody()
    names = b"Content-Length Transfer-Encoding Host Authorization Cookie Set-Cookie Forwarded Via TE"
    lines = b"".join(name + b": 1\r\n" for name in names.split())
    body.read(b"0\r\n" + lines + b'X-Sum: 1\r\nETag: "2"\r\n\r\n')
    assert body.trailers == b'X-Sum: 1\r\nETag: "2"\r\n'


def test_a_drip_of_a_size_line_costs_each_octet_a_constant() -> None:
    """What waits for more is at most one line, so an octet never costs more than that line."""
    body = ChunkedBody()
    for octet in bytewise(b"3;" + b"a" * 4000):
        body.read(octet)
    assert len(body.held) == 4002


def test_a_large_chunk_is_not_held() -> None:
    body = ChunkedBody()
    body.read(b"100000\r\n")
    for _ in range(10):
        assert body.read(bytes(1000)) == (bytes(1000), b"")
        assert body.held == b""


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(0, 2**32), st.binary(max_size=9))
def test_chunks_round_trip_in_any_splitting(chunks: list[bytes], seed: int, behind: bytes) -> None:
    rng = random.Random(seed)
    raw = b"".join(map(chunk, chunks)) + last_chunk(b"X-A: 1\r\n" if seed % 2 else b"") + behind
    pieces = []
    at = 0
    while at < len(raw):
        size = rng.randint(1, 12)
        pieces.append(raw[at : at + size])
        at += size
    body = ChunkedBody()
    assert read_all(body, pieces) == (b"".join(chunks), behind)
    assert body.done
    assert body.trailers == (b"X-A: 1\r\n" if seed % 2 else b"")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_our_chunks_are_read_by_others(chunks: list[bytes]) -> None:
    raw = HEAD + b"".join(map(chunk, chunks)) + last_chunk(b"")
    for oracle in (h11_request, llhttp_request):
        reading = oracle(raw)
        assert reading is not None
        assert reading.body == b"".join(chunks)


def _nearly(draw: st.DrawFn) -> bytes:
    parts = st.sampled_from(
        [b"0", b"1", b"a", b"f", b"\r\n", b"\n", b"\r", b";", b"=", b'"', b" ", b"x", b":", b"-"]
    )
    return b"".join(draw(st.lists(parts, max_size=14)))


@given(st.composite(_nearly)())
def test_what_we_accept_others_read_alike(raw: bytes) -> None:
    """Nearly right chunks: accepted by us => both oracles agree, or are stricter than RFC 9112 7.1.1."""
    body = ChunkedBody()
    try:
        payload, surplus = body.read(raw)
    except MessageError:
        return
    if not body.done or surplus:
        return
    readings = [reading for reading in (h11_request(HEAD + raw), llhttp_request(HEAD + raw)) if reading]
    assert all(reading.body == payload for reading in readings)
    assert readings or b";" in raw


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_chunks_raise_nothing_but_message_errors(pieces: list[bytes]) -> None:
    try:
        read_all(ChunkedBody(), pieces)
    except MessageError as error:
        assert error.status in {400, 431}  # noqa: PT017
