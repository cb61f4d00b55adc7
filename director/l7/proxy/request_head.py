"""A request routed before a server is chosen: who asks, which rule claims it, what the server is sent.

`route_request` is pure: the same head from the same peer to the same service is routed alike.  The other
functions work on an `Exchange`, called by it once, when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import ChunkedBody
from director.l7.http.fields import FieldBlock
from director.l7.http.grammar import REQUEST_FIELDS
from director.l7.http.memo import HEAD_LIMIT
from director.l7.http.writing import request_fields, request_framing
from director.l7.proxy import answering, dispatch
from director.l7.routing.facts import RequestFacts
from director.l7.routing.forwarded import client_address
from director.l7.routing.rules import decide
from director.l7.routing.templates import edited, location, rewritten_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.http.requests import RequestHead
    from director.l7.proxy.conversation import Conversation
    from director.l7.proxy.exchange import Exchange
    from director.l7.routing.facts import Peer
    from director.l7.routing.rules import CompiledRule
    from director.l7.routing.service import CompiledService
    from director.model.http import HeaderEdit

VIA_LIMIT = 4
"""Times a request may pass this director before it is called a loop."""

_COUNTS_HOPS = frozenset((b"TRACE", b"OPTIONS"))
"""Methods for which Max-Forwards counts (RFC 9110 7.6.2)."""
_MOST_HOPS = 999_999_999
"""The largest Max-Forwards that is passed on; a larger one is legal and becomes this."""


class RoutedRequest(RequestFacts):
    """The facts of a request, and the rule of its service that claims it (None: no rule does).

    `text` is what a server gets, once `server_head` has made it; where the id of the request belongs to it
    (`lacks_id`), it ends in front of that.
    """

    __slots__ = ("lacks_id", "rule", "service", "text")

    lacks_id: bool
    rule: CompiledRule | None
    service: CompiledService
    text: bytes


def route_request(head: RequestHead, peer: Peer, service: CompiledService) -> RoutedRequest:
    """Who asks, and which rule claims it.  Raises MessageError 400 for a path without safe reading."""
    client = peer.client
    if peer.trusted:
        client = client_address(head, peer, service.config.trust, service.config.forwarded)
    routed = RoutedRequest(head, peer, client)
    routed.service = service
    routed.rule = decide(service.rules, routed)
    routed.text = b""
    return routed


class UpstreamFields:
    """What a server gets behind the request's target, up to the id of the request where that is lacking.

    It serves all requests whose head has these very `lines` (heads with equal ones share the object), this
    `host` and this `service`.
    """

    __slots__ = ("host", "lacks_id", "lines", "service", "text")

    def __init__(self, head: RequestHead, service: CompiledService, text: bytes, *, lacks_id: bool) -> None:
        self.lines = head.lines
        self.host = head.host
        self.service = service
        self.text = text
        self.lacks_id = lacks_id


def answer_by_rule(exchange: Exchange, compiled: CompiledRule, now: float) -> None:
    """Carry out a rule's redirect or fixed answer."""
    rule = compiled.rule
    if rule.redirect is not None:
        status, template = rule.redirect
        try:
            where = location(template, exchange.facts).encode("ascii")
        except MessageError as error:
            dispatch.refuse(exchange, error, now)
            return
        answering.own(exchange, status, b"", b"Location: " + where + b"\r\n", "redirect", now)
    else:
        status, text = rule.respond or (404, "")
        answering.own(exchange, status, text.encode() + b"\n" if text else b"", b"", "respond", now)


def ends_here(exchange: Exchange, now: float) -> bool:
    """Max-Forwards used up, or the request goes round in circles (RFC 9110 7.6.2, 7.6.3)."""
    head = exchange.head
    hops = head.fields.get(b"max-forwards")
    if hops is not None and head.method in _COUNTS_HOPS:
        if not hops.isdigit():
            dispatch.refuse(exchange, MessageError(400, "bad Max-Forwards"), now)
            return True
        if _number(hops) == 0:
            allowed = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            answering.own(exchange, 200, b"", allowed, "max_forwards", now)
            return True
    if exchange.service.policy.loops(head) >= VIA_LIMIT:
        reason = "the request goes round in circles; look at its Via and at the servers' addresses"
        dispatch.refuse(exchange, MessageError(508, reason), now)
        return True
    return False


def _number(hops: bytes) -> int:
    digits = hops.lstrip(b"0") or b"0"
    return int(digits) if len(digits) <= len(str(_MOST_HOPS)) else _MOST_HOPS


def server_head(exchange: Exchange, routed: RoutedRequest) -> bytes:
    """The head for the server.  Raises MessageError when a rule's edits make it ambiguous."""
    text = routed.text
    if not text:
        text = routed.text = _server_text(exchange, routed)
    return text + exchange.identity.encode() + b"\r\n\r\n" if routed.lacks_id else text


def _server_text(exchange: Exchange, routed: RoutedRequest) -> bytes:
    head, conversation, service = exchange.head, exchange.conversation, exchange.service
    body = exchange.body
    if isinstance(body, ChunkedBody):
        body.dropped |= service.names.canonical
    sent = head.sent
    rule = None if routed.rule is None else routed.rule.rule
    if rule is not None and rule.rewrite_path:
        sent = rewritten_target(rule.rewrite_path, head, routed)
    upstream = conversation.upstream_fields
    if rule is not None and rule.headers:
        upstream = _edited_fields(conversation, service, head, rule.headers, routed)
    # A client that repeats its fields gets the same lines again.
    elif (
        upstream is None
        or upstream.lines is not head.lines
        or upstream.host != head.host
        or upstream.service is not service
    ):
        upstream = _upstream_fields(conversation, service, head)
    routed.lacks_id = upstream.lacks_id
    return b" ".join((head.method, sent, upstream.text))


def _upstream_fields(
    conversation: Conversation, service: CompiledService, head: RequestHead
) -> UpstreamFields:
    """Version and field lines for the server, remembered unless they belong to one request only."""
    lacks_id = not service.policy.keeps_id(head, conversation.peer)
    text = _behind_target(service, head, _passed(conversation, service, head), lacks_id=lacks_id)
    upstream = UpstreamFields(head, service, text, lacks_id=lacks_id)
    if b"max-forwards" not in head.fields and len(text) <= HEAD_LIMIT:
        conversation.upstream_fields = upstream
    return upstream


def _edited_fields(
    conversation: Conversation,
    service: CompiledService,
    head: RequestHead,
    edits: Sequence[HeaderEdit],
    routed: RoutedRequest,
) -> UpstreamFields:
    """The same after a rule's edits, which have the last word over all but framing and connection."""
    block = edited(_passed(conversation, service, head), edits, routed)
    lacks_id = not (
        FieldBlock(block, REQUEST_FIELDS).has(b"x-request-id")
        or any(edit.name.lower() == "x-request-id" for edit in edits)
    )
    text = _behind_target(service, head, block, lacks_id=lacks_id)
    return UpstreamFields(head, service, text, lacks_id=lacks_id)


def _passed(conversation: Conversation, service: CompiledService, head: RequestHead) -> bytes:
    """What the client sent of itself, less what must not pass, and what the director says about it."""
    policy, peer = service.policy, conversation.peer
    dropped = policy.dropped(head, peer)
    added = policy.lines(head, peer)
    hops = head.fields.get(b"max-forwards")
    if hops is not None and head.method in _COUNTS_HOPS:
        added += b"Max-Forwards: %d\r\n" % (_number(hops) - 1)
        dropped |= {b"max-forwards"}
    return service.names.less_twins(request_fields(head, dropped)) + added


def _behind_target(service: CompiledService, head: RequestHead, fields: bytes, *, lacks_id: bool) -> bytes:
    version, wish = _own_wish(head) if service.per_connection else (b"1", b"")
    end = b"X-Request-Id: " if lacks_id else b"\r\n"
    return b"HTTP/1.%b\r\n%b%b%b%b" % (version, fields, request_framing(head), wish, end)


def _own_wish(head: RequestHead) -> tuple[bytes, bytes]:
    """The client's minor version, and what it said of its connection.

    For a server whose answer will be relayed unread: it must speak the client's version, and end where
    the client expects an end.
    """
    said = head.parsed
    if not said.minor:
        return b"0", b"Connection: keep-alive\r\n" if said.keep_alive else b""
    return b"1", b"" if said.keep_alive or said.upgrade else b"Connection: close\r\n"
