"""Would a change break what guards hold?  `[guard:NAME]` says what (`never fewer than 2 ready in pay`).

A guard looks at each pool as it would be right after the change, and as it is: only what the change itself
makes worse is against it, so a pool that lost its servers by failure can still be mended, drained or renamed.
A server that is new and has checks is not ready before it has passed them.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from director.model.pools import Pool, State
from director.model.settings import Configuration, Guard
from director.registry.changes import Change, Ordered
from director.registry.live import RealServer
from director.registry.registry import Registry

DRAINS = frozenset({State.DRAIN, State.MAINT})


@frozen
class PoolOutlook:
    """One pool before and after a change, as a user's guard sees it.

    Attributes:
        ready_before, ready_after: servers that take new clients.
        drained_before, drained_after: servers that an operator keeps from new clients.
    """

    name: str
    ready_before: int
    ready_after: int
    drained_before: int
    drained_after: int


@frozen
class ProposedChange:
    """What a user's guard is asked about: who wants what, a sentence each, and what becomes of pools."""

    author: str
    diff: tuple[str, ...]
    pools: Mapping[str, PoolOutlook]


def outlook(
    registry: Registry, desired: Configuration, changes: Iterable[Change], author: str
) -> ProposedChange:
    """What a change would do."""
    made = tuple(changes)
    orders = {(one.pool, one.name): one.state for one in made if isinstance(one, Ordered)}
    pools = {}
    for pool in desired.pools:
        live = registry.pools.get(pool.name)
        servers = live.servers if live is not None else ()
        pools[pool.name] = PoolOutlook(
            pool.name,
            sum(one.serving and one.healthy and not one.config.backup for one in servers),
            _ready(registry, pool, orders),
            sum(one.state in DRAINS for one in servers),
            sum(_state(registry, pool, name.name, orders) in DRAINS for name in pool.servers),
        )
    return ProposedChange(author, tuple(str(one) for one in made), pools)


def objections(guard: Guard, proposed: ProposedChange) -> list[str]:
    """What a guard's own numbers have against a change, a sentence for each pool."""
    found = []
    for pool in proposed.pools.values():
        if guard.pools and pool.name not in guard.pools:
            continue
        if guard.ready is not None and pool.ready_after < min(guard.ready, pool.ready_before):
            found.append(
                f"pool {pool.name} would have {pool.ready_after} ready server(s) instead of "
                f"{pool.ready_before}, and never fewer than {guard.ready} are allowed"
            )
        if guard.drains is not None and pool.drained_after > max(guard.drains, pool.drained_before):
            found.append(
                f"pool {pool.name} would have {pool.drained_after} drained server(s) instead of "
                f"{pool.drained_before}, and no more than {guard.drains} at a time are allowed"
            )
    return found


def _ready(registry: Registry, pool: Pool, orders: Mapping[tuple[str, str], State]) -> int:
    ready = 0
    for server in pool.servers:
        if server.backup or server.weight == 0 or _state(registry, pool, server.name, orders) in DRAINS:
            continue
        live = _live(registry, pool.name, server.name)
        if live is not None and live.key == str(server.address):
            ready += live.advice.state not in DRAINS and not live.ill
        else:
            ready += not pool.checks
    return ready


def _state(registry: Registry, pool: Pool, name: str, orders: Mapping[tuple[str, str], State]) -> State:
    live = _live(registry, pool.name, name)
    return orders.get((pool.name, name), live.state if live is not None else State.READY)


def _live(registry: Registry, pool: str, name: str) -> RealServer | None:
    found = registry.pools.get(pool)
    return found.server(name) if found is not None else None
