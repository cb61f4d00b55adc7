"""The request's body on its way to the server: read, limited, kept for another try, sent on.

Functions over an `Exchange`, called when the client speaks while its request is being served, and when the
server's connection is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import chunk, last_chunk
from director.l7.http.fields import CHUNKED
from director.l7.proxy import dispatch
from director.l7.proxy.exchange import BODY, IDEMPOTENT, RESPONSE, SPOOL_LIMIT, TUNNEL

if TYPE_CHECKING:
    from director.l7.proxy.commands import ClientPassed
    from director.l7.proxy.exchange import Exchange

TUNNEL_OCTETS = 1 << 20
"""Octets of a tunnel that are welcome at once: all, since they are passed on unread."""


def client_bytes(exchange: Exchange, data: bytes, now: float) -> None:
    """Body octets (or tunnelled ones) from the client."""
    if exchange.phase is TUNNEL:
        exchange.received += len(data)
        exchange.to_server(data)
        exchange.until(now + exchange.timeouts.tunnel)
        return
    body = exchange.body
    try:
        payload, surplus = body.read(data)
    except MessageError as error:
        dispatch.refuse(exchange, error)
        return
    exchange.received += len(payload)
    limit = exchange.service.limits.body
    if limit and exchange.received + body.remaining > limit:
        dispatch.refuse(exchange, MessageError(413, "body too large"))
        return
    if surplus:
        exchange.client.give_back(surplus)
    _forward(exchange, payload, now)


def unread(exchange: Exchange) -> int:
    """Octets that may go to the server without being seen here."""
    phase = exchange.phase
    if phase is TUNNEL:
        return TUNNEL_OCTETS
    sending = phase is RESPONSE or phase is BODY
    return exchange.body.unread if sending and exchange.spool is None else 0


def passed(exchange: Exchange, event: ClientPassed, now: float) -> None:
    """So many octets went to the server unread."""
    exchange.received += event.size
    if exchange.phase is TUNNEL:
        exchange.until(now + exchange.timeouts.tunnel)
        return
    exchange.body.passed(event.size)
    if exchange.phase is RESPONSE:
        exchange.await_response(now)
    else:
        exchange.until(now + exchange.timeouts.idle)


def _forward(exchange: Exchange, payload: bytes, now: float) -> None:
    framed = payload
    if exchange.head.length == CHUNKED:
        framed = chunk(payload) if payload else b""
        if exchange.body.done:
            framed += last_chunk(exchange.body.trailers)
    if not framed:
        return
    phase = exchange.phase
    sending = phase is RESPONSE or phase is BODY
    if exchange.spool is not None:
        _keep(exchange, exchange.spool, framed, sending=sending)
    if sending:
        exchange.to_server(framed)
        if phase is RESPONSE:
            exchange.await_response(now)
        else:
            exchange.until(now + exchange.timeouts.idle)


def _keep(exchange: Exchange, spool: list[bytes], framed: bytes, *, sending: bool) -> None:
    """Keep octets for another try; beyond the limit there will be none, or the client must wait."""
    spool.append(framed)
    exchange.spooled += len(framed)
    if exchange.spooled > SPOOL_LIMIT:
        if sending:
            exchange.spool = None
        else:
            exchange.client.pause(exchange.stream)


def server_ready(exchange: Exchange, now: float, reused: bool) -> None:
    """The server's connection is there: it gets the head, and what has come of the body."""
    spool = exchange.spool
    text = exchange.sent_head
    if spool is not None:
        if exchange.spooled > SPOOL_LIMIT or not _may_come_back(exchange):
            exchange.spool = None
        text += b"".join(spool)
    elif exchange.service.per_connection:
        # From here on unread, what has come already included.
        early = exchange.client.taken()
        exchange.received += len(early)
        text += early
    exchange.send(text, now, reused)


def _may_come_back(exchange: Exchange) -> bool:
    """It may be sent a second time: by its method, or because its server can say that it ignored it."""
    pool = exchange.pool
    return exchange.head.method in IDEMPOTENT or (pool is not None and pool.config.protocol == "h2")
