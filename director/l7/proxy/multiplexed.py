"""One client connection that speaks HTTP/2, without a socket: many exchanges at a time.

A `Door` to the shell and a `Client` to its exchanges, as `conversation` is for HTTP/1.  Each stream is one
exchange with a deadline and a server connection of its own; dispatch, fault path, retries, queue and
accounting are the same for both, and know nothing of frames.  What is different:

* Nothing of a stream waits in a framer: its body comes in events, and a paused exchange is one whose octets
are not
  given back to its window (`frames`).
* A response is whole for us when the server has given it; for the client it may still wait for windows.
The exchange
  is over then, its server free for others, and the rest is `frames`' business.
* What is wrong with one request ends one stream (RFC 9113 5.4.2).  What is wrong with the connection ends
it with
  GOAWAY (5.4.1): h2 finds that, and `count` finds floods.
* The end of a service or a process is a GOAWAY that lets open streams go on (6.8); new ones are refused and
may be
  tried elsewhere (8.7).
"""

from __future__ import annotations

import math
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from h2 import events as h2events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from director.errors import MessageError
from director.l7.http2.frames import FloodError, Frames
from director.l7.http2.head import StreamHead, read_head, trailer_lines
from director.l7.http2.relay import StreamRelay
from director.l7.proxy import accounting, dispatch, local_reply, request_body, request_head, response
from director.l7.proxy.commands import (
    CONNECTION,
    ClientBytes,
    Do,
    DropServer,
    Expired,
    Happened,
    HoldServer,
    LeaveQueue,
    ProxyCommand,
    ProxyEvent,
    ReleaseServer,
    ServerBlocked,
    ServerBytes,
    ServerDrained,
    ToClient,
)
from director.l7.proxy.conversation import TELL
from director.l7.proxy.exchange import LIFE, OVER, TUNNEL, Exchange

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.proxy.client import UpstreamFields
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle

WANTED_OCTETS = 65536
"""Octets that are welcome at once from the client's socket."""
_EMPTY = b""


class Multiplexed:
    """The state of one client connection.

    Attributes:
        exchanges: those under way, by stream.
        paused: always False: single streams are.
        ended: the client sends nothing more.
        closing: the last octet for the client was given out.
    """

    __slots__ = (
        "_blocked", "_draining", "_frames", "_goaway_sent", "_held_back", "_until", "closing", "ended",
        "exchanges", "handle", "out", "peer", "requests", "upstream_fields",
    )  # fmt: skip

    multiplexes = True
    paused = False
    repeats = False

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
        self._frames = Frames(service.limits.header)
        self._until = now + service.timeouts.client
        self._draining = False
        self._goaway_sent = False
        # Octets of a paused stream that its window does not get back yet.
        self._held_back: dict[int, int] = {}
        self._blocked: set[int] = set()

    # -- the door --

    def greet(self) -> list[ProxyCommand]:
        """Our preface; it goes first."""
        return [ToClient(self._frames.begin())]

    @property
    def deadline(self) -> float:
        """When something is due, for any exchange or for the idle connection."""
        return min((one.deadline for one in self.exchanges.values()), default=self._until)

    @property
    def client_ended(self) -> bool:
        """There is nothing more to read."""
        return self.ended

    def due(self, now: float) -> tuple[int, ...]:
        """Whose deadline has passed."""
        if not self.exchanges:
            return (CONNECTION,) if self._until <= now else ()
        return tuple(stream for stream, one in self.exchanges.items() if one.deadline <= now)

    def move(self, handle: ServiceHandle) -> None:
        """The next request is another service's."""
        self.handle = handle
        self.peer = self.peer.called_by(trusted=handle.current.trusts(self.peer.client))

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: whatever is due is due so much later."""
        self._until += seconds
        for exchange in self.exchanges.values():
            dispatch.postpone(exchange, seconds)

    def wanted(self) -> int:
        """Octets that are welcome at once."""
        return WANTED_OCTETS

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        """Take one event; returns the commands that follow from it, in order."""
        kind = event.__class__
        if kind is ClientBytes:
            return self.client_bytes(event.data, now)  # type: ignore[union-attr]
        if kind is ServerBytes:
            return self.server_bytes(event.stream, event.data, now)  # type: ignore[union-attr]
        self.out = []
        what: Any = event if kind is Happened else kind
        act = self._ON.get(what)
        if act is not None:
            act(self, event, now)
        else:
            self._tell(event.stream, what, event, now)  # type: ignore[union-attr]
        return self._settled(now)

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        """Take `ClientBytes(data)`."""
        self.out = []
        if self.closing:
            return self.out
        try:
            for event in self._frames.receive(data):
                handle = self._FRAMES.get(event.__class__)
                if handle is not None and not self.closing:
                    handle(self, event, now)
        except ProtocolError:
            # h2 has written the GOAWAY that says what is wrong (RFC 9113 5.4.1).
            self._write(self._frames.rest())
            self._end_all(now)
        except FloodError as error:
            self._write(self._frames.goaway(ErrorCodes.ENHANCE_YOUR_CALM, str(error)))
            self._end_all(now)
        return self._settled(now)

    def server_bytes(self, stream: int, data: bytes, now: float) -> list[ProxyCommand]:
        """Take `ServerBytes(stream, data)`."""
        self.out = []
        exchange = self.exchanges.get(stream)
        if exchange is not None:
            response.server_bytes(exchange, data, now)
            self._look(exchange, now)
        return self._settled(now)

    def server_reused(self, stream: int, now: float) -> list[ProxyCommand]:
        """Take `ServerReady(stream, True)`."""
        self.out = []
        exchange = self.exchanges.get(stream)
        if exchange is not None:
            request_body.server_ready(exchange, now, reused=True)
            self._look(exchange, now)
        return self._settled(now)

    def fail(self) -> list[ProxyCommand]:
        """A defect of ours: give back what is held, forget the rest, and end everything."""
        commands: list[ProxyCommand] = []
        for stream, exchange in self.exchanges.items():
            exchange.abandon()
            commands += [LeaveQueue(stream), DropServer(stream)]
        self.exchanges.clear()
        self.closing = True
        self._until = math.inf
        return [*commands, Do.ABORT_CLIENT]

    # -- what an exchange may ask --

    def relay(self, request: RequestHead) -> StreamRelay:
        """What makes frames of a response."""
        assert isinstance(request, StreamHead)  # noqa: S101 - no other heads are made here
        return StreamRelay(request, self._frames)

    def can_stay(self) -> bool:
        """Streams do not end connections."""
        return True

    def taken(self) -> bytes:
        """Nothing waits: bodies come in events."""
        return _EMPTY

    def give_back(self, data: bytes) -> None:
        """A stream has no surplus."""

    def pause(self, stream: int) -> None:
        """Give its octets back to the window later."""
        self._held_back.setdefault(stream, 0)

    def resume(self, stream: int) -> None:
        """Give back what was held."""
        if stream not in self._blocked:
            self._write(self._frames.taken(stream, self._held_back.pop(stream, 0)))

    def end(self, stream: int) -> None:
        """Our half of a tunnel is over."""
        self._write(self._frames.data(stream, _EMPTY, end=True))

    def cut(self, stream: int, *, visible: bool) -> None:
        """Break the stream off: whatever its framing shows, a reset shows it."""
        self._write(self._frames.reset(stream, ErrorCodes.INTERNAL_ERROR))

    # -- the connection --

    def _write(self, octets: bytes) -> None:
        if octets:
            self.out.append(ToClient(octets))

    def _settled(self, now: float) -> list[ProxyCommand]:
        """What follows from an event: all octets for the client at once, then the rest in order.

        One write is one record and one packet; several small ones are as many system calls.
        """
        self._settle(now)
        out = self.out
        writes = [one.data for one in out if one.__class__ is ToClient]  # type: ignore[union-attr]
        if len(writes) > 1:
            rest = [one for one in out if one.__class__ is not ToClient]
            out[:] = [ToClient(b"".join(writes)), *rest]
        return out

    def _settle(self, now: float) -> None:
        """Write what h2 has to say, tell servers who is held, and end a connection that has nothing left."""
        self._write(self._frames.rest())
        for stream, held in self._frames.changes().items():
            if stream in self.exchanges:
                self.out.append(HoldServer(stream) if held else ReleaseServer(stream))
        if not self.closing and not self.exchanges and self._frames.idle and (self._draining or self.ended):
            self._close()

    def _close(self, how: Do = Do.CLOSE_CLIENT) -> None:
        self.closing = True
        self._until = math.inf
        self.out.append(how)

    def _end_all(self, now: float) -> None:
        """The connection is over: its streams are, too."""
        for exchange in list(self.exchanges.values()):
            dispatch.client_gone(exchange)
            self._look(exchange, now)
        self._close(Do.LINGER_CLIENT)

    def _tell(self, stream: int, what: Any, event: Any, now: float) -> None:
        """An exchange hears of what its phase knows."""
        exchange = self.exchanges.get(stream)
        if exchange is None or what not in TELL:
            return
        moment, tell = TELL[what]
        if moment in LIFE[exchange.phase]:
            tell(exchange, event, now)
            self._look(exchange, now)

    def _look(self, exchange: Exchange, now: float) -> None:
        """An exchange that is over goes into the books."""
        if exchange.phase is not OVER:
            return
        stream = exchange.stream
        accounting.enter(exchange, now)
        del self.exchanges[stream]
        self._blocked.discard(stream)
        self._write(self._frames.taken(stream, self._held_back.pop(stream, 0)))
        if not exchange.body.done:
            # The rest of the body is not wanted (RFC 9113 8.1); behind a whole response that is no error.
            whole = getattr(exchange.relay, "whole", exchange.own) and not self._frames.waits(stream)
            self._write(self._frames.reset(stream, ErrorCodes.NO_ERROR if whole else ErrorCodes.CANCEL))
        if not self.exchanges:
            self._until = now + self.handle.current.timeouts.keepalive

    # -- frames --

    def _requested(self, event: Any, now: float) -> None:
        stream = event.stream_id
        self._frames.count(now, requests=1)
        self._frames.highest = max(self._frames.highest, stream)
        if self._draining:
            self._write(self._frames.reset(stream, ErrorCodes.REFUSED_STREAM))
            return
        service = self.handle.current
        self.requests += 1
        key = b64encode(secrets.token_bytes(16))
        try:
            ended = event.stream_ended is not None
            head = read_head(stream, event.headers, service.limits, ended=ended, key=key)
            routed = request_head.route_request(head, self.peer, service)
        except MessageError as error:
            self._refuse(stream, event.headers, error, now, ended=event.stream_ended is not None)
            return
        exchange = self.exchanges[stream] = Exchange(self, stream, service, head, routed, now)
        request_head.start(exchange, routed, now)
        self._look(exchange, now)

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
        text = self._frames.head(stream, head, end=only_head)
        if not only_head:
            text += self._frames.data(stream, body, end=True)
        self._write(text)
        if not ended:
            self._write(self._frames.reset(stream, ErrorCodes.NO_ERROR))
        accounting.refused(self, now, error.status, error.reason, (asked[0], asked[1]), len(text))

    def _body(self, event: Any, now: float) -> None:
        stream, data = event.stream_id, event.data
        if not data and event.stream_ended is None:
            self._frames.count(now, control=1)
        exchange = self.exchanges.get(stream)
        if exchange is None:
            self._write(self._frames.taken(stream, event.flow_controlled_length))
            return
        if data:
            request_body.client_bytes(exchange, data, now)
        if exchange.phase is OVER:
            self._write(self._frames.taken(stream, event.flow_controlled_length))
            self._look(exchange, now)
        elif stream in self._held_back or stream in self._blocked:
            self._held_back[stream] = self._held_back.get(stream, 0) + event.flow_controlled_length
        else:
            self._write(self._frames.taken(stream, event.flow_controlled_length))

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
        self._look(exchange, now)

    def _stream_reset(self, event: Any, now: float) -> None:
        self._frames.gone(event.stream_id)
        exchange = self.exchanges.get(event.stream_id)
        if exchange is None:
            self._frames.count(now, control=1)
            return
        self._frames.count(now, resets=1)
        dispatch.client_gone(exchange)
        self._look(exchange, now)

    def _grown(self, event: Any, now: float) -> None:
        self._write(self._frames.pump())

    def _controlled(self, event: Any, now: float) -> None:
        self._frames.count(now, control=1)
        if event.__class__ is h2events.RemoteSettingsChanged:
            self._write(self._frames.pump())

    def _said_goodbye(self, event: Any, now: float) -> None:
        """GOAWAY from the client: nothing new comes, what is open goes on."""
        self._draining = True
        self._frames.client_said_goodbye()

    _FRAMES: ClassVar[dict[Any, Callable[[Multiplexed, Any, float], None]]] = {
        h2events.RequestReceived: _requested,
        h2events.DataReceived: _body,
        h2events.TrailersReceived: _trailers,
        h2events.StreamEnded: _stream_ended,
        h2events.StreamReset: _stream_reset,
        h2events.WindowUpdated: _grown,
        h2events.RemoteSettingsChanged: _controlled,
        h2events.PingReceived: _controlled,
        h2events.PriorityUpdated: _controlled,
        h2events.ConnectionTerminated: _said_goodbye,
    }

    # -- other events --

    def _client_ended(self, event: Any, now: float) -> None:
        """FIN: half a connection is none in HTTP/2; what was asked for is still answered."""
        self.ended = True
        for exchange in list(self.exchanges.values()):
            if not exchange.body.done or exchange.phase is TUNNEL:
                dispatch.client_gone(exchange)
                self._look(exchange, now)

    def _client_gone(self, event: Any, now: float) -> None:
        self.closing = self.ended = True
        self._until = math.inf
        for exchange in list(self.exchanges.values()):
            dispatch.client_gone(exchange)
            self._look(exchange, now)

    def _drain(self, event: Any, now: float) -> None:
        self._draining = True
        if not self._goaway_sent:
            self._goaway_sent = True
            self._write(self._frames.goaway())

    def _expired(self, event: Any, now: float) -> None:
        if event.stream != CONNECTION:
            self._tell(event.stream, Expired, event, now)
        elif not self.exchanges:
            self._until = math.inf
            if self.closing:
                self.out.append(Do.CLOSE_CLIENT)
            else:
                self._write(self._frames.goaway())
                self._close()

    def _server_blocked(self, event: Any, now: float) -> None:
        """Its server does not take more: the stream's window stays shut; the others go on."""
        self._blocked.add(event.stream)

    def _server_drained(self, event: Any, now: float) -> None:
        self._blocked.discard(event.stream)
        self.resume(event.stream)

    def _nothing(self, event: Any, now: float) -> None:
        """Of no concern here."""

    _ON: ClassVar[dict[Any, Callable[[Multiplexed, Any, float], None]]] = {
        Happened.CLIENT_OPENED: _nothing,
        Happened.CLIENT_TAKES: _nothing,
        Happened.CLIENT_ENDED: _client_ended,
        Happened.CLIENT_GONE: _client_gone,
        Happened.DRAIN: _drain,
        Expired: _expired,
        ServerBlocked: _server_blocked,
        ServerDrained: _server_drained,
    }
