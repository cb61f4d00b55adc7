"""A request of HTTP/1 as the fields of a stream, and a stream's response as octets of HTTP/1.

Exchanges speak HTTP/1 with their servers, and everything that judges, keeps and repeats messages reads it.
Where a server speaks HTTP/2, this stands between: what goes out was written by ourselves, so its head is
taken apart without a second judgement; what comes in is written down and judged as any server's is.

A WebSocket (RFC 6455 over HTTP/1.1) becomes an extended CONNECT, whose 200 becomes the 101 that was asked
for (RFC 8441 5).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import NO_BODY, Body, ChunkedBody, LengthBody, chunk, last_chunk
from director.l7.http.writing import phrase
from director.l7.http2.fields import SPECIFIC, Fields, trailer_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT_OUT = SPECIFIC | {b"host", b"http2-settings", b"sec-websocket-key"}
"""What becomes another field, or belongs to HTTP/1's connection."""
_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 1.3."""
_TRAILERS = b"trailers"


class OutgoingRequest:
    """One request of ours, taken apart.

    Attributes:
        fields: of the stream. body: reads the octets behind the head. rest: those that came with it.
        method: as it was. key: of the WebSocket that is asked for, b"" for none.
    """

    __slots__ = ("body", "fields", "key", "method", "rest")

    def __init__(self, text: bytes, scheme: bytes, *, websockets: bool) -> None:
        """`text` begins with the whole head; `websockets`: the server understands an extended CONNECT."""
        head, _, self.rest = text.partition(b"\r\n\r\n")
        line, *lines = head.split(b"\r\n")
        self.method, path, _ = line.split(b" ")
        found = [_field(one) for one in lines]
        known = dict(found)
        self.body = _body(known)
        asked = known.get(b"upgrade", b"").lower() == b"websocket" and self.body.done
        self.key = known.get(b"sec-websocket-key", b"") if asked and websockets else b""
        pseudo = [
            (b":method", b"CONNECT" if self.key else self.method), (b":scheme", scheme),
            (b":authority", known.get(b"host", b"")), (b":path", path),
        ]  # fmt: skip
        if self.key:
            pseudo.append((b":protocol", b"websocket"))
        left_out = _LEFT_OUT if self.key else _LEFT_OUT - {b"sec-websocket-key"}
        # Of TE only this may go on (RFC 9113 8.2.2), and nothing else was written.
        self.fields: Sequence[tuple[bytes, bytes]] = (
            *pseudo,
            *(one for one in found if one[0] not in left_out),
        )


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def _body(known: dict[bytes, bytes]) -> Body:
    if b"transfer-encoding" in known:
        return ChunkedBody()
    length = int(known.get(b"content-length", b"0"))
    return LengthBody(length) if length else NO_BODY


class IncomingResponse:
    """A stream's response, written as HTTP/1.

    Attributes:
        started: some octet of it was written.
        tunnelling: octets are a WebSocket's.
    """

    __slots__ = ("_chunked", "_missing", "_request", "started", "tunnelling")

    def __init__(self, request: OutgoingRequest) -> None:
        self._request = request
        self._chunked = False
        self._missing: int | None = None
        self.started = False
        self.tunnelling = False

    def head(self, fields: Fields, *, ended: bool) -> bytes:
        """An interim or the final head.  Raises MessageError 502 for what is none."""
        lines, status, length = b"", b"", None
        for name, value in fields:
            if b"\r" in value or b"\n" in value or b"\0" in value:
                raise MessageError(502, "a field value holds a line's end")
            if name == b":status":
                status = value
            elif name == b"content-length":
                length = value
                lines += b"content-length: " + value + b"\r\n"
            elif name not in SPECIFIC:
                lines += name + b": " + value + b"\r\n"
        if len(status) != 3 or not status.isdigit():
            raise MessageError(502, "no status")
        self.started = True
        code = int(status)
        if code < 200:
            if code == 101:
                raise MessageError(502, "HTTP/2 changes no protocols (RFC 9113 8.6)")
            return _line(code) + lines + b"\r\n"
        if self._request.key and 200 <= code < 300:
            return self._switched(lines, ended=ended)
        return _line(code) + lines + self._framing(code, length, ended=ended) + b"\r\n"

    def _framing(self, code: int, length: bytes | None, *, ended: bool) -> bytes:
        """How the body ends, for a reader of HTTP/1."""
        bodyless = self._request.method == b"HEAD" or code in (204, 304)
        if bodyless:
            return b""
        if length is not None:
            self._missing = int(length) if length.isdigit() else None
            if ended:
                self.end()
            return b""
        if ended:
            return b"content-length: 0\r\n"
        self._chunked = True
        return b"transfer-encoding: chunked\r\n"

    def _switched(self, lines: bytes, *, ended: bool) -> bytes:
        if ended:
            raise MessageError(502, "a WebSocket that ends before it begins")
        self.tunnelling = True
        accept = b64encode(sha1(self._request.key + _KEY_SUFFIX).digest())  # noqa: S324 - RFC 6455 says so
        shake = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + accept + b"\r\n"
        return _line(101) + lines + shake + b"\r\n"

    def data(self, octets: bytes) -> bytes:
        """Octets of the body, or of the WebSocket."""
        if self._missing is not None:
            self._missing -= len(octets)
        return chunk(octets) if self._chunked and octets else octets

    def end(self, trailers: Fields = ()) -> bytes:
        """END_STREAM.  Raises MessageError 502 when something is missing (RFC 9113 8.1.1)."""
        if self._missing:
            raise MessageError(502, "the body is not as long as its content-length says")
        if self.tunnelling or not self._chunked:
            return b""
        return last_chunk(trailer_lines(trailers))


def _line(code: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (code, phrase(code).encode("ascii"))
