"""Strict incremental reading of HTTP/1.x request heads (RFC 9110, RFC 9112).

A framer is fed bytes and gives heads; bodies are read with the reader a head carries
(`body`).  What is ambiguous is refused, never repaired; what is refused raises
`MessageError` with the status to answer.  Heads keep their field lines as they came:
since one pattern has validated all of them, they can be sent on as they stand, less
those that a proxy must drop (`fields`).

Called by `conversation` only.  Pure: bytes in, values out.
"""

from __future__ import annotations

from typing import NamedTuple

from director.caches import remember
from director.errors import MessageError
from director.l7.http.body import NO_BODY, Body, ChunkedBody, LengthBody
from director.l7.http.fields import CHUNKED, NOTHING, FieldBlock, body_length, keeps_alive, list_elements
from director.l7.http.grammar import (
    ANY_LINE,
    FIELD_LINE,
    LONG_METHOD,
    METHOD_ONLY,
    ORIGIN_LINE,
    REQUEST_FIELDS,
    REQUEST_LINE,
    REQUEST_REST,
    TOKEN_START,
)
from director.l7.http.memo import HEAD_LIMIT
from director.l7.http.target import check_host, host_name, parse_target

_VERSION = len(b"HTTP/1.1")
LINE_SHOWN = 1024
"""Octets of a refused request that are looked at for the log."""


class Limits(NamedTuple):
    """Bounds of a request: octets of the request line, of all fields, number of fields, body (0 = none)."""

    line: int = 16384
    header: int = 32768
    fields: int = 512
    body: int = 0


class HeadFields:
    """What the version and the fields of a request say; a value that many requests may share.

    Attributes:
        rest: the octets behind the target, with the empty line.
        lines: the field lines.
        minor: minor version, at most 1.
        host: the Host field, b"" if none; `host_name` is the name in it.
        length: body octets, or CHUNKED.
        keep_alive: the client wants the connection kept.
        expect: it waits for 100 Continue.
        upgrade: the protocol it wants to change to, b"" if none.  Never with a body: a server that takes the
            request for ended at its head would take the body for the new protocol, or for the next request.
        once: a change of protocol was asked for, so nothing may follow on the server's connection.
        trailers: it understands trailers (TE).
        hops: proxies have passed it on, or not all of them may (Via, Max-Forwards; RFC 9110 7.6).
    """

    __slots__ = (
        "expect", "hops", "host", "host_name", "keep_alive", "length", "lines", "minor", "once", "rest",
        "trailers", "upgrade",
    )  # fmt: skip

    def __init__(self, rest: bytes, minor: int, lines: FieldBlock) -> None:
        """Judge the fields.  Raises: MessageError 400, 413, 417, 501."""
        fields = lines.fields
        host = fields.get(b"host")
        if host is None:
            if minor:
                raise MessageError(400, "missing Host")
            host = b""
        else:
            check_host(host)
        self.rest = rest
        self.lines = lines
        self.minor = minor
        self.host = host
        self.host_name = host_name(host)
        self.length = body_length(fields, minor) or 0
        self.keep_alive = keeps_alive(fields, minor)
        self.expect = b"expect" in fields and self._expects(fields[b"expect"])
        upgrade = self._upgrade(fields) if b"upgrade" in fields else b""
        self.once = bool(upgrade)
        self.upgrade = b"" if self.length else upgrade
        self.trailers = minor > 0 and b"te" in fields and b"trailers" in list_elements(fields[b"te"])
        self.hops = b"via" in fields or b"max-forwards" in fields

    def _expects(self, value: bytes) -> bool:
        """RFC 9110 10.1.1; HTTP/1.0 does not know it."""
        if self.minor and value.lower() != b"100-continue":
            raise MessageError(417, "unknown expectation")
        return self.minor > 0 and self.length != 0

    def _upgrade(self, fields: dict[bytes, bytes]) -> bytes:
        """RFC 9110 7.8: only when Connection says so; never to HTTP/2, which is not offered this way."""
        value = fields[b"upgrade"]
        if not self.minor or b"upgrade" not in list_elements(fields.get(b"connection", b"")):
            return b""
        return b"" if any(one.startswith(b"h2") for one in list_elements(value)) else value


def _parse(rest: bytes) -> HeadFields | None:
    """What stands behind the target; None when it is not the end of a request head."""
    found = REQUEST_REST.fullmatch(rest)
    if found is None:
        return None
    return HeadFields(rest, 0 if found[1] == b"0" else 1, FieldBlock(found[2], REQUEST_FIELDS))


_parse_again = remember("request_fields", 256)(_parse)
"""Clients of one kind send the same fields: what they say need not be worked out for each connection."""


class RequestHead:
    """One accepted request head.

    Attributes:
        method, sent, path, query: octets; `sent` is the target for the server (origin-form or `*`),
            `query` begins with its `?`.
        host: the host that counts (the authority of an absolute-form target, else Host; b"" if none);
            `host_name` is the name in it as the client sent it, whatever a rule makes of the field.
        parsed: version, framing and connection; all that heads with equal fields have in common.
        lines: the field lines.
        remembered: the same octets from this client give this very object again.
    """

    __slots__ = ("host", "host_name", "lines", "method", "query", "remembered", "parsed", "sent")

    def __init__(self, method: bytes, sent: bytes, query: bytes, parsed: HeadFields) -> None:
        self.method = method
        self.sent = sent
        self.query = query
        self.parsed = parsed
        self.lines = parsed.lines
        self.host = parsed.host
        self.host_name = parsed.host_name
        self.remembered = False

    @property
    def fields(self) -> dict[bytes, bytes]:
        """The fields a proxy must understand."""
        return self.lines.fields

    @property
    def minor(self) -> int:
        """Minor version, at most 1."""
        return self.parsed.minor

    @property
    def version(self) -> bytes:
        """The protocol that the client spoke, as Via has it (RFC 9110 7.6.3)."""
        return b"1.1" if self.parsed.minor else b"1.0"

    @property
    def length(self) -> int:
        """Body octets, or CHUNKED."""
        return self.parsed.length

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.sent[: -len(self.query)] if self.query else self.sent

    @property
    def block(self) -> bytes:
        """The field lines as they came."""
        return self.lines.text

    def body(self) -> Body:
        """A fresh reader for its body."""
        length = self.parsed.length
        if length == 0:
            return NO_BODY
        return ChunkedBody(self.lines.nominated) if length == CHUNKED else LengthBody(length)

    def kept(self, names: frozenset[bytes] = NOTHING) -> bytes:
        """The field lines less the hop-by-hop ones and those of `names`."""
        return self.lines.kept(names)

    def header(self, name: str) -> str | None:
        """The value of any field by lower-case name, repeats joined by comma; None when absent."""
        values = self.lines.values(name.encode("latin-1", "replace"))
        return b", ".join(values).decode("latin-1") if values else None


def no_head() -> RequestHead:
    """The head of a connection that is relayed unread."""
    parsed = HeadFields(b"", 0, FieldBlock(b"", REQUEST_FIELDS))
    parsed.minor = 1
    return RequestHead(b"", b"", b"", parsed)


def request_line(octets: bytes) -> tuple[str, str]:
    """Method and target as far as `octets`, perhaps no request at all, tell; "-" for what they do not."""
    line = octets[:LINE_SHOWN].lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    method, space, rest = line.partition(b" ")
    if not space or not METHOD_ONLY.fullmatch(method):
        return "-", "-"
    return method.decode("ascii"), rest.partition(b" ")[0].decode("latin-1") or "-"


class RequestFramer:
    """Reads request heads from a client's bytes.

    `feed` stores; `head` returns the next head or None when more bytes are needed.  After a head the
    caller takes the rest with `take` and feeds the body's reader; what is surplus comes back by `feed`.

    Attributes:
        buffer: the stored bytes.
        searched: how many of them are known to hold no line that was not judged, so that a drip costs
            each octet once.
    """

    __slots__ = (
        "_empty_lines", "_judged", "_known", "_last", "_line_end", "_lines", "_raw", "buffer", "limits",
        "searched",
    )  # fmt: skip

    def __init__(self, limits: Limits) -> None:
        self.bind(limits)
        self.buffer = b""
        self._start()

    def _start(self) -> None:
        self.searched = self._judged = self._lines = self._empty_lines = 0

    @property
    def expects_the_last_again(self) -> bool:
        """The client repeats itself: the head it sent last needs no reading if it comes again."""
        return self._known is not None

    def bind(self, limits: Limits) -> None:
        """Heed these limits from now on, also with a head that was accepted before."""
        self.limits = limits
        self._line_end = limits.line - _VERSION
        self._last: HeadFields | None = None
        self._raw = b""
        self._known: RequestHead | None = None

    def feed(self, data: bytes) -> None:
        """Store bytes."""
        self.buffer = self.buffer + data if self.buffer else data

    def take(self) -> bytes:
        """All stored bytes; the store is empty afterwards."""
        data, self.buffer = self.buffer, b""
        self._start()
        return data

    def head(self) -> RequestHead | None:
        """The next head, or None.  Raises: MessageError (400, 413, 414, 417, 431, 501, 505)."""
        buffer = self.buffer
        if self.searched:
            if not self._judge():
                return None
        elif self._known is not None and buffer == self._raw and not self._empty_lines:
            self.buffer = b""
            return self._known
        line = ORIGIN_LINE.match(buffer)
        if line is None:
            return self._other_head()
        end = line.end()
        parsed = self._last
        if parsed is None or end > self._line_end or not buffer.startswith(parsed.rest, end):
            parsed = self._rest(end)
            if parsed is None:
                return None
        method, sent, query = line.groups(b"")
        head = RequestHead(method, sent, query, parsed)
        if parsed.length or method == b"CONNECT":
            self._check_body(head)
        self.buffer = buffer[end + len(parsed.rest) :]
        if not (self.buffer or parsed.length) and len(buffer) <= HEAD_LIMIT:
            # Pollers and checks send the same octets again and again: who did so twice is expected to go on.
            head.remembered = buffer == self._raw
            self._raw = buffer
            self._known = head if head.remembered else None
        if self.searched or self._empty_lines:
            self._start()
        return head

    def _other_head(self) -> RequestHead | None:
        """A head whose target is not in origin-form, or is not complete, or is wrong."""
        if self.buffer[:1] == b"\r":
            return self.head() if self._skip_empty_line() else None
        line = ANY_LINE.match(self.buffer)
        if line is None:
            self._refuse_if_whole()
            return None
        parsed = self._rest(line.end())
        if parsed is None:
            return None
        method, sent = line.groups()
        target = parse_target(method, sent)
        head = RequestHead(method, target.sent, target.query, parsed)
        if target.authority is not None:
            head.host, head.host_name = target.authority, host_name(target.authority)
        if parsed.length:
            self._check_body(head)
        self.buffer = self.buffer[line.end() + len(parsed.rest) :]
        self._start()
        return head

    def _skip_empty_line(self) -> bool:
        """Drop one empty line before a request line (RFC 9112 2.2); False while the rest is not here."""
        if self.buffer == b"\r":
            return False
        if self.buffer[:2] != b"\r\n" or self._empty_lines:
            raise MessageError(400, "bad request line")
        self._empty_lines = 1
        self.buffer = self.buffer[2:]
        return bool(self.buffer)

    def _rest(self, start: int) -> HeadFields | None:
        """What stands behind the target, which ends at `start`; None when it is not whole."""
        buffer = self.buffer
        end = buffer.find(b"\r\n\r\n", start)
        if end < 0:
            self._refuse_if_whole()
            return None
        rest = buffer[start : end + 4]
        parsed = _parse_again(rest) if len(rest) <= HEAD_LIMIT else _parse(rest)
        if parsed is None:
            self._refuse_if_whole()
            return None
        self._check_size(start, parsed)
        # What the same client says again needs no second look.
        self._last = parsed if len(rest) <= HEAD_LIMIT else None
        return parsed

    def _check_size(self, start: int, parsed: HeadFields) -> None:
        """The limits of a whole head."""
        if start > self._line_end:
            raise MessageError(414, "request line too long")
        text, limits = parsed.lines.text, self.limits
        if len(text) > limits.header or (len(text) > 4 * limits.fields and text.count(b"\n") > limits.fields):
            raise MessageError(431, "header too large")

    def _check_body(self, head: RequestHead) -> None:
        if head.method == b"CONNECT":
            raise MessageError(501, "CONNECT is not offered here")
        if head.method == b"TRACE":
            raise MessageError(400, "TRACE with a body")
        if self.limits.body and head.length > self.limits.body:
            raise MessageError(413, "body too large")

    def _refuse_if_whole(self) -> None:
        """There is no whole head: refuse what is wrong already."""
        if self._judge():
            raise MessageError(400, "malformed request")

    def _judge(self) -> bool:
        """Judge the lines that have come; is the head whole?

        Refuses it as soon as a line of it is wrong or a limit is passed.  A line is judged once, when its
        end is here.
        """
        buffer, limits = self.buffer, self.limits
        end = buffer.find(b"\n", self.searched)
        while end >= 0:
            line = buffer[self._judged : end + 1]
            if self._lines == 0:
                self._judge_request_line(line)
            elif line == b"\r\n":
                return True
            elif FIELD_LINE.fullmatch(line) is None:
                raise MessageError(400, "malformed field line")
            self._lines += 1
            self._judged = self.searched = end + 1
            if self._lines > limits.fields + 1:
                raise MessageError(431, "too many fields")
            end = buffer.find(b"\n", self.searched)
        self.searched = len(buffer)
        if self._lines:
            if self.searched > limits.line + limits.header + 4:
                raise MessageError(431, "header too large")
        elif self.searched > limits.line + 1:
            raise MessageError(414, "request line too long")
        elif buffer and TOKEN_START.match(buffer) is None:
            raise MessageError(400, "bad request line")
        return False

    def _judge_request_line(self, line: bytes) -> None:
        if len(line) > self.limits.line + 2:
            raise MessageError(414, "request line too long")
        found = REQUEST_LINE.fullmatch(line)
        if found is None:
            if LONG_METHOD.match(line):
                raise MessageError(501, "method too long")
            raise MessageError(400, "bad request line")
        if found[2] != b"1":
            raise MessageError(505, "HTTP version not supported")
