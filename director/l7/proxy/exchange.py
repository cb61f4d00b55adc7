"""One request and its response: the table of its life, its record, and the verbs that change it.

Theory of operation
===================

An exchange begins when the head of a request is whole and ends exactly once.  What it waits for meanwhile is
its *phase*; what may come is an *event*; `LIFE` says which events mean something in which phase, and which
phases may follow.  An event that a phase does not know is late (a server's FIN behind its response, a slot in
a queue that was left) and is dropped by the conversation without a look at the exchange.

    ROUTED      rules have spoken.  A redirect or fixed text ends it here; else a server is chosen.
    QUEUE       every live server of the pool is at its `max` (IPVS's upper threshold).  Who waits is decided
                anew when a slot is free, and when waiting helps no more: a drain, a failed check, another
                configuration.  All waits of one request together are bounded by `queue =`.
    CONNECT     a lease is held, a connection was asked for.  Nothing was sent, so any request may go to the
                next server: RFC 9110 9.2.2 does not speak of requests that nobody got.
    RESPONSE    the request (as much as there is of it) was sent.  From here on it may have been worked on,
                so only what is idempotent and still whole in the spool may be sent a second time (RFC 9110
                9.2.2).  1xx heads pass and leave the phase as it is (RFC 9110 15.2).  The rest of a body may
                still be on its way: a server may answer early.
    BODY        the final head was relayed, so the status cannot be taken back: what fails now breaks off,
                and visibly, since a client must be able to tell (RFC 9112 8).  The request's body may still
                be coming.
    TUNNEL      a 101, `switch = connection` or `protocol = tcp`: octets pass unread, each direction ends by
                itself.
    OVER        the end: `finish` said how it ended and what becomes of the server's connection.  The
                conversation sees the phase, enters the exchange into the books and goes on.  Nothing calls
                back up, so nothing can be served twice by a call inside a call.

What is held, and who gives it back: the lease (one unit of a server's load) is taken by `connect`, given back
by `let_go` when a try fails and by `accounting` at the end.  The server's connection belongs to the shell,
under the exchange's `stream`; each `Open` is followed by exactly one `KeepServer` or `DropServer`, unless the
shell said itself that the connection failed.  It is kept only behind a whole request and a whole response
whose server lets it live (RFC 9112 9.3): one octet too much or too little would reach another client.  Nor is
it kept when a change of protocol was asked for: a server may have begun it.

Time: each exchange has one `deadline`, set with each phase.  QUEUE: `queue = … for`; CONNECT:
`timeout.connect`; RESPONSE: `timeout.client` while the client owes its body, else `timeout.response`; BODY:
`timeout.idle` between octets; TUNNEL: `timeout.tunnel`.  When it passes, the shell says who does not take
what it was given: a slow reader is nobody's failure.

Who owns what: each attribute is written by one file, named in the docstring of `Exchange`; those of this file
through verbs.  (Making one costs one call; that is why there are no objects inside it.)

This file never knows how its client speaks; it knows of its connection what `Client` offers.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from director.l7.http.body import NO_BODY, Body
from director.l7.http.fields import CHUNKED
from director.l7.proxy.commands import (
    ONLY_STREAM,
    DropServer,
    EndServer,
    KeepServer,
    LeaveQueue,
    Open,
    ToClient,
    ToServer,
    Wait,
)
from director.l7.proxy.injected import meets_fault
from director.l7.routing.forwarded import believed_id
from director.model.pools import PoolTimeouts
from director.registry import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.l7.http.requests import RequestHead
    from director.l7.http.response_relay import ResponseRelay
    from director.l7.proxy.client import Client
    from director.l7.routing.facts import RequestFacts
    from director.l7.routing.fault_path import Cause, FaultTarget
    from director.l7.routing.rules import CompiledRule
    from director.l7.routing.service import CompiledService
    from director.model.pools import Address
    from director.registry.ledger import Lease
    from director.registry.registry import LivePool, RealServer

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Methods that may be sent again (RFC 9110 9.2.2)."""
SPOOL_LIMIT = 65536
"""Octets of a request body kept for sending it again, and taken from a client before a server is ready."""
DEFAULT_TIMEOUTS = PoolTimeouts()
"""For targets that belong to no pool (a local server of the fault path)."""

_KEEP_ONLY = KeepServer(ONLY_STREAM)
"""One object for all of HTTP/1: it comes with every request."""


class Phase(enum.Enum):
    """What an exchange waits for, in the order of a request's life."""

    # Members are single objects; the hash of an Enum is a Python function, this one is not.
    __hash__ = object.__hash__

    ROUTED = "a decision: a rule's answer, or a server"
    QUEUE = "a server with room"
    CONNECT = "a connection to the server"
    RESPONSE = "the head of the final response"
    BODY = "the rest of the response's body"
    TUNNEL = "octets either way, unread"
    OVER = "nothing: it ended"


ROUTED, QUEUE, CONNECT, RESPONSE, BODY, TUNNEL, OVER = Phase
"""The members as names of the module: reading them from the class takes eight times as long (3.11)."""


class ExchangeEvent(enum.Enum):
    """What may happen to an exchange."""

    # As above.
    __hash__ = object.__hash__

    STARTED = "the request was routed"
    SLOT_FREE = "a slot, or the end of waiting"
    SERVER_READY = "the server's connection is open"
    SERVER_BYTES = "the server sent octets"
    SERVER_ENDED = "the server sent FIN"
    SERVER_FAILED = "the server's connection failed"
    CLIENT_BYTES = "the client sent octets"
    CLIENT_ENDED = "the client sent FIN"
    CLIENT_GONE = "the client is lost"
    EXPIRED = "the deadline passed"


_ELSEWHERE = (CONNECT, QUEUE, OVER)
"""After a failed try: another server, a place in its queue, or a page."""

LIFE: dict[Phase, dict[ExchangeEvent, tuple[Phase, ...]]] = {
    ROUTED: {
        ExchangeEvent.STARTED: (CONNECT, QUEUE, OVER),
    },
    QUEUE: {
        ExchangeEvent.SLOT_FREE: (CONNECT, QUEUE, OVER),
        ExchangeEvent.CLIENT_BYTES: (QUEUE, OVER),
        ExchangeEvent.CLIENT_ENDED: (QUEUE, OVER),
        ExchangeEvent.CLIENT_GONE: (OVER,),
        ExchangeEvent.EXPIRED: (CONNECT, OVER),
    },
    CONNECT: {
        ExchangeEvent.SERVER_READY: (RESPONSE, TUNNEL),
        ExchangeEvent.SERVER_FAILED: _ELSEWHERE,
        ExchangeEvent.CLIENT_BYTES: (CONNECT, OVER),
        ExchangeEvent.CLIENT_ENDED: (CONNECT, OVER),
        ExchangeEvent.CLIENT_GONE: (OVER,),
        ExchangeEvent.EXPIRED: _ELSEWHERE,
    },
    RESPONSE: {
        ExchangeEvent.SERVER_BYTES: (RESPONSE, BODY, TUNNEL, CONNECT, QUEUE, OVER),
        ExchangeEvent.SERVER_ENDED: _ELSEWHERE,
        ExchangeEvent.SERVER_FAILED: _ELSEWHERE,
        ExchangeEvent.CLIENT_BYTES: (RESPONSE, OVER),
        ExchangeEvent.CLIENT_ENDED: (RESPONSE, OVER),
        ExchangeEvent.CLIENT_GONE: (OVER,),
        ExchangeEvent.EXPIRED: (RESPONSE, *_ELSEWHERE),
    },
    BODY: {
        ExchangeEvent.SERVER_BYTES: (BODY, OVER),
        ExchangeEvent.SERVER_ENDED: (OVER,),
        ExchangeEvent.SERVER_FAILED: (OVER,),
        ExchangeEvent.CLIENT_BYTES: (BODY, OVER),
        ExchangeEvent.CLIENT_ENDED: (BODY, OVER),
        ExchangeEvent.CLIENT_GONE: (OVER,),
        ExchangeEvent.EXPIRED: (BODY, OVER),
    },
    TUNNEL: {
        ExchangeEvent.SERVER_BYTES: (TUNNEL,),
        ExchangeEvent.SERVER_ENDED: (TUNNEL, OVER),
        ExchangeEvent.SERVER_FAILED: (OVER,),
        ExchangeEvent.CLIENT_BYTES: (TUNNEL,),
        ExchangeEvent.CLIENT_ENDED: (TUNNEL, OVER),
        ExchangeEvent.CLIENT_GONE: (OVER,),
        ExchangeEvent.EXPIRED: (TUNNEL, OVER),
    },
    OVER: {},
}
"""Phase -> what may happen -> the phases that may follow.  The diagram in the docs is made from it, and every
order of events that the tests try keeps to it."""


class Exchange:
    """One request being served for a client.

    Attributes, by the file that writes them (what has no line says what it is):
        exchange (this file): client, stream, service, head, facts, identity, started, phase, deadline.
            keep_alive: the client's connection may go on behind the response.
            lease, target, server_name: of the try under way; reason: of the lease that was last held.
            opened: when the try began; `connected` and `first_byte` count from it.
            body: the reader of the request's body.
            reused: the server's connection was an idle one.
            relay: what reads the server's response and frames it for the client.
            status, sent: what the client got.  own: it came from us.
            continued: the server has said 100.
            half: who has ended its half of a tunnel, "client" or "server"; "" when nobody has.
            tries: (server, what came of it) of every try that failed.
            met: (server, fault) of every try that met an injected fault.
            outcome: how it ended.
        request_head: rule, sent_head.
        request_body: received (octets of the body), spooled.
            spool: the body octets sent or to be sent, None once they cannot be sent again.
        response: interims, interims_since (heads of the last moment, and when that began).
        dispatch: pool, timeouts, attempts, sticky.
            tried: the servers of `tries`.  called_by: the pool in whose queue its turn has come.
            wait_until: when waiting ends, over all waits.
            fault: the step of the fault path that serves it, "" outside of it; steps: the rest of the path.
            cause: why the path was taken.  worked_on: a server had it and may have acted on it.
    """

    __slots__ = (
        "attempts", "body", "called_by", "cause", "client", "connected", "continued", "deadline", "facts",
        "fault", "first_byte", "half", "head", "identity", "interims", "interims_since", "keep_alive",
        "lease", "met", "opened", "outcome", "own", "phase", "pool", "reason", "received", "relay",
        "reused", "rule", "sent", "sent_head", "server_name", "service", "spool", "spooled", "started",
        "status", "steps", "sticky", "stream", "target", "timeouts", "tried", "tries", "wait_until",
        "worked_on",
    )  # fmt: skip

    facts: RequestFacts
    rule: CompiledRule | None
    pool: LivePool | None
    called_by: LivePool | None
    lease: Lease | None
    target: RealServer | Address | None
    relay: ResponseRelay | None
    spool: list[bytes] | None
    reason: tuple[Any, ...] | None
    connected: float | None
    first_byte: float | None
    wait_until: float | None
    steps: Iterator[FaultTarget] | None
    cause: Cause | None
    tries: tuple[tuple[str, str], ...]
    met: tuple[tuple[str, str], ...]
    tried: tuple[RealServer, ...]

    def __init__(
        self,
        client: Client,
        stream: int,
        service: CompiledService,
        head: RequestHead,
        facts: RequestFacts,
        now: float,
    ) -> None:
        self.client = client
        self.stream = stream
        self.service = service
        self.head = head
        parsed = head.parsed
        self.keep_alive = parsed.keep_alive
        self.facts = facts
        self.started = now
        # By a local name, because a call through a slot is slow (CPython 3.11).
        new_id = client.handle.new_id
        self.identity = (client.peer.trusted and believed_id(head)) or new_id()
        # All slots are filled here: a default in the class would be read several times slower (CPython 3.11).
        self.body: Body = NO_BODY
        self.rule = self.pool = self.lease = self.target = self.relay = self.spool = self.called_by = None
        if parsed.length:
            if service.per_connection:
                # Unread, so nothing behind this head may be taken for another request.
                self.keep_alive = False
            else:
                self.body = head.body()
                self.spool = []
        self.timeouts = DEFAULT_TIMEOUTS
        self.phase = ROUTED
        self.deadline = now
        self.reason = self.connected = self.first_byte = self.wait_until = self.steps = self.cause = None
        self.interims = self.spooled = self.received = self.sent = self.status = self.attempts = 0
        self.sticky = self.reused = self.own = self.worked_on = self.continued = False
        self.fault = self.server_name = self.outcome = self.half = ""
        self.sent_head = b""
        self.opened = self.interims_since = 0.0
        self.tries = self.tried = self.met = ()

    def served_by(self, service: CompiledService, facts: RequestFacts) -> None:
        """Another configuration serves it from now on."""
        self.service, self.facts = service, facts

    # -- a server --

    def wait(self, pool: LivePool, until: float) -> None:
        """Stand in the pool's queue."""
        self.phase = QUEUE
        self.deadline = until
        self.client.out.append(Wait(self.stream, pool))

    def connect(
        self, lease: Lease | None, target: RealServer | Address, now: float, fresh: bool = False
    ) -> None:
        """Ask for a connection to `target`, on which `lease` is the claim (None for a local server)."""
        self.lease = lease
        self.target = target
        if lease is not None:
            server = lease.server
            self.reason = lease.reason
            self.server_name = server.name
            ledger.asked(server.requests)
        else:
            self.server_name = str(target)
        self.phase = CONNECT
        self.opened = now
        self.deadline = now + self.timeouts.connect
        if lease is not None and lease.server.injected is not None and meets_fault(self, lease.server):
            return
        head = self.head
        careful = head.method not in IDEMPOTENT
        if self.service.per_connection or (not careful and head.parsed.length and self._too_long_to_keep()):
            # An idle connection may turn out to be gone, and this request could not be sent a second time.
            fresh = True
        # Naming arguments costs as much as the object (CPython 3.11).
        self.client.out.append(Open(self.stream, target, fresh, careful))

    def _too_long_to_keep(self) -> bool:
        """The body will not, or may not, stay in the spool until a server answers.

        A server that speaks HTTP/2 says on its connections what it did not look at.
        """
        pool = self.pool
        if pool is not None and pool.config.protocol == "h2":
            return False
        length = self.head.length
        return length > SPOOL_LIMIT or (length == CHUNKED and not self.body.done)

    def missed(self, who: str, why: str) -> None:
        """Write down where it could not go."""
        self.tries += ((who, why),)

    def let_go(self, reason: str) -> None:
        """The try failed: give back the server's connection and the lease."""
        self.missed(self.server_name, reason)
        self.client.out.append(DropServer(self.stream))
        if self.lease is not None:
            self.lease.release()
            self.lease = None
        self.target = self.relay = self.first_byte = None
        self.continued = False

    def send_again(self, reason: str, now: float) -> None:
        """The same server, the same lease, but a new connection."""
        lease, target = self.lease, self.target
        self.missed(self.server_name, reason)
        self.client.out.append(DropServer(self.stream))
        self.relay = self.first_byte = None
        self.continued = False
        if target is not None:
            self.connect(lease, target, now, fresh=True)

    def leave_queue(self) -> None:
        """Wait no more."""
        self.client.out.append(LeaveQueue(self.stream))

    def send(self, text: bytes, now: float, reused: bool) -> None:
        """The server's connection is there: send what there is of the request, and wait for the response."""
        self.reused = reused
        if not reused:
            self.connected = now - self.opened
        lease, client = self.lease, self.client
        if lease is not None and not lease.server.reachable:
            ledger.reached(lease.server)
        if self.service.per_connection:
            if text:
                self.to_server(text)
            self.tunnel(now)
            return
        self.phase = RESPONSE
        self.relay = client.relay(self.head)
        client.out.append(ToServer(self.stream, text))
        if client.paused:
            client.resume(self.stream)
        if self.body.done:
            self.deadline = now + self.timeouts.response
        else:
            self.await_response(now)

    def await_response(self, now: float) -> None:
        """Until the request is whole, the client has to go on; from then on, the server must answer."""
        waits = self.body.done or self.expecting
        self.deadline = now + (self.timeouts.response if waits else self.service.timeouts.client)

    @property
    def expecting(self) -> bool:
        """The client waits with its body for the server's 100, or for its final head (RFC 9110 10.1.1)."""
        return self.head.parsed.expect and not (self.continued or self.received)

    def to_server(self, data: bytes) -> None:
        """More octets for the server."""
        self.client.out.append(ToServer(self.stream, data))

    # -- the response --

    def answered(self, status: int, text: bytes, now: float) -> None:
        """The final head is here; `text` is what the client gets of it, and of the body."""
        self.status = status
        if self.first_byte is None:
            self.first_byte = now - self.opened
        self.phase = BODY
        self.deadline = now + self.timeouts.idle
        if text:
            self.sent += len(text)
            self.client.out.append(ToClient(text))

    def interim(self, status: int, text: bytes, now: float) -> None:
        """An interim head is here: the server is at work; `text` is what the client gets of it."""
        if self.first_byte is None:
            self.first_byte = now - self.opened
        if status == 100:
            self.continued = True
        if self.body.done or self.expecting or status == 100:
            self.await_response(now)
        self.write(text)

    def overheard(self, status: int, now: float) -> None:
        """The first status of a connection that is relayed unread."""
        self.status = status
        self.first_byte = now - self.opened

    def write(self, text: bytes) -> None:
        """Octets for the client."""
        if text:
            self.sent += len(text)
            self.client.out.append(ToClient(text))

    def passed(self, size: int) -> None:
        """So many octets went to the client without coming by here."""
        self.sent += size

    def give(self, status: int, text: bytes) -> None:
        """A response of our own, whole."""
        self.status = status
        self.own = True
        self.write(text)

    def last(self) -> None:
        """Nothing follows on the client's connection."""
        self.keep_alive = False

    def until(self, deadline: float) -> None:
        """Wait until then for what comes next."""
        self.deadline = deadline

    # -- a tunnel --

    def tunnel(self, now: float, status: int = 0) -> None:
        """Pass octets both ways until both sides have ended."""
        self.phase = TUNNEL
        self.status = status
        self.deadline = now + self.timeouts.tunnel
        client = self.client
        client.resume(self.stream)
        if client.ended:
            self.half_closed(by_server=False)

    def half_closed(self, *, by_server: bool) -> None:
        """One side of a tunnel sent FIN: pass it on; when both have, the tunnel is over."""
        side = "server" if by_server else "client"
        if by_server:
            self.client.end(self.stream)
        else:
            self.client.out.append(EndServer(self.stream))
        if self.half and self.half != side:
            self.finish("ok")
        self.half = side

    # -- the end --

    def finish(self, outcome: str, *, server_gone: bool = False) -> None:
        """The one end: what becomes of the server's connection, and whether the client's may go on.

        `server_gone`: there is no connection to a server (any more).
        """
        relay, whole = self.relay, self.body.done
        if (
            relay is not None
            and relay.reusable
            and whole
            and self.phase is BODY
            and not (server_gone or self.head.parsed.once)
        ):
            self.client.out.append(_KEEP_ONLY if self.stream == ONLY_STREAM else KeepServer(self.stream))
            if relay.to_close:
                self.keep_alive = False
        else:
            if not server_gone:
                self.client.out.append(DropServer(self.stream))
            if not whole or self.phase is TUNNEL or (relay is not None and relay.to_close):
                self.keep_alive = False
        self.phase = OVER
        self.outcome = outcome

    def abandon(self) -> None:
        """A defect of ours: give back what is held."""
        if self.lease is not None and self.lease.held:
            self.lease.release()
