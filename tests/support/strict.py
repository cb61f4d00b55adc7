"""A strict reader of HTTP/1.x messages for test origins and test clients.

Written from RFC 9112 alone and kept apart from the program on purpose: it is the second opinion.  It
never repairs: anything that a lenient recipient could read in two ways raises `MalformedError`.  Bodies are
hashed as they pass; only the first `KEEP` bytes stay in memory.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from typing import Any

from attrs import define, field

KEEP = 1 << 20
HEAD_LIMIT = 4 << 20

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.([0-9])")
STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-5][0-9]{2}) ([\t \x21-\x7e\x80-\xff]*)")
FIELD_LINE = re.compile(
    rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff]|[ \t]+(?=[\x21-\x7e\x80-\xff]))*)[ \t]*"
)
# Chunk extensions are allowed and ignored (RFC 9112 7.1.1), but only visible octets and white space.
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t \x21-\x7e\x80-\xff]*)?")

Fields = list[tuple[bytes, bytes]]


class MalformedError(Exception):
    """Bytes that are no HTTP/1.x message; the text says why."""


@define
class Message:
    """One message as it came in.

    `framing` is how its end is known: `none` (no body), `length`, `chunked`, `close`, or `tunnel`
    (what follows is not HTTP).  `body` holds the first `KEEP` bytes, `size` and `sha256` all of them.
    """

    start: bytes
    fields: Fields
    framing: str = "none"
    body: bytearray = field(factory=bytearray)
    trailers: Fields = field(factory=list)
    complete: bool = False
    size: int = 0
    digest: Any = field(factory=hashlib.sha256)

    @property
    def method(self) -> bytes:
        """The method of a request."""
        return self.start.split(b" ", 1)[0]

    @property
    def target(self) -> bytes:
        """The target of a request, as sent."""
        return self.start.split(b" ")[1]

    @property
    def version(self) -> bytes:
        """`HTTP/1.0` or `HTTP/1.1`."""
        parts = self.start.split(b" ")
        return parts[0] if self.start.startswith(b"HTTP/") else parts[-1]

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.start.split(b" ", 2)[1])

    @property
    def sha256(self) -> str:
        """Digest of the whole body, in hex."""
        return str(self.digest.hexdigest())

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field (lower-case name), in order."""
        return [value for key, value in self.fields if key.lower() == name]

    def value(self, name: bytes, default: bytes = b"") -> bytes:
        """The first value of a field (lower-case name)."""
        return next(iter(self.values(name)), default)


class Reader:
    """Incremental strict reader of one direction of one connection.

    `feed` returns the messages that came to their end; `current` is the one that has begun.  For
    responses call `asked(method)` for each request sent, so that HEAD and CONNECT are understood.
    """

    def __init__(self, *, responses: bool = False) -> None:
        self.responses = responses
        self.buffer = bytearray()
        self.current: Message | None = None
        self.left = 0
        self.state = "head"
        self.methods: deque[bytes] = deque()

    def asked(self, method: bytes) -> None:
        """A request with `method` was sent; its final response has not come yet."""
        self.methods.append(method)

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes in; return what is complete.  Raises `MalformedError`."""
        self.buffer += data
        done: list[Message] = []
        while self._step(done):
            pass
        return done

    def eof(self) -> list[Message]:
        """The sender closed its side: ends a close-delimited body, cuts anything else."""
        if self.current is not None and self.current.framing == "close":
            return [self._finish()]
        return []

    def _step(self, done: list[Message]) -> bool:
        step = {
            "head": self._head,
            "length": self._length,
            "close": self._rest,
            "tunnel": self._rest,
            "size": self._size,
            "chunk": self._chunk,
            "crlf": self._crlf,
            "trailer": self._trailer,
        }[self.state]
        return step(done)

    def _line(self) -> bytes | None:
        """The next line without its CRLF, or None."""
        end = self.buffer.find(b"\n")
        if end < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise MalformedError("line without end")
            return None
        if end == 0 or self.buffer[end - 1] != 0x0D:
            raise MalformedError("bare LF")
        line = bytes(self.buffer[: end - 1])
        if b"\r" in line:
            raise MalformedError("bare CR")
        del self.buffer[: end + 1]
        return line

    def _head(self, done: list[Message]) -> bool:
        line = self._line()
        if line is None:
            return False
        if self.current is None:
            pattern = STATUS_LINE if self.responses else REQUEST_LINE
            if not pattern.fullmatch(line):
                raise MalformedError(f"start line {line[:80]!r}")
            self.current = Message(line, [])
        elif line:
            self.current.fields.append(_field(line))
        else:
            self._head_ends(done)
        return True

    def _head_ends(self, done: list[Message]) -> None:
        message = self._now()
        if not self.responses and len(message.values(b"host")) != 1 and message.version != b"HTTP/1.0":
            raise MalformedError("not exactly one Host")
        kind, self.left = self._framing(message)
        message.framing = kind
        self.state = {"chunked": "size", "none": "head"}.get(kind, kind)
        if kind == "none" or (kind == "length" and self.left == 0):
            done.append(self._finish())

    def _framing(self, message: Message) -> tuple[str, int]:
        codings, lengths = (
            message.values(b"transfer-encoding"),
            message.values(b"content-length"),
        )
        if self.responses:
            bodiless = self._bodiless(message)
            if bodiless:
                return bodiless, 0
        if codings and lengths:
            raise MalformedError("Content-Length and Transfer-Encoding")
        if codings:
            if codings != [b"chunked"]:
                raise MalformedError(f"Transfer-Encoding {codings!r}")
            return "chunked", 0
        if lengths:
            if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
                raise MalformedError(f"Content-Length {lengths!r}")
            return "length", int(lengths[0])
        return ("close", 0) if self.responses else ("none", 0)

    def _bodiless(self, message: Message) -> str:
        """`none` or `tunnel` when this response has no body whatever its fields say (RFC 9112 6.3)."""
        if message.status == 101:
            return "tunnel"
        if message.status < 200:
            return "none"
        if not self.methods:
            raise MalformedError("an answer that nobody asked for")
        method = self.methods.popleft()
        return "none" if method == b"HEAD" or message.status in {204, 304} else ""

    def _length(self, done: list[Message]) -> bool:
        taken = self._take(min(self.left, len(self.buffer)))
        self.left -= taken
        if self.left == 0:
            done.append(self._finish())
            return True
        return False

    def _rest(self, done: list[Message]) -> bool:
        del done
        self._take(len(self.buffer))
        return False

    def _size(self, done: list[Message]) -> bool:
        del done
        line = self._line()
        if line is None:
            return False
        match = CHUNK_LINE.fullmatch(line)
        if not match:
            raise MalformedError(f"chunk size {line[:80]!r}")
        self.left = int(match[1], 16)
        self.state = "chunk" if self.left else "trailer"
        return True

    def _chunk(self, done: list[Message]) -> bool:
        del done
        if not self.buffer:
            return False
        self.left -= self._take(min(self.left, len(self.buffer)))
        if self.left == 0:
            self.state = "crlf"
        return True

    def _crlf(self, done: list[Message]) -> bool:
        del done
        if len(self.buffer) < 2:
            return False
        if self.buffer[:2] != b"\r\n":
            raise MalformedError("chunk without CRLF")
        del self.buffer[:2]
        self.state = "size"
        return True

    def _trailer(self, done: list[Message]) -> bool:
        line = self._line()
        if line is None:
            return False
        if line:
            self._now().trailers.append(_field(line))
        else:
            done.append(self._finish())
        return True

    def _take(self, count: int) -> int:
        message = self._now()
        with memoryview(self.buffer) as view:
            message.digest.update(view[:count])
            message.body += view[: max(0, min(count, KEEP - len(message.body)))]
        message.size += count
        del self.buffer[:count]
        return count

    def _finish(self) -> Message:
        message, self.current, self.state = self._now(), None, "head"
        message.complete = True
        return message

    def _now(self) -> Message:
        assert self.current is not None
        return self.current


def _field(line: bytes) -> tuple[bytes, bytes]:
    match = FIELD_LINE.fullmatch(line)
    if not match:
        raise MalformedError(f"field line {line[:80]!r}")
    return match[1], match[2]
