"""A request judged before a server is chosen: who asks, which rule claims it, what the server is sent.

`judge` is pure: the same head from the same peer to the same site is judged alike.  The other
functions work on an `Exchange`, called by it once, when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7 import answering, recovery
from director.l7.facts import RequestFacts
from director.l7.forwarded import client_address
from director.l7.memo import HEAD_LIMIT
from director.l7.rewrite import edited, fill, request_tail, rewritten_target
from director.l7.rules import decide

if TYPE_CHECKING:
    from director.l7.conversation import Conversation
    from director.l7.exchange import Exchange
    from director.l7.facts import Peer
    from director.l7.forwarded import ForwardedPolicy
    from director.l7.http1 import RequestHead
    from director.l7.rules import CompiledRule
    from director.l7.site import Site

VIA_LIMIT = 4
"""Times a request may pass this director before it is called a loop."""

_COUNTS_HOPS = frozenset((b"TRACE", b"OPTIONS"))
"""Methods for which Max-Forwards counts (RFC 9110 7.6.2)."""
_MOST_HOPS = 999_999_999
"""The largest Max-Forwards that is passed on; a larger one is legal and becomes this."""


class Judged:
    """A head with its facts, and the rule of its site that claims it (None: no rule does).

    `text` is what a server gets, once `server_head` has made it; where the id of the request belongs to it,
    it ends in front of that.
    """

    __slots__ = ("facts", "head", "lacks_id", "rule", "site", "text")

    def __init__(self, head: RequestHead, site: Site, facts: RequestFacts, rule: CompiledRule | None) -> None:
        self.head = head
        self.site = site
        self.facts = facts
        self.rule = rule
        self.text = b""
        self.lacks_id = True


def judge(head: RequestHead, peer: Peer, site: Site) -> Judged:
    """Who asks, and which rule claims it.  Raises MessageError 400 for a path without safe reading."""
    client = peer.client
    if peer.trusted:
        client = client_address(head, peer, site.config.trust, site.config.forwarded)
    facts = RequestFacts(head, peer, client)
    return Judged(head, site, facts, decide(site.rules, facts))


def answer_by_rule(exchange: Exchange, compiled: CompiledRule, now: float) -> None:
    """Carry out a rule's redirect or fixed answer."""
    rule = compiled.rule
    if rule.redirect is not None:
        status, template = rule.redirect
        location = fill(template, exchange.facts).encode("latin-1", "replace")
        answering.own(exchange, status, b"", b"Location: " + location + b"\r\n", "redirect", now)
    else:
        status, text = rule.respond or (404, "")
        answering.own(exchange, status, text.encode() + b"\n" if text else b"", b"", "respond", now)


def ends_here(exchange: Exchange, now: float) -> bool:
    """Max-Forwards used up, or the request goes round in circles (RFC 9110 7.6.2, 7.6.3)."""
    head = exchange.head
    hops = head.fields.get(b"max-forwards")
    if hops is not None and head.method in _COUNTS_HOPS:
        if not hops.isdigit():
            recovery.refuse(exchange, MessageError(400, "bad Max-Forwards"), now)
            return True
        if _number(hops) == 0:
            allowed = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            answering.own(exchange, 200, b"", allowed, "max_forwards", now)
            return True
    if exchange.site.policy.loops(head) >= VIA_LIMIT:
        reason = "the request goes round in circles; look at its Via and at the servers' addresses"
        recovery.refuse(exchange, MessageError(508, reason), now)
        return True
    return False


def _number(hops: bytes) -> int:
    digits = hops.lstrip(b"0") or b"0"
    return int(digits) if len(digits) <= len(str(_MOST_HOPS)) else _MOST_HOPS


def server_head(exchange: Exchange, judged: Judged) -> bytes:
    """The head for the server.  Raises MessageError when a rule's edits make it ambiguous."""
    text = judged.text
    if not text:
        text = judged.text = _server_text(exchange, judged)
    return text + exchange.identity.encode() + b"\r\n\r\n" if judged.lacks_id else text


def _server_text(exchange: Exchange, judged: Judged) -> bytes:
    head, conversation, policy = exchange.head, exchange.conversation, exchange.site.policy
    peer = conversation.peer
    sent = head.sent
    if judged.rule is not None:
        rule = judged.rule.rule
        if rule.rewrite_path:
            sent = rewritten_target(rule.rewrite_path, head, exchange.facts)
        if rule.headers:
            head = head.with_block(edited(head.kept(), rule.headers, exchange.facts))
    hops = head.fields.get(b"max-forwards")
    if hops is None:
        tail = _tail(conversation, policy, head)
    else:
        tail = _counted_tail(exchange, policy, head, hops)
    version = b"1"
    if exchange.site.per_connection:
        version, wish = _own_wish(head)
        tail += wish
    judged.lacks_id = not policy.keeps_id(head, peer)
    end = b"X-Request-Id: " if judged.lacks_id else b"\r\n"
    return b"%b %b HTTP/1.%b\r\n%b%b" % (head.method, sent, version, tail, end)


def _own_wish(head: RequestHead) -> tuple[bytes, bytes]:
    """The client's minor version, and what it said of its connection.

    For a server whose answer will be relayed unread: it must speak the client's version, and end where
    the client expects an end.
    """
    if not head.minor:
        return b"0", b"Connection: keep-alive\r\n" if head.keep_alive else b""
    return b"1", b"" if head.keep_alive or head.upgrade else b"Connection: close\r\n"


def _tail(conversation: Conversation, policy: ForwardedPolicy, head: RequestHead) -> bytes:
    """The field lines for the server; a client that repeats its own gets the same again.

    Heads with equal fields share one `lines` object, so comparing identities is enough.
    """
    made_for, tail = conversation.tail
    if made_for[0] is head.lines and made_for[1] == head.host and made_for[2] is policy:
        return tail
    peer = conversation.peer
    tail = request_tail(head, policy.dropped(head, trusted=peer.trusted), policy.lines(head, peer))
    if len(tail) <= HEAD_LIMIT:
        conversation.tail = (head.lines, head.host, policy), tail
    return tail


def _counted_tail(exchange: Exchange, policy: ForwardedPolicy, head: RequestHead, hops: bytes) -> bytes:
    """The same with Max-Forwards lowered where it counts; a rule that sets it has the last word."""
    peer = exchange.conversation.peer
    added = policy.lines(head, peer)
    dropped = policy.dropped(head, trusted=peer.trusted)
    if hops == exchange.head.fields.get(b"max-forwards") and head.method in _COUNTS_HOPS:
        added += b"Max-Forwards: %d\r\n" % (_number(hops) - 1)
        dropped |= {b"max-forwards"}
    return request_tail(head, dropped, added)
