"""Strict incremental framing of HTTP/1.x, both sides (RFC 9110, RFC 9112).

A framer is fed bytes and gives heads; bodies are read with the reader a head carries
(`body`).  What is ambiguous is refused, never repaired; what is refused raises
`MessageError` with the status to answer.  Heads keep their field block as it came:
since one pattern has validated all of it, the block (less the fields a proxy must
drop) can be sent on as it stands.

Called by `conversation` only.  Pure: bytes in, values out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from director.errors import MessageError
from director.l7.body import NO_BODY, Body, ChunkedBody, LengthBody, UntilCloseBody
from director.l7.grammar import (
    ANY_REQUEST,
    DIGITS,
    FIELD_LINE,
    ORIGIN_REQUEST,
    REQUEST_FIELDS,
    REQUEST_LINE,
    RESPONSE,
    RESPONSE_FIELDS,
)
from director.l7.target import check_host, parse_target

CHUNKED = -1
UNTIL_CLOSE = -2

RESPONSE_HEAD_LIMIT = 65536
"""Largest response head taken from a server; nginx takes 4-8 kB and HAProxy 16 kB unless told."""
RESPONSE_FIELDS_LIMIT = 512

_SINGLE = frozenset((b"host", b"content-length", b"transfer-encoding", b"max-forwards"))
"""Fields that may come only once."""
_DROPPED = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
        b"http2-settings", b"content_length", b"transfer_encoding",
    )
)  # fmt: skip
"""Hop-by-hop fields (RFC 9110 7.6.1), and the spellings that CGI-like servers take for framing fields."""
_NEVER_NOMINATED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"close", b"keep-alive", b"cache-control")
)
"""Options of Connection that must not make a field vanish."""


class Limits(NamedTuple):
    """Bounds of a request: octets of the request line, of all fields, number of fields, body (0 = none)."""

    line: int = 16384
    header: int = 32768
    fields: int = 512
    body: int = 0


class RequestHead:
    """One accepted request head.

    Attributes:
        method, sent, path, query: octets; `sent` is the target for the server (origin-form or `*`).
        minor: minor version, at most 1.
        block: the field lines as they came; `spans` the parts of it that must not be sent on; `where`
            (name, span) of every field in `fields`, in order.
        fields: the fields a proxy must understand, lower-case name -> value, repeats joined by comma.
        host: the host that counts (the authority of an absolute-form target, else Host; b"" if none).
        length: body octets, or CHUNKED.
        keep_alive: the client wants the connection kept.
        expect: it waits for 100 Continue.
        upgrade: the protocol it wants to change to, b"" if none.
    """

    __slots__ = (
        "block", "expect", "fields", "host", "keep_alive", "length", "method", "minor", "path", "query", "sent",
        "spans", "upgrade", "where",
    )  # fmt: skip

    fields: dict[bytes, bytes]
    spans: list[tuple[int, int]]
    where: list[tuple[bytes, tuple[int, int]]]

    def body(self) -> Body:
        """A fresh reader for its body."""
        if self.length == 0:
            return NO_BODY
        return ChunkedBody() if self.length == CHUNKED else LengthBody(self.length)

    def kept(self) -> bytes:
        """The field lines less the hop-by-hop ones."""
        return without(self.block, self.spans)

    def with_block(self, block: bytes) -> RequestHead:
        """The same request with other field lines (already less the hop-by-hop ones)."""
        head = RequestHead()
        head.method, head.sent, head.path, head.query = self.method, self.sent, self.path, self.query
        head.minor, head.length, head.keep_alive = self.minor, self.length, self.keep_alive
        head.expect, head.upgrade, head.host = self.expect, self.upgrade, self.host
        head.block = block
        _understood(head, REQUEST_FIELDS)
        head.spans = []
        if head.fields.get(b"host", b"") != self.fields.get(b"host", b""):
            head.host = head.fields.get(b"host", b"")
        return head

    def header(self, name: str) -> str | None:
        """The value of any field by lower-case name, repeats joined by comma; None when absent."""
        values = field_pattern(name).findall(self.block)
        return ", ".join(value.decode("latin-1").rstrip(" \t") for value in values) if values else None


class ResponseHead:
    """One accepted response head; attributes as in `RequestHead`, `length` may be UNTIL_CLOSE."""

    __slots__ = (
        "block",
        "fields",
        "keep_alive",
        "length",
        "minor",
        "reason",
        "spans",
        "status",
        "upgrade",
        "where",
    )

    fields: dict[bytes, bytes]
    spans: list[tuple[int, int]]
    where: list[tuple[bytes, tuple[int, int]]]

    def body(self) -> Body:
        """A fresh reader for its body."""
        if self.length == 0:
            return NO_BODY
        if self.length == UNTIL_CLOSE:
            return UntilCloseBody()
        return ChunkedBody() if self.length == CHUNKED else LengthBody(self.length)


def without(block: bytes, spans: list[tuple[int, int]]) -> bytes:
    """`block` less the given (start, end) parts, which are in order."""
    if not spans:
        return block
    if len(spans) == 1:
        start, end = spans[0]
        return block[:start] + block[end:]
    parts = []
    position = 0
    for start, end in sorted(spans):
        parts.append(block[position:start])
        position = max(position, end)
    parts.append(block[position:])
    return b"".join(parts)


@lru_cache(maxsize=512)
def field_pattern(name: str) -> re.Pattern[bytes]:
    """A pattern that finds the values of one field in a validated block."""
    return re.compile(rb"(?im)^" + re.escape(name.encode("latin-1")) + rb":[ \t]*+([^\r]*)\r\n")


@lru_cache(maxsize=256)
def connection_options(value: bytes) -> frozenset[bytes]:
    """The lower-case options of a Connection field."""
    return frozenset(option.strip(b" \t").lower() for option in value.split(b",")) - {b""}


def nominated_spans(block: bytes, options: frozenset[bytes]) -> list[tuple[int, int]]:
    """Where the fields stand that Connection nominated as hop-by-hop (RFC 9110 7.6.1)."""
    spans = []
    for option in options - _NEVER_NOMINATED:
        spans += [found.span() for found in field_pattern(option.decode("latin-1")).finditer(block)]
    return spans


def _understood(head: RequestHead | ResponseHead, pattern: re.Pattern[bytes]) -> dict[bytes, bytes]:
    """Collect the fields a proxy must understand, where they stand, and the spans it must drop.

    Raises MessageError 400 when a field that may come once is repeated.
    """
    block = head.block
    fields: dict[bytes, bytes] = {}
    spans: list[tuple[int, int]] = []
    where: list[tuple[bytes, tuple[int, int]]] = []
    for found in pattern.finditer(block):
        name = found[1].lower()
        value = found[2].rstrip(b" \t")
        if name in fields:
            if name in _SINGLE:
                raise MessageError(400, f"repeated {name.decode().title()}")
            value = fields[name] + b", " + value
        fields[name] = value
        where.append((name, found.span()))
        if name in _DROPPED:
            spans.append(found.span())
    options = fields.get(b"connection")
    if options is not None:
        nominated = connection_options(options) - _NEVER_NOMINATED
        if nominated:
            spans += nominated_spans(block, nominated)
    head.fields, head.spans, head.where = fields, spans, where
    return fields


def _length(fields: dict[bytes, bytes], minor: int) -> int | None:
    """Body octets by the framing fields, CHUNKED, or None when neither is there (RFC 9112 6.3).

    Raises MessageError 400 for any ambiguity, 501 for an unknown coding.
    """
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None:
        if length is not None:
            raise MessageError(400, "both Content-Length and Transfer-Encoding")
        if minor == 0:
            raise MessageError(400, "Transfer-Encoding in HTTP/1.0")
        if coding.lower() != b"chunked":
            known = coding and all(FIELD_LINE.fullmatch(one.strip() + b":") for one in coding.split(b","))
            raise MessageError(501 if known else 400, "unknown transfer coding")
        return CHUNKED
    if length is None:
        return None
    if DIGITS.fullmatch(length) is None:
        raise MessageError(413 if length.isdigit() else 400, "bad Content-Length")
    return int(length)


class RequestFramer:
    """Reads request heads from a client's bytes.

    `feed` stores; `head` returns the next head or None when more bytes are needed.  After a head the
    caller takes the rest with `take` and feeds the body's reader; what is surplus comes back by
    `unread`.
    """

    __slots__ = ("_empty_lines", "_judged", "_last", "_lines", "buffer", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.buffer = b""
        self._last: RequestHead | None = None
        self._start()

    def _start(self) -> None:
        self._judged = 0
        self._lines = 0
        self._empty_lines = 0

    @property
    def started(self) -> bool:
        """Bytes of a head are here."""
        return bool(self.buffer)

    def feed(self, data: bytes) -> None:
        """Store bytes."""
        self.buffer = self.buffer + data if self.buffer else data

    def take(self) -> bytes:
        """All stored bytes; the store is empty afterwards."""
        data, self.buffer = self.buffer, b""
        return data

    def head(self) -> RequestHead | None:
        """The next head, or None.  Raises MessageError (400, 413, 414, 417, 431, 501, 505)."""
        if self.buffer[:1] == b"\r" and not self._skip_empty_line():
            return None
        if self._judged and self.buffer.find(b"\r\n\r\n", max(0, self._judged - 4)) < 0:
            self._judge()
            return None
        found = ORIGIN_REQUEST.match(self.buffer)
        if found is None:
            return self._other_head()
        method, path, query, minor, block = found.groups(b"")
        self._check_size(found.start(5) - 2, block)
        head = RequestHead()
        head.method, head.path, head.query = method, path, query
        head.sent = path + query if query else path
        self._accept(head, minor, block, None)
        self.buffer = self.buffer[found.end() :]
        self._judged = self._lines = self._empty_lines = 0
        return head

    def _skip_empty_line(self) -> bool:
        """Drop one empty line before a request line (RFC 9112 2.2); False while half of it is here."""
        if self.buffer == b"\r":
            return False
        if self.buffer[:2] != b"\r\n" or self._empty_lines:
            raise MessageError(400, "bad request line")
        self._empty_lines = 1
        self.buffer = self.buffer[2:]
        return bool(self.buffer)

    def _other_head(self) -> RequestHead | None:
        """A head whose target is not in origin-form, or is not complete, or is wrong."""
        found = ANY_REQUEST.match(self.buffer)
        if found is None:
            self._judge()
            if b"\r\n\r\n" in self.buffer:
                raise MessageError(400, "malformed request")
            return None
        method, sent, minor, block = found.groups()
        self._check_size(found.start(4) - 2, block)
        if sent[:1] == b"/":
            raise MessageError(400, "bad character in the target")
        target = parse_target(method, sent)
        head = RequestHead()
        head.method, head.sent, head.path, head.query = method, target.sent, target.path, target.query
        self._accept(head, minor, block, target.authority)
        self.buffer = self.buffer[found.end() :]
        self._start()
        return head

    def _check_size(self, line: int, block: bytes) -> None:
        limits = self.limits
        if line > limits.line:
            raise MessageError(414, "request line too long")
        if len(block) > limits.header or (
            len(block) > 4 * limits.fields and block.count(b"\n") > limits.fields
        ):
            raise MessageError(431, "header too large")

    def _accept(self, head: RequestHead, minor: bytes, block: bytes, authority: bytes | None) -> None:
        """Fill in what the fields say; a block that a client repeats is not read again.

        Raises MessageError.
        """
        head.minor = 0 if minor == b"0" else 1
        head.block = block
        last = self._last
        if last is not None and last.block == block and last.minor == head.minor and authority is None:
            _repeat(last, head)
        else:
            _accept_fields(head)
            self._last = head if authority is None else None
        if authority is not None:
            head.host = authority
        if head.method == b"CONNECT":
            raise MessageError(501, "CONNECT is not offered here")
        if head.length:
            self._check_body(head)

    def _check_body(self, head: RequestHead) -> None:
        if head.method == b"TRACE":
            raise MessageError(400, "TRACE with a body")
        if self.limits.body and head.length > self.limits.body:
            raise MessageError(413, "body too large")

    def _judge(self) -> None:
        """Refuse an incomplete head as soon as a line of it is wrong or a limit is passed.

        Lines judged once are not looked at again, so a drip of bytes costs each byte once.
        """
        buffer, limits = self.buffer, self.limits
        while True:
            end = buffer.find(b"\n", self._judged)
            if end < 0:
                break
            line = buffer[self._judged : end + 1]
            if self._lines == 0:
                self._judge_request_line(line)
            elif line != b"\r\n" and (
                line[-2:] != b"\r\n" or FIELD_LINE.fullmatch(line, 0, len(line) - 2) is None
            ):
                raise MessageError(400, "malformed field line")
            self._lines += 1
            self._judged = end + 1
            if self._lines > limits.fields + 2:
                raise MessageError(431, "too many fields")
        rest = len(buffer) - self._judged
        if self._lines == 0:
            if rest > limits.line + 2:
                raise MessageError(414, "request line too long")
            if rest and FIELD_LINE.match(buffer[:1] + b":") is None:
                raise MessageError(400, "bad request line")
        elif self._judged + rest > limits.line + limits.header + 4:
            raise MessageError(431, "header too large")

    def _judge_request_line(self, line: bytes) -> None:
        if len(line) > self.limits.line + 2:
            raise MessageError(414, "request line too long")
        found = REQUEST_LINE.fullmatch(line, 0, max(0, len(line) - 2))
        if found is None or line[-2:] != b"\r\n":
            word = line.partition(b" ")[0]
            if len(word) > 32 and FIELD_LINE.fullmatch(word + b":"):
                raise MessageError(501, "method too long")
            raise MessageError(400, "bad request line")
        if found[3] != b"1":
            raise MessageError(505, "HTTP version not supported")


def _repeat(last: RequestHead, head: RequestHead) -> None:
    """Take over what the same block said before."""
    head.fields = last.fields
    head.spans = last.spans
    head.where = last.where
    head.host = last.host
    head.length = last.length
    head.keep_alive = last.keep_alive
    head.expect = last.expect
    head.upgrade = last.upgrade


def _accept_fields(head: RequestHead) -> None:
    """Host, framing and connection fields of a request.  Raises MessageError."""
    fields = _understood(head, REQUEST_FIELDS)
    host = fields.get(b"host")
    if host is None:
        if head.minor:
            raise MessageError(400, "missing Host")
        host = b""
    else:
        check_host(host)
    head.host = host
    head.length = _length(fields, head.minor) or 0
    _accept_connection(head)


def _accept_connection(head: RequestHead) -> None:
    """Keep-alive, Expect and Upgrade of a request.  Raises MessageError 417."""
    fields = head.fields
    options = connection_options(fields[b"connection"]) if b"connection" in fields else frozenset[bytes]()
    head.keep_alive = b"close" not in options and (head.minor > 0 or b"keep-alive" in options)
    head.expect = False
    expect = fields.get(b"expect")
    if expect is not None and head.minor:
        if expect.lower() != b"100-continue":
            raise MessageError(417, "unknown expectation")
        head.expect = head.length != 0
    upgrade = fields.get(b"upgrade", b"") if b"upgrade" in options and head.minor else b""
    head.upgrade = b"" if upgrade.lower().startswith(b"h2") else upgrade


class ResponseFramer:
    """Reads the response heads that answer one request; `method` is the request's."""

    __slots__ = ("buffer", "method")

    def __init__(self, method: bytes) -> None:
        self.method = method
        self.buffer = b""

    def feed(self, data: bytes) -> None:
        """Store bytes."""
        self.buffer = self.buffer + data if self.buffer else data

    def take(self) -> bytes:
        """All stored bytes; the store is empty afterwards."""
        data, self.buffer = self.buffer, b""
        return data

    def head(self) -> ResponseHead | None:
        """The next head, or None.  Raises MessageError for anything that is not a strict response."""
        buffer = self.buffer
        found = RESPONSE.match(buffer)
        if found is None:
            self._refuse_if_hopeless()
            return None
        minor, status, reason, block = found.groups(b"")
        if len(block) > 4 * RESPONSE_FIELDS_LIMIT and block.count(b"\n") > RESPONSE_FIELDS_LIMIT:
            raise MessageError(502, "too many fields in the response")
        head = ResponseHead()
        head.minor = 0 if minor == b"0" else 1
        head.status = int(status)
        head.reason = reason
        head.block = block
        _understood(head, RESPONSE_FIELDS)
        self._frame(head)
        self.buffer = buffer[found.end() :]
        return head

    def _frame(self, head: ResponseHead) -> None:
        """Decide body and persistence (RFC 9112 6.3, 9.3)."""
        fields = head.fields
        options = connection_options(fields[b"connection"]) if b"connection" in fields else frozenset[bytes]()
        head.keep_alive = b"close" not in options and (head.minor > 0 or b"keep-alive" in options)
        head.upgrade = fields.get(b"upgrade", b"")
        length = _length(fields, head.minor)
        if head.status < 200 or head.status in (204, 304) or self.method == b"HEAD":
            head.length = 0
        elif length is None:
            head.length = UNTIL_CLOSE
            head.keep_alive = False
        else:
            head.length = length

    def _refuse_if_hopeless(self) -> None:
        buffer = self.buffer
        if len(buffer) > RESPONSE_HEAD_LIMIT:
            raise MessageError(502, "response head too large")
        start = buffer[:7]
        if start != b"HTTP/1."[: len(start)] or b"\r\n\r\n" in buffer or b"\n\n" in buffer:
            raise MessageError(502, "malformed response")
        line = buffer.find(b"\n")
        if line >= 0 and buffer[line - 1 : line] != b"\r":
            raise MessageError(502, "malformed response")
