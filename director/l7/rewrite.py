"""Heads on their way out: the request a server gets, the response a client gets.

Field blocks are sent on as they came, less hop-by-hop and nominated fields, plus what
this hop adds.  Templates of rules (`$1`, `$name`, `$host`, `$path`, `$query`) are filled here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from director.l7.http1 import CHUNKED, field_pattern, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.facts import RequestFacts
    from director.l7.http1 import RequestHead, ResponseHead
    from director.model import HeaderEdit

_PLACE = re.compile(r"\$(?:([0-9]+)|\{([^}]*)\}|\$)")
_SAFE_PATH = "/-._~!$&'()*+,;=:@%"
_OWN = frozenset(("host", "path", "uri", "client", "method"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fill(template: str, facts: RequestFacts) -> str:
    """`template` with `$1` or `${NAME}` filled in by the rule's captured groups, and `$$` by a dollar.

    `${host}`, `${path}`, `${uri}`, `${query}`, `${client}` and `${method}` are the request's own.  What is
    absent becomes empty; control characters never come out, so no field can be split.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return "$"
        if name in facts.groups:
            return facts.groups[name]
        if name == "query":
            return facts.uri.partition("?")[2]
        return str(getattr(facts, name)) if name in _OWN else ""

    return _CONTROL.sub("", _PLACE.sub(value, template)) if "$" in template else template


def rewritten_target(template: str, head: RequestHead, facts: RequestFacts) -> bytes:
    """The target for the server by a rule's `rewrite_path`; the query stays as it was sent."""
    path = quote(fill(template, facts), safe=_SAFE_PATH)
    if not path.startswith("/"):
        path = "/" + path
    return path.encode("ascii") + head.query


def edited(block: bytes, edits: Sequence[HeaderEdit], facts: RequestFacts) -> bytes:
    """`block` after a rule's set_header, add_header and del_header, in order."""
    for edit in edits:
        if edit.verb in ("set", "del"):
            block = field_pattern(edit.name.lower()).sub(b"", block)
        if edit.verb in ("set", "add"):
            block += f"{edit.name}: {fill(edit.value, facts)}\r\n".encode("latin-1", "replace")
    return block


def request_head(head: RequestHead, sent: bytes, dropped: list[tuple[int, int]], added: bytes) -> bytes:
    """The head for the server: always HTTP/1.1, one Host, one framing field, persistent.

    `dropped` are spans beyond the hop-by-hop ones, `added` whole field lines.
    """
    spans = head.spans
    host = head.fields.get(b"host")
    extra = b""
    if host is None or host != head.host:
        dropped = dropped + [span for name, span in head.where if name == b"host"]
        extra = b"Host: " + head.host + b"\r\n"
    if dropped:
        spans = sorted({*spans, *dropped})
    if head.length == CHUNKED:
        extra += b"Transfer-Encoding: chunked\r\n"
    if head.upgrade:
        extra += b"Connection: upgrade\r\nUpgrade: " + head.upgrade + b"\r\n"
    return b"%b %b HTTP/1.1\r\n%b%b%b\r\n" % (head.method, sent, extra, without(head.block, spans), added)


def response_head(head: ResponseHead, added: bytes, *, no_store: bool = False) -> bytes:
    """The head for the client; `added` are whole field lines (framing, Connection, cookies).

    `no_store` replaces the server's Cache-Control, for answers that must not outlive a fault.
    """
    spans = head.spans
    if head.status < 200 or head.status == 204:
        spans = spans + [span for name, span in head.where if name == b"content-length"]
    if no_store:
        spans = spans + [span for name, span in head.where if name == b"cache-control"]
        added += b"Cache-Control: no-store\r\n"
    return b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, without(head.block, spans), added)
