"""One request and its answer: decide, choose, connect, send, count.

An exchange goes through the phases of `phase`.  What the server answers is relayed by
`relaying`, what goes wrong is met by `recovery`; both work on the exchange and end it through
`finish`, which releases the lease, counts, and writes the record, once.

What can be sent again: a request of which nothing was sent yet (connect failures), always;
an idempotent one (RFC 9110 9.2.2) while all that was sent is still in the spool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.errors import MessageError
from director.l7 import affinity, answers, judging, recovery, relaying
from director.l7.body import NO_BODY, Body, chunk, last_chunk
from director.l7.commands import DROP_SERVER, KEEP_SERVER, Do, Open, ToClient, ToServer, Wait
from director.l7.fields import CHUNKED
from director.l7.phase import ANSWER, BODY, CONNECT, DEFAULT_TIMEOUTS, IDEMPOTENT, OVER, QUEUE, TUNNEL
from director.l7.reply import Reply
from director.l7.rules import decide
from director.registry import RealServer
from director.selection import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.l7.commands import Expired
    from director.l7.conversation import Conversation
    from director.l7.facts import RequestFacts
    from director.l7.http1 import RequestHead
    from director.l7.rules import CompiledRule
    from director.l7.site import FaultTarget, Site
    from director.model import Address
    from director.registry import LivePool
    from director.selection import Lease

SPOOL_LIMIT = 65536
"""Octets of a request body kept for sending it again, and taken from a client before a server is ready."""


class Exchange:
    """One request being served on behalf of a conversation.

    Attributes beyond the obvious:
        spool: the body octets sent or to be sent, None once they cannot be sent again.
        reason: of the lease that was last held, for the record.
        tries: (server, what came of it) of every try that failed.
        fault: the step of the fault path that serves it, "" outside of it.
        steps: the rest of the fault path.
        opened: when the current try began; `connected` and `first_byte` count from it.
    """

    __slots__ = (
        "attempts", "body", "called", "client_done", "compiled", "connected", "conversation", "facts",
        "fault", "first_byte", "head", "identity", "lease", "opened", "phase", "pool", "reason", "received",
        "reply", "reused", "sent_head", "server_done", "server_name", "site", "spool", "spooled", "started",
        "status", "steps", "sticky", "target", "timeouts", "to_client", "tried", "tries", "wait_until",
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
        self, conversation: Conversation, site: Site, head: RequestHead, facts: RequestFacts, now: float
    ) -> None:
        self.conversation = conversation
        self.site = site
        self.head = head
        self.facts = facts
        self.started = now
        self.body: Body = NO_BODY if head.length == 0 else head.body()
        self.timeouts = DEFAULT_TIMEOUTS
        self.identity = conversation.frontage.new_id()
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

    def start(self, now: float) -> None:
        """Judge the request and take the first step."""
        head, site = self.head, self.site
        compiled = self.compiled = decide(site.rules, self.facts)
        if compiled is not None:
            compiled.counters.requests += 1
            if not compiled.pool:
                judging.answer_by_rule(self, compiled, now)
                return
        if (b"max-forwards" in head.fields or b"via" in head.fields) and judging.ends_here(self, now):
            return
        try:
            self.sent_head = judging.server_head(self, compiled)
        except MessageError as error:
            self.refuse(error, now)
            return
        if site.per_connection:
            # Unread, so nothing behind this head may be taken for another request.
            head.keep_alive = head.keep_alive and self.body.done
            self.body = NO_BODY
        elif not self.body.done:
            self.spool = []
            self.client_bytes(self.conversation.framer.take(), now)
            if self.phase is OVER:
                return
        self.choose(compiled.pool if compiled is not None else site.config.pool, now)

    def start_tunnel(self, now: float) -> None:
        """Relay a connection without reading it (`protocol = tcp`)."""
        self.choose(self.site.config.pool, now)

    # -- choosing and connecting --

    def choose(self, pool_name: str, now: float) -> None:
        """Select a server of the pool; else stand in line; else take the fault path."""
        site = self.site
        pool = site.registry.pools.get(pool_name)
        if pool is None:
            recovery.fall_back(self, "no_server", now)
            return
        self.pool = pool
        self.timeouts = pool.config.timeouts
        if pool.waiting and not self.called and _waiting_helps(pool):
            self._stand_in_line(pool, now)
            return
        preferred = self._preferred(pool) if pool.config.persist is not None else None
        lease = select(
            site.registry, pool, site.key, self.facts, now, preferred=preferred, exclude=self.tried
        )
        if lease is not None:
            self.sticky = lease.server is preferred
            self.connect(lease, lease.server, now)
        elif _waiting_helps(pool):
            self._stand_in_line(pool, now)
        else:
            recovery.fall_back(self, "no_server", now)

    def _preferred(self, pool: LivePool) -> RealServer | None:
        persist = pool.config.persist
        value = self.facts.cookie(persist.name) if persist is not None else None
        return affinity.find(pool, value) if value else None

    def _stand_in_line(self, pool: LivePool, now: float) -> None:
        """Wait for room, in all tries together no longer than the queue allows; no waiting in a full line."""
        queue = pool.config.queue
        if pool.waiting >= queue.length:
            pool.queue_full += 1
            recovery.fall_back(self, "no_server", now)
            return
        if self.wait_until is None:
            self.wait_until = now + queue.timeout
        self.phase = QUEUE
        self.called = False
        self.conversation.deadline = self.wait_until
        self.conversation.out.append(Wait(pool))

    def room(self, now: float) -> None:
        """Our turn in the line has come."""
        if self.phase is QUEUE and self.pool is not None:
            self.called = True
            self.choose(self.pool.name, now)

    def connect(
        self, lease: Lease | None, target: RealServer | Address, now: float, *, fresh: bool = False
    ) -> None:
        """Ask for a connection to `target`, on which `lease` is the claim (None for a local server)."""
        self.lease = lease
        self.target = target
        if lease is not None:
            self.reason = lease.reason
            self.server_name = lease.server.name
            lease.server.requests.requests += 1
        else:
            self.server_name = str(target)
        self.phase = CONNECT
        self.opened = now
        self.conversation.deadline = now + self.timeouts.connect
        fresh = fresh or self.site.per_connection
        self.conversation.out.append(Open(target, fresh=fresh, careful=self.head.method not in IDEMPOTENT))

    def server_ready(self, now: float, *, reused: bool) -> None:
        """A connection is there: send what we have of the request."""
        self.reused = reused
        conversation = self.conversation
        if self.lease is not None:
            self.lease.server.reachable = True
        if not reused:
            self.connected = now - self.opened
        if self.site.per_connection:
            data = self.sent_head + conversation.framer.take()
            if data:
                conversation.out.append(ToServer(data))
            relaying.tunnel(self, now)
            return
        self.phase = ANSWER
        self.reply = Reply(self.head)
        conversation.out.append(
            ToServer(self.sent_head if not self.spool else self.sent_head + b"".join(self.spool))
        )
        if self.spool is not None and (self.spooled > SPOOL_LIMIT or self.head.method not in IDEMPOTENT):
            self.spool = None
        conversation.resume()
        self._wait_for_answer(now)

    def _wait_for_answer(self, now: float) -> None:
        seconds = self.timeouts.response if self.body.done else self.site.timeouts.client
        self.conversation.deadline = now + seconds

    # -- the request's body --

    def client_bytes(self, data: bytes, now: float) -> None:
        """Body octets (or tunnelled ones) from the client."""
        if self.phase is TUNNEL:
            self.received += len(data)
            self.conversation.out.append(ToServer(data))
            self.conversation.deadline = now + self.timeouts.tunnel
            return
        try:
            payload, surplus = self.body.read(data)
        except MessageError as error:
            self.refuse(error, now)
            return
        self.received += len(payload)
        limit = self.site.limits.body
        if limit and self.received + self.body.remaining > limit:
            self.refuse(MessageError(413, "body too large"), now)
            return
        if surplus:
            self.conversation.framer.feed(surplus)
        self._forward_body(payload, now)

    def _forward_body(self, payload: bytes, now: float) -> None:
        framed = payload
        if self.head.length == CHUNKED:
            framed = chunk(payload) if payload else b""
            if self.body.done:
                framed += last_chunk(self.body.trailers)
        if not framed:
            return
        sending = self.phase in (ANSWER, BODY)
        if self.spool is not None:
            self._spool(framed, sending=sending)
        if sending:
            self.conversation.out.append(ToServer(framed))
            if self.phase is ANSWER:
                self._wait_for_answer(now)
            else:
                self.conversation.deadline = now + self.timeouts.idle

    def _spool(self, framed: bytes, *, sending: bool) -> None:
        """Keep octets for another try; beyond the limit there will be none, or the client must wait."""
        assert self.spool is not None  # noqa: S101 - asked by the caller
        self.spool.append(framed)
        self.spooled += len(framed)
        if self.spooled > SPOOL_LIMIT:
            if sending:
                self.spool = None
            else:
                self.conversation.pause()

    # -- events that `relaying` and `recovery` meet --

    def server_ended(self, now: float) -> None:
        """FIN from the server."""
        relaying.server_ended(self, now)

    def server_failed(self, reason: str, now: float) -> None:
        """The connection could not be made, or was reset."""
        recovery.server_failed(self, reason, now)

    def expired(self, event: Expired, now: float) -> None:
        """The deadline of the current phase has passed."""
        recovery.expired(self, event, now)

    def client_ended_tunnel(self, now: float) -> None:
        """The client sent FIN inside a tunnel: pass it on, go on with the other direction."""
        relaying.half_closed(self, now, by_server=False)

    def client_gone(self, now: float) -> None:
        """The client left before the end."""
        self.conversation.out.append(Do.LEAVE_LINE if self.phase is QUEUE else DROP_SERVER)
        self.finish("client_gone", now, server_gone=True)

    # -- own answers --

    def refuse(self, error: MessageError, now: float) -> None:
        """The request itself is wrong (seen late, in its body): refuse it, and close behind it."""
        if self.phase is BODY:
            recovery.cut(self, "refused", now)
            return
        if self.phase in (CONNECT, ANSWER):
            recovery.give_back(self, error.reason)
        elif self.phase is QUEUE and self.pool is not None:
            self.conversation.out.append(Do.LEAVE_LINE)
        self.head.keep_alive = False
        fields = self.connection_lines(error.reason)
        text = answers.refusal(error.status, error.reason, fields, head_only=self.head_only)
        self.answer(error.status, text, "refused", now)

    @property
    def head_only(self) -> bool:
        """The answer has no body because HEAD was asked."""
        return self.head.method == b"HEAD"

    def connection_lines(self, cause: str) -> bytes:
        """Connection lines for an answer of our own, with the mark for trusted clients."""
        if self.head.keep_alive and self.conversation.can_stay() and self.body.done:
            return (b"" if self.head.minor else b"Connection: keep-alive\r\n") + self.marks(cause)
        self.head.keep_alive = False
        return b"Connection: close\r\n" + self.marks(cause)

    def marks(self, cause: str) -> bytes:
        """The field that tells a trusted client what the director did itself."""
        if not self.conversation.peer.trusted:
            return b""
        return f"X-Director: {cause}; id={self.identity}\r\n".encode("latin-1", "replace")

    def own_answer(self, status: int, body: bytes, fields: bytes, outcome: str, now: float) -> None:
        """Give a whole answer of our own that is no failure: a redirect, a fixed text."""
        fields += self.connection_lines(outcome)
        self.answer(status, answers.answer(status, body, fields, head_only=self.head_only), outcome, now)

    def answer(self, status: int, text: bytes, outcome: str, now: float) -> None:
        """Give a whole answer of our own; a connection that is relayed unread just ends."""
        self.status = status
        if self.site.is_http:
            self.conversation.owed += len(text)
            self.write(text)
        self.finish(outcome, now, server_gone=True)

    def write(self, data: bytes) -> None:
        """Octets for the client."""
        if data:
            self.to_client += len(data)
            self.conversation.out.append(ToClient(data))

    # -- ending --

    def finish(self, outcome: str, now: float, *, server_gone: bool = False) -> None:
        """The one end: server connection, lease, counters, record, and what becomes of the client."""
        reply, conversation, whole = self.reply, self.conversation, self.body.done
        if not server_gone:
            reuse = whole and self.phase is BODY and reply is not None and reply.reusable
            conversation.out.append(KEEP_SERVER if reuse else DROP_SERVER)
        keep = whole and self.head.keep_alive and self.phase is not TUNNEL
        if keep and reply is not None:
            keep = not reply.to_close
        total = now - self.started
        self._count(total, now)
        self.phase = OVER
        compiled, pool, facts = self.compiled, self.pool, self.facts
        conversation.frontage.record((
            self.identity, self.started, self.site.config.name, facts.client, facts.method, facts.uri,
            facts.host, "" if compiled is None else compiled.name, "" if pool is None else pool.name,
            self.sticky, self.reason, self.server_name, self.tries, self.fault, self.status, outcome,
            self.to_client, self.received, self.connected, self.first_byte, total,
        ))  # fmt: skip
        conversation.finished(now, keep=keep)

    def _count(self, total: float, now: float) -> None:
        # RFC 9110 15: what is above 599 counts as a server error.
        status_class = self.status // 100 if self.status < 600 else 5
        service = self.site.live.requests
        service.requests += 1
        service.responses[status_class] += 1
        service.latency.add(total)
        if self.fault:
            service.errors["fault"] += 1
        if self.compiled is not None:
            self.compiled.counters.responses[status_class] += 1
        lease = self.lease
        if lease is None:
            return
        self.lease = None
        server = lease.server
        counters = server.requests
        counters.responses[status_class] += 1
        if self.first_byte is not None:
            counters.latency.add(self.first_byte)
            server.observe(self.first_byte, now)
        traffic = server.stats.traffic
        traffic.conns += 1
        traffic.inbytes += self.received
        traffic.outbytes += self.to_client
        lease.release()


def _waiting_helps(pool: LivePool) -> bool:
    """The pool has a line, and a live server that is merely full."""
    return pool.config.queue.length > 0 and any(one.overloaded and one.available for one in pool.servers)
