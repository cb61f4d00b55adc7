"""A response on its way to a stream: the server's framing on one side, frames on the other.

The same verbs as `l7.http.response_relay.ResponseRelay`, whose reading of heads and bodies it inherits;
what differs is what the client gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l7.http.fields import list_elements
from director.l7.http.response_relay import ResponseRelay
from director.l7.http.writing import own_response, response_head
from director.l7.http2.fields import head_fields, lines_to_fields
from director.l7.http2.frames import Frames

if TYPE_CHECKING:
    from director.l7.http.responses import ResponseHead
    from director.l7.http2.head import StreamHead


class StreamRelay(ResponseRelay):
    """One response being relayed to one stream.

    Attributes:
        whole: the last octet for the client was given to its frames.
    """

    __slots__ = ("_frames", "_stream", "_websocket", "whole")

    def __init__(self, request: StreamHead, frames: Frames) -> None:
        super().__init__(request)
        self._frames = frames
        self._stream = request.stream
        self._websocket = request.websocket
        self.whole = False

    def own(self, status: int, body: bytes, fields: bytes, content_type: str, *, keep: bool) -> bytes:
        """A whole response of our own."""
        text = own_response(status, body, fields, content_type, head_only=self.method == b"HEAD")
        head, _, payload = text.partition(b"\r\n\r\n")
        self.whole = True
        pairs = head_fields(head)
        if payload:
            return self._frames.answer(self._stream, pairs, payload)
        return self._frames.head(self._stream, pairs, end=True)

    @property
    def shows_its_end(self) -> bool:
        """A stream that breaks off is reset, and so never taken for whole."""
        return True

    def begin(self, head: ResponseHead, keep: bool, added: bytes, no_store: bool) -> bytes:
        """The final head and the octets behind it; returns what the client gets first."""
        self.final = head
        octets, self.buffer = self.buffer, b""
        self._body = head.body()
        payload = self._read(octets)
        text = response_head(head, added, no_store)
        fields = head_fields(text)
        if not self.done or self._body.trailers:
            return self._frames.head(self._stream, fields) + self._send(payload)
        self.whole = True
        if payload:
            return self._frames.answer(self._stream, fields, payload)
        return self._frames.head(self._stream, fields, end=True)

    def body(self, data: bytes) -> bytes:
        """Body octets for the client.  Raises MessageError when the server's framing breaks."""
        return self._send(self._read(data))

    def _read(self, data: bytes) -> bytes:
        body = self._body
        payload, surplus = body.read(data)
        if surplus:
            self.dirty = True
        if body.done:
            self.done = True
            self.reusable = not self.dirty and self.final is not None and self.final.keep_alive
        return payload

    def _send(self, payload: bytes) -> bytes:
        if not payload and not self.done:
            return b""
        self.whole = self.done
        lines = self._body.trailers if self.done else b""
        trailers = lines_to_fields(lines.split(b"\r\n")) if lines else []
        return self._frames.data(self._stream, payload, end=self.done, trailers=trailers)

    def end(self) -> bytes | None:
        """The server has closed: what completes the response, or None when it is cut short."""
        if self.final is None or not self._body.end():
            return None
        self.done = self.whole = True
        return self._frames.data(self._stream, b"", end=True)

    def is_upgrade(self, head: ResponseHead) -> bool:
        """A 101 to a WebSocket that was asked for (RFC 8441)."""
        return self._websocket and head.status == 101 and b"websocket" in list_elements(head.upgrade)

    def interim_head(self, head: ResponseHead) -> bytes:
        """A 1xx head for the client."""
        self.interim += 1
        return self._frames.head(self._stream, head_fields(response_head(head, b"")))

    def switched(self, head: ResponseHead) -> bytes:
        """The WebSocket begins: a 200 (RFC 8441 5), without the fields of HTTP/1's handshake."""
        fields = head_fields(response_head(head, b""))
        kept = [(name, value) for name, value in fields[1:] if name != b"sec-websocket-accept"]
        return self._frames.head(self._stream, [(b":status", b"200"), *kept])

    def tunnelled(self, data: bytes) -> bytes:
        """Octets of the WebSocket, in frames."""
        return self._frames.data(self._stream, data, end=False) if data else b""
