"""Answers whose framing a fault spoils: what only who reads HTTP can do.  Pure.

Each is a `Shaping` of one answer to one request.  What is no answer of HTTP, or has no body, passes as it
is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.fault.shaping import ENDED, Shaping, shaping
from director.l7.http.fields import CHUNKED, UNTIL_CLOSE, without
from director.l7.http.responses import ResponseFramer

if TYPE_CHECKING:
    from director.l7.http.body import Body
    from director.l7.http.responses import ResponseHead
    from director.model.drills import FaultAction

NO_CHUNK = b"not a size of a chunk\r\n\x00\xff\r\n"
TRAILERS = b"0\r\nX-Injected: late\r\n\r\n"
_OF_LENGTH = frozenset({b"content-length"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"trailer"})


def shape_of(action: FaultAction, method: bytes) -> Shaping:
    """What a fault makes of the answer to a request of this method."""
    if action.kind == "wrong_length":
        return WrongLength(method, action.size or 0)
    if action.kind == "late_trailers":
        return LateTrailers(method, action.low)
    if action.kind == "garbage":
        return GarbageChunk(method)
    return shaping(action)


class Misframed(Shaping):
    """An answer of which the head is read, and perhaps the body.

    Interim heads pass (RFC 9110 15.2).
    """

    __slots__ = ("_body", "_heads", "_passes")

    def __init__(self, method: bytes) -> None:
        super().__init__()
        self._heads = ResponseFramer(method)
        self._body: Body | None = None
        self._passes = False

    def take(self, data: bytes) -> bytes:
        """What goes on, its head another one."""
        if self._passes:
            return data
        if self._body is not None:
            return self._more(data)
        self._heads.feed(data)
        out = b""
        try:
            while (head := self._heads.head()) is not None:
                if head.status < 200:
                    out += _text(head, b"")
                    continue
                rest = self._heads.take()
                self._body = head.body()
                if self._body.done:
                    self._passes = True
                    return out + _text(head, b"") + rest
                return out + self._spoilt(head) + (self._more(rest) if rest else b"")
        except MessageError:
            self._passes = True
            return out + self._heads.take()
        return out

    def _spoilt(self, head: ResponseHead) -> bytes:
        """The head that goes on."""
        raise NotImplementedError

    def _more(self, data: bytes) -> bytes:
        """What goes on of a body."""
        return data


class WrongLength(Misframed):
    """Content-Length says too much, or too little; an answer without one passes."""

    __slots__ = ("_off",)

    def __init__(self, method: bytes, off: int) -> None:
        super().__init__(method)
        self._off = off

    def _spoilt(self, head: ResponseHead) -> bytes:
        if head.length in (CHUNKED, UNTIL_CLOSE):
            return _text(head, b"")
        length = b"Content-Length: %d\r\n" % max(0, head.length + self._off)
        return _text(head, length, _OF_LENGTH)


class GarbageChunk(Misframed):
    """The head is good, and what should be the size of a chunk is none; then the end."""

    __slots__ = ()

    def _spoilt(self, head: ResponseHead) -> bytes:
        self.end = ENDED
        return _text(head, b"Transfer-Encoding: chunked\r\n", _FRAMING) + NO_CHUNK

    def _more(self, data: bytes) -> bytes:
        return b""


class LateTrailers(Misframed):
    """The body is chunked, and its end with the trailers comes late."""

    __slots__ = ("_wait",)

    def __init__(self, method: bytes, wait: float) -> None:
        super().__init__(method)
        self._wait = wait

    def _spoilt(self, head: ResponseHead) -> bytes:
        return _text(head, b"Transfer-Encoding: chunked\r\nTrailer: X-Injected\r\n", _FRAMING)

    def _more(self, data: bytes) -> bytes:
        assert self._body is not None  # noqa: S101 - it is read once there is a head
        if self._body.done:
            return b""
        payload, _surplus = self._body.read(data)
        out = b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""
        if self._body.done:
            self.later = TRAILERS, self._wait
        return out

    def ended(self) -> None:
        """The server closed: the end of a body that has no other."""
        if self._body is not None and not self._body.done and self._body.end():
            self.later = TRAILERS, self._wait


def _text(head: ResponseHead, more: bytes, less: frozenset[bytes] = frozenset()) -> bytes:
    """A head with other fields, in the version that knows chunks."""
    line = b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)
    lines = without(head.lines.text, sorted(span for name in less for span in head.lines.spans(name)))
    return line + lines + more + b"\r\n"
