"""The request's body on its way to the server: read, limited, kept for another try, sent on.

Functions over an `Exchange`, called when the client speaks while its request is being served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import chunk, last_chunk
from director.l7.http.fields import CHUNKED
from director.l7.proxy import dispatch
from director.l7.proxy.commands import ToServer
from director.l7.proxy.phase import ANSWER, BODY, IDEMPOTENT, TUNNEL

if TYPE_CHECKING:
    from director.l7.proxy.exchange import Exchange

SPOOL_LIMIT = 65536
"""Octets of a request body kept for sending it again, and taken from a client before a server is ready."""


def client_bytes(exchange: Exchange, data: bytes, now: float) -> None:
    """Body octets (or tunnelled ones) from the client."""
    if exchange.phase is TUNNEL:
        exchange.received += len(data)
        exchange.conversation.out.append(ToServer(data))
        exchange.conversation.deadline = now + exchange.timeouts.tunnel
        return
    body = exchange.body
    try:
        payload, surplus = body.read(data)
    except MessageError as error:
        dispatch.refuse(exchange, error, now)
        return
    exchange.received += len(payload)
    limit = exchange.service.limits.body
    if limit and exchange.received + body.remaining > limit:
        dispatch.refuse(exchange, MessageError(413, "body too large"), now)
        return
    if surplus:
        exchange.conversation.framer.feed(surplus)
    _forward(exchange, payload, now)


def _forward(exchange: Exchange, payload: bytes, now: float) -> None:
    framed = payload
    if exchange.head.length == CHUNKED:
        framed = chunk(payload) if payload else b""
        if exchange.body.done:
            framed += last_chunk(exchange.body.trailers)
    if not framed:
        return
    sending = exchange.phase in (ANSWER, BODY)
    if exchange.spool is not None:
        _keep(exchange, exchange.spool, framed, sending=sending)
    if sending:
        exchange.conversation.out.append(ToServer(framed))
        if exchange.phase is ANSWER:
            wait_for_answer(exchange, now)
        else:
            exchange.conversation.deadline = now + exchange.timeouts.idle


def _keep(exchange: Exchange, spool: list[bytes], framed: bytes, *, sending: bool) -> None:
    """Keep octets for another try; beyond the limit there will be none, or the client must wait."""
    spool.append(framed)
    exchange.spooled += len(framed)
    if exchange.spooled > SPOOL_LIMIT:
        if sending:
            exchange.spool = None
        else:
            exchange.conversation.pause()


def too_long_to_keep(exchange: Exchange) -> bool:
    """The body will not, or may not, stay in the spool until a server answers."""
    length = exchange.head.length
    return length > SPOOL_LIMIT or (length == CHUNKED and not exchange.body.done)


def begin(exchange: Exchange) -> bytes:
    """What a server that is ready gets first: the head, and what has come of the body."""
    spool = exchange.spool
    if spool is None:
        return exchange.sent_head
    if exchange.spooled > SPOOL_LIMIT or exchange.head.method not in IDEMPOTENT:
        exchange.spool = None
    return exchange.sent_head + b"".join(spool)


def wait_for_answer(exchange: Exchange, now: float) -> None:
    """Until the request is whole, the client has to go on; from then on, the server must answer."""
    seconds = exchange.timeouts.response if exchange.body.done else exchange.service.timeouts.client
    exchange.conversation.deadline = now + seconds
