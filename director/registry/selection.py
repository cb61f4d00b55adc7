"""The one place that chooses a server, for both layers.

Theory of operation.  Choosing and claiming are one step, as in IPVS, where `ip_vs_schedule` both chooses a
destination and creates the connection entry: eligible -> sticky preference -> scheduler -> lease.  Were they
two, everything that happens between them (another request of the same turn, another process) would choose by
a load that is no longer true, and `max` would be passed by as many as come at once.  The claim is a `Lease`
of the `ledger`; it carries the reason, so that every decision can be explained without asking anybody again.

`select` is the only caller of a scheduler.  A scheduler sees eligible servers only, so that none of them
needs to know of health, orders, thresholds or backups; and what it must not do (choose a full server, forget
to count) it cannot do.  A cookie or a template comes before the scheduler and may reach a server that is
drained, quiesced (B.7) or overloaded (B.5), never one that is down or in maintenance.

Who calls it: `l7.proxy` and `l4.admission`.  It knows neither sockets nor clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.registry.ledger import Lease, found_nobody
from director.registry.warming import thinned

if TYPE_CHECKING:
    from collections.abc import Container

    from director.interfaces import IKey
    from director.registry.live import LivePool, RealServer
    from director.registry.registry import Registry

STICKY = "sticky"
"""The word in a reason when a cookie or template decided instead of a scheduler."""


def select(
    registry: Registry,
    pool: LivePool,
    service: str,
    key: IKey,
    now: float,
    preferred: RealServer | None = None,
    exclude: Container[RealServer] = (),
    inactive: bool = False,
) -> Lease | None:
    """Choose a server of `pool` for one request or connection of `service` and claim it.

    Args:
        key: the facts (`IKey`) a scheduler may look at.
        preferred: the server a cookie or template names; taken while it serves its own, also when
            drained, quiesced or overloaded (B.5, B.7).
        exclude: servers already tried for this request.  When no other is left, backup servers are asked;
            without these it is ignored.
        inactive: count the claim as inactive at first (layer 4, B.6).

    Returns: a held lease, or None when nothing could be chosen (`pool.why_none()` says why).
    """
    candidates = pool.eligible()
    if pool.warming:
        candidates = thinned(pool, candidates)
    if preferred is not None and preferred.available and preferred not in exclude:
        word, server = STICKY, preferred
    else:
        if exclude:
            untried = tuple(one for one in candidates if one not in exclude)
            candidates = untried or pool.stand_ins(exclude) or candidates
        if not candidates:
            found_nobody(pool)
            return None
        scheduler = pool.schedulers.get(service) or registry.scheduler(pool, service)
        chosen = scheduler.choose(candidates, key, now)
        if chosen is None:
            found_nobody(pool)
            return None
        word, server = scheduler.name, chosen
    reason = (word, server.active, server.inactive, server.weight, len(candidates))
    make = server.lease
    if make is None:
        return Lease(server, reason, inactive)
    made: Lease | None = make(reason, inactive, word is STICKY)
    return made or _elsewhere(registry, pool, service, key, now, {server, *_listed(pool, exclude)}, inactive)


def _listed(pool: LivePool, exclude: Container[RealServer]) -> tuple[RealServer, ...]:
    return tuple(server for server in pool.servers if server in exclude)


def _elsewhere(
    registry: Registry,
    pool: LivePool,
    service: str,
    key: IKey,
    now: float,
    full: set[RealServer],
    inactive: bool,
) -> Lease | None:
    """Choose again: another process took the last place of a server between our look and our claim."""
    scheduler = registry.scheduler(pool, service)
    while candidates := tuple(server for server in pool.eligible() if server not in full):
        chosen = scheduler.choose(candidates, key, now)
        if chosen is None:
            break
        reason = (scheduler.name, chosen.active, chosen.inactive, chosen.weight, len(candidates))
        made: Lease | None = chosen.lease(reason, inactive)
        if made is not None:
            return made
        full.add(chosen)
    found_nobody(pool)
    return None
