"""The end of an exchange in the books: its counters, its claim on a server, its record.

Called by `Exchange.finish`, once for each exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.l7.exchange import Exchange


FAILURES = frozenset({"no_answer", "junk", "timeout", "truncated", "idle"})
"""Outcomes that are a server's failure and reached the client: the service counts them by their name.
A tunnel that has idled for its time has not failed."""


def enter(exchange: Exchange, outcome: str, now: float) -> None:
    """Count the exchange, release its lease, and write the record."""
    total = now - exchange.started
    _count(exchange, outcome, total, now)
    compiled, pool, facts = exchange.compiled, exchange.pool, exchange.facts
    record = exchange.conversation.frontage.record
    record((
        exchange.identity, exchange.started, exchange.site.config.name, facts.client, facts.method, facts.uri,
        facts.host, "" if compiled is None else compiled.name, "" if pool is None else pool.name,
        exchange.sticky, exchange.reason, exchange.server_name, exchange.tries, exchange.fault,
        exchange.status, outcome, exchange.to_client, exchange.received, exchange.connected,
        exchange.first_byte, total,
    ))  # fmt: skip


def _count(exchange: Exchange, outcome: str, total: float, now: float) -> None:
    status = exchange.status
    # RFC 9110 15: what is above 599 counts as a server error.
    status_class = status // 100 if status < 600 else 5
    live = exchange.site.live
    served = live.stats.traffic
    served.conns += 1
    served.inbytes += exchange.received
    served.outbytes += exchange.to_client
    service = live.requests
    service.requests += 1
    service.responses[status_class] += 1
    service.latency.add(total)
    if exchange.fault:
        service.errors["fault"] += 1
    elif outcome in FAILURES and status != 101:
        service.errors[outcome] += 1
    if exchange.compiled is not None:
        exchange.compiled.counters.responses[status_class] += 1
    lease = exchange.lease
    if lease is None:
        return
    exchange.lease = None
    server = lease.server
    counters = server.requests
    counters.responses[status_class] += 1
    first_byte = exchange.first_byte
    if first_byte is not None:
        counters.latency.add(first_byte)
        server.observe(first_byte, now)
    traffic = server.stats.traffic
    traffic.conns += 1
    traffic.inbytes += exchange.received
    traffic.outbytes += exchange.to_client
    lease.release()
