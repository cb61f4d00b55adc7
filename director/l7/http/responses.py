"""Strict incremental reading of HTTP/1.x response heads (RFC 9112 4, 6.3).

Like `http1`, for what servers send.  Called by `reply`; whatever is refused here becomes
a 502 for the client.  Pure: bytes in, values out.
"""

from __future__ import annotations

from director.caches import remember
from director.errors import MessageError
from director.l7.http.body import NO_BODY, Body, ChunkedBody, LengthBody, UntilCloseBody
from director.l7.http.fields import CHUNKED, NOTHING, UNTIL_CLOSE, FieldBlock, body_length, keeps_alive
from director.l7.http.grammar import RESPONSE, RESPONSE_FIELDS
from director.l7.http.memo import HEAD_LIMIT

RESPONSE_HEAD_LIMIT = 65536
"""Largest response head taken from a server; nginx takes 4-8 kB and HAProxy 16 kB unless told."""
RESPONSE_FIELDS_LIMIT = 512


class ResponseHead:
    """One accepted response head; a value that many answers may share.

    Attributes:
        minor, status, reason: of the status line; the minor version is at most 1.
        lines, fields: the field lines and what a proxy must understand of them.
        length: body octets, CHUNKED or UNTIL_CLOSE.
        keep_alive: the server keeps its connection.
        upgrade: the protocol it changes to.
        dated: it says when it was made.
        added, text: the lines that `rewrite` last added for a client, and the whole head with them.
    """

    __slots__ = (
        "added", "dated", "fields", "keep_alive", "length", "lines", "minor", "reason", "status", "text",
        "upgrade",
    )  # fmt: skip

    def __init__(self, minor: int, status: int, reason: bytes, lines: FieldBlock, *, bodyless: bool) -> None:
        """Decide body and persistence (RFC 9112 6.3, 9.3).  Raises: MessageError."""
        fields = lines.fields
        self.minor = minor
        self.status = status
        self.reason = reason
        self.lines = lines
        self.fields = fields
        self.added: bytes | None = None
        self.text = b""
        self.keep_alive = keeps_alive(fields, minor)
        self.upgrade = fields.get(b"upgrade", b"")
        self.dated = lines.has(b"date")
        length = body_length(fields, minor)
        if bodyless or status < 200 or status in (204, 304):
            self.length = 0
        elif length is None:
            self.length = UNTIL_CLOSE
            self.keep_alive = False
        else:
            self.length = length

    def body(self) -> Body:
        """A fresh reader for its body."""
        if self.length == 0:
            return NO_BODY
        if self.length == UNTIL_CLOSE:
            return UntilCloseBody()
        return ChunkedBody(self.lines.nominated) if self.length == CHUNKED else LengthBody(self.length)

    def kept(self, names: frozenset[bytes] = NOTHING) -> bytes:
        """The field lines less the hop-by-hop ones and those of `names`."""
        return self.lines.kept(names)


def _read(raw: bytes, bodyless: bool) -> ResponseHead:
    """A whole head.  Raises: MessageError when it is not a strict one."""
    found = RESPONSE.fullmatch(raw)
    if found is None:
        raise MessageError(502, "malformed response")
    minor, status, reason, text = found.groups(b"")
    if len(text) > 4 * RESPONSE_FIELDS_LIMIT and text.count(b"\n") > RESPONSE_FIELDS_LIMIT:
        raise MessageError(502, "too many fields in the response")
    lines = FieldBlock(text, RESPONSE_FIELDS)
    return ResponseHead(0 if minor == b"0" else 1, int(status), reason, lines, bodyless=bodyless)


_read_again = remember("response_heads", 256)(_read)
"""Servers repeat themselves: what a head says need not be worked out for each answer."""


class ResponseFramer:
    """Reads the response heads that answer one request; `method` is the request's.

    Attributes:
        buffer: the stored bytes.
        searched: how many of them are known to hold no end of a head.
    """

    __slots__ = ("buffer", "method", "searched")

    def __init__(self, method: bytes) -> None:
        self.method = method
        self.buffer = b""
        self.searched = 0

    def feed(self, data: bytes) -> None:
        """Store bytes."""
        self.buffer = self.buffer + data if self.buffer else data

    def take(self) -> bytes:
        """All stored bytes; the store is empty afterwards."""
        data, self.buffer = self.buffer, b""
        self.searched = 0
        return data

    def head(self) -> ResponseHead | None:
        """The next head, or None.  Raises: MessageError for anything that is not a strict response."""
        buffer = self.buffer
        end = buffer.find(b"\r\n\r\n", self.searched) + 4
        if end < 4:
            self._refuse_if_hopeless()
            return None
        if end > RESPONSE_HEAD_LIMIT:
            raise MessageError(502, "response head too large")
        read = _read_again if end <= HEAD_LIMIT else _read
        head = read(buffer[:end], self.method == b"HEAD")
        self.buffer = buffer[end:]
        self.searched = 0
        return head

    def _refuse_if_hopeless(self) -> None:
        """Refuse what cannot become a head; look at each octet once."""
        buffer, searched = self.buffer, self.searched
        start = buffer[:7]
        if start != b"HTTP/1."[: len(start)]:
            raise MessageError(502, "malformed response")
        end = buffer.find(b"\n", searched)
        while end >= 0:
            if buffer[end - 1 : end] != b"\r":
                raise MessageError(502, "malformed response")
            end = buffer.find(b"\n", end + 1)
        if len(buffer) > RESPONSE_HEAD_LIMIT:
            raise MessageError(502, "response head too large")
        self.searched = max(0, len(buffer) - 3)
