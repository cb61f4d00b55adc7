"""Servers that come back are given their share of new work by and by (`slow_start`).

A cold server that gets all at once what the others have is slow, or falls again: with least connections it
even gets more than its share, because it has none yet.  So its weight grows from a tenth to all of it.
Weights are whole numbers and often 1; what they cannot say is said by letting the server be chosen from only
now and then, evenly and without chance: `thinned`.  Pure.
"""

from __future__ import annotations

from director.registry.live import LivePool, RealServer

LEAST = 0.1
"""The part of its share that a server begins with."""
_STARTED, _CREDIT = 0, 1


def begin(server: RealServer, now: float) -> bool:
    """Let it warm up from now on, if its pool says so; says whether its weight is another one."""
    if not server.pool.config.slow_start:
        return False
    server.pool.warming[server] = [now, 0.0]
    return server.heat(LEAST)


def go_on(pool: LivePool, now: float) -> list[RealServer]:
    """Follow the time; returns the servers whose weight is another one."""
    changed = []
    for server, state in tuple(pool.warming.items()):
        over = pool.config.slow_start
        warm = (now - state[_STARTED]) / over if over else 1.0
        if warm >= 1.0 or not server.present or server.pool is not pool or not server.healthy:
            del pool.warming[server]
            warm = 1.0
        if server.heat(max(LEAST, warm)):
            changed.append(server)
    return changed


def thinned(pool: LivePool, candidates: tuple[RealServer, ...]) -> tuple[RealServer, ...]:
    """The candidates without those whose turn it is not; all of them when none would be left."""
    kept = []
    for server in candidates:
        state = pool.warming.get(server)
        if state is not None:
            state[_CREDIT] += server.admitted
            if state[_CREDIT] < 1.0:
                continue
            state[_CREDIT] -= 1.0
        kept.append(server)
    return tuple(kept) or candidates
