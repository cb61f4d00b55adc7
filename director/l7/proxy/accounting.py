"""The end of an exchange in the books: its counters, its claim on a server, its record.

Called by the conversation when it sees that an exchange is over, once for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.model.pools import Address
from director.registry import ledger

if TYPE_CHECKING:
    from director.l7.proxy.client import Client
    from director.l7.proxy.exchange import Exchange


FAILURES = frozenset({"no_answer", "junk", "timeout", "truncated", "idle"})
"""Outcomes that are a server's failure and reached the client: the service counts them by their name.
A tunnel that has idled for its time has not failed."""


def enter(exchange: Exchange, now: float) -> None:
    """Count the exchange, release its lease, and write the record."""
    status, fault, outcome = exchange.status, exchange.fault, exchange.outcome
    sent, received, first_byte = exchange.sent, exchange.received, exchange.first_byte
    total = now - exchange.started
    # RFC 9110 15: what is above 599 counts as a server error.
    status_class = status // 100 if status < 600 else 5
    service, rule, pool, facts = exchange.service, exchange.rule, exchange.pool, exchange.facts
    error = "" if outcome == "ok" else _error(exchange)
    counters = None if rule is None else rule.counters
    ledger.served(service.live, counters, status_class, total, received, sent, error)
    if exchange.lease is not None:
        ledger.answered(exchange.lease, status_class, first_byte, received, sent, now, outcome)
    method, target, host = facts.method, facts.uri, facts.host
    if not method:
        # Relayed unread: what was called stands in the place of a request, by its name if one was said.
        method, host = "TLS" if service.config.protocol == "tls-passthrough" else "TCP", facts.sni
        target = str(Address(facts.virtual if not host else "", facts.virtual_port))
    record = exchange.client.handle.record
    record((
        exchange.identity, exchange.started, service.config.name, facts.client, method, target, host,
        "" if rule is None else rule.name, "" if pool is None else pool.name, exchange.sticky,
        exchange.reason, exchange.server_name, exchange.tries, exchange.met,
        fault, status, outcome, sent, received,
        exchange.connected, first_byte, total,
    ))  # fmt: skip


def _error(exchange: Exchange) -> str:
    """The cause under which the service counts what did not end well; "" for what is nobody's failure."""
    outcome = exchange.outcome
    if exchange.fault:
        return "fault"
    idled = outcome == "idle" and (exchange.status == 101 or exchange.service.per_connection)
    return outcome if outcome in FAILURES and not idled else ""


def refused(client: Client, now: float, status: int, reason: str, asked: tuple[str, str], sent: int) -> None:
    """Count and record what could not become a request; `asked` is its method and its target."""
    handle = client.handle
    service = handle.current
    ledger.refused(service.live, status // 100)
    handle.record((
        handle.new_id(), now, service.config.name, client.peer.client, *asked, "", "", "", False, None, "",
        (), (), "", status, f"refused: {reason}", sent, 0, None, None, 0.0,
    ))  # fmt: skip
