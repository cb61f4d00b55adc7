"""The answer on its way back: interim and final heads, bodies, upgrades and tunnels.

Functions over an `Exchange`, called by it when the server speaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.response_relay import INTERIM_LIMIT
from director.l7.http.writing import response_head
from director.l7.proxy import answering, dispatch
from director.l7.proxy.commands import Do, ToClient, ToServer
from director.l7.proxy.phase import ANSWER, BODY, TUNNEL
from director.l7.routing import affinity

if TYPE_CHECKING:
    from director.l7.http.response_relay import Reply
    from director.l7.http.responses import ResponseHead
    from director.l7.proxy.exchange import Exchange


def server_bytes(exchange: Exchange, data: bytes, now: float) -> None:
    """Octets from the server."""
    if exchange.phase is TUNNEL:
        exchange.write(data)
        exchange.conversation.deadline = now + exchange.timeouts.tunnel
        return
    reply = exchange.reply
    if reply is None:
        return
    try:
        if reply.final is None:
            reply.feed(data)
            head = reply.head()
            while head is not None:
                if exchange.first_byte is None:
                    exchange.first_byte = now - exchange.opened
                if head.status >= 200:
                    _final_head(exchange, reply, head, now)
                    return
                if not _interim_head(exchange, reply, head, now):
                    return
                head = reply.head()
        else:
            _pass_on(exchange, reply, reply.body(data), now)
    except MessageError as error:
        dispatch.junk(exchange, error.reason, now)


def _interim_head(exchange: Exchange, reply: Reply, head: ResponseHead, now: float) -> bool:
    """Pass on a 1xx head; False when no other head follows, because the protocol changes."""
    if reply.is_upgrade(head) and exchange.body.done:
        _switch_protocols(exchange, reply, head, now)
        return False
    if head.status == 101 or reply.interim >= INTERIM_LIMIT:
        raise MessageError(502, "unasked, early or endless interim answers")
    exchange.write(reply.interim_head(head))
    return True


def _final_head(exchange: Exchange, reply: Reply, head: ResponseHead, now: float) -> None:
    pool = exchange.pool
    if pool is not None and head.status in pool.config.retry.statuses and dispatch.may_retry(exchange):
        dispatch.again(exchange, f"status {head.status}", now)
        return
    fault = exchange.fault
    plain = head.dated and not fault and (pool is None or pool.config.persist is None)
    keep = exchange.keep_alive and exchange.body.done and exchange.conversation.can_stay()
    text = reply.begin(head, keep, b"" if plain else _added(exchange, head), bool(fault))
    exchange.status = head.status
    exchange.phase = BODY
    _pass_on(exchange, reply, text, now)


def _added(exchange: Exchange, head: ResponseHead) -> bytes:
    """Field lines that this hop adds to the answer: its date, the affinity cookie, the mark of a fault.

    Who has a clock dates what it forwards, when the server did not (RFC 9110 6.6.1).
    """
    date = b"" if head.dated else exchange.conversation.handle.date()
    if exchange.fault:
        return date + answering.marks(exchange, exchange.fault)
    pool = exchange.pool
    if pool is None or pool.config.persist is None:
        return date
    lease = exchange.lease
    if lease is None or exchange.sticky:
        return date
    return date + affinity.set_cookie(pool.config.persist, lease.server)


def _pass_on(exchange: Exchange, reply: Reply, text: bytes, now: float) -> None:
    if text:
        exchange.to_client += len(text)
        exchange.conversation.out.append(ToClient(text))
    if reply.done:
        exchange.finish("fault" if exchange.fault else "ok", now)
    else:
        exchange.conversation.deadline = now + exchange.timeouts.idle


def server_ended(exchange: Exchange, now: float) -> None:
    """FIN from the server: the end of a close-delimited body, of half a tunnel, or a failure."""
    if exchange.phase is TUNNEL:
        half_closed(exchange, now, by_server=True)
    elif exchange.phase is BODY and exchange.reply is not None:
        rest = exchange.reply.end()
        if rest is None:
            dispatch.cut(exchange, "truncated", now)
        else:
            exchange.write(rest)
            exchange.finish("fault" if exchange.fault else "ok", now)
    elif exchange.phase is ANSWER:
        dispatch.no_answer(exchange, "closed before an answer", now)


def _switch_protocols(exchange: Exchange, reply: Reply, head: ResponseHead, now: float) -> None:
    """The server changes protocols as asked: from here on octets pass unread."""
    conversation = exchange.conversation
    exchange.status = 101
    exchange.write(response_head(head, b"Connection: upgrade\r\nUpgrade: " + head.upgrade + b"\r\n"))
    exchange.write(reply.take())
    held = conversation.framer.take()
    if held:
        exchange.received += len(held)
        conversation.out.append(ToServer(held))
    tunnel(exchange, now)


def tunnel(exchange: Exchange, now: float) -> None:
    """Pass octets both ways until both sides have ended."""
    exchange.phase = TUNNEL
    exchange.conversation.resume()
    exchange.conversation.deadline = now + exchange.timeouts.tunnel
    if exchange.conversation.client_ended:
        half_closed(exchange, now, by_server=False)


def half_closed(exchange: Exchange, now: float, *, by_server: bool) -> None:
    """One side of a tunnel sent FIN: pass it on; when both have, the tunnel is over."""
    if by_server:
        exchange.server_done = True
        exchange.conversation.out.append(Do.END_CLIENT)
    else:
        exchange.client_done = True
        exchange.conversation.out.append(Do.END_SERVER)
    if exchange.server_done and exchange.client_done:
        exchange.finish("ok", now)
