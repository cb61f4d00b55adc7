"""Bodies in and out: how many bytes belong to a message (RFC 9112 6, 7).

A reader is fed the bytes behind a head and gives back the payload, the surplus that
belongs to the next message, and whether it is done.  Nothing is kept but a partial
size line or trailer line.  `http1` picks the reader; `conversation` feeds it.
"""

from __future__ import annotations

from typing import Protocol

from director.errors import MessageError
from director.l7.http.fields import HOP_BY_HOP, NOTHING, canonical
from director.l7.http.grammar import CHUNK_LINE, FIELD_LINE

CHUNK_LINE_LIMIT = 4096
"""Longest size line with extensions, without its CRLF; those who send extensions send a few dozen bytes."""
EXTENSION_LIMIT = 16384
"""Bytes of chunk extensions in one body; beyond it they are an attack (CVE-2023-39326's class)."""
TRAILER_LIMIT = 16384
"""Bytes of all trailer lines of one body."""

LAST_BYTES = 16384
"""Bytes at the end of a body that are read in any case."""

LAST_CHUNK = b"0\r\n\r\n"

_FORBIDDEN_TRAILERS = HOP_BY_HOP | frozenset((
    b"content-length", b"host", b"content-encoding", b"content-type", b"content-range", b"authorization",
    b"proxy-authorization", b"www-authenticate", b"proxy-authenticate", b"cookie", b"set-cookie", b"expect",
    b"max-forwards", b"cache-control", b"range", b"if-match", b"if-none-match", b"if-modified-since",
    b"if-unmodified-since", b"if-range", b"via", b"forwarded", b"x-request-id",
))  # fmt: skip
"""Fields that change framing, routing, access or trust: never taken from a trailer (RFC 9110 6.5.1)."""


class _ReadBody:
    """One whose every byte must be read."""

    __slots__ = ()
    unread = 0

    def passed(self, size: int) -> None:
        """None of them may be missed.  Raises ValueError."""
        raise ValueError(f"{size} bytes of a body were not read")


class NoBody(_ReadBody):
    """No body at all: done before the first byte."""

    __slots__ = ("done",)
    trailers = b""
    remaining = 0

    def __init__(self) -> None:
        self.done = True

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """All of `data` is surplus."""
        return b"", data

    def end(self) -> bool:
        """The connection's end is fine: nothing is missing."""
        return True


NO_BODY = NoBody()


class LengthBody:
    """Exactly `remaining` bytes more."""

    __slots__ = ("done", "remaining")
    trailers = b""

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.done = length == 0

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Payload and surplus; the payload is `data` itself when all of it belongs to the body."""
        size = len(data)
        if size < self.remaining:
            self.remaining -= size
            return data, b""
        wanted = self.remaining
        self.remaining = 0
        self.done = True
        if size == wanted:
            return data, b""
        return data[:wanted], data[wanted:]

    @property
    def unread(self) -> int:
        """All but the last ones: where they end it is seen what comes behind them."""
        return max(0, self.remaining - LAST_BYTES)

    def passed(self, size: int) -> None:
        """So many of them went on."""
        self.remaining -= size

    def end(self) -> bool:
        """True when nothing is missing at the connection's end."""
        return self.done


class UntilCloseBody(_ReadBody):
    """All bytes until the sender closes (answers only)."""

    __slots__ = ("done",)
    trailers = b""
    remaining = 0

    def __init__(self) -> None:
        self.done = False

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """All of `data` is payload."""
        return data, b""

    def end(self) -> bool:
        """A close is the end."""
        self.done = True
        return True


class ChunkedBody(_ReadBody):
    """The chunked coding (RFC 9112 7.1), strictly: CRLF only, hexadecimal sizes, valid extensions.

    States: *size* waits for a size line, *data* for `remaining` bytes, *crlf* for the end of a chunk,
    *trailer* for trailer lines.  `trailers` holds the accepted trailer lines when done, `held` the
    begin of a line that has not come to its end.  `dropped` are canonical names that the head, or a rule,
    keeps from passing: what may not come in front of a body does not come behind it either.
    """

    __slots__ = (
        "_extensions",
        "_state",
        "_trailer_bytes",
        "done",
        "dropped",
        "held",
        "remaining",
        "trailers",
    )

    def __init__(self, dropped: frozenset[bytes] = NOTHING) -> None:
        self.dropped = dropped
        self.done = False
        self.trailers = b""
        self.held = b""
        self.remaining = 0
        self._state = self._size
        self._extensions = 0
        self._trailer_bytes = 0

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Payload and surplus.  Raises MessageError: 400 for bad chunks, 431 for long trailers."""
        if self.held:
            held = self.held
            is_line = self._state != self._crlf and b"\n" not in data
            if is_line and len(held) + len(data) <= CHUNK_LINE_LIMIT:
                # Still inside one line, whose begin was judged: a drip is not matched again octet by octet.
                self.held = held + data
                return b"", b""
            data = held + data
            self.held = b""
        payload: list[bytes] = []
        position = 0
        while not self.done:
            moved = self._state(data, position, payload)
            if moved < 0:
                self.held = data[position:]
                return b"".join(payload), b""
            position = moved
        return b"".join(payload), data[position:]

    def end(self) -> bool:
        """A close is the end only behind the last chunk."""
        return self.done

    def _size(self, data: bytes, position: int, payload: list[bytes]) -> int:
        found = CHUNK_LINE.match(data, position)
        if found is None:
            self._refuse_bad_size(data, position)
            return -1
        end = found.end()
        if end - position > CHUNK_LINE_LIMIT + 2:
            raise MessageError(400, "bad chunk size")
        self._extensions += end - found.end(1) - 2
        if self._extensions > EXTENSION_LIMIT:
            raise MessageError(400, "too many chunk extensions")
        self.remaining = int(found[1], 16)
        if self.remaining > 1 << 60:
            raise MessageError(400, "chunk too large")
        self._state = self._data if self.remaining else self._trailer
        return end

    def _refuse_bad_size(self, data: bytes, position: int) -> None:
        """A line that is complete, too long, or starts wrongly can never become right."""
        end = data.find(b"\n", position)
        if end >= 0 or len(data) - position > CHUNK_LINE_LIMIT + 1:
            raise MessageError(400, "bad chunk size")
        start = data[position : position + 1]
        if start and start not in b"0123456789abcdefABCDEF":
            raise MessageError(400, "bad chunk size")

    def _data(self, data: bytes, position: int, payload: list[bytes]) -> int:
        have = len(data) - position
        if have <= 0:
            return -1
        if have >= self.remaining:
            end = position + self.remaining
            payload.append(data[position:end])
            self.remaining = 0
            self._state = self._crlf
            return end
        payload.append(data[position:])
        self.remaining -= have
        return len(data)

    def _crlf(self, data: bytes, position: int, payload: list[bytes]) -> int:
        end = data[position : position + 2]
        if end == b"\r\n":
            self._state = self._size
            return position + 2
        if end not in (b"", b"\r"):
            raise MessageError(400, "chunk longer than its size")
        return -1

    def _trailer(self, data: bytes, position: int, payload: list[bytes]) -> int:
        end = data.find(b"\n", position)
        if end < 0:
            if len(data) - position + self._trailer_bytes > TRAILER_LIMIT:
                raise MessageError(431, "trailers too large")
            return -1
        line = data[position : end + 1]
        self._trailer_bytes += len(line)
        if self._trailer_bytes > TRAILER_LIMIT:
            raise MessageError(431, "trailers too large")
        if line == b"\r\n":
            self.done = True
        elif FIELD_LINE.fullmatch(line) is None:
            raise MessageError(400, "bad trailer field")
        elif self._passes(canonical(line.partition(b":")[0].lower())):
            self.trailers += line
        return end + 1

    def _passes(self, name: bytes) -> bool:
        """Whether a trailer field may go on, by its canonical name."""
        if name in _FORBIDDEN_TRAILERS or name in self.dropped:
            return False
        return not name.startswith(b"x-forwarded-")


class Body(Protocol):
    """A reader of one body.

    Attributes:
        done: all of it was read.
        remaining: octets that can be passed on at once, as far as that is known.
        unread: octets that need not come by here at all.
        trailers: the accepted trailer lines, once done.
    """

    done: bool
    trailers: bytes

    @property
    def remaining(self) -> int:
        """See above."""

    @property
    def unread(self) -> int:
        """See above."""

    def passed(self, size: int) -> None:
        """So many octets went on without coming by here."""

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Payload, and the surplus that belongs to the next message.  Raises MessageError."""

    def end(self) -> bool:
        """The connection ends here: is that the end of the body?"""


def chunk(payload: bytes) -> bytes:
    """One chunk on the wire; `payload` must not be empty."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def last_chunk(trailers: bytes) -> bytes:
    """The end of a chunked body with its trailer lines (each ending in CRLF)."""
    return b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK
