"""One request and its answer: choose, connect, send, retry, fall back, relay, count.

Phases, in order: *queue* waits for a server with room; *connect* waits for a connection;
*answer* has sent (part of) the request and waits for the final head; *body* relays the
answer's body; *tunnel* passes octets both ways; *over*.  Every path ends in `_finish`, which
releases the lease, counts, and writes the record, once.

What can be sent again: a request of which nothing was sent yet (connect failures), always;
an idempotent one (RFC 9110 9.2.2) while all that was sent is still in the spool.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from director.errors import MessageError
from director.l7 import affinity, answers
from director.l7.body import NO_BODY, Body, chunk, last_chunk
from director.l7.commands import Do, Open, ToClient, ToServer, Wait
from director.l7.http1 import CHUNKED
from director.l7.reply import INTERIM_LIMIT, Reply
from director.l7.rewrite import edited, fill, request_head, response_head, rewritten_target
from director.model import PoolTimeouts
from director.selection import claim, select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from director.l7.commands import Command
    from director.l7.conversation import Conversation
    from director.l7.facts import RequestFacts
    from director.l7.http1 import RequestHead, ResponseHead
    from director.l7.rules import CompiledRule
    from director.l7.site import FaultTarget, Site
    from director.model import Address
    from director.registry import LivePool, RealServer
    from director.selection import Lease

SPOOL_LIMIT = 65536
"""Octets of a request body kept for sending it again, and taken from a client before a server is ready."""
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Methods that may be sent again (RFC 9110 9.2.2)."""
VIA_LIMIT = 4
"""Times a request may pass this director before it is called a loop."""
_DEFAULT_TIMEOUTS = PoolTimeouts()


class Phase(enum.Enum):
    """What an exchange waits for; see the module's text."""

    QUEUE = "queue"
    CONNECT = "connect"
    ANSWER = "answer"
    BODY = "body"
    TUNNEL = "tunnel"
    OVER = "over"


class Exchange:
    """One request being served on behalf of a conversation."""

    phase = Phase.QUEUE
    compiled: CompiledRule | None = None
    pool: LivePool | None = None
    lease: Lease | None = None
    target: RealServer | Address | None = None
    reply: Reply | None = None
    sent_head = b""
    spool: list[bytes] | None = None
    spooled = 0
    received = 0
    to_client = 0
    status = 0
    sticky = False
    reused = False
    called = False
    cause = ""
    fault = ""
    reason: tuple[Any, ...] | None = None
    server_name = ""
    connected: float | None = None
    first_byte: float | None = None
    opened = 0.0
    attempts = 0
    client_ended = False
    server_ended = False
    _steps: Iterator[FaultTarget] | None = None

    def __init__(self, conversation: Conversation, site: Site, head: RequestHead, facts: RequestFacts, now: float) -> None:
        self.conversation = conversation
        self.site = site
        self.head = head
        self.facts = facts
        self.started = now
        self.body: Body = NO_BODY if head.length == 0 else head.body()
        self.timeouts = _DEFAULT_TIMEOUTS
        self.identity = conversation.frontage.new_id()
        self.tries: list[tuple[str, str]] = []
        self.tried: list[RealServer] = []

    # -- deciding --

    def start(self, now: float) -> None:
        """Judge the request and take the first step."""
        head, site = self.head, self.site
        compiled = self.compiled = site.decide(self.facts)
        if compiled is not None:
            compiled.counters.requests += 1
            if not compiled.pool:
                self._answer_by_rule(compiled, now)
                return
        if (b"max-forwards" in head.fields or b"via" in head.fields) and self._ends_here(now):
            return
        self.sent_head = self._prepare(compiled)
        if site.per_connection:
            self.body = NO_BODY
        elif not self.body.done:
            self.spool = []
            self.client_bytes(self.conversation.framer.take(), now)
            if self.phase is Phase.OVER:
                return
        self._choose(compiled.pool if compiled is not None else site.config.pool, now)

    def start_tunnel(self, now: float) -> None:
        """Relay a connection without reading it (`protocol = tcp`)."""
        self._choose(self.site.config.pool, now)

    def _prepare(self, compiled: CompiledRule | None) -> bytes:
        """The head for the server."""
        head, peer, policy = self.head, self.conversation.peer, self.site.policy
        sent = head.sent
        if compiled is not None:
            rule = compiled.rule
            if rule.rewrite_path:
                sent = rewritten_target(rule.rewrite_path, head, self.facts)
            if rule.headers:
                head = self._edited_head(compiled)
        added = policy.lines(head, peer, self.identity.encode())
        if b"max-forwards" in head.fields and head.method in (b"TRACE", b"OPTIONS"):
            added += b"Max-Forwards: %d\r\n" % (int(head.fields[b"max-forwards"]) - 1)
        dropped = policy.dropped(head, trusted=peer.trusted)
        return request_head(head, sent, dropped, added)

    def _edited_head(self, compiled: CompiledRule) -> RequestHead:
        """The head with the rule's edits; hop-by-hop fields are gone before, so spans start anew."""
        head = self.head
        return head.with_block(edited(head.kept(), compiled.rule.headers, self.facts))

    def _ends_here(self, now: float) -> bool:
        """Max-Forwards used up, or the request goes round in circles (RFC 9110 7.6.2, 7.6.3)."""
        head = self.head
        hops = head.fields.get(b"max-forwards")
        if hops is not None and head.method in (b"TRACE", b"OPTIONS"):
            if not hops.isdigit() or len(hops) > 9:
                self.refuse(MessageError(400, "bad Max-Forwards"), now)
                return True
            if int(hops) == 0:
                self._own(200, b"", b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n", "max_forwards", now)
                return True
        if self.site.policy.loops(head) >= VIA_LIMIT:
            self.refuse(MessageError(508, "the request goes round in circles; look at Via and the servers' addresses"), now)
            return True
        return False

    def _answer_by_rule(self, compiled: CompiledRule, now: float) -> None:
        rule = compiled.rule
        if rule.redirect is not None:
            status, template = rule.redirect
            location = fill(template, self.facts).encode("latin-1", "replace")
            self._own(status, b"", b"Location: " + location + b"\r\n", "redirect", now)
        else:
            status, text = rule.respond or (404, "")
            self._own(status, text.encode() + b"\n" if text else b"", b"", "respond", now)

    # -- choosing and connecting --

    def _choose(self, pool_name: str, now: float) -> None:
        pool = self.site.registry.pools.get(pool_name)
        if pool is None:
            self._fall_back("no_server", now)
            return
        self.pool = pool
        self.timeouts = pool.config.timeouts
        if pool.waiting and not self.called and self._queue(pool, now):
            return
        preferred = self._preferred(pool) if pool.config.persist is not None else None
        lease = select(self.site.registry, pool, self.site.key, self.facts, now, preferred=preferred, exclude=self.tried)
        if lease is not None:
            self.sticky = lease.server is preferred
            self._connect(lease, lease.server, now)
        elif not self._queue(pool, now):
            self._fall_back("no_server", now)

    def _preferred(self, pool: LivePool) -> RealServer | None:
        persist = pool.config.persist
        value = self.facts.cookie(persist.name) if persist is not None else None
        return affinity.find(pool, value) if value else None

    def _queue(self, pool: LivePool, now: float) -> bool:
        """Stand in line; False when there is no line, it is full, or waiting would not help."""
        queue = pool.config.queue
        if queue.length == 0 or not any(one.overloaded and one.available for one in pool.servers):
            return False
        if pool.waiting >= queue.length:
            pool.queue_full += 1
            return False
        self.phase = Phase.QUEUE
        self.conversation.deadline = now + queue.timeout
        self.conversation.out.append(Wait(pool))
        return True

    def room(self, now: float) -> None:
        """Our turn has come."""
        if self.phase is Phase.QUEUE and self.pool is not None:
            self.called = True
            self._choose(self.pool.name, now)

    def _connect(self, lease: Lease | None, target: RealServer | Address, now: float, *, fresh: bool = False) -> None:
        self.lease = lease
        self.target = target
        if lease is not None:
            self.reason = lease.reason
            self.server_name = lease.server.name
            lease.server.requests.requests += 1
        else:
            self.server_name = str(target)
        self.phase = Phase.CONNECT
        self.opened = now
        self.conversation.deadline = now + self.timeouts.connect
        fresh = fresh or self.site.per_connection
        self.conversation.out.append(Open(target, fresh=fresh, careful=self.head.method not in IDEMPOTENT))

    def server_ready(self, now: float, *, reused: bool) -> None:
        """A connection is there: send what we have of the request."""
        self.reused = reused
        out = self.conversation.out
        if self.lease is not None:
            self.lease.server.reachable = True
        if not reused:
            self.connected = now - self.opened
        if self.site.per_connection:
            data = self.sent_head + b"".join(self.spool or ()) + self.conversation.framer.take()
            if data:
                out.append(ToServer(data))
            self._tunnel(now)
            return
        self.phase = Phase.ANSWER
        self.reply = Reply(self.head)
        out.append(ToServer(self.sent_head if not self.spool else self.sent_head + b"".join(self.spool)))
        if self.spool is not None and (self.spooled > SPOOL_LIMIT or self.head.method not in IDEMPOTENT):
            self.spool = None
        self.conversation.resume()
        self._wait_for_answer(now)

    def _wait_for_answer(self, now: float) -> None:
        seconds = self.timeouts.response if self.body.done else self.site.timeouts.client
        self.conversation.deadline = now + seconds

    # -- the request's body --

    def client_bytes(self, data: bytes, now: float) -> None:
        """Body octets (or tunnelled ones) from the client."""
        if self.phase is Phase.TUNNEL:
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
        if limit and self.received > limit:
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
        sending = self.phase in (Phase.ANSWER, Phase.BODY)
        if self.spool is not None and framed:
            self.spool.append(framed)
            self.spooled += len(framed)
            if self.spooled > SPOOL_LIMIT:
                if sending:
                    self.spool = None
                else:
                    self.conversation.pause()
        if sending:
            if framed:
                self.conversation.out.append(ToServer(framed))
            if self.phase is Phase.ANSWER:
                self._wait_for_answer(now)

    # -- the answer --

    def server_bytes(self, data: bytes, now: float) -> None:
        """Octets from the server."""
        if self.phase is Phase.TUNNEL:
            self._to_client(data)
            self.conversation.deadline = now + self.timeouts.tunnel
            return
        reply = self.reply
        if reply is None:
            return
        try:
            if reply.head is None:
                reply.framer.feed(data)
                self._read_heads(reply, now)
            else:
                self._relay(reply, b"", data, now)
        except MessageError as error:
            self._junk(error.reason, now)

    def _read_heads(self, reply: Reply, now: float) -> None:
        while True:
            head = reply.framer.head()
            if head is None:
                return
            if self.first_byte is None:
                self.first_byte = now - self.opened
            if head.status >= 200:
                self._final_head(reply, head, now)
                return
            if reply.is_upgrade(head):
                self._switch_protocols(reply, head, now)
                return
            if head.status == 101 or reply.interim >= INTERIM_LIMIT:
                raise MessageError(502, "unasked or endless interim answers")
            self._to_client(reply.interim_head(head))

    def _final_head(self, reply: Reply, head: ResponseHead, now: float) -> None:
        if self.pool is not None and head.status in self.pool.config.retry.statuses and self._may_retry():
            self._again(f"status {head.status}", now)
            return
        self.status = head.status
        self.phase = Phase.BODY
        conversation = self.conversation
        keep = self.head.keep_alive and conversation.may_stay and self.body.done
        text = reply.begin(head, keep=keep, added=self._added(), no_store=bool(self.fault))
        self._relay(reply, text, reply.framer.take(), now)

    def _added(self) -> bytes:
        """Field lines that this hop adds to the answer."""
        added = b""
        lease, pool = self.lease, self.pool
        if lease is not None and not self.sticky and pool is not None and not self.fault:
            persist = pool.config.persist
            if persist is not None:
                added = affinity.set_cookie(persist, lease.server)
        if self.fault:
            added += self.marks(self.fault)
        return added

    def marks(self, cause: str) -> bytes:
        """The field that tells a trusted client what the director did itself."""
        if not self.conversation.peer.trusted:
            return b""
        return f"X-Director: {cause.replace(' ', '=')}; id={self.identity}\r\n".encode("latin-1", "replace")

    def _relay(self, reply: Reply, text: bytes, data: bytes, now: float) -> None:
        text += reply.body(data)
        if text:
            self._to_client(text)
        if reply.done:
            self._finish("fault" if self.fault else "ok", now)
        else:
            self.conversation.deadline = now + self.timeouts.idle

    def _to_client(self, data: bytes) -> None:
        if data:
            self.to_client += len(data)
            self.conversation.out.append(ToClient(data))

    def server_ended(self, now: float) -> None:
        """The server sent FIN."""
        if self.phase is Phase.TUNNEL:
            self._half_closed(now, by_server=True)
        elif self.phase is Phase.BODY and self.reply is not None:
            rest = self.reply.end()
            if rest is None:
                self._cut("truncated", now)
            else:
                self._to_client(rest)
                self._finish("fault" if self.fault else "ok", now)
        elif self.phase is Phase.ANSWER:
            self._no_answer("closed before an answer", now)

    def server_failed(self, reason: str, now: float) -> None:
        """The connection could not be made, or was reset."""
        if self.phase is Phase.CONNECT:
            self._unreachable(reason, now)
        elif self.phase is Phase.ANSWER:
            self._no_answer(reason, now)
        elif self.phase in (Phase.BODY, Phase.TUNNEL):
            self._cut("truncated" if self.phase is Phase.BODY else "tunnel_reset", now)

    # -- tunnels --

    def _switch_protocols(self, reply: Reply, head: ResponseHead, now: float) -> None:
        self.status = 101
        self._to_client(response_head(head, b"Connection: upgrade\r\nUpgrade: " + head.upgrade + b"\r\n"))
        rest = reply.framer.take()
        self._to_client(rest)
        held = self.conversation.framer.take()
        if held:
            self.received += len(held)
            self.conversation.out.append(ToServer(held))
        self._tunnel(now)

    def _tunnel(self, now: float) -> None:
        self.phase = Phase.TUNNEL
        self.conversation.resume()
        self.conversation.deadline = now + self.timeouts.tunnel
        if self.conversation.client_ended:
            self._half_closed(now, by_server=False)

    def client_ended_tunnel(self, now: float) -> None:
        """The client sent FIN inside a tunnel: pass it on, go on with the other direction."""
        self._half_closed(now, by_server=False)

    def _half_closed(self, now: float, *, by_server: bool) -> None:
        if by_server:
            self.server_done = True
            self.conversation.out.append(Do.END_CLIENT)
        else:
            self.client_done = True
            self.conversation.out.append(Do.END_SERVER)
        if self.server_done and self.client_done:
            self._finish("ok", now)

    server_done = False
    client_done = False

    # -- failures --

    def _may_retry(self) -> bool:
        if self.pool is None or self.fault or self.attempts >= self.pool.config.retry.tries:
            return False
        return self.head.method in IDEMPOTENT and (self.head.length == 0 or self.spool is not None)

    def _unreachable(self, reason: str, now: float) -> None:
        """No connection, so nothing was sent: any request may try the next server."""
        lease, pool = self.lease, self.pool
        if lease is not None:
            lease.server.reachable = False
            lease.server.requests.errors["connect"] += 1
        if self.fault:
            self._give_back(reason)
            self._next_step(now)
        elif pool is not None and "connect" in pool.config.retry.on and self.attempts < pool.config.retry.tries:
            self._again(reason, now)
        else:
            self._give_back(reason)
            self._fall_back("connect_failed", now)

    def _no_answer(self, reason: str, now: float) -> None:
        """The connection ended before a whole head of an answer."""
        lease, reply = self.lease, self.reply
        untouched = reply is not None and not reply.started
        resendable = self.head.method in IDEMPOTENT and (self.head.length == 0 or self.spool is not None)
        if untouched and self.reused and resendable and self.target is not None:
            self.tries.append((self.server_name, "idle connection was gone"))
            self.conversation.out.append(Do.DROP_SERVER)
            if lease is not None:
                lease.server.requests.requests -= 1
            self._connect(lease, self.target, now, fresh=True)
            return
        if lease is not None:
            lease.server.requests.errors["empty"] += 1
        if untouched and self.pool is not None and "empty" in self.pool.config.retry.on and self._may_retry():
            self._again(reason, now)
        else:
            self._fail(502, "no_answer", reason, now)

    def _again(self, reason: str, now: float) -> None:
        """Try another server (the same one when there is no other)."""
        self.attempts += 1
        if self.lease is not None:
            self.tried.append(self.lease.server)
        self._give_back(reason)
        self.reply = None
        if self.pool is not None:
            self._choose(self.pool.name, now)

    def _give_back(self, reason: str) -> None:
        """Let go of server and lease after a failed try."""
        self.tries.append((self.server_name, reason))
        self.conversation.out.append(Do.DROP_SERVER)
        if self.lease is not None:
            self.lease.release()
            self.lease = None
        self.target = None

    def _junk(self, reason: str, now: float) -> None:
        if self.lease is not None:
            self.lease.server.requests.errors["junk"] += 1
        if self.phase is Phase.BODY:
            self._cut("junk", now)
        else:
            self._fail(502, "junk", reason, now)

    def _fail(self, status: int, outcome: str, reason: str, now: float) -> None:
        """A server failed after it had got the request: say so to the client."""
        self._give_back(reason)
        self._own_bytes(
            status, answers.failure(status, self.identity, self._closing(outcome), head_only=self._head_only()), outcome, now
        )

    def _cut(self, outcome: str, now: float) -> None:
        """The answer breaks off: the client must see that it is not whole."""
        if self.lease is not None:
            self.lease.server.requests.errors[outcome] += 1
        self.conversation.out.append(Do.DROP_SERVER)
        self.conversation.abort()
        self._finish(outcome, now, server_gone=True)

    # -- the fault path --

    def _fall_back(self, cause: str, now: float) -> None:
        self.cause = cause
        self._steps = self.site.faults(cause)
        self._next_step(now)

    def _next_step(self, now: float) -> None:
        """Take the next step of the fault chain that leads anywhere; at its end, the built-in page."""
        for kind, value in self._steps or ():
            if kind == "page":
                self.fault = f"page {value.name}"
                fields = self._closing(self.fault)
                self._own_bytes(value.status, answers.page(value, fields, head_only=self._head_only()), "fault", now)
                return
            lease, target = self._step_target(kind, value, now)
            if target is not None:
                self.fault = f"{kind} {target.name if lease is not None else target}"  # type: ignore[union-attr]
                self._connect(lease, target, now)
                return
        self.fault = "built-in page"
        fields = self._closing(self.fault)
        self._own_bytes(503, answers.failure(503, self.identity, fields, head_only=self._head_only()), "fault", now)

    def _step_target(self, kind: str, value: Any, now: float) -> tuple[Lease | None, RealServer | Address | None]:
        if kind == "server":
            return claim(value), value
        if kind == "local":
            self.timeouts = _DEFAULT_TIMEOUTS
            return None, value
        pool = self.site.registry.pools.get(value)
        lease = None if pool is None else select(self.site.registry, pool, self.site.key, self.facts, now)
        if lease is None or pool is None:
            return None, None
        self.timeouts = pool.config.timeouts
        return lease, lease.server

    # -- time --

    def expired(self, now: float, *, server_stalls: bool) -> None:
        """The deadline of the current phase has passed."""
        if self.phase is Phase.QUEUE:
            self.conversation.out.append(Do.LEAVE_LINE)
            if self.pool is not None:
                self.pool.queue_timeouts += 1
            self._fall_back("queue_timeout", now)
        elif self.phase is Phase.CONNECT:
            self._unreachable("connect timed out", now)
        elif self.phase is Phase.ANSWER:
            self._answer_late(now, server_stalls=server_stalls)
        elif self.phase is Phase.TUNNEL:
            self.conversation.out.append(Do.DROP_SERVER)
            self.conversation.close()
            self._finish("idle", now, server_gone=True)
        else:
            self._cut("idle", now)

    def _answer_late(self, now: float, *, server_stalls: bool) -> None:
        if not self.body.done and not server_stalls:
            self.refuse(MessageError(408, "the request's body did not come in time"), now)
            return
        pool = self.pool
        if self.lease is not None:
            self.lease.server.requests.errors["timeout"] += 1
        if pool is not None and "timeout" in pool.config.retry.on and self._may_retry():
            self._again("no answer in time", now)
        else:
            self._fail(504, "timeout", "no answer in time", now)

    # -- ending --

    def refuse(self, error: MessageError, now: float) -> None:
        """The request itself is wrong (seen late, in its body): refuse it, close."""
        if self.phase is Phase.BODY:
            self._cut("refused", now)
            return
        if self.phase in (Phase.CONNECT, Phase.ANSWER):
            self._give_back(error.reason)
        self.head.keep_alive = False
        fields = self._closing(error.reason)
        text = answers.refusal(error.status, error.reason, fields, head_only=self._head_only())
        self._own_bytes(error.status, text, "refused", now)

    def client_gone(self, now: float) -> None:
        """The client left before the end."""
        if self.phase is Phase.QUEUE:
            self.conversation.out.append(Do.LEAVE_LINE)
        else:
            self.conversation.out.append(Do.DROP_SERVER)
        self._finish("client_gone", now, server_gone=True)

    def _head_only(self) -> bool:
        return self.head.method == b"HEAD"

    def _closing(self, cause: str) -> bytes:
        """Connection lines for an answer of our own, with the mark for trusted clients."""
        keep = self.head.keep_alive and self.conversation.may_stay and self.body.done
        if not keep:
            return b"Connection: close\r\n" + self.marks(cause)
        return (b"" if self.head.minor else b"Connection: keep-alive\r\n") + self.marks(cause)

    def _own(self, status: int, body: bytes, fields: bytes, outcome: str, now: float) -> None:
        text = answers.answer(status, body, fields + self._closing(outcome), head_only=self._head_only())
        self._own_bytes(status, text, outcome, now)

    def _own_bytes(self, status: int, text: bytes, outcome: str, now: float) -> None:
        self.status = status
        if self.head.method or not self.site.per_connection:
            self._to_client(text)
        self._finish(outcome, now, server_gone=True)

    def _finish(self, outcome: str, now: float, *, server_gone: bool = False) -> None:
        """The one end: server connection, lease, counters, record, and what becomes of the client."""
        reply = self.reply
        conversation = self.conversation
        if not server_gone:
            reuse = reply is not None and reply.reusable and self.body.done and self.phase is Phase.BODY
            conversation.out.append(Do.KEEP_SERVER if reuse else Do.DROP_SERVER)
        total = now - self.started
        self._count(total, now)
        keep = self.head.keep_alive and self.body.done and self.phase is not Phase.TUNNEL
        if reply is not None and reply.head is not None and reply.to_close:
            keep = False
        self.phase = Phase.OVER
        head, compiled = self.head, self.compiled
        conversation.frontage.record((
            self.identity, self.started, self.site.config.name, self.facts.client, self.facts.method, self.facts.uri,
            self.facts.host, compiled.name if compiled is not None else "", self.pool.name if self.pool is not None else "",
            self.sticky, self.reason, self.server_name, tuple(self.tries), self.fault, self.status, outcome,
            self.to_client, self.received, self.connected, self.first_byte, total,
        ))  # fmt: skip
        conversation.finished(now, keep=keep and bool(head.method))

    def _count(self, total: float, now: float) -> None:
        status_class = self.status // 100
        service = self.site.live.requests
        service.requests += 1
        service.responses[status_class] += 1
        service.latency.add(total)
        if self.fault:
            service.errors["fault"] += 1
        if self.compiled is not None:
            self.compiled.counters.responses[status_class] += 1
        lease = self.lease
        if lease is not None:
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
            self.lease = None


def commands_of(exchange: Exchange) -> list[Command]:
    """What the exchange has said so far in this turn (for tests)."""
    return exchange.conversation.out
