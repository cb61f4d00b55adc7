"""The end of an exchange in the books: its counters, its claim on a server, its record.

Called by `Exchange.finish`, once for each exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.l7.proxy.exchange import Exchange
    from director.registry.selection import Lease


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
    live = service.live
    served = live.stats.traffic
    served.conns += 1
    served.inbytes += received
    served.outbytes += sent
    counters = live.requests
    counters.requests += 1
    counters.responses[status_class] += 1
    counters.latency.add(total)
    if fault:
        counters.errors["fault"] += 1
    elif outcome in FAILURES and status != 101:
        counters.errors[outcome] += 1
    if compiled is not None:
        compiled.counters.responses[status_class] += 1
    if exchange.lease is not None:
        _credit(exchange, exchange.lease, status_class, now)
    record = exchange.conversation.handle.record
    record((
        exchange.identity, started, service.config.name, facts.client, facts.method, facts.uri, facts.host,
        "" if compiled is None else compiled.name, "" if pool is None else pool.name, exchange.sticky,
        exchange.reason, exchange.server_name, exchange.tries, fault, status, outcome, sent, received,
        exchange.connected, exchange.first_byte, total,
    ))  # fmt: skip


def _credit(exchange: Exchange, lease: Lease, status_class: int, now: float) -> None:
    """Count the exchange for its server, and let go of that."""
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
