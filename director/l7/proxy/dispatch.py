"""What happens when something fails: another try, the fault path, or a clear end.

Functions over an `Exchange`.  The order is always the same: give back server and lease, then try the
next server if the pool's `retry` allows it, then (for the causes that design 5 names) the service's
`fault` steps, then the built-in page.  An answer that has begun can only be cut, visibly.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from director.errors import MessageError
from director.l7.proxy import answering
from director.l7.proxy.commands import DROP_SERVER, Do
from director.l7.proxy.phase import ANSWER, BODY, CONNECT, DEFAULT_TIMEOUTS, IDEMPOTENT, QUEUE, TUNNEL
from director.registry import ledger
from director.registry.selection import select

if TYPE_CHECKING:
    from director.l7.proxy.commands import Expired
    from director.l7.proxy.exchange import Exchange
    from director.model.pools import Address
    from director.registry.ledger import Lease
    from director.registry.registry import LivePool, RealServer


def server_failed(exchange: Exchange, reason: str, now: float) -> None:
    """The connection could not be made, or was reset."""
    phase = exchange.phase
    if phase is CONNECT:
        unreachable(exchange, reason, now)
    elif phase is ANSWER:
        no_answer(exchange, reason, now)
    elif phase is BODY:
        cut(exchange, "truncated", now)
    elif phase is TUNNEL:
        cut(exchange, "tunnel_reset", now)


def resendable(exchange: Exchange) -> bool:
    """The request may be sent a second time, and we still have all of it that was sent."""
    head = exchange.head
    return head.method in IDEMPOTENT and (head.length == 0 or exchange.spool is not None)


def may_retry(exchange: Exchange) -> bool:
    """Another server may be tried although this one got the request."""
    pool = exchange.pool
    if pool is None or exchange.fault or exchange.attempts >= pool.config.retry.tries:
        return False
    return resendable(exchange)


def unreachable(exchange: Exchange, reason: str, now: float) -> None:
    """No connection, so nothing was sent: any request may try the next server."""
    pool = exchange.pool
    if exchange.lease is not None:
        ledger.unreached(exchange.lease.server)
        _count(exchange, "connect")
    if exchange.fault:
        if exchange.lease is not None:
            exchange.tried += (exchange.lease.server,)
        give_back(exchange, reason)
        next_step(exchange, now)
    elif (
        pool is not None and "connect" in pool.config.retry.on and exchange.attempts < pool.config.retry.tries
    ):
        again(exchange, reason, now)
    else:
        give_back(exchange, reason)
        fall_back(exchange, "connect_failed", now)


def no_answer(exchange: Exchange, reason: str, now: float) -> None:
    """The connection ended before a whole head of an answer.

    An idle connection that turns out to be gone is nobody's fault: the request goes to the same
    server again on a new one, and no try is counted.
    """
    lease, reply, pool = exchange.lease, exchange.reply, exchange.pool
    untouched = reply is not None and not reply.started
    if untouched and exchange.reused and resendable(exchange) and exchange.target is not None:
        exchange.tries += ((exchange.server_name, "idle connection was gone"),)
        exchange.conversation.out.append(DROP_SERVER)
        if lease is not None:
            ledger.unasked(lease.server.requests)
        exchange.connect(lease, exchange.target, now, fresh=True)
        return
    _count(exchange, "empty")
    if untouched and pool is not None and "empty" in pool.config.retry.on and may_retry(exchange):
        again(exchange, reason, now)
    else:
        fail(exchange, 502, "no_answer", reason, now)


def again(exchange: Exchange, reason: str, now: float) -> None:
    """Try another server (the same one when there is no other)."""
    exchange.attempts += 1
    if exchange.lease is not None:
        exchange.tried += (exchange.lease.server,)
    give_back(exchange, reason)
    exchange.reply = None
    exchange.first_byte = None
    if exchange.pool is not None:
        exchange.choose(exchange.pool.name, now)


def give_back(exchange: Exchange, reason: str) -> None:
    """Let go of server and lease after a failed try."""
    exchange.tries += ((exchange.server_name, reason),)
    exchange.conversation.out.append(DROP_SERVER)
    if exchange.lease is not None:
        exchange.lease.release()
        exchange.lease = None
    exchange.target = None


def junk(exchange: Exchange, reason: str, now: float) -> None:
    """The server's octets are no answer."""
    _count(exchange, "junk")
    if exchange.phase is BODY:
        cut(exchange, "junk", now)
    else:
        fail(exchange, 502, "junk", reason, now)


def fail(exchange: Exchange, status: int, outcome: str, reason: str, now: float) -> None:
    """A server failed after it had got the request: say so to the client."""
    give_back(exchange, reason)
    answering.failure(exchange, status, outcome, outcome, now)


def refuse(exchange: Exchange, error: MessageError, now: float) -> None:
    """The request itself is wrong (seen late, in its body): refuse it, and close behind it."""
    if exchange.phase is BODY:
        cut(exchange, "refused", now)
        return
    if exchange.phase in (CONNECT, ANSWER):
        give_back(exchange, error.reason)
    elif exchange.phase is QUEUE and exchange.pool is not None:
        exchange.conversation.out.append(Do.LEAVE_QUEUE)
    answering.refusal(exchange, error, now)


def cut(exchange: Exchange, outcome: str, now: float) -> None:
    """The answer breaks off, and the client must see that it is not whole.

    Where the framing shows it (a length or chunks), what was relayed still arrives and then the
    connection ends; where the end of the connection is the end of the answer, it is reset.
    """
    _count(exchange, outcome)
    exchange.conversation.out.append(DROP_SERVER)
    if exchange.reply is not None and exchange.reply.shows_its_end:
        exchange.conversation.close()
    else:
        exchange.conversation.abort()
    exchange.finish(outcome, now, server_gone=True)


def expired(exchange: Exchange, event: Expired, now: float) -> None:
    """The deadline of the current phase has passed."""
    phase = exchange.phase
    if event.moving and phase in (ANSWER, BODY, TUNNEL):
        # Somebody is slow, and a slow peer may take its time.
        timeouts = exchange.timeouts
        exchange.conversation.deadline = now + (timeouts.tunnel if phase is TUNNEL else timeouts.idle)
    elif event.client_stalls and phase in (ANSWER, BODY):
        unread(exchange, now)
    elif phase is QUEUE:
        exchange.conversation.out.append(Do.LEAVE_QUEUE)
        if exchange.pool is not None:
            ledger.waited_in_vain(exchange.pool)
        fall_back(exchange, "queue_timeout", now)
    elif phase is CONNECT:
        unreachable(exchange, "connect timed out", now)
    elif phase is ANSWER:
        _answer_late(exchange, now, server_stalls=event.server_stalls)
    elif phase is TUNNEL:
        exchange.conversation.out.append(DROP_SERVER)
        exchange.conversation.close()
        exchange.finish("idle", now, server_gone=True)
    else:
        cut(exchange, "idle", now)


def unread(exchange: Exchange, now: float) -> None:
    """The client does not take what we have for it: no server is to blame, and none is kept waiting."""
    exchange.conversation.out.append(DROP_SERVER)
    exchange.conversation.abort()
    exchange.finish("client_stalls", now, server_gone=True)


def _answer_late(exchange: Exchange, now: float, *, server_stalls: bool) -> None:
    if not exchange.body.done and not server_stalls:
        refuse(exchange, MessageError(408, "the request's body did not come in time"), now)
        return
    pool = exchange.pool
    _count(exchange, "timeout")
    if pool is not None and "timeout" in pool.config.retry.on and may_retry(exchange):
        again(exchange, "no answer in time", now)
    else:
        fail(exchange, 504, "timeout", "no answer in time", now)


# --- the fault path ---------------------------------------------------------------------


def fall_back(exchange: Exchange, cause: str, now: float) -> None:
    """Take the service's fault path because of `cause`."""
    if exchange.pool is not None and cause != "connect_failed":
        exchange.tries += (
            (f"pool {exchange.pool.name}", f"{cause}: {exchange.pool.why_none(exchange.service.key)}"),
        )
    exchange.steps = exchange.service.faults(cause)
    next_step(exchange, now)


def next_step(exchange: Exchange, now: float) -> None:
    """Take the next step of the fault path that leads anywhere; at its end, the built-in page."""
    for kind, value in exchange.steps or ():
        if kind == "page":
            exchange.fault = f"page {value.name}"
            answering.page(exchange, value, now)
            return
        lease, target = _step_target(exchange, kind, value, now)
        if target is not None:
            exchange.fault = f"{kind} {lease.server.name if kind == 'active' and lease else value}"
            exchange.connect(lease, target, now)
            return
    exchange.fault = "built-in page"
    answering.failure(exchange, 503, exchange.fault, "fault", now)


def _step_target(
    exchange: Exchange, kind: str, value: Any, now: float
) -> tuple[Lease | None, RealServer | Address | None]:
    """Where a step leads, claimed; (None, None) when it leads nowhere."""
    service = exchange.service
    if kind == "active":
        exchange.timeouts = value.pool.config.timeouts
        lease = ledger.try_claim(value)
        return lease, None if lease is None else value
    if kind == "local":
        exchange.timeouts = DEFAULT_TIMEOUTS
        return None, value
    pool = service.registry.pools.get(value)
    lease = None if pool is None else _another(exchange, pool, now)
    if lease is None or pool is None:
        return None, None
    exchange.timeouts = pool.config.timeouts
    # Should the connection fail, this step comes again: other servers of the pool may be there.
    exchange.steps = itertools.chain(((kind, value),), exchange.steps or ())
    return lease, lease.server


def _another(exchange: Exchange, pool: LivePool, now: float) -> Lease | None:
    """A claim on a server of a fault step's pool that was not tried, as often as its `retry` allows."""
    retry = pool.config.retry
    failed = sum(server.pool is pool for server in exchange.tried)
    if failed > (retry.tries if "connect" in retry.on else 0):
        return None
    service = exchange.service
    lease = select(service.registry, pool, service.key, exchange.facts, now, exclude=exchange.tried)
    if lease is not None and lease.server in exchange.tried:
        lease.release()
        return None
    return lease


def _count(exchange: Exchange, cause: str) -> None:
    if exchange.lease is not None:
        ledger.failed(exchange.lease, cause)
