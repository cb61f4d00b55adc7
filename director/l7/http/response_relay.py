"""The server's answer on its way to the client: framing on one side, framing on the other.

A `ResponseRelay` reads heads and body of one answer and gives the octets for the client.  Close-delimited
and chunked bodies go to an HTTP/1.1 client as chunks, so that it can tell a whole answer from a cut
one; an HTTP/1.0 client gets them until the close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l7.http.body import NO_BODY, Body, chunk, last_chunk
from director.l7.http.fields import list_elements
from director.l7.http.responses import ResponseFramer, ResponseHead
from director.l7.http.writing import own_response, response_head

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead


class ResponseRelay(ResponseFramer):
    """One answer being relayed: the framer of its heads, and what becomes of its body.

    Attributes:
        final: the final head once it is here.
        interim: how many 1xx heads came before it.
        dirty: octets came behind the answer; the server's connection must not be used again.
        done: the whole answer was read.
        reusable: it was, and the server's connection can carry another request.
    """

    __slots__ = (
        "_body", "_chunked", "_request", "dirty", "done", "final", "interim", "reusable", "to_close",
    )  # fmt: skip

    def __init__(self, request: RequestHead) -> None:
        # The framer's own slots too: calling its `__init__` would cost as much as all of this.
        self.method = request.method
        self.buffer = b""
        self.searched = 0
        self._request = request
        self.final: ResponseHead | None = None
        self._body: Body = NO_BODY
        self.interim = 0
        self.dirty = False
        self._chunked = False
        self.done = False
        self.reusable = False
        self.to_close = False

    def own(self, status: int, body: bytes, fields: bytes, content_type: str, *, keep: bool) -> bytes:
        """A whole response of our own; `keep`: the client's connection stays open behind it."""
        if not keep:
            fields = b"Connection: close\r\n" + fields
        elif not self._request.minor:
            fields = b"Connection: keep-alive\r\n" + fields
        return own_response(status, body, fields, content_type, head_only=self.method == b"HEAD")

    @property
    def started(self) -> bool:
        """Some octet of the answer is here."""
        return self.final is not None or self.interim > 0 or bool(self.buffer)

    @property
    def shows_its_end(self) -> bool:
        """The client can tell a whole answer from a cut one by its framing."""
        return self.final is not None and (self._chunked or self.final.length >= 0)

    def begin(self, head: ResponseHead, keep: bool, added: bytes, no_store: bool) -> bytes:
        """Take the final head and the octets that came behind it; returns what the client gets first.

        `keep`: the client's connection shall stay open; `to_close` tells afterwards whether it can.
        Raises MessageError when the octets break the framing: nothing is written before that is known.
        """
        self.final = head
        length = head.length
        if head.status == 426 and head.upgrade:
            # The client must be told which protocol to change to (RFC 9110 15.5.22).
            added += b"Connection: upgrade\r\nUpgrade: " + head.upgrade + b"\r\n"
        octets, self.buffer = self.buffer, b""
        if keep and length >= 0 and self._request.parsed.minor:
            # Nothing to say about framing or connection.
            text = response_head(head, added, no_store)
            if len(octets) == length:
                self.done = True
                self.reusable = head.keep_alive
                return text + octets
        else:
            added += self._framing_lines(length, keep=keep)
            text = response_head(head, added, no_store)
        self._body = head.body()
        return text + self.body(octets)

    def _framing_lines(self, length: int, *, keep: bool) -> bytes:
        """The lines that tell the client how the answer ends, and what becomes of its connection."""
        minor = self._request.minor
        self._chunked = length < 0 and minor > 0
        self.to_close = not keep or (length < 0 and not self._chunked)
        lines = b"Transfer-Encoding: chunked\r\n" if self._chunked else b""
        if self.to_close:
            return lines + b"Connection: close\r\n"
        return lines if minor else lines + b"Connection: keep-alive\r\n"

    def body(self, data: bytes) -> bytes:
        """Body octets for the client.  Raises MessageError when the server's framing breaks."""
        body = self._body
        payload, surplus = body.read(data)
        if surplus:
            self.dirty = True
        if body.done:
            self.done = True
            self.reusable = not self.dirty and self.final is not None and self.final.keep_alive
        if not self._chunked:
            return payload
        framed = chunk(payload) if payload else b""
        return framed + last_chunk(body.trailers) if body.done else framed

    @property
    def unread(self) -> int:
        """Octets of the body that may go to the client as they are, without being read here."""
        return 0 if self._chunked else self._body.unread

    def passed(self, size: int) -> None:
        """So many of them did."""
        self._body.passed(size)

    def end(self) -> bytes | None:
        """The server has closed: octets that complete the answer, or None when it is cut short."""
        if self.final is None or not self._body.end():
            return None
        self.done = True
        return last_chunk(b"") if self._chunked else b""

    def is_upgrade(self, head: ResponseHead) -> bool:
        """A 101 to what was asked for (RFC 9110 7.8)."""
        if head.status != 101 or not head.upgrade:
            return False
        return list_elements(head.upgrade) <= list_elements(self._request.parsed.upgrade)

    def interim_head(self, head: ResponseHead) -> bytes:
        """A 1xx head for the client: nothing for HTTP/1.0, which does not know them."""
        self.interim += 1
        return response_head(head, b"") if self._request.minor else b""

    def switched(self, head: ResponseHead) -> bytes:
        """The 101 with which the protocol changes."""
        return response_head(head, b"Connection: upgrade\r\nUpgrade: " + head.upgrade + b"\r\n")

    def tunnelled(self, data: bytes) -> bytes:
        """Octets of the protocol that was changed to: as they are."""
        return data
