"""A request of HTTP/2 in the form in which everything behind it knows requests (RFC 9113 8.3).

Its fields are written as the head of an HTTP/1.1 request and read by the same strict framer, so what
reaches a server that speaks HTTP/1 is as strict as what an HTTP/1 client gets through: one place judges
targets, hosts, lengths and field lines, and no octet can mean a line's end to one reader and not to the
other.

h2 has judged the frames and the order of fields before (RFC 9113 8.2, 8.3.1); what is looked at here is
what a value may hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import ChunkedBody
from director.l7.http.fields import CHUNKED, NOTHING
from director.l7.http.requests import Limits, RequestFramer, RequestHead
from director.l7.http2.fields import SPECIFIC, Fields

if TYPE_CHECKING:
    from director.l7.http.body import Body

WEBSOCKET = b"websocket"
STREAM_OCTETS = 65536
"""Octets of a body that are welcome at once."""


class StreamBody:
    """The body of a stream: all octets are its own, and the end comes by a flag (RFC 9113 8.1).

    Trailers are judged as those of a chunked body; `dropped` are canonical names that do not pass.  `length`
    is what was announced, CHUNKED for nothing: a body of another length is malformed (8.1.1), and to a server
    that counts octets its end would be in the next request.
    """

    __slots__ = ("_missing", "done", "dropped", "trailers")

    def __init__(self, dropped: frozenset[bytes] = NOTHING, length: int = CHUNKED) -> None:
        self._missing = length if length >= 0 else None
        self.done = False
        self.dropped = dropped
        self.trailers = b""

    unread = 0

    def passed(self, size: int) -> None:
        """All of it comes in frames.  Raises ValueError."""
        raise ValueError(f"{size} octets of a body were not read")

    @property
    def remaining(self) -> int:
        """Octets that are welcome at once; how many are to come nobody said."""
        return 0 if self.done else STREAM_OCTETS

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """All of it is payload."""
        if self._missing is not None:
            self._missing -= len(data)
        return data, b""

    def end(self) -> bool:
        """Nothing is missing."""
        return self.done

    def finish(self, trailers: bytes = b"") -> None:
        """END_STREAM came, perhaps with field lines.  Raises MessageError 400, 431."""
        self.done = True
        if self._missing:
            raise MessageError(400, "the body is not as long as its content-length says (RFC 9113 8.1.1)")
        if trailers:
            judge = ChunkedBody(self.dropped)
            judge.read(b"0\r\n" + trailers + b"\r\n")
            self.trailers = judge.trailers


class StreamHead(RequestHead):
    """The head of one stream's request.

    Attributes:
        stream: its number.
        reader: of its body, None when it has none.
        websocket: it asked for a WebSocket by an extended CONNECT (RFC 8441).
    """

    __slots__ = ("reader", "stream", "websocket")

    stream: int
    reader: StreamBody | None
    websocket: bool

    @property
    def version(self) -> bytes:
        """As the client spoke it (RFC 9110 7.6.3)."""
        return b"2"

    def body(self) -> Body:
        """The reader of its body."""
        return self.reader if self.reader is not None else super().body()


def read_head(stream: int, fields: Fields, limits: Limits, *, ended: bool, key: bytes = b"") -> StreamHead:
    """The request that a stream's first fields make; `ended` tells that no body follows.

    `key` is a Sec-WebSocket-Key for a request that becomes a WebSocket over HTTP/1.1.
    Raises MessageError (400, 413, 414, 431, 501) for what an HTTP/1 client could not have sent either.
    """
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookies: list[bytes] = []
    host = None
    for name, value in fields:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise MessageError(400, "a field value holds a line's end")
        if name[:1] == b":":
            pseudo[name] = value
        elif name == b"cookie":
            cookies.append(value)
        elif name == b"host":
            host = value
        elif name in SPECIFIC:
            raise MessageError(400, "a field of HTTP/1 connections in HTTP/2")
        elif name != b"te":
            lines.append(name + b": " + value + b"\r\n")
        elif value.lower() == b"trailers":
            lines.append(b"te: trailers\r\n")
    websocket = pseudo.get(b":protocol") is not None
    method, path = _line(pseudo, websocket=websocket)
    authority = _authority(pseudo, host)
    if cookies:
        # Crumbs of one field, which HTTP/1 knows whole (RFC 9113 8.2.3).
        lines.append(b"cookie: " + b"; ".join(cookies) + b"\r\n")
    text = b"%b %b HTTP/1.1\r\nHost: %b\r\n%b" % (method, path, authority, b"".join(lines))
    head = _read(text + _framing(lines, ended=ended, websocket=websocket, key=key), limits)
    head.stream = stream
    head.websocket = websocket
    length = head.parsed.length
    if ended and length:
        raise MessageError(400, "a content-length without a body (RFC 9113 8.1.1)")
    head.reader = StreamBody(length=length) if length else None
    return head


def _line(pseudo: dict[bytes, bytes], *, websocket: bool) -> tuple[bytes, bytes]:
    """Method and target, as HTTP/1 has them."""
    method, path = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if websocket:
        if method != b"CONNECT" or pseudo[b":protocol"] != WEBSOCKET:
            raise MessageError(501, "no other protocol than websocket is offered")
        method = b"GET"
    elif method == b"CONNECT":
        raise MessageError(501, "CONNECT is not offered here")
    if path[:1] != b"/" and path != b"*":
        # An absolute URI would bring a host of its own, whatever :authority says.
        raise MessageError(400, ":path does not begin with a slash (RFC 9113 8.3.1)")
    return method, path


def _authority(pseudo: dict[bytes, bytes], host: bytes | None) -> bytes:
    """The one host that is asked for."""
    authority = pseudo.get(b":authority", host)
    if not authority:
        raise MessageError(400, "missing :authority")
    if host is not None and host != authority:
        raise MessageError(400, "Host and :authority differ (RFC 9113 8.3.1)")
    return authority


def _framing(lines: list[bytes], *, ended: bool, websocket: bool, key: bytes) -> bytes:
    """How the body ends, and the wish for a WebSocket; and the end of the head."""
    if websocket:
        wish = b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " + key + b"\r\n"
        if not any(line.startswith(b"sec-websocket-version:") for line in lines):
            wish += b"Sec-WebSocket-Version: 13\r\n"
        return wish + b"\r\n"
    if ended or any(line.startswith(b"content-length:") for line in lines):
        return b"\r\n"
    return b"Transfer-Encoding: chunked\r\n\r\n"


def _read(text: bytes, limits: Limits) -> StreamHead:
    framer = RequestFramer(limits)
    framer.feed(text)
    found = framer.head()
    if found is None or framer.buffer:
        raise MessageError(400, "malformed request")
    head = StreamHead(found.method, found.sent, found.query, found.parsed)
    head.host, head.host_name = found.host, found.host_name
    return head
