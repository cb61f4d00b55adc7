"""One client connection that speaks HTTP/1, without a socket.

A conversation is a `Door` to the shell and a `Client` to its exchanges.  It reads requests one after the
other and lets an `Exchange` serve each; it answers what cannot become a request itself.  Requests that a
client sends ahead wait in the framer, bounded, and are answered strictly in order.  When an exchange is over,
it goes into the books, and the conversation goes on: the next request, or the end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from director.errors import MessageError
from director.l7.http.requests import RequestFramer, RequestHead, no_head, request_line
from director.l7.http.response_relay import ResponseRelay
from director.l7.http.writing import own_response
from director.l7.proxy import (
    accounting,
    dispatch,
    local_reply,
    request_body,
    request_head,
    response,
)
from director.l7.proxy.commands import (
    CONNECTION,
    ONLY_STREAM,
    ClientBytes,
    ClientPassed,
    Do,
    DropServer,
    Expired,
    Happened,
    LeaveQueue,
    ProxyCommand,
    ProxyEvent,
    ServerBytes,
    ServerEnded,
    ServerFailed,
    ServerPassed,
    ServerReady,
    SlotFree,
    ToClient,
)
from director.l7.proxy.exchange import LIFE, OVER, TUNNEL, Exchange, ExchangeEvent
from director.l7.routing.facts import ConnectionFacts, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.proxy.client import UpstreamFields
    from director.l7.proxy.request_head import RoutedRequest
    from director.l7.routing.service import ServiceHandle

READ_AHEAD_LIMIT = 65536
"""Octets of further requests taken from a client while one is being served; then it is paused."""
FIRST_REQUEST_SECONDS = 1.0
"""How long a new connection may wait with its first request when the service stops."""
OWED_LIMIT = 65536
"""Octets of own responses given out before the client must have taken some: no server holds those back."""
LINGER_SECONDS = 5.0
"""How long a refused client may go on sending before the connection is closed for good."""


class Conversation:
    """The state of one client connection.

    Attributes:
        exchange: the request being served, None between requests.
        ended: the client sent FIN.
        owed: octets of own responses since the client was last known to take what it is given.
        routed: the last head that may come again, and what the rules say of it.
        upstream_fields: what a server got last behind a request's target.
        paused: nothing is taken from the client for now.
        closing: the last octet for the client was given out; what still comes is dropped.
    """

    __slots__ = (
        "_awaiting", "_begun", "_draining", "_until", "closing", "ended", "exchange", "framer", "handle",
        "leaving", "out", "owed", "paused", "peer", "requests", "routed", "upstream_fields",
    )  # fmt: skip

    relay = ResponseRelay
    multiplexes = False

    def __init__(self, handle: ServiceHandle, peer: Peer, now: float) -> None:
        self.handle = handle
        self.peer = peer
        self.framer = RequestFramer(handle.current.limits)
        self.exchange: Exchange | None = None
        self.out: list[ProxyCommand] = []
        self.ended = self.leaving = False
        self.closing = False
        self.requests = 0
        self.routed: RoutedRequest | None = None
        self.upstream_fields: UpstreamFields | None = None
        self.owed = 0
        self.paused = False
        # The deadline between exchanges; each exchange has its own.
        self._until = now + handle.current.timeouts.client
        self._awaiting = False
        self._begun = False
        self._draining = False

    # -- the door --

    @property
    def deadline(self) -> float:
        """When something is due: for the exchange, or between exchanges for the connection."""
        return self._until if self.exchange is None else self.exchange.deadline

    @property
    def client_ended(self) -> bool:
        """There is nothing more to read."""
        return self.ended

    @property
    def repeats(self) -> bool:
        """The client's last head is remembered, because it came twice."""
        return self.framer.expects_the_last_again

    def due(self, now: float) -> tuple[int, ...]:
        """Whose deadline has passed."""
        if self.deadline > now:
            return ()
        return (CONNECTION,) if self.exchange is None else (ONLY_STREAM,)

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        """Take one event; returns the commands that follow from it, in order."""
        kind = event.__class__
        if kind is ClientBytes:
            return self.client_bytes(event.data, now)  # type: ignore[union-attr]
        if kind is ServerBytes:
            return self.server_bytes(event.data, now, event.stream)  # type: ignore[union-attr]
        out = self.out = []
        what: Any = event if kind is Happened else kind
        if what in self._ON:
            self._ON[what](self, event, now)
        exchange = self.exchange
        if exchange is not None and what in TELL:
            kind_of, tell = TELL[what]
            # What its phase does not know is late: a FIN behind the response, a slot in a queue it left.
            if kind_of in LIFE[exchange.phase]:
                tell(exchange, event, now)
                if exchange.phase is OVER:
                    self._over(exchange, now)
        if self.exchange is None and not self.closing and (self.framer.buffer or self.ended):
            self._read_on(now)
        return out

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        """Take `ClientBytes(data)`."""
        out = self.out = []
        if self.closing:
            return out
        exchange = self.exchange
        if exchange is not None and (exchange.phase is TUNNEL or not exchange.body.done):
            request_body.client_bytes(exchange, data, now)
            if exchange.phase is OVER:
                self._over(exchange, now)
        else:
            framer = self.framer
            framer.feed(data)
            if (exchange is not None or self._awaiting) and len(framer.buffer) > READ_AHEAD_LIMIT:
                self.pause(ONLY_STREAM)
        if self.exchange is None:
            self._read_on(now)
        return out

    def server_bytes(self, data: bytes, now: float, stream: int = ONLY_STREAM) -> list[ProxyCommand]:
        """Take `ServerBytes(stream, data)`."""
        out = self.out = []
        exchange = self.exchange
        if exchange is not None:
            response.server_bytes(exchange, data, now)
            if exchange.phase is OVER:
                self._over(exchange, now)
                if not self.closing and (self.framer.buffer or self.ended):
                    self._read_on(now)
        return out

    def server_reused(self, stream: int, now: float) -> list[ProxyCommand]:
        """Take `ServerReady(stream, True)`."""
        out = self.out = []
        if self.exchange is not None:
            request_body.server_ready(self.exchange, now, True)
        return out

    def postpone(self, seconds: float) -> None:
        """All deadlines are so much later."""
        self._until += seconds
        if self.exchange is not None:
            dispatch.postpone(self.exchange, seconds)

    def move(self, handle: ServiceHandle) -> None:
        """The next request is another service's."""
        self.handle = handle
        self.peer = self.peer.called_by(trusted=handle.current.trusts(self.peer.client))

    def wanted(self) -> int:
        """Octets of a body or a tunnel that can be passed on at once; 0 where only requests may follow."""
        exchange = self.exchange
        if exchange is None:
            return 0
        return request_body.TUNNEL_OCTETS if exchange.phase is TUNNEL else exchange.body.remaining

    def unread(self) -> tuple[int, int]:
        """Octets of a tunnel, or of bodies whose ends are not near: the client's, and the server's."""
        exchange = self.exchange
        if exchange is None or self.closing:
            return 0, 0
        return request_body.unread(exchange), response.unread(exchange)

    def fail(self) -> list[ProxyCommand]:
        """A defect of ours: give back what is held, forget the rest, and end everything."""
        exchange, self.exchange = self.exchange, None
        self.closing = True
        self._until = math.inf
        if exchange is not None:
            exchange.abandon()
        return [LeaveQueue(ONLY_STREAM), DropServer(ONLY_STREAM), Do.ABORT_CLIENT]

    # -- what an exchange may ask --

    def can_stay(self) -> bool:
        """The client's connection may stay open behind the response."""
        return not self._draining and (not self.ended or bool(self.framer.buffer))

    def taken(self) -> bytes:
        """What came of the client and was not read yet."""
        return self.framer.take()

    def give_back(self, data: bytes) -> None:
        """What belongs to the next request."""
        self.framer.feed(data)

    def pause(self, stream: int) -> None:
        """Take no more from the client for now."""
        if not self.paused:
            self.paused = True
            self.out.append(Do.PAUSE_CLIENT)

    def resume(self, stream: int) -> None:
        """Read from the client again, unless enough further requests wait already."""
        if self.paused and len(self.framer.buffer) <= READ_AHEAD_LIMIT:
            self._read_more()

    def end(self, stream: int) -> None:
        """Half of a tunnel is over."""
        self.out.append(Do.END_CLIENT)

    def cut(self, stream: int, *, visible: bool) -> None:
        """Close when all is written; or reset, where that would make the response look whole."""
        self._close(Do.CLOSE_CLIENT if visible else Do.ABORT_CLIENT)

    # -- the connection --

    def _read_more(self) -> None:
        if self.paused:
            self.paused = False
            self.out.append(Do.RESUME_CLIENT)

    def _close(self, how: Do = Do.CLOSE_CLIENT) -> None:
        self.closing = True
        self._until = math.inf
        self.out.append(how)

    def _linger(self, now: float) -> None:
        """End our side, but read on a little: closing on unread octets would reset the response away."""
        self.closing = True
        self.framer.take()
        self.out.append(Do.LINGER_CLIENT)
        self._until = now + LINGER_SECONDS
        self._read_more()

    def _over(self, exchange: Exchange, now: float) -> None:
        """The exchange is over: enter it into the books; keep the connection for another, or end it."""
        accounting.enter(exchange, now)
        if exchange.own:
            self.owed += exchange.sent
        self.exchange = None
        if self.closing:
            return
        if exchange.keep_alive and not self._draining and (not self.ended or self.framer.buffer):
            self._until = now + self.handle.current.timeouts.keepalive
            self._begun = False
            if self.paused:
                self.resume(ONLY_STREAM)
        elif self.ended:
            self._close()
        else:
            self._linger(now)

    # -- reading requests --

    def _read_on(self, now: float) -> None:
        """Serve requests that are here until one has to wait for something."""
        while self.exchange is None and not self.closing and self.framer.buffer:
            if self.owed > OWED_LIMIT:
                self._await_client()
                return
            asked = self.framer.buffer
            try:
                head = self.framer.head()
                if head is None:
                    self._wait_for_head(now)
                    break
                self._begin(head, now)
            except MessageError as error:
                self._refuse(error, now, asked)
        if self.ended and self.exchange is None and not self.closing:
            self._close()

    def _await_client(self) -> None:
        """Responses of our own come as fast as requests: begin no more until the client has taken some."""
        if not self._awaiting:
            self._awaiting = True
            self.out.append(Do.AWAIT_CLIENT)

    def _wait_for_head(self, now: float) -> None:
        """A head has begun: it must be whole in time, however slowly it drips."""
        self._read_more()
        if not self._begun:
            self._begun = True
            self._until = now + self.handle.current.timeouts.client

    def _begin(self, head: RequestHead, now: float) -> None:
        service = self.handle.current
        if self.framer.limits is not service.limits:
            self.framer.bind(service.limits)
        routed = self.routed
        if routed is None or routed.head is not head or routed.service is not service:
            routed = request_head.route_request(head, self.peer, service)
            # Who repeats itself is routed once; a head that nobody remembers is not kept for it.
            self.routed = routed if head.remembered else None
        self.requests += 1
        exchange = self.exchange = Exchange(self, ONLY_STREAM, service, head, routed, now)
        request_head.start(exchange, routed, now)
        if exchange.phase is OVER:
            self._over(exchange, now)

    def _refuse(self, error: MessageError, now: float, asked: bytes) -> None:
        """Answer what could not become a request, and read no further; `asked` is what came of it."""
        method, target = request_line(asked)
        fields = b"Connection: close\r\n" + self.handle.date()
        body = local_reply.refusal_text(error)
        text = own_response(error.status, body, fields, head_only=method == "HEAD")
        self.out.append(ToClient(text))
        accounting.refused(self, now, error.status, error.reason, (method, target), len(text))
        self._linger(now)

    # -- other events --

    def _opened(self, event: ProxyEvent, now: float) -> None:
        """`protocol = tcp`: the connection itself is the request."""
        self.pass_on(now)

    def pass_on(self, now: float) -> None:
        """From here on unread, what is here already included."""
        service = self.handle.current
        facts: Any = ConnectionFacts(self.peer)
        exchange = self.exchange = Exchange(self, ONLY_STREAM, service, no_head(), facts, now)
        request_head.start_tunnel(exchange, now)
        if exchange.phase is OVER:
            self._over(exchange, now)

    def _client_ended(self, event: ProxyEvent, now: float) -> None:
        self.ended = self.leaving = True
        if self.closing:
            self._close()
        elif self.exchange is None and not self._awaiting:
            self.framer.take()
            self._close()

    def _client_gone(self, event: ProxyEvent, now: float) -> None:
        self.closing = True
        self.ended = self.leaving = True
        self._until = math.inf

    def _client_takes(self, event: ProxyEvent, now: float) -> None:
        self._awaiting = False
        self.owed = 0

    def _drain(self, event: ProxyEvent, now: float) -> None:
        """The service stops: an idle client is let go, a busy one after its response.

        A new connection is not idle: its first request may be on the way.  Where others serve on (RETIRE)
        nobody is let go who has asked nothing yet: closing could meet their next request.
        """
        self._draining = self.leaving = True
        idle = self.exchange is None and not self.closing and not self.framer.buffer
        if event is Happened.DRAIN and idle and self.requests:
            self._close()
        elif event is Happened.DRAIN and idle:
            self._until = min(self._until, now + FIRST_REQUEST_SECONDS)

    def _expired(self, event: ProxyEvent, now: float) -> None:
        if self.exchange is not None:
            return
        self._until = math.inf
        if self.closing:
            self.out.append(Do.CLOSE_CLIENT)
        elif self._begun or (self.framer.buffer and not self.requests):
            error = MessageError(408, "the request's head did not come in time")
            self._refuse(error, now, self.framer.buffer)
        else:
            self._close()

    _ON: ClassVar[dict[Any, Callable[[Conversation, Any, float], None]]] = {
        Happened.CLIENT_OPENED: _opened,
        Happened.CLIENT_ENDED: _client_ended,
        Happened.CLIENT_GONE: _client_gone,
        Happened.CLIENT_TAKES: _client_takes,
        Happened.DRAIN: _drain,
        Happened.RETIRE: _drain,
        Expired: _expired,
    }


TELL: dict[Any, tuple[ExchangeEvent, Callable[[Exchange, Any, float], None]]] = {
    Happened.CLIENT_ENDED: (
        ExchangeEvent.CLIENT_ENDED,
        lambda exchange, _event, _now: dispatch.client_ended(exchange),
    ),
    Happened.CLIENT_GONE: (
        ExchangeEvent.CLIENT_GONE,
        lambda exchange, _event, _now: dispatch.client_gone(exchange),
    ),
    ClientPassed: (ExchangeEvent.CLIENT_BYTES, request_body.passed),
    ServerPassed: (ExchangeEvent.SERVER_BYTES, response.passed),
    ServerReady: (
        ExchangeEvent.SERVER_READY,
        lambda exchange, event, now: request_body.server_ready(exchange, now, event.reused),
    ),
    ServerEnded: (
        ExchangeEvent.SERVER_ENDED,
        lambda exchange, _event, now: response.server_ended(exchange, now),
    ),
    ServerFailed: (
        ExchangeEvent.SERVER_FAILED,
        lambda exchange, event, now: dispatch.server_failed(exchange, event.reason, now, event.loss),
    ),
    SlotFree: (
        ExchangeEvent.SLOT_FREE,
        lambda exchange, _event, now: request_head.decide_anew(exchange, now),
    ),
    Expired: (ExchangeEvent.EXPIRED, dispatch.expired),
}
"""What an exchange is told, if its phase knows it."""
