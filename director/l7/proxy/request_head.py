"""A request before a server is chosen: who asks, which rule claims it, what the server is sent.

`route_request` is pure: the same head from the same peer to the same service is routed alike.  The other
functions work on an `Exchange`: `start` begins it, `start_tunnel` where nothing is read, `decide_anew` when
it has waited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.body import ChunkedBody
from director.l7.http.fields import FieldBlock
from director.l7.http.grammar import REQUEST_FIELDS
from director.l7.http.memo import HEAD_LIMIT
from director.l7.http.writing import request_fields, request_framing
from director.l7.proxy import dispatch, local_reply, request_body
from director.l7.proxy.client import UpstreamFields
from director.l7.proxy.exchange import OVER
from director.l7.routing.facts import RequestFacts
from director.l7.routing.forwarded import client_address
from director.l7.routing.rules import decide
from director.l7.routing.templates import edited, location, rewritten_target
from director.registry import ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.http.requests import RequestHead
    from director.l7.proxy.client import Client
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


# --- the first step -----------------------------------------------------------------------


def start(exchange: Exchange, routed: RoutedRequest, now: float) -> None:
    """Answer what needs no server; send the rest to one."""
    proofs = exchange.client.handle.proofs
    if proofs and routed.path in proofs:
        local_reply.reply(exchange, 200, proofs[routed.path].encode("ascii"), b"", "acme")
        return
    before = exchange.rule
    rule = exchange.rule = routed.rule
    try:
        if rule is not None:
            # Who waited and is routed again by the same rule is still one request.
            if before is None or before.counters is not rule.counters:
                ledger.asked(rule.counters)
            if not rule.pool:
                _answer_by_rule(exchange, rule)
                return
        if exchange.head.parsed.hops and _ends_here(exchange):
            return
        exchange.sent_head = _server_head(exchange, routed)
    except MessageError as error:
        dispatch.refuse(exchange, error)
        return
    if not exchange.body.done:
        request_body.client_bytes(exchange, exchange.client.taken(), now)
        if exchange.phase is OVER:
            return
    dispatch.choose(exchange, exchange.service.config.pool if rule is None else rule.pool, now)


def start_tunnel(exchange: Exchange, now: float) -> None:
    """Relay a connection without reading it (`protocol = tcp`); rules may look at who the client is."""
    service, before = exchange.service, exchange.rule
    rule = exchange.rule = service.decide(exchange.facts)
    if rule is not None and (before is None or before.counters is not rule.counters):
        ledger.asked(rule.counters)
    dispatch.choose(exchange, service.config.pool if rule is None else rule.pool, now)


def decide_anew(exchange: Exchange, now: float) -> None:
    """What a request waits for has changed: choose again, by the configuration of now.

    Nothing was sent yet, so nothing holds it to the rules and pools that were in force when it came; but a
    body that is being kept stays kept, and a connection that is to be relayed unread stays that.
    """
    dispatch.left_queue(exchange)
    current, old = exchange.client.handle.current, exchange.service
    if current is old or (current.is_http, current.per_connection) != (old.is_http, old.per_connection):
        if exchange.pool is not None:
            dispatch.choose(exchange, exchange.pool.name, now)
    elif current.is_http:
        try:
            routed = route_request(exchange.head, exchange.client.peer, current)
        except MessageError as error:
            dispatch.refuse(exchange, error)
            return
        exchange.served_by(current, routed)
        start(exchange, routed, now)
    else:
        exchange.served_by(current, exchange.facts)
        start_tunnel(exchange, now)


def _answer_by_rule(exchange: Exchange, compiled: CompiledRule) -> None:
    """Carry out a rule's redirect or fixed answer.  Raises MessageError for a target that leads elsewhere."""
    rule = compiled.rule
    if rule.redirect is not None:
        status, template = rule.redirect
        where = location(template, exchange.facts).encode("ascii")
        local_reply.reply(exchange, status, b"", b"Location: " + where + b"\r\n", "redirect")
    else:
        status, text = rule.respond or (404, "")
        local_reply.reply(exchange, status, text.encode() + b"\n" if text else b"", b"", "respond")


def _ends_here(exchange: Exchange) -> bool:
    """Max-Forwards used up (RFC 9110 7.6.2).

    Raises: MessageError 400 when that is no number, 508 when the request goes round in circles (7.6.3).
    """
    head = exchange.head
    hops = head.fields.get(b"max-forwards")
    if hops is not None and head.method in _COUNTS_HOPS:
        if not hops.isdigit():
            raise MessageError(400, "bad Max-Forwards")
        if _number(hops) == 0:
            allowed = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            local_reply.reply(exchange, 200, b"", allowed, "max_forwards")
            return True
    if exchange.service.policy.loops(head) >= VIA_LIMIT:
        raise MessageError(
            508, "the request goes round in circles; look at its Via and at the servers' addresses"
        )
    return False


def _number(hops: bytes) -> int:
    digits = hops.lstrip(b"0") or b"0"
    return int(digits) if len(digits) <= len(str(_MOST_HOPS)) else _MOST_HOPS


# --- what the server is sent --------------------------------------------------------------


def _server_head(exchange: Exchange, routed: RoutedRequest) -> bytes:
    """The head for the server.  Raises MessageError when a rule's edits make it ambiguous."""
    text = routed.text
    if not text:
        text = routed.text = _server_text(exchange, routed)
    return text + exchange.identity.encode() + b"\r\n\r\n" if routed.lacks_id else text


def _server_text(exchange: Exchange, routed: RoutedRequest) -> bytes:
    head, client, service = exchange.head, exchange.client, exchange.service
    body = exchange.body
    if isinstance(body, ChunkedBody):
        body.dropped |= service.names.canonical
    sent = head.sent
    rule = None if routed.rule is None else routed.rule.rule
    if rule is not None and rule.rewrite_path:
        sent = rewritten_target(rule.rewrite_path, head, routed)
    upstream = client.upstream_fields
    if rule is not None and rule.headers:
        upstream = _edited_fields(client, service, head, rule.headers, routed)
    # A client that repeats its fields gets the same lines again.
    elif (
        upstream is None
        or upstream.lines is not head.lines
        or upstream.host != head.host
        or upstream.service is not service
    ):
        upstream = _upstream_fields(client, service, head)
    routed.lacks_id = upstream.lacks_id
    return b" ".join((head.method, sent, upstream.text))


def _upstream_fields(client: Client, service: CompiledService, head: RequestHead) -> UpstreamFields:
    """Version and field lines for the server, remembered unless they belong to one request only."""
    lacks_id = not service.policy.keeps_id(head, client.peer)
    text = _behind_target(service, head, _passed(client, service, head), lacks_id=lacks_id)
    upstream = UpstreamFields(head, service, text, lacks_id=lacks_id)
    if b"max-forwards" not in head.fields and len(text) <= HEAD_LIMIT:
        client.upstream_fields = upstream
    return upstream


def _edited_fields(
    client: Client,
    service: CompiledService,
    head: RequestHead,
    edits: Sequence[HeaderEdit],
    routed: RoutedRequest,
) -> UpstreamFields:
    """The same after a rule's edits, which have the last word over all but framing and connection."""
    block = edited(_passed(client, service, head), edits, routed)
    lacks_id = not (
        FieldBlock(block, REQUEST_FIELDS).has(b"x-request-id")
        or any(edit.name.lower() == "x-request-id" for edit in edits)
    )
    text = _behind_target(service, head, block, lacks_id=lacks_id)
    return UpstreamFields(head, service, text, lacks_id=lacks_id)


def _passed(client: Client, service: CompiledService, head: RequestHead) -> bytes:
    """What the client sent of itself, less what must not pass, and what the director says about it."""
    policy, peer = service.policy, client.peer
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

    For a server whose response will be relayed unread: it must speak the client's version, and end where
    the client expects an end.
    """
    parsed = head.parsed
    if not parsed.minor:
        return b"0", b"Connection: keep-alive\r\n" if parsed.keep_alive else b""
    return b"1", b"" if parsed.keep_alive or parsed.upgrade else b"Connection: close\r\n"
