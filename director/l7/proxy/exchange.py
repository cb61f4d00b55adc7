"""One request and its answer: decide, choose, connect, send, count.

An exchange goes through the phases of `phase`.  `judging` decides what the server gets and
`sending` sends the body; what the server answers is relayed by `relaying`, what goes wrong is
met by `recovery`, what the director answers itself is given by `answering`.  All of them work on
the exchange and end it through `finish`, which enters it into the books (`tally`), once.

What can be sent again: a request of which nothing was sent yet (connect failures), always;
an idempotent one (RFC 9110 9.2.2) while all that was sent is still in the spool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.errors import MessageError
from director.l7.http.body import NO_BODY, Body
from director.l7.http.response_relay import Reply
from director.l7.proxy import accounting, dispatch, request_body, request_head, response
from director.l7.proxy.commands import DROP_SERVER, KEEP_SERVER, Do, Open, ToClient, ToServer, Wait
from director.l7.proxy.phase import ANSWER, BODY, CONNECT, DEFAULT_TIMEOUTS, IDEMPOTENT, OVER, QUEUE, TUNNEL
from director.l7.routing import affinity
from director.l7.routing.forwarded import believed_id
from director.registry import ledger
from director.registry.registry import RealServer
from director.registry.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.l7.http.requests import RequestHead
    from director.l7.proxy.conversation import Conversation
    from director.l7.proxy.request_head import RoutedRequest
    from director.l7.routing.facts import RequestFacts
    from director.l7.routing.rules import CompiledRule
    from director.l7.routing.service import CompiledService, FaultTarget
    from director.model.pools import Address
    from director.registry.ledger import Lease
    from director.registry.registry import LivePool


class Exchange:
    """One request being served on behalf of a conversation.

    Attributes beyond the obvious:
        spool: the body octets sent or to be sent, None once they cannot be sent again.
        reason: of the lease that was last held, for the record.
        tries: (server, what came of it) of every try that failed.
        fault: the step of the fault path that serves it, "" outside of it.
        steps: the rest of the fault path.
        keep_alive: the client's connection may go on behind the answer.
        opened: when the current try began; `connected` and `first_byte` count from it.
    """

    __slots__ = (
        "attempts", "body", "called", "client_done", "compiled", "connected", "conversation", "facts",
        "fault", "first_byte", "head", "identity", "keep_alive", "lease", "opened", "phase", "pool",
        "reason", "received", "reply", "reused", "sent_head", "server_done", "server_name", "service",
        "spool", "spooled", "started", "status", "steps", "sticky", "target", "timeouts",
        "to_client", "tried", "tries", "wait_until",
    )  # fmt: skip

    compiled: CompiledRule | None
    pool: LivePool | None
    lease: Lease | None
    target: RealServer | Address | None
    reply: Reply | None
    spool: list[bytes] | None
    reason: tuple[Any, ...] | None
    connected: float | None
    first_byte: float | None
    wait_until: float | None
    steps: Iterator[FaultTarget] | None
    tries: tuple[tuple[str, str], ...]
    tried: tuple[RealServer, ...]

    def __init__(
        self,
        conversation: Conversation,
        service: CompiledService,
        head: RequestHead,
        facts: RequestFacts,
        now: float,
    ) -> None:
        self.conversation = conversation
        self.service = service
        self.head = head
        said = head.parsed
        self.keep_alive = said.keep_alive
        self.facts = facts
        self.started = now
        self.body: Body = NO_BODY if said.length == 0 else head.body()
        self.timeouts = DEFAULT_TIMEOUTS
        # By a local name, because a call through a slot is slow (CPython 3.11).
        new_id = conversation.handle.new_id
        self.identity = (conversation.peer.trusted and believed_id(head)) or new_id()
        # All slots are filled here: a default in the class would be read several times slower (CPython 3.11).
        self.phase = QUEUE
        self.compiled = self.pool = self.lease = self.target = self.reply = self.spool = None
        self.reason = self.connected = self.first_byte = self.wait_until = self.steps = None
        self.spooled = self.received = self.to_client = self.status = self.attempts = 0
        self.sticky = self.reused = self.called = self.client_done = self.server_done = False
        self.fault = self.server_name = ""
        self.sent_head = b""
        self.opened = 0.0
        self.tries = self.tried = ()

    # -- deciding --

    def start(self, routed: RoutedRequest, now: float) -> None:
        """Take the first step."""
        service = self.service
        compiled = self.compiled = routed.rule
        if compiled is not None:
            ledger.asked(compiled.counters)
            if not compiled.pool:
                request_head.answer_by_rule(self, compiled, now)
                return
        if self.head.parsed.hops and request_head.ends_here(self, now):
            return
        try:
            self.sent_head = request_head.server_head(self, routed)
        except MessageError as error:
            dispatch.refuse(self, error, now)
            return
        if service.per_connection:
            # Unread, so nothing behind this head may be taken for another request.
            self.keep_alive = self.keep_alive and self.body.done
            self.body = NO_BODY
        elif not self.body.done:
            self.spool = []
            request_body.client_bytes(self, self.conversation.framer.take(), now)
            if self.phase is OVER:
                return
        self.choose(compiled.pool if compiled is not None else service.config.pool, now)

    def start_tunnel(self, now: float) -> None:
        """Relay a connection without reading it (`protocol = tcp`); rules may look at who the client is."""
        compiled = self.compiled = self.service.decide(self.facts)
        if compiled is not None:
            ledger.asked(compiled.counters)
        self.choose(compiled.pool if compiled is not None else self.service.config.pool, now)

    # -- choosing and connecting --

    def choose(self, pool_name: str, now: float) -> None:
        """Select a server of the pool; else stand in line; else take the fault path."""
        service = self.service
        pool = service.registry.pools.get(pool_name)
        if pool is None:
            dispatch.fall_back(self, "no_server", now)
            return
        config = pool.config
        self.pool = pool
        self.timeouts = config.timeouts
        if pool.waiting and not self.called and _waiting_helps(pool):
            self._join_queue(pool, now)
            return
        preferred = affinity.preferred(pool, self.facts) if config.persist is not None else None
        lease = select(service.registry, pool, service.key, self.facts, now, preferred, self.tried)
        if lease is not None:
            self.sticky = lease.server is preferred
            self.connect(lease, lease.server, now)
        elif _waiting_helps(pool):
            self._join_queue(pool, now)
        else:
            dispatch.fall_back(self, "no_server", now)

    def _join_queue(self, pool: LivePool, now: float) -> None:
        """Wait for room, in all tries together no longer than the queue allows; no waiting in a full line."""
        if not ledger.take_place(pool):
            dispatch.fall_back(self, "no_server", now)
            return
        if self.wait_until is None:
            self.wait_until = now + pool.config.queue.timeout
        self.phase = QUEUE
        self.called = False
        self.conversation.deadline = self.wait_until
        self.conversation.out.append(Wait(pool))

    def slot_free(self, now: float) -> None:
        """Our turn in the line has come."""
        if self.phase is QUEUE and self.pool is not None:
            self.called = True
            self.choose(self.pool.name, now)

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
        conversation, head = self.conversation, self.head
        conversation.deadline = now + self.timeouts.connect
        fresh = fresh or self.service.per_connection
        careful = head.method not in IDEMPOTENT
        if not careful and head.parsed.length and request_body.too_long_to_keep(self):
            # An idle connection may turn out to be gone, and this request could not be sent a second time.
            fresh = True
        # Naming arguments costs as much as the object (CPython 3.11).
        conversation.out.append(Open(target, fresh, careful))

    def server_ready(self, now: float, reused: bool) -> None:
        """A connection is there: send what we have of the request."""
        self.reused = reused
        conversation = self.conversation
        if self.lease is not None and not self.lease.server.reachable:
            ledger.reached(self.lease.server)
        if not reused:
            self.connected = now - self.opened
        if self.service.per_connection:
            data = self.sent_head + conversation.framer.take()
            if data:
                conversation.out.append(ToServer(data))
            response.tunnel(self, now)
            return
        self.phase = ANSWER
        self.reply = Reply(self.head)
        conversation.out.append(ToServer(self.sent_head if self.spool is None else request_body.begin(self)))
        if conversation.paused:
            conversation.resume()
        request_body.wait_for_answer(self, now)

    # -- what the rooms around it share --

    def client_gone(self, now: float) -> None:
        """The client left before the end.  In a tunnel its reset is passed on, as a server's is."""
        phase = self.phase
        leave = Do.LEAVE_QUEUE if phase is QUEUE else Do.ABORT_SERVER if phase is TUNNEL else DROP_SERVER
        self.conversation.out.append(leave)
        self.finish("client_gone", now, server_gone=True)

    def write(self, data: bytes) -> None:
        """Octets for the client."""
        if data:
            self.to_client += len(data)
            self.conversation.out.append(ToClient(data))

    # -- ending --

    def finish(self, outcome: str, now: float, server_gone: bool = False) -> None:
        """The one end: server connection, books, and what becomes of the client."""
        reply, conversation, whole = self.reply, self.conversation, self.body.done
        if not server_gone:
            reuse = whole and self.phase is BODY and reply is not None and reply.reusable
            conversation.out.append(KEEP_SERVER if reuse else DROP_SERVER)
        keep = whole and self.keep_alive and self.phase is not TUNNEL
        if keep and reply is not None:
            keep = not reply.to_close
        self.phase = OVER
        accounting.enter(self, outcome, now)
        conversation.finished(now, keep)


def _waiting_helps(pool: LivePool) -> bool:
    """The pool has a line, and a live server that is merely full."""
    return pool.config.queue.length > 0 and pool.full
