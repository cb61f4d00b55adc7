"""Heads on their way out: the request a server gets, the response a client gets.

Field blocks are sent on as they came, less hop-by-hop and nominated fields, plus what
this hop adds.  Templates of rules (`$1`, `${NAME}`, `${host}`) are filled here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from director.config.parse.actions import CLIMBS
from director.errors import MessageError
from director.l7.http.fields import CHUNKED, HOP_BY_HOP, NOTHING, FieldBlock
from director.l7.http.grammar import NONE_OF_INTEREST
from director.l7.http.target import readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.http.requests import RequestHead
    from director.l7.http.responses import ResponseHead
    from director.l7.routing.facts import RequestFacts
    from director.model.http import HeaderEdit

_PLACE = re.compile(r"\$(?:([0-9]+)|\{([^}]*)\}|\$)")
_SAFE_PATH = "/-._~!$&'()*+,;=:@%"
_OWN = frozenset(("host", "path", "uri", "client", "method"))
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNTOUCHED = HOP_BY_HOP | {b"content-length"}
_HOST = frozenset((b"host",))
_LENGTH = frozenset((b"content-length",))
_CACHE_CONTROL = frozenset((b"cache-control",))


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
    """The target for the server by a rule's `rewrite_path`; the query stays as it was sent.

    Raises: MessageError 400 when what the client put into the template makes a path that climbs (`..`)
        or has no safe reading.
    """
    path = _BARE_PERCENT.sub("%25", quote(fill(template, facts), safe=_SAFE_PATH))
    if not path.startswith("/"):
        path = "/" + path
    sent = path.encode("ascii")
    readings(sent)
    if CLIMBS.search(path):
        raise MessageError(400, "the rewritten path climbs")
    return sent + head.query


def edited(block: bytes, edits: Sequence[HeaderEdit], facts: RequestFacts) -> bytes:
    """`block` after a rule's set_header, add_header and del_header, in order.

    Fields of framing and of the connection are never touched, Host is only ever set.
    """
    for edit in edits:
        name = edit.name.lower().encode("latin-1", "replace")
        if name in _UNTOUCHED or (name == b"host" and edit.verb != "set"):
            continue
        if edit.verb != "add":
            block = FieldBlock(block, NONE_OF_INTEREST).less(name)
        if edit.verb != "del":
            block += f"{edit.name}: {fill(edit.value, facts).strip()}\r\n".encode("latin-1", "replace")
    return block


def request_tail(head: RequestHead, dropped: frozenset[bytes], added: bytes) -> bytes:
    """The field lines for the server: one Host, one framing field, a persistent connection.

    `dropped` are names of fields beyond the hop-by-hop ones, `added` whole field lines.
    """
    if head.fields.get(b"host") != head.host:
        dropped |= _HOST
        added = b"Host: " + head.host + b"\r\n" + added
    if head.length == CHUNKED:
        added += b"Transfer-Encoding: chunked\r\n"
    upgrade = head.parsed.upgrade
    if upgrade:
        added += b"Connection: upgrade\r\nUpgrade: " + upgrade + b"\r\n"
    return head.lines.kept(dropped) + added


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
