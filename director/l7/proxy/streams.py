"""The streams of one HTTP/2 connection as exchanges: what frames bring them, and what they may ask.

The part of `multiplexed` that knows a client's frames.  A stream's octets are given back to its window when
they were passed on; those of a paused exchange, or of one whose server does not take more, are held back
until then.
"""

from __future__ import annotations

import math
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from h2 import events as h2events
from h2.errors import ErrorCodes

from director.errors import MessageError
from director.l7.http2.connection import Malformed
from director.l7.http2.fields import trailer_lines
from director.l7.http2.frames import STREAMS, Frames
from director.l7.http2.head import StreamHead, read_head
from director.l7.http2.relay import StreamRelay
from director.l7.proxy import accounting, dispatch, local_reply, request_body, request_head
from director.l7.proxy.commands import (
    Do,
    ProxyCommand,
    ToClient,
)
from director.l7.proxy.exchange import OVER, TUNNEL, Exchange

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.proxy.client import UpstreamFields
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle

WANTED_OCTETS = 65536
"""Octets that are welcome at once from the client's socket."""
_EMPTY = b""


class Streams:
    """State of the streams of one connection; a `Client` to its exchanges.

    Attributes:
        exchanges: those under way, by stream.
        leaving: always False: streams do not end connections.
        ended: the client sends nothing more.
        closing: the last octet for the client was given out.
        draining: no new streams are served.
        untaken: octets that waited for the client's windows when it was last looked whether it takes them; 0
            while nobody has looked.
        blocked: streams whose server does not take more.
    """

    __slots__ = (
        "blocked", "draining", "frames", "goaway_sent", "_held_back", "until", "closing", "ended",
        "exchanges", "handle", "out", "peer", "requests", "untaken", "upstream_fields",
    )  # fmt: skip

    leaving = False

    def __init__(self, handle: ServiceHandle, peer: Peer, now: float) -> None:
        service = handle.current
        self.handle = handle
        self.peer = peer
        self.out: list[ProxyCommand] = []
        self.exchanges: dict[int, Exchange] = {}
        self.ended = False
        self.closing = False
        self.requests = 0
        self.upstream_fields: UpstreamFields | None = None
        self.frames = Frames(service.limits.header)
        self.until = now + service.timeouts.client
        self.untaken = 0
        self.draining = False
        self.goaway_sent = False
        # Octets of a paused stream that its window does not get back yet.
        self._held_back: dict[int, int] = {}
        self.blocked: set[int] = set()

    # -- what an exchange may ask --

    def relay(self, request: RequestHead) -> StreamRelay:
        """What makes frames of a response."""
        assert isinstance(request, StreamHead)  # noqa: S101 - no other heads are made here
        return StreamRelay(request, self.frames)

    def can_stay(self) -> bool:
        """Streams do not end connections."""
        return True

    def taken(self) -> bytes:
        """Nothing waits: bodies come in events."""
        return _EMPTY

    def give_back(self, data: bytes) -> None:
        """A stream has no surplus."""

    @property
    def paused(self) -> bool:
        """Octets of some stream are held back."""
        return bool(self._held_back)

    def pause(self, stream: int) -> None:
        """Give its octets back to the window later."""
        self._held_back.setdefault(stream, 0)

    def resume(self, stream: int) -> None:
        """Give back what was held."""
        if stream not in self.blocked:
            self.write(self.frames.taken(stream, self._held_back.pop(stream, 0)))

    def end(self, stream: int) -> None:
        """Our half of a tunnel is over."""
        self.write(self.frames.data(stream, _EMPTY, end=True))

    def cut(self, stream: int, *, visible: bool) -> None:
        """Break the stream off: whatever its framing shows, a reset shows it."""
        self.write(self.frames.reset(stream, ErrorCodes.INTERNAL_ERROR))

    # -- the connection --

    def write(self, octets: bytes) -> None:
        """Frames for the client."""
        if octets:
            self.out.append(ToClient(octets))

    def close(self, how: Do = Do.CLOSE_CLIENT) -> None:
        """Nothing more is given out."""
        self.closing = True
        self.until = math.inf
        self.out.append(how)

    def look(self, exchange: Exchange, now: float) -> None:
        """An exchange that is over goes into the books."""
        if exchange.phase is not OVER:
            return
        stream = exchange.stream
        accounting.enter(exchange, now)
        del self.exchanges[stream]
        self.blocked.discard(stream)
        self.write(self.frames.taken(stream, self._held_back.pop(stream, 0)))
        if not exchange.body.done:
            # The rest of the body is not wanted (RFC 9113 8.1); behind a whole response that is no error.
            whole = getattr(exchange.relay, "whole", exchange.own) and not self.frames.waits(stream)
            self.write(self.frames.reset(stream, ErrorCodes.NO_ERROR if whole else ErrorCodes.CANCEL))
        if not self.exchanges:
            self.until = now + self.handle.current.timeouts.keepalive
            self.untaken = 0

    # -- frames --

    def _requested(self, event: Any, now: float) -> None:
        stream = event.stream_id
        self.frames.count(now, requests=1)
        self.frames.highest = max(self.frames.highest, stream)
        crowded = len(self.exchanges) >= STREAMS
        if crowded:
            self.frames.count(now, resets=1)
        if crowded or self.draining:
            self.write(self.frames.reset(stream, ErrorCodes.REFUSED_STREAM))
            return
        service = self.handle.current
        self.requests += 1
        asks_for_socket = (b":protocol", b"websocket") in event.headers
        key = b64encode(secrets.token_bytes(16)) if asks_for_socket else _EMPTY
        try:
            ended = event.stream_ended is not None
            head = read_head(stream, event.headers, service.limits, ended=ended, key=key)
            routed = request_head.route_request(head, self.peer, service)
        except MessageError as error:
            self._refuse(stream, event.headers, error, now, ended=event.stream_ended is not None)
            return
        exchange = self.exchanges[stream] = Exchange(self, stream, service, head, routed, now)
        request_head.start(exchange, routed, now)
        self.look(exchange, now)

    def _refuse(self, stream: int, fields: Any, error: MessageError, now: float, *, ended: bool) -> None:
        """Answer what could not become a request."""
        known = dict(fields)
        asked = tuple(known.get(name, b"-").decode("latin-1") for name in (b":method", b":path"))
        body = local_reply.refusal_text(error)
        head = [
            (b":status", b"%d" % error.status),
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
        ]
        only_head = known.get(b":method") == b"HEAD"
        text = self.frames.head(stream, head, end=only_head)
        if not only_head:
            text += self.frames.data(stream, body, end=True)
        self.write(text)
        if not ended:
            self.write(self.frames.reset(stream, ErrorCodes.NO_ERROR))
        accounting.refused(self, now, error.status, error.reason, (asked[0], asked[1]), len(text))

    def _body(self, event: Any, now: float) -> None:
        stream, data = event.stream_id, event.data
        if not data and event.stream_ended is None:
            self.frames.count(now, control=1)
        exchange = self.exchanges.get(stream)
        if exchange is None:
            self.write(self.frames.taken(stream, event.flow_controlled_length))
            return
        if data:
            request_body.client_bytes(exchange, data, now)
        if exchange.phase is OVER:
            self.write(self.frames.taken(stream, event.flow_controlled_length))
            self.look(exchange, now)
        elif stream in self._held_back or stream in self.blocked:
            self._held_back[stream] = self._held_back.get(stream, 0) + event.flow_controlled_length
        else:
            self.write(self.frames.taken(stream, event.flow_controlled_length))

    def _trailers(self, event: Any, now: float) -> None:
        exchange = self.exchanges.get(event.stream_id)
        if exchange is not None:
            self._finish_body(exchange, event.headers, now)

    def _stream_ended(self, event: Any, now: float) -> None:
        exchange = self.exchanges.get(event.stream_id)
        if exchange is not None:
            self._finish_body(exchange, (), now)

    def _finish_body(self, exchange: Exchange, trailers: Any, now: float) -> None:
        """END_STREAM: the request is whole, or the client's half of a tunnel is over."""
        if exchange.phase is TUNNEL:
            dispatch.client_ended(exchange)
        elif not exchange.body.done:
            try:
                exchange.body.finish(trailer_lines(trailers))  # type: ignore[attr-defined]
            except MessageError as error:
                dispatch.refuse(exchange, error)
            else:
                request_body.client_bytes(exchange, _EMPTY, now)
        self.look(exchange, now)

    def _stream_reset(self, event: Any, now: float) -> None:
        self.frames.gone(event.stream_id)
        exchange = self.exchanges.get(event.stream_id)
        if exchange is None:
            self.frames.count(now, control=1)
            return
        self.frames.count(now, resets=1)
        dispatch.client_gone(exchange)
        self.look(exchange, now)

    def _malformed(self, event: Any, now: float) -> None:
        """A message that is none: its stream was reset, the others go on (RFC 9113 8.1.1)."""
        stream = event.stream_id
        self.frames.gone(stream)
        self.frames.highest = max(self.frames.highest, stream)
        self.write(self.frames.taken(stream, event.octets))
        exchange = self.exchanges.get(stream)
        if exchange is None:
            self.frames.count(now, requests=1, resets=1)
            self.requests += 1
            accounting.refused(self, now, 400, event.reason, ("-", "-"), 0)
            return
        self.frames.count(now, resets=1)
        dispatch.client_gone(exchange)
        self.look(exchange, now)

    def _grown(self, event: Any, now: float) -> None:
        self.frames.count(now, windows=1)
        self.write(self.frames.pump())

    def _controlled(self, event: Any, now: float) -> None:
        self.frames.count(now, control=1)
        if event.__class__ is h2events.RemoteSettingsChanged:
            self.write(self.frames.pump())

    def _said_goodbye(self, event: Any, now: float) -> None:
        """GOAWAY from the client: nothing new comes, what is open goes on."""
        self.draining = True

    FRAMES: ClassVar[dict[Any, Callable[[Streams, Any, float], None]]] = {
        h2events.RequestReceived: _requested,
        h2events.DataReceived: _body,
        h2events.TrailersReceived: _trailers,
        h2events.StreamEnded: _stream_ended,
        h2events.StreamReset: _stream_reset,
        Malformed: _malformed,
        h2events.WindowUpdated: _grown,
        h2events.RemoteSettingsChanged: _controlled,
        h2events.PingReceived: _controlled,
        h2events.PriorityUpdated: _controlled,
        h2events.PingAckReceived: _controlled,
        h2events.SettingsAcknowledged: _controlled,
        h2events.UnknownFrameReceived: _controlled,
        h2events.ConnectionTerminated: _said_goodbye,
    }
