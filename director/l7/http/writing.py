"""Heads on their way out: the request a server gets, the response a client gets.

Field blocks are sent on as they came, less hop-by-hop and nominated fields, plus what this hop adds.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from director.l7.http.fields import CHUNKED, NOTHING

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.http.responses import ResponseHead

PLAIN_TEXT = "text/plain; charset=utf-8"
"""What a response of our own is, unless it says otherwise."""
_HOST = frozenset((b"host",))
_LENGTH = frozenset((b"content-length",))
_CACHE_CONTROL = frozenset((b"cache-control",))


def request_fields(head: RequestHead, dropped: frozenset[bytes]) -> bytes:
    """The client's field lines for the server, with one Host; `dropped` goes beyond the hop-by-hop ones."""
    if head.fields.get(b"host") != head.host:
        return head.lines.kept(dropped | _HOST) + b"Host: " + head.host + b"\r\n"
    return head.lines.kept(dropped)


def request_framing(head: RequestHead) -> bytes:
    """The field lines that say how the body ends, and what becomes of the connection."""
    lines = b"Transfer-Encoding: chunked\r\n" if head.length == CHUNKED else b""
    parsed = head.parsed
    if parsed.trailers:
        # Trailers of the response reach the client (RFC 9110 10.1.4).
        lines += b"TE: trailers\r\n"
    if parsed.upgrade:
        options = b"upgrade, TE" if parsed.trailers else b"upgrade"
        return lines + b"Connection: " + options + b"\r\nUpgrade: " + parsed.upgrade + b"\r\n"
    return lines + b"Connection: TE\r\n" if parsed.trailers else lines


def response_head(head: ResponseHead, added: bytes, no_store: bool = False) -> bytes:
    """The head for the client; `added` are whole field lines (framing, Connection, cookies).

    `no_store` replaces the server's Cache-Control, for answers that must not outlive a fault.
    """
    if no_store:
        return _written(head, _CACHE_CONTROL, added + b"Cache-Control: no-store\r\n")
    if added != head.added:
        head.added, head.text = added, _written(head, NOTHING, added)
    return head.text


def phrase(status: int) -> str:
    """The standard reason phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Answer"


def own_response(
    status: int, body: bytes, fields: bytes = b"", content_type: str = PLAIN_TEXT, *, head_only: bool = False
) -> bytes:
    """A whole response that no server made; `fields` are whole lines (Connection, Location, …)."""
    line = f"HTTP/1.1 {status} {phrase(status)}\r\n".encode("latin-1")
    if status in (204, 304):
        return line + fields + b"\r\n"
    if status == 205:
        body = b""
    kind = content_type.encode("latin-1")
    text = b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (line, kind, len(body), fields)
    return text if head_only else text + body


def _written(head: ResponseHead, dropped: frozenset[bytes], added: bytes) -> bytes:
    if head.status < 200 or head.status == 204:
        dropped |= _LENGTH
    return b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, head.lines.kept(dropped), added)
