"""What goes on is read again by h11, a second implementation."""

from __future__ import annotations

import h11
import pytest

from director.config.parse.faults import action
from director.fault.shaping import ENDED, Shaping
from director.l7.io.misframed import NO_CHUNK, TRAILERS, shape_of

BODY = b"0123456789"
HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 10\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\nX-A: 1\r\n\r\n"
)
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\n" + BODY
SIZES = pytest.mark.parametrize("size", [1, 7, 1000])


def passed(text: str, data: bytes, size: int, method: bytes = b"GET") -> tuple[bytes, Shaping]:
    """What goes on of an answer that comes in pieces of `size` octets, and what made it."""
    shape = shape_of(action(text), method)
    out = b""
    for at in range(0, len(data), size):
        out += shape.take(data[at : at + size])
        if shape.end:
            break
    return out, shape


def read(data: bytes) -> tuple[int, dict[bytes, bytes], bytes, list[tuple[bytes, bytes]]]:
    """Status, fields, body and trailers of one answer."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "a.example")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(data)
    status, fields, body = 0, {}, b""
    while not isinstance(event := reader.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, fields = event.status_code, dict(event.headers)
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            assert isinstance(event, h11.InformationalResponse)
    return status, fields, body, list(event.headers)


@SIZES
def test_a_wrong_length(size: int) -> None:
    out, shape = passed("wrong_length +100", EARLY + HEAD + BODY, size)
    assert out == EARLY + HEAD.replace(b"10", b"110") + BODY
    assert shape.end == ""
    out, _ = passed("wrong_length -4", HEAD + BODY, size)
    assert out == HEAD.replace(b"10", b"6") + BODY
    out, _ = passed("wrong_length -1k", HEAD + BODY, size)
    assert out == HEAD.replace(b"10", b"0") + BODY


@SIZES
def test_without_a_length_none_is_wrong(size: int) -> None:
    assert passed("wrong_length +1", CHUNKED, size)[0] == CHUNKED


@SIZES
def test_garbage_where_a_chunk_begins(size: int) -> None:
    out, shape = passed("garbage chunk", HEAD + BODY, size)
    assert out.endswith(b"\r\n\r\n" + NO_CHUNK)
    assert shape.end == ENDED
    with pytest.raises(h11.RemoteProtocolError):
        read(out)


@SIZES
@pytest.mark.parametrize("data", [HEAD + BODY, CHUNKED, EARLY + HEAD + BODY, TO_THE_END])
def test_late_trailers(data: bytes, size: int) -> None:
    out, shape = passed("late_trailers 5s", data, size)
    shape.ended()
    assert shape.later == (TRAILERS, 5.0)
    status, fields, body, trailers = read(out + TRAILERS)
    assert (status, body, trailers) == (200, BODY, [(b"x-injected", b"late")])
    assert fields[b"transfer-encoding"] == b"chunked"
    assert b"content-length" not in fields


@pytest.mark.parametrize("text", ["late_trailers 5s", "garbage chunk", "wrong_length +5"])
def test_what_has_no_body_passes(text: str) -> None:
    for method, data in (
        (b"HEAD", HEAD),
        (b"GET", b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"),
    ):
        out, shape = passed(text, data, 1000, method)
        shape.ended()
        assert (out, shape.end, shape.later) == (data, "", None)


@pytest.mark.parametrize("text", ["late_trailers 5s", "garbage chunk", "wrong_length +5"])
def test_what_is_no_answer_passes(text: str) -> None:
    out, shape = passed(text, b"220 smtp.example ESMTP\r\n\r\n" * 3, 7)
    assert (out, shape.end) == (b"220 smtp.example ESMTP\r\n\r\n" * 3, "")


def test_a_body_that_is_cut_has_no_end() -> None:
    _, shape = passed("late_trailers 5s", HEAD + BODY[:4], 7)
    shape.ended()
    assert shape.later is None


def test_other_kinds_are_those_of_the_fault_room() -> None:
    assert passed("truncate 4", HEAD + BODY, 7)[0] == HEAD + BODY[:4]
