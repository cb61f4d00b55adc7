from __future__ import annotations

from typing import Any

import pytest

from director.errors import MessageError
from director.l7.http2.messages import IncomingResponse, OutgoingRequest

GET = b"GET /a?b HTTP/1.1\r\nHost: shop.example\r\nX-Y: z\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n%b\r\n"
# RFC 6455 1.3
SOCKET = (
    b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPTED = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
OK = (b":status", b"200")


def outgoing(text: bytes, *, websockets: bool = False) -> OutgoingRequest:
    return OutgoingRequest(text, b"https", websockets=websockets)


def test_a_head_becomes_fields() -> None:
    """RFC 9113 8.3.1, 8.2.2: te may say trailers and nothing of the connection goes along."""
    made = outgoing(GET)
    assert list(made.fields) == [
        (b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"shop.example"), (b":path", b"/a?b"),
        (b"x-y", b"z"), (b"te", b"trailers"),
    ]  # fmt: skip
    assert (made.body.done, made.rest, made.key) == (True, b"", b"")


@pytest.mark.parametrize(
    ("fields", "octets", "payload", "trailers"),
    [
        (b"Content-Length: 5\r\n", b"hello", b"hello", b""),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\na: b\r\n\r\n", b"hello", b"a: b\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"", b""),
    ],
)
def test_a_body_loses_its_framing(fields: bytes, octets: bytes, payload: bytes, trailers: bytes) -> None:
    made = outgoing(POST % fields + octets)
    assert not made.body.done
    assert made.body.read(made.rest) == (payload, b"")
    assert (made.body.done, made.body.trailers) == (True, trailers)
    assert (b"content-length", b"5") in list(made.fields) or b"chunked" in fields
    assert not any(name == b"transfer-encoding" for name, _ in made.fields)


def written(fields: list[tuple[bytes, bytes]], request: bytes = GET, *, ended: bool = False) -> bytes:
    return IncomingResponse(outgoing(request)).head(fields, ended=ended)


def test_a_response_is_framed_for_a_reader_of_http_1() -> None:
    assert written([OK, (b"a", b"b")]) == b"HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"
    assert written([OK], ended=True) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    assert written([OK, (b"content-length", b"3")]) == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"
    assert written([(b":status", b"304"), (b"content-length", b"3")], ended=True).endswith(b": 3\r\n\r\n")
    assert written([(b":status", b"204")], ended=True) == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert written([(b":status", b"103"), (b"link", b"x")]) == b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    head = GET.replace(b"GET", b"HEAD")
    assert written([OK, (b"content-length", b"3")], head, ended=True).endswith(b"content-length: 3\r\n\r\n")


def test_trailers_come_behind_the_last_chunk() -> None:
    made = IncomingResponse(outgoing(GET))
    made.head([OK], ended=False)
    assert made.data(b"hi") == b"2\r\nhi\r\n"
    assert made.data(b"") == b""
    assert made.end(((b"grpc-status", b"0"),)) == b"0\r\ngrpc-status: 0\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        [(b":status", b"101")],  # 8.6
        [(b"a", b"b")],
        [(b":status", b"2000")],
        [(b":status", b"two")],
        [OK, (b"a", b"b\r\nc: d")],
        [OK, (b"a", b"\0")],
    ],
)
def test_what_is_no_response(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(MessageError):
        written(fields)


@pytest.mark.parametrize("octets", [b"", b"ab"])
def test_a_response_shorter_than_it_says_is_none(octets: bytes) -> None:
    """RFC 9113 8.1.1: also where trailers end it, or where no frame of its body came."""
    with pytest.raises(MessageError):
        written([OK, (b"content-length", b"3")], ended=True)
    made = IncomingResponse(outgoing(GET))
    made.head([OK, (b"content-length", b"3")], ended=False)
    made.data(octets)
    with pytest.raises(MessageError):
        made.end(((b"a", b"b"),))


def test_a_websocket_is_an_extended_connect() -> None:
    """RFC 8441 5, with the key and its answer of RFC 6455 1.3."""
    made = outgoing(SOCKET, websockets=True)
    fields: dict[Any, Any] = dict(made.fields)
    assert (fields[b":method"], fields[b":protocol"], fields[b":path"]) == (
        b"CONNECT",
        b"websocket",
        b"/chat",
    )
    assert fields[b"sec-websocket-version"] == b"13"
    assert b"sec-websocket-key" not in fields
    answer = IncomingResponse(made)
    text = answer.head([OK, (b"sec-websocket-protocol", b"chat")], ended=False)
    assert text.startswith(b"HTTP/1.1 101 ")
    assert ACCEPTED in text
    assert b"sec-websocket-protocol: chat\r\n" in text
    assert (answer.tunnelling, answer.data(b"frame"), answer.end()) == (True, b"frame", b"")


def test_who_does_not_want_one_answers_as_ever() -> None:
    answer = IncomingResponse(outgoing(SOCKET, websockets=True))
    assert answer.head([(b":status", b"403")], ended=True).startswith(b"HTTP/1.1 403 ")
    assert not answer.tunnelling
    plain: dict[Any, Any] = dict(outgoing(SOCKET).fields)
    assert (plain[b":method"], b"upgrade" in plain, b":protocol" in plain) == (b"GET", False, False)
    with pytest.raises(MessageError):
        IncomingResponse(outgoing(SOCKET, websockets=True)).head([OK], ended=True)
