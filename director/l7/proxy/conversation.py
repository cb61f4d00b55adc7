"""One client connection, without a socket: events in, commands out (the door of layer 7).

A conversation reads requests one after the other and lets an `Exchange` serve each; it
answers what cannot become a request itself.  Requests that a client sends ahead wait in
the framer, bounded, and are answered strictly in order.

`deadline` is the monotonic second at which the shell must deliver `Expired`; the shell looks at
it a few times per second, so setting it costs nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from director.errors import MessageError
from director.l7.http.requests import RequestFramer, RequestHead, no_head, request_line
from director.l7.proxy import dispatch, local_reply, request_body, response
from director.l7.proxy.commands import (
    SERVER_REUSED,
    ClientBytes,
    Command,
    Do,
    Event,
    Expired,
    Happened,
    ServerBytes,
    ServerFailed,
    ToClient,
)
from director.l7.proxy.exchange import Exchange
from director.l7.proxy.phase import TUNNEL
from director.l7.proxy.request_head import route_request
from director.l7.routing.facts import ConnectionFacts, Peer
from director.registry import ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.proxy.request_head import RoutedRequest, UpstreamFields
    from director.l7.routing.service import ServiceHandle

READ_AHEAD_LIMIT = 65536
"""Octets of further requests taken from a client while one is being served; then it is paused."""
TUNNEL_OCTETS = 1 << 20
"""Octets of a tunnel that are welcome at once: all, since they are passed on unread."""
FIRST_REQUEST_SECONDS = 1.0
"""How long a new connection may wait with its first request when the service stops."""
OWED_LIMIT = 65536
"""Octets of own answers given out before the client must have taken some: no server holds those back."""
LINGER_SECONDS = 5.0
"""How long a refused client may go on sending before the connection is closed for good."""


class Conversation:
    """The state of one client connection.

    Attributes:
        exchange: the request being served, None between requests.
        deadline: when `Expired` is due; infinity for never.
        client_ended: the client sent FIN.
        owed: octets of own answers since the client was last known to take what it is given.
        routed: the last head that may come again, and what the rules say of it.
        upstream: what a server got last behind a request's target.
        paused: nothing is taken from the client for now.
        closing: the last octet for the client was given out; what still comes is dropped.
    """

    __slots__ = (
        "_awaiting", "_begun", "_draining", "client_ended", "closing", "deadline", "exchange",
        "framer", "handle", "routed", "out", "owed", "paused", "peer", "requests", "upstream_fields",
    )  # fmt: skip

    def __init__(self, handle: ServiceHandle, peer: Peer, now: float) -> None:
        self.handle = handle
        self.peer = peer
        self.framer = RequestFramer(handle.current.limits)
        self.exchange: Exchange | None = None
        self.out: list[Command] = []
        self.deadline = now + handle.current.timeouts.client
        self.client_ended = False
        self.closing = False
        self.requests = 0
        self.routed: RoutedRequest | None = None
        self.upstream_fields: UpstreamFields | None = None
        self.owed = 0
        self._awaiting = False
        self._begun = False
        self.paused = False
        self._draining = False

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event; returns the commands that follow from it, in order."""
        kind = event.__class__
        if kind is ClientBytes:
            return self.client_bytes(event.data, now)  # type: ignore[union-attr]
        if kind is ServerBytes:
            return self.server_bytes(event.data, now)  # type: ignore[union-attr]
        if event is SERVER_REUSED:
            return self.server_reused(now)
        out = self.out = []
        what: Any = event if kind is Happened else kind
        self._ON[what](self, event, now)
        if self.exchange is None and not self.closing and (self.framer.buffer or self.client_ended):
            self._read_on(now)
        return out

    # Three events come with every request, so there is a way in without an object that carries them.

    def client_bytes(self, data: bytes, now: float) -> list[Command]:
        """Take `ClientBytes(data)`."""
        out = self.out = []
        exchange = self.exchange
        if self.closing:
            return out
        if exchange is not None and (exchange.phase is TUNNEL or not exchange.body.done):
            request_body.client_bytes(exchange, data, now)
        else:
            framer = self.framer
            framer.feed(data)
            if (exchange is not None or self._awaiting) and len(framer.buffer) > READ_AHEAD_LIMIT:
                self.pause()
        if self.exchange is None:
            self._read_on(now)
        return out

    def server_bytes(self, data: bytes, now: float) -> list[Command]:
        """Take `ServerBytes(data)`."""
        out = self.out = []
        if self.exchange is not None:
            response.server_bytes(self.exchange, data, now)
            if self.exchange is None and not self.closing and (self.framer.buffer or self.client_ended):
                self._read_on(now)
        return out

    def server_reused(self, now: float) -> list[Command]:
        """Take `SERVER_REUSED`."""
        out = self.out = []
        if self.exchange is not None:
            self.exchange.server_ready(now, True)
            if self.exchange is None and not self.closing:
                self._read_on(now)
        return out

    def postpone(self, seconds: float) -> None:
        """The shell's clock went on while nobody looked at the sockets: that counts against no peer."""
        self.deadline += seconds
        exchange = self.exchange
        if exchange is not None and exchange.wait_until is not None:
            exchange.wait_until += seconds

    def move(self, handle: ServiceHandle, *, trusted: bool) -> None:
        """The client's address went to another service, which serves the next request."""
        old = self.peer
        self.handle = handle
        self.peer = Peer(old.client, old.client_port, old.virtual, old.virtual_port, trusted=trusted)

    # -- what an exchange may ask and say --

    def can_stay(self) -> bool:
        """The client's connection may stay open behind the answer."""
        return not self._draining and (not self.client_ended or bool(self.framer.buffer))

    def wanted(self) -> int:
        """Octets of a body or a tunnel that can be passed on at once; 0 where only requests may follow."""
        exchange = self.exchange
        if exchange is None:
            return 0
        return TUNNEL_OCTETS if exchange.phase is TUNNEL else exchange.body.remaining

    def pause(self) -> None:
        """Take no more from the client for now."""
        if not self.paused:
            self.paused = True
            self.out.append(Do.PAUSE_CLIENT)

    def resume(self) -> None:
        """Read from the client again, unless enough further requests wait already."""
        if self.paused and len(self.framer.buffer) <= READ_AHEAD_LIMIT:
            self._read_more()

    def _read_more(self) -> None:
        if self.paused:
            self.paused = False
            self.out.append(Do.RESUME_CLIENT)

    def close(self) -> None:
        """Close when all is written."""
        self.closing = True
        self.deadline = math.inf
        self.out.append(Do.CLOSE_CLIENT)

    def abort(self) -> None:
        """Reset: what the client got must not look whole."""
        self.closing = True
        self.deadline = math.inf
        self.out.append(Do.ABORT_CLIENT)

    def finished(self, now: float, keep: bool) -> None:
        """The exchange is over; keep the connection for another request, or end it."""
        self.exchange = None
        if self.closing:
            return
        if keep and self.can_stay():
            self.deadline = now + self.handle.current.timeouts.keepalive
            self._begun = False
            if self.paused:
                self.resume()
        elif self.client_ended:
            self.close()
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
        if self.client_ended and self.exchange is None and not self.closing:
            self.close()

    def _await_client(self) -> None:
        """Answers of our own come as fast as requests: begin no more until the client has taken some."""
        if not self._awaiting:
            self._awaiting = True
            self.out.append(Do.AWAIT_CLIENT)

    def _client_takes(self, event: Event, now: float) -> None:
        self._awaiting = False
        self.owed = 0

    def _wait_for_head(self, now: float) -> None:
        """A head has begun: it must be whole in time, however slowly it drips."""
        self._read_more()
        if not self._begun:
            self._begun = True
            self.deadline = now + self.handle.current.timeouts.client

    def _begin(self, head: RequestHead, now: float) -> None:
        service = self.handle.current
        if self.framer.limits is not service.limits:
            self.framer.bind(service.limits)
        routed = self.routed
        if routed is None or routed.head is not head or routed.service is not service:
            routed = route_request(head, self.peer, service)
            # Who repeats itself is routed once; a head that nobody remembers is not kept for it.
            self.routed = routed if head.remembered else None
        self.requests += 1
        exchange = self.exchange = Exchange(self, service, head, routed, now)
        exchange.start(routed, now)

    def _refuse(self, error: MessageError, now: float, asked: bytes) -> None:
        """Answer what could not become a request, and read no further; `asked` is what came of it."""
        service = self.handle.current
        method, target = request_line(asked)
        fields = b"Connection: close\r\n" + self.handle.date()
        text = local_reply.refusal(error.status, error.reason, fields, head_only=method == "HEAD")
        self.out.append(ToClient(text))
        ledger.refused(service.live, error.status // 100)
        self.handle.record((
            self.handle.new_id(), now, service.config.name, self.peer.client, method, target, "", "", "",
            False, None, "", (), "", error.status, f"refused: {error.reason}", len(text), 0, None, None, 0.0,
        ))  # fmt: skip
        self.framer.take()
        self._linger(now)

    def _linger(self, now: float) -> None:
        """End our side, but read on a little: closing on unread octets would reset the answer away."""
        self.closing = True
        self.framer.take()
        self.out.append(Do.LINGER_CLIENT)
        self.deadline = now + LINGER_SECONDS
        self._read_more()

    # -- other events --

    def _opened(self, event: Event, now: float) -> None:
        """`protocol = tcp`: the connection itself is the request."""
        service = self.handle.current
        self.exchange = Exchange(self, service, no_head(), ConnectionFacts(self.peer), now)  # type: ignore[arg-type]
        self.exchange.start_tunnel(now)

    def _client_ended(self, event: Event, now: float) -> None:
        self.client_ended = True
        exchange = self.exchange
        if self.closing:
            self.close()
        elif exchange is None:
            if not self._awaiting:
                self.framer.take()
                self.close()
        elif exchange.phase is TUNNEL:
            response.half_closed(exchange, now, by_server=False)
        elif not exchange.body.done:
            exchange.client_gone(now)

    def _client_gone(self, event: Event, now: float) -> None:
        self.closing = True
        self.client_ended = True
        if self.exchange is not None:
            self.exchange.client_gone(now)
        self.deadline = math.inf

    def _server_ready(self, event: Event, now: float) -> None:
        if self.exchange is not None:
            self.exchange.server_ready(now, False)

    def _server_ended(self, event: Event, now: float) -> None:
        if self.exchange is not None:
            response.server_ended(self.exchange, now)

    def _server_failed(self, event: ServerFailed, now: float) -> None:
        if self.exchange is not None:
            dispatch.server_failed(self.exchange, event.reason, now)

    def _room(self, event: Event, now: float) -> None:
        if self.exchange is not None:
            self.exchange.slot_free(now)

    def _drain(self, event: Event, now: float) -> None:
        """The service stops: an idle client is let go, a busy one after its answer.

        A new connection is not idle: its first request may be on the way.
        """
        self._draining = True
        if self.exchange is not None or self.closing or self.framer.buffer:
            return
        if self.requests:
            self.close()
        else:
            self.deadline = min(self.deadline, now + FIRST_REQUEST_SECONDS)

    def _expired(self, event: Expired, now: float) -> None:
        self.deadline = math.inf
        if self.exchange is not None:
            dispatch.expired(self.exchange, event, now)
        elif self.closing:
            self.out.append(Do.CLOSE_CLIENT)
        elif self._begun or (self.framer.buffer and not self.requests):
            error = MessageError(408, "the request's head did not come in time")
            self._refuse(error, now, self.framer.buffer)
        else:
            self.close()

    _ON: ClassVar[dict[Any, Callable[[Conversation, Any, float], None]]] = {
        Happened.CLIENT_OPENED: _opened,
        Happened.CLIENT_ENDED: _client_ended,
        Happened.CLIENT_GONE: _client_gone,
        Happened.CLIENT_TAKES: _client_takes,
        Happened.SERVER_READY: _server_ready,
        Happened.SERVER_ENDED: _server_ended,
        Happened.SLOT_FREE: _room,
        Happened.DRAIN: _drain,
        ServerFailed: _server_failed,
        Expired: _expired,
    }
