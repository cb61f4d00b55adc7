"""The server's response on its way back: interim and final heads, bodies, upgrades and tunnels.

Functions over an `Exchange`, called by the conversation when the server speaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.proxy import dispatch, local_reply, request_body, trace_field
from director.l7.proxy.exchange import BODY, RESPONSE, TUNNEL
from director.l7.routing import affinity

if TYPE_CHECKING:
    from director.l7.http.response_relay import ResponseRelay
    from director.l7.http.responses import ResponseHead
    from director.l7.proxy.commands import ServerPassed
    from director.l7.proxy.exchange import Exchange

INTERIM_LIMIT = 32
"""Interim (1xx) heads passed on within `INTERIM_SECONDS`; a server that sends more is broken.

Progress reports over a long time are what they are for (RFC 9110 15.2): they renew `timeout.response`.
"""
INTERIM_SECONDS = 1.0


def server_bytes(exchange: Exchange, data: bytes, now: float) -> None:
    """Octets from the server."""
    relay = exchange.relay
    if exchange.phase is TUNNEL:
        if (
            not exchange.status
            and exchange.service.is_http
            and data[:7] == b"HTTP/1."
            and data[9:12].isdigit()
        ):
            # Relayed unread, but the first status is worth a word in the log.
            exchange.overheard(int(data[9:12]), now)
        exchange.write(data if relay is None else relay.tunnelled(data))
        exchange.until(now + exchange.timeouts.tunnel)
        return
    if relay is None:
        return
    try:
        if relay.final is None:
            relay.feed(data)
            head = relay.head()
            while head is not None:
                if head.status >= 200:
                    _final_head(exchange, relay, head, now)
                    return
                if not _interim_head(exchange, relay, head, now):
                    return
                head = relay.head()
        else:
            exchange.write(relay.body(data))
            if relay.done:
                exchange.finish("fault" if exchange.fault else "ok")
            else:
                exchange.until(now + exchange.timeouts.idle)
    except MessageError as error:
        dispatch.junk(exchange, error.reason, now)


def unread(exchange: Exchange) -> int:
    """Octets that may go to the client without being seen here."""
    relay = exchange.relay
    if exchange.phase is TUNNEL:
        # The first octets of a connection that is relayed unread are looked at for the log.
        return request_body.TUNNEL_OCTETS if exchange.sent else 0
    return relay.unread if relay is not None and exchange.phase is BODY else 0


def passed(exchange: Exchange, event: ServerPassed, now: float) -> None:
    """So many octets went to the client unread."""
    exchange.passed(event.size)
    relay = exchange.relay
    if exchange.phase is TUNNEL:
        exchange.until(now + exchange.timeouts.tunnel)
    elif relay is not None:
        relay.passed(event.size)
        exchange.until(now + exchange.timeouts.idle)


def _interim_head(exchange: Exchange, relay: ResponseRelay, head: ResponseHead, now: float) -> bool:
    """Pass on a 1xx head; False when no other head follows, because the protocol changes."""
    if relay.is_upgrade(head) and exchange.body.done:
        _switch_protocols(exchange, relay, head, now)
        return False
    if now - exchange.interims_since >= INTERIM_SECONDS:
        exchange.interims_since = now
        exchange.interims = 0
    exchange.interims += 1
    if head.status == 101 or exchange.interims > INTERIM_LIMIT:
        raise MessageError(502, "unasked, early or too many interim answers")
    exchange.interim(head.status, relay.interim_head(head), now)
    return True


def _final_head(exchange: Exchange, relay: ResponseRelay, head: ResponseHead, now: float) -> None:
    pool, fault, added = exchange.pool, exchange.fault, b""
    config = None if pool is None else pool.config
    if config is not None and head.status in config.retry.statuses and dispatch.may_retry(exchange):
        dispatch.count(exchange, f"{head.status // 100}xx")
        dispatch.again(exchange, f"status {head.status}", now)
        return
    client = exchange.client
    sticks = config is not None and config.persist is not None
    if sticks or fault or not head.dated or exchange.service.hsts:
        added = _added(exchange, head)
    if client.peer.trusted and trace_field.ASKS in exchange.head.fields:
        added += trace_field.field(exchange, now)
    keep = exchange.keep_alive and exchange.body.done and (not client.leaving or client.can_stay())
    text = relay.begin(head, keep, added, fault != "")
    exchange.answered(head.status, text, now)
    if relay.done:
        exchange.finish("fault" if fault else "ok")


def _added(exchange: Exchange, head: ResponseHead) -> bytes:
    """Field lines that this hop adds to the response: date, HSTS, the affinity cookie, the mark of a fault.

    Who has a clock dates what it forwards, when the server did not (RFC 9110 6.6.1).
    """
    date = b"" if head.dated else exchange.client.handle.date()
    if exchange.client.peer.tls is not None:
        date += exchange.service.hsts
    if exchange.fault:
        return date + local_reply.marks(exchange, exchange.fault)
    pool = exchange.pool
    if pool is None or pool.config.persist is None:
        return date
    lease, persist = exchange.lease, pool.config.persist
    if lease is not None and persist.follow:
        return date + affinity.follows(persist, lease.server, head.lines)
    if lease is None or exchange.sticky:
        return date
    return date + affinity.set_cookie(persist, lease.server)


def server_ended(exchange: Exchange, now: float) -> None:
    """FIN from the server: the end of a close-delimited body, of half a tunnel, or a failure."""
    if exchange.phase is TUNNEL:
        exchange.half_closed(by_server=True)
    elif exchange.phase is BODY and exchange.relay is not None:
        rest = exchange.relay.end()
        if rest is None:
            dispatch.cut(exchange, "truncated")
        else:
            exchange.write(rest)
            exchange.finish("fault" if exchange.fault else "ok")
    elif exchange.phase is RESPONSE:
        dispatch.no_response(exchange, "closed before an answer", now)


def _switch_protocols(exchange: Exchange, relay: ResponseRelay, head: ResponseHead, now: float) -> None:
    """The server changes protocols as asked: from here on octets pass unread."""
    exchange.interim(101, relay.switched(head), now)
    exchange.write(relay.tunnelled(relay.take()))
    held = exchange.client.taken()
    exchange.tunnel(now, 101)
    if held:
        request_body.client_bytes(exchange, held, now)
