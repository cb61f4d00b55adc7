"""Responses that the director itself gives: refusals, redirects, fixed texts, pages.

They can be told from a server's: the text of a refusal says why, trusted clients get an `X-Director` field
and, if they ask, `X-Director-Trace`, and log and trace name the cause.  Each ends its exchange; how it is
framed is its client's business (`relay`).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from director.l7.http.writing import PLAIN_TEXT, phrase
from director.l7.proxy import trace_field

if TYPE_CHECKING:
    from director.errors import MessageError
    from director.l7.proxy.exchange import Exchange
    from director.model.http import Page

_BODY = (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">\n'
    "<title>{status} {phrase}</title>\n"
    "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;"
    "color-scheme:light dark}}"
    "small{{opacity:.6}}</style>\n"
    "<h1>{status} {phrase}</h1>\n<p>{reason}</p>\n<p><small>{identity}</small></p></html>\n"
)
_SENTENCES = {
    502: "The server behind this address gave an answer that cannot be passed on.",
    503: "No server is able to answer just now. Please try again in a moment.",
    504: "The server behind this address took too long to answer.",
}
_NO_STORE = b"Cache-Control: no-store\r\n"
_HTML = "text/html; charset=utf-8"


def reply(
    exchange: Exchange, status: int, body: bytes, fields: bytes, cause: str, *, content_type: str = PLAIN_TEXT
) -> None:
    """Give a whole response and end the exchange with `cause`, which is no failure."""
    _give(exchange, status, body, fields, cause, content_type)
    exchange.finish(cause, server_gone=True)


def refusal(exchange: Exchange, error: MessageError) -> None:
    """The request is wrong; the connection ends behind the response."""
    exchange.last()
    _give(exchange, error.status, refusal_text(error), b"", error.reason)
    exchange.finish("refused", server_gone=True)


def refusal_text(error: MessageError) -> bytes:
    """What a refused client reads."""
    return f"{error.status} {phrase(error.status)}: {error.reason}\n".encode("latin-1", "replace")


def failure(exchange: Exchange, status: int, cause: str, outcome: str) -> None:
    """The built-in page for what a server (or the lack of one) has done; never stored."""
    _give(exchange, status, failure_text(status, exchange.identity), _NO_STORE, cause, _HTML)
    exchange.finish(outcome, server_gone=True)


def failure_text(status: int, identity: str) -> bytes:
    """The built-in page for 502, 503 and 504."""
    return _BODY.format(
        status=status, phrase=phrase(status), reason=_SENTENCES.get(status, ""), identity=escape(identity)
    ).encode()


def page(exchange: Exchange, found: Page, status: int) -> None:
    """A configured page, the end of a fault path; never stored.  `status` is for one without its own."""
    fields = _NO_STORE
    if found.retry_after is not None:
        fields += b"Retry-After: %d\r\n" % max(1, round(found.retry_after))
    _give(exchange, found.status or status, found.body, fields, exchange.fault, found.content_type)
    exchange.finish("fault", server_gone=True)


def marks(exchange: Exchange, cause: str) -> bytes:
    """The field that tells a trusted client what the director did itself."""
    if not exchange.client.peer.trusted:
        return b""
    return f"X-Director: {cause}; id={exchange.identity}\r\n".encode("latin-1", "replace")


def _give(
    exchange: Exchange, status: int, body: bytes, fields: bytes, cause: str, content_type: str = PLAIN_TEXT
) -> None:
    """Write the whole response; a connection that is relayed unread just ends."""
    client = exchange.client
    keep = exchange.keep_alive and exchange.body.done and client.can_stay()
    if not keep:
        exchange.last()
    text = b""
    if exchange.service.is_http:
        fields += client.handle.date() + marks(exchange, cause)
        if trace_field.asked(exchange):
            fields += trace_field.field(exchange)
        if client.peer.tls is not None:
            fields += exchange.service.hsts
        text = client.relay(exchange.head).own(status, body, fields, content_type, keep=keep)
    exchange.give(status, text)
