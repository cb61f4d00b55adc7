"""The end of an exchange in the books: its counters, its claim on a server, its record.

Called by `Exchange.finish`, once for each exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.registry import ledger

if TYPE_CHECKING:
    from director.l7.proxy.exchange import Exchange

FAILURES = frozenset({"no_answer", "junk", "timeout", "truncated", "idle"})
"""Outcomes that are a server's failure and reached the client: the service counts them by their name.
A tunnel that has idled for its time has not failed."""


def enter(exchange: Exchange, outcome: str, now: float) -> None:
    """Count the exchange, release its lease, and write the record."""
    started, status, fault = exchange.started, exchange.status, exchange.fault
    total = now - started
    # RFC 9110 15: what is above 599 counts as a server error.
    status_class = status // 100 if status < 600 else 5
    service, compiled, pool, facts = exchange.service, exchange.compiled, exchange.pool, exchange.facts
    sent, received = exchange.to_client, exchange.received
    error = "fault" if fault else outcome if outcome in FAILURES and status != 101 else ""
    counters = None if compiled is None else compiled.counters
    ledger.served(service.live, counters, status_class, total, received, sent, error)
    lease = exchange.lease
    if lease is not None:
        exchange.lease = None
        ledger.answered(lease, status_class, exchange.first_byte, received, sent, now)
    record = exchange.conversation.handle.record
    record((
        exchange.identity, started, service.config.name, facts.client, facts.method, facts.uri, facts.host,
        "" if compiled is None else compiled.name, "" if pool is None else pool.name, exchange.sticky,
        exchange.reason, exchange.server_name, exchange.tries, fault, status, outcome, sent, received,
        exchange.connected, exchange.first_byte, total,
    ))  # fmt: skip
