"""A request judged before a server is chosen: what its rule answers, whether it ends here, what is sent.

Functions over an `Exchange`, called by it once, when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.rewrite import edited, fill, request_head, rewritten_target

if TYPE_CHECKING:
    from director.l7.exchange import Exchange
    from director.l7.rules import CompiledRule

VIA_LIMIT = 4
"""Times a request may pass this director before it is called a loop."""

_COUNTS_HOPS = frozenset((b"TRACE", b"OPTIONS"))
"""Methods for which Max-Forwards counts (RFC 9110 7.6.2)."""


def answer_by_rule(exchange: Exchange, compiled: CompiledRule, now: float) -> None:
    """Carry out a rule's redirect or fixed answer."""
    rule = compiled.rule
    if rule.redirect is not None:
        status, template = rule.redirect
        location = fill(template, exchange.facts).encode("latin-1", "replace")
        exchange.own_answer(status, b"", b"Location: " + location + b"\r\n", "redirect", now)
    else:
        status, text = rule.respond or (404, "")
        exchange.own_answer(status, text.encode() + b"\n" if text else b"", b"", "respond", now)


def ends_here(exchange: Exchange, now: float) -> bool:
    """Max-Forwards used up, or the request goes round in circles (RFC 9110 7.6.2, 7.6.3)."""
    head = exchange.head
    hops = head.fields.get(b"max-forwards")
    if hops is not None and head.method in _COUNTS_HOPS:
        if not hops.isdigit() or len(hops) > 9:
            exchange.refuse(MessageError(400, "bad Max-Forwards"), now)
            return True
        if int(hops) == 0:
            allowed = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
            exchange.own_answer(200, b"", allowed, "max_forwards", now)
            return True
    if exchange.site.policy.loops(head) >= VIA_LIMIT:
        reason = "the request goes round in circles; look at its Via and at the servers' addresses"
        exchange.refuse(MessageError(508, reason), now)
        return True
    return False


def server_head(exchange: Exchange, compiled: CompiledRule | None) -> bytes:
    """The head for the server.  Raises MessageError when a rule's edits make it ambiguous."""
    head, peer, policy = exchange.head, exchange.conversation.peer, exchange.site.policy
    sent = head.sent
    if compiled is not None:
        rule = compiled.rule
        if rule.rewrite_path:
            sent = rewritten_target(rule.rewrite_path, head, exchange.facts)
        if rule.headers:
            head = head.with_block(edited(head.kept(), rule.headers, exchange.facts))
    added = policy.lines(head, peer, exchange.identity.encode())
    dropped = policy.dropped(head, trusted=peer.trusted)
    hops = head.fields.get(b"max-forwards")
    # A rule that sets the field itself has the last word.
    if hops is not None and hops == exchange.head.fields.get(b"max-forwards") and head.method in _COUNTS_HOPS:
        added += b"Max-Forwards: %d\r\n" % (int(hops) - 1)
        dropped |= {b"max-forwards"}
    return request_head(head, sent, dropped, added)
