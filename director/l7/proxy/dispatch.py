"""Where a request goes: choose, queue, try again, and the fault path when all tries are used up.

Functions over an `Exchange`.  The order is always the same: give back server and lease, then try the next
server if the pool's `retry` allows it, then (for the causes that design 5 names) the service's `fault` steps,
then the built-in page.  A response that has begun can only be cut, visibly.

What can be sent again: a request of which nothing was sent yet (connect failures), always; an idempotent one
(RFC 9110 9.2.2) while all that was sent is still in the spool.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.proxy import local_reply
from director.l7.proxy.commands import AbortServer, DropServer, Loss
from director.l7.proxy.exchange import (
    BODY,
    CONNECT,
    DEFAULT_TIMEOUTS,
    IDEMPOTENT,
    QUEUE,
    RESPONSE,
    TUNNEL,
    Exchange,
)
from director.l7.routing import affinity
from director.l7.routing.fault_path import Cause, LocalStep, PageStep, PoolStep, ServerStep
from director.registry import ledger
from director.registry.selection import select

if TYPE_CHECKING:
    from director.l7.proxy.commands import Expired
    from director.model.pools import Address
    from director.registry.ledger import Lease
    from director.registry.registry import LivePool, RealServer

# --- choosing ---------------------------------------------------------------------------


def choose(exchange: Exchange, pool_name: str, now: float) -> None:
    """Select a server of the pool; else stand in its queue; else take the fault path."""
    service = exchange.service
    pool = service.registry.pools.get(pool_name)
    if pool is None:
        fall_back(exchange, Cause.NO_SERVER, now)
        return
    config = pool.config
    exchange.pool = pool
    exchange.timeouts = config.timeouts
    if pool.waiting and exchange.called_by is not pool and waiting_helps(pool):
        _join_queue(exchange, pool, now)
        return
    preferred = affinity.preferred(pool, exchange.facts) if config.persist is not None else None
    lease = select(service.registry, pool, service.key, exchange.facts, now, preferred, exchange.tried)
    if lease is not None:
        exchange.sticky = lease.server is preferred
        exchange.connect(lease, lease.server, now)
    elif waiting_helps(pool):
        _join_queue(exchange, pool, now)
    else:
        fall_back(exchange, Cause.NO_SERVER, now)


# --- the queue --------------------------------------------------------------------------


def waiting_helps(pool: LivePool) -> bool:
    """The pool has a queue, and a live server that is merely full."""
    return pool.config.queue.length > 0 and pool.full


def _join_queue(exchange: Exchange, pool: LivePool, now: float) -> None:
    """Wait for room, in all tries together no longer than the queue allows; no waiting in a full queue."""
    if not ledger.take_place(pool):
        fall_back(exchange, Cause.QUEUE, now)
        return
    if exchange.wait_until is None:
        exchange.wait_until = now + pool.config.queue.timeout
    exchange.called_by = None
    exchange.wait(pool, exchange.wait_until)


def left_queue(exchange: Exchange) -> None:
    """Its turn in the queue of its pool has come; in another pool's it would be the last."""
    exchange.called_by = exchange.pool


def postpone(exchange: Exchange, seconds: float) -> None:
    """Nobody looked at the sockets for so long: it counts neither against a peer nor as waiting."""
    exchange.until(exchange.deadline + seconds)
    if exchange.wait_until is not None:
        exchange.wait_until += seconds


# --- what may go wrong ------------------------------------------------------------------


def server_failed(exchange: Exchange, reason: str, now: float, loss: Loss = Loss.UNKNOWN) -> None:
    """The connection could not be made, or was reset."""
    phase = exchange.phase
    if phase is CONNECT:
        unreachable(exchange, reason, now)
    elif loss is Loss.JUNK and phase is not TUNNEL:
        junk(exchange, reason, now)
    elif phase is RESPONSE:
        if loss is Loss.UNPROCESSED:
            unprocessed(exchange, reason, now)
        else:
            no_response(exchange, reason, now)
    elif phase is BODY:
        cut(exchange, "truncated")
    elif phase is TUNNEL:
        cut(exchange, "tunnel_reset")


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
        count(exchange, "connect")
    if exchange.fault:
        _give_back(exchange, reason)
        next_step(exchange, now)
    elif (
        pool is not None and "connect" in pool.config.retry.on and exchange.attempts < pool.config.retry.tries
    ):
        again(exchange, reason, now)
    else:
        fail(exchange, Cause.CONNECT, reason, now)


def no_response(exchange: Exchange, reason: str, now: float) -> None:
    """The connection ended before a whole head of a response.

    A kept connection that ends without an octet is nobody's fault: the server may have closed it when the
    request was on its way, and nobody can tell whether it read that.  The request goes to the same server
    again on a new one; no try is counted, but a second copy of the request is.
    """
    relay, pool = exchange.relay, exchange.pool
    untouched = relay is not None and not relay.started
    if untouched and exchange.reused and resendable(exchange):
        exchange.send_again("a kept connection ended without an answer; sent again on a new one", now)
        return
    count(exchange, "empty")
    if untouched and pool is not None and "empty" in pool.config.retry.on and may_retry(exchange):
        again(exchange, reason, now)
    else:
        fail(exchange, Cause.EMPTY, reason, now)


def unprocessed(exchange: Exchange, reason: str, now: float) -> None:
    """The server did not look at the request, so any method may be sent again while all of it is here.

    That is its way of leaving (GOAWAY) or of having enough (REFUSED_STREAM), and no failure; but a try it is.
    """
    pool = exchange.pool
    whole = exchange.head.length == 0 or exchange.spool is not None
    retry = None if pool is None or exchange.fault else pool.config.retry
    if whole and retry is not None and "connect" in retry.on and exchange.attempts < retry.tries:
        again(exchange, reason, now)
    else:
        fail(exchange, Cause.CONNECT if whole else Cause.EMPTY, reason, now)


def again(exchange: Exchange, reason: str, now: float) -> None:
    """Try another server (the same one when there is no other)."""
    exchange.attempts += 1
    _give_back(exchange, reason)
    if exchange.pool is not None:
        choose(exchange, exchange.pool.name, now)


def _give_back(exchange: Exchange, reason: str) -> None:
    """Let go of server and lease after a failed try, and remember whom it was with."""
    if exchange.lease is not None:
        exchange.tried += (exchange.lease.server,)
    exchange.let_go(reason)


def junk(exchange: Exchange, reason: str, now: float) -> None:
    """The server's octets are no response."""
    count(exchange, "junk")
    if exchange.phase is BODY:
        cut(exchange, "junk")
    else:
        fail(exchange, Cause.JUNK, reason, now)


def fail(exchange: Exchange, cause: Cause, reason: str, now: float) -> None:
    """All tries are used up: the fault path, as far as this request may still go to a server."""
    _give_back(exchange, reason)
    if cause.worked_on:
        exchange.worked_on = True
    if not exchange.fault:
        fall_back(exchange, cause, now)
        return
    if cause.value not in exchange.service.config.fault_on:
        exchange.steps = None
    next_step(exchange, now)


def refuse(exchange: Exchange, error: MessageError) -> None:
    """The request itself is wrong (seen late, in its body): refuse it, and close behind it."""
    if exchange.phase is BODY:
        cut(exchange, "refused")
        return
    if exchange.phase in (CONNECT, RESPONSE):
        exchange.let_go(error.reason)
    elif exchange.phase is QUEUE:
        exchange.leave_queue()
    local_reply.refusal(exchange, error)


def cut(exchange: Exchange, outcome: str) -> None:
    """The response breaks off, and the client must see that it is not whole.

    Where the framing shows it (a length or chunks), what was relayed still arrives and then the
    connection ends; where the end of the connection is the end of the response, it is reset.
    """
    count(exchange, outcome)
    _end(exchange, outcome, visible=exchange.relay is not None and exchange.relay.shows_its_end)


def _end(exchange: Exchange, outcome: str, *, visible: bool) -> None:
    """End both sides."""
    client, stream = exchange.client, exchange.stream
    client.out.append(DropServer(stream))
    client.cut(stream, visible=visible)
    exchange.finish(outcome, server_gone=True)


def client_gone(exchange: Exchange) -> None:
    """The client left before the end.  In a tunnel its reset is passed on, as a server's is."""
    if exchange.phase is QUEUE:
        exchange.leave_queue()
    else:
        leave = AbortServer if exchange.phase is TUNNEL else DropServer
        exchange.client.out.append(leave(exchange.stream))
    exchange.finish("client_gone", server_gone=True)


def client_ended(exchange: Exchange) -> None:
    """FIN from the client: half of a tunnel is over; elsewhere it only matters inside of a body."""
    if exchange.phase is TUNNEL:
        exchange.half_closed(by_server=False)
    elif not exchange.body.done:
        client_gone(exchange)


def expired(exchange: Exchange, event: Expired, now: float) -> None:
    """The deadline of the current phase has passed."""
    phase = exchange.phase
    if event.moving and phase in (RESPONSE, BODY, TUNNEL):
        # Somebody is slow, and a slow peer may take its time.
        timeouts = exchange.timeouts
        exchange.until(now + (timeouts.tunnel if phase is TUNNEL else timeouts.idle))
    elif event.client_stalls and phase in (RESPONSE, BODY):
        # The client does not take what we have for it: no server is to blame, and none is kept waiting.
        _end(exchange, "client_stalls", visible=False)
    elif phase is QUEUE:
        exchange.leave_queue()
        if exchange.pool is not None:
            ledger.waited_in_vain(exchange.pool)
        fall_back(exchange, Cause.QUEUE, now)
    elif phase is CONNECT:
        unreachable(exchange, "connect timed out", now)
    elif phase is RESPONSE:
        _response_late(exchange, now, server_stalls=event.server_stalls)
    elif phase is TUNNEL:
        _end(exchange, "idle", visible=True)
    else:
        cut(exchange, "idle")


def _response_late(exchange: Exchange, now: float, *, server_stalls: bool) -> None:
    if not (exchange.body.done or server_stalls or exchange.expecting):
        refuse(exchange, MessageError(408, "the request's body did not come in time"))
        return
    pool = exchange.pool
    count(exchange, "timeout")
    if pool is not None and "timeout" in pool.config.retry.on and may_retry(exchange):
        again(exchange, "no answer in time", now)
    else:
        fail(exchange, Cause.TIMEOUT, "no answer in time", now)


# --- the fault path ---------------------------------------------------------------------


_OUTCOMES = {Cause.TIMEOUT: "timeout", Cause.EMPTY: "no_answer", Cause.JUNK: "junk"}
"""How it ends for a client when a server failed that had its request, and no step followed."""


def fall_back(exchange: Exchange, cause: Cause, now: float) -> None:
    """Take the service's fault path because of `cause`."""
    exchange.cause = cause
    if exchange.pool is not None and cause in (Cause.NO_SERVER, Cause.QUEUE):
        why = exchange.pool.why_none(exchange.service.key)
        exchange.missed(f"pool {exchange.pool.name}", f"{cause.value}: {why}")
    exchange.steps = exchange.service.faults(cause)
    next_step(exchange, now)


def next_step(exchange: Exchange, now: float) -> None:
    """Take the next step of the fault path that leads anywhere; at its end, the built-in page.

    What a server may have worked on goes to another one only if it may be sent again.
    """
    status = (exchange.cause or Cause.NO_SERVER).status
    to_servers = not exchange.worked_on or resendable(exchange)
    for step in exchange.steps or ():
        if isinstance(step, PageStep):
            exchange.fault = step.label
            local_reply.page(exchange, step.page, status)
            return
        lease, target = _claimed(exchange, step, now) if to_servers else (None, None)
        if target is not None:
            exchange.fault = step.label
            exchange.connect(lease, target, now)
            return
    outcome = "" if exchange.fault or exchange.cause is None else _OUTCOMES.get(exchange.cause, "")
    if not outcome:
        exchange.fault = "built-in page"
    local_reply.failure(exchange, status, exchange.fault or outcome, outcome or "fault")


def _claimed(
    exchange: Exchange, step: ServerStep | PoolStep | LocalStep, now: float
) -> tuple[Lease | None, RealServer | Address | None]:
    """Where a step leads, claimed; (None, None) when it leads nowhere."""
    if isinstance(step, ServerStep):
        if step.server.key in _tried_keys(exchange):
            return None, None
        exchange.timeouts = step.server.pool.config.timeouts
        claimed = ledger.try_claim(step.server)
        return claimed, None if claimed is None else step.server
    if isinstance(step, LocalStep):
        exchange.timeouts = DEFAULT_TIMEOUTS
        return None, step.address
    pool = exchange.service.registry.pools.get(step.name)
    lease = None if pool is None else _another(exchange, pool, now)
    if lease is None or pool is None:
        return None, None
    exchange.timeouts = pool.config.timeouts
    # Should the connection fail, this step comes again: other servers of the pool may be there.
    exchange.steps = itertools.chain((step,), exchange.steps or ())
    return lease, lease.server


def _another(exchange: Exchange, pool: LivePool, now: float) -> Lease | None:
    """A claim on a server of a fault step's pool that was not tried, as often as its `retry` allows."""
    retry = pool.config.retry
    failed = sum(server.pool is pool for server in exchange.tried)
    if failed > (retry.tries if "connect" in retry.on else 0):
        return None
    service, keys = exchange.service, _tried_keys(exchange)
    tried = tuple(server for server in pool.servers if server.key in keys)
    lease = select(service.registry, pool, service.key, exchange.facts, now, exclude=tried)
    if lease is not None and lease.server in tried:
        lease.release()
        return None
    return lease


def _tried_keys(exchange: Exchange) -> set[str]:
    """The addresses of the servers that were tried: one that stands in two pools is one server."""
    return {server.key for server in exchange.tried}


def count(exchange: Exchange, cause: str) -> None:
    """A try on a server failed."""
    if exchange.lease is not None:
        ledger.failed(exchange.lease, cause)
