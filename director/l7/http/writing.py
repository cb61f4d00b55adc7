"""Heads on their way out: the request a server gets, the response a client gets.

Field blocks are sent on as they came, less hop-by-hop and nominated fields, plus what this hop adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l7.http.fields import CHUNKED, NOTHING

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.http.responses import ResponseHead

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
    upgrade = head.parsed.upgrade
    if upgrade:
        lines += b"Connection: upgrade\r\nUpgrade: " + upgrade + b"\r\n"
    return lines


def response_head(head: ResponseHead, added: bytes, no_store: bool = False) -> bytes:
    """The head for the client; `added` are whole field lines (framing, Connection, cookies).

    `no_store` replaces the server's Cache-Control, for answers that must not outlive a fault.
    """
    if no_store:
        return _written(head, _CACHE_CONTROL, added + b"Cache-Control: no-store\r\n")
    if added != head.added:
        head.added, head.text = added, _written(head, NOTHING, added)
    return head.text


def _written(head: ResponseHead, dropped: frozenset[bytes], added: bytes) -> bytes:
    if head.status < 200 or head.status == 204:
        dropped |= _LENGTH
    return b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, head.lines.kept(dropped), added)
