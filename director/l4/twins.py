"""Flows and templates of a service that was given another pool: they go on with the servers of that one.

A server is known by its address (`lvs-semantics` B.8), so one that stands in both pools is the same to a
client, though weight, state and counts are each pool's own.  What runs on it is counted where the service's
pool is shown, and its drains and checks are obeyed.  A flow whose server the new pool does not have keeps
what it started with; such a template is not valid any more (`persistence.find`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from director.l4.flows import Flow, Template
from director.registry import ledger

if TYPE_CHECKING:
    from director.l4.flows import Entry
    from director.l4.services import VirtualService
    from director.registry.registry import LivePool, RealServer


def adopt(entries: Iterable[Entry], services: Collection[VirtualService], pool: LivePool) -> None:
    """Let the entries of `services` count for the servers of `pool` with the same addresses."""
    twins: dict[str, RealServer] = {server.key: server for server in pool.servers}
    for entry in entries:
        if not isinstance(entry, Flow | Template) or entry.service not in services:
            continue
        server = entry.server
        twin = None if server is None or server.pool is pool else twins.get(server.key)
        if twin is None:
            continue
        if isinstance(entry, Template):
            before, entry.claim, entry.server = entry.claim, ledger.template(twin), twin
            if before is not None:
                before.release()
        elif entry.lease is not None:
            before_lease = entry.lease
            entry.bind(entry.service, ledger.claim(twin, inactive=before_lease.inactive))
            before_lease.release()
