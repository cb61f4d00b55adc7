"""Answers that the director gives itself, as the end of an exchange.

Functions over an `Exchange`; `answers` makes the texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l7.proxy import local_reply

if TYPE_CHECKING:
    from director.errors import MessageError
    from director.l7.proxy.exchange import Exchange
    from director.model.http import Page


def own(exchange: Exchange, status: int, body: bytes, fields: bytes, outcome: str, now: float) -> None:
    """An answer that is no failure: a redirect, a fixed text."""
    fields += connection_lines(exchange, outcome)
    text = local_reply.answer(status, body, fields, head_only=_head_only(exchange))
    _give(exchange, status, text, outcome, now)


def refusal(exchange: Exchange, error: MessageError, now: float) -> None:
    """The request is wrong; the connection ends behind it."""
    exchange.keep_alive = False
    fields = connection_lines(exchange, error.reason)
    text = local_reply.refusal(error.status, error.reason, fields, head_only=_head_only(exchange))
    _give(exchange, error.status, text, "refused", now)


def failure(exchange: Exchange, status: int, cause: str, outcome: str, now: float) -> None:
    """The built-in page for what a server (or the lack of one) has done."""
    fields = connection_lines(exchange, cause)
    text = local_reply.failure(status, exchange.identity, fields, head_only=_head_only(exchange))
    _give(exchange, status, text, outcome, now)


def page(exchange: Exchange, found: Page, now: float) -> None:
    """A configured page, the end of a fault path."""
    fields = connection_lines(exchange, exchange.fault)
    text = local_reply.page(found, fields, head_only=_head_only(exchange))
    _give(exchange, found.status, text, "fault", now)


def marks(exchange: Exchange, cause: str) -> bytes:
    """The field that tells a trusted client what the director did itself."""
    if not exchange.conversation.peer.trusted:
        return b""
    return f"X-Director: {cause}; id={exchange.identity}\r\n".encode("latin-1", "replace")


def connection_lines(exchange: Exchange, cause: str) -> bytes:
    """Date and connection lines for an answer of our own, with the mark for trusted clients."""
    lines = exchange.conversation.handle.date() + marks(exchange, cause)
    if exchange.keep_alive and exchange.conversation.can_stay() and exchange.body.done:
        return (b"" if exchange.head.minor else b"Connection: keep-alive\r\n") + lines
    exchange.keep_alive = False
    return b"Connection: close\r\n" + lines


def _head_only(exchange: Exchange) -> bool:
    """The answer has no body because HEAD was asked."""
    return exchange.head.method == b"HEAD"


def _give(exchange: Exchange, status: int, text: bytes, outcome: str, now: float) -> None:
    """Give the whole answer; a connection that is relayed unread just ends."""
    exchange.status = status
    if exchange.service.is_http:
        exchange.conversation.owed += len(text)
        exchange.write(text)
    exchange.finish(outcome, now, server_gone=True)
