"""Answers that the director itself gives: refusals, redirects, fixed texts, pages.

They can be told from a server's: the status text of a refusal says why, trusted clients get an
`X-Director` field, and log and trace name the cause.
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def phrase(status: int) -> str:
    """The standard reason phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Answer"


def answer(
    status: int,
    body: bytes,
    fields: bytes = b"",
    *,
    content_type: str = "text/plain; charset=utf-8",
    head_only: bool = False,
) -> bytes:
    """One complete response; `fields` are whole lines (Connection, Location, …)."""
    line = f"HTTP/1.1 {status} {phrase(status)}\r\n".encode("latin-1")
    if status in (204, 304):
        return line + fields + b"\r\n"
    if status == 205:
        body = b""
    text = b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (
        line,
        content_type.encode("latin-1"),
        len(body),
        fields,
    )
    return text if head_only else text + body


def refusal(status: int, reason: str, fields: bytes, *, head_only: bool = False) -> bytes:
    """A refusal of a request: its reason as plain text."""
    return answer(
        status,
        f"{status} {phrase(status)}: {reason}\n".encode("latin-1", "replace"),
        fields,
        head_only=head_only,
    )


def failure(status: int, identity: str, fields: bytes, *, head_only: bool = False) -> bytes:
    """The built-in page for 502, 503 and 504; never stored."""
    body = _BODY.format(
        status=status, phrase=phrase(status), reason=_SENTENCES.get(status, ""), identity=escape(identity)
    ).encode()
    fields += b"Cache-Control: no-store\r\n"
    return answer(status, body, fields, content_type="text/html; charset=utf-8", head_only=head_only)


def page(found: Page, fields: bytes, *, head_only: bool = False) -> bytes:
    """A configured page; never stored."""
    fields += b"Cache-Control: no-store\r\n"
    if found.retry_after is not None:
        fields += b"Retry-After: %d\r\n" % max(1, round(found.retry_after))
    return answer(found.status, found.body, fields, content_type=found.content_type, head_only=head_only)
