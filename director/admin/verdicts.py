"""What the answers of pools and services say: errors in many of them, or slower than they were.

Pure; `overview` puts it beside what checks and orders say.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from attrs import evolve, frozen

from director.admin.trends import Totals, Trends, totals
from director.admin.views import ViewContext
from director.registry.snapshot import PoolSnapshot

FEW, MANY = 0.05, 0.5
"""Shares of 5xx that are a trouble, and that mean broken."""
LEAST_BROKEN, LEAST = 5, 20
"""Answers of a minute that are needed to say so, of either."""
SLOWER = 3.0
"""Times of its own mean of before that is slow, when it is also `SLOW_SECONDS` more."""
SLOW_SECONDS = 0.05


@frozen
class Finding:
    """One thing that is wrong: where, what, since when (monotonic seconds, None = unknown), what is done."""

    level: str
    at: str
    text: str
    since: float | None
    doing: str


def answering(context: ViewContext, broken: Container[str]) -> list[Finding]:
    """What is wrong with answers; of `broken` (pool NAME) worse is known, and so of their services."""
    now = context.moment.now
    whole = dict(totals(context.seen))
    pools = [
        one
        for pool in context.seen.pools.values()
        if f"pool {pool.name}" not in broken
        for one in _judged(context.trends, f"pool {pool.name}", whole[f"pool {pool.name}"], now, _who(pool))
    ]
    told = {pool.name for pool in context.seen.pools.values() if f"pool {pool.name}" in broken}
    told |= {one.at.removeprefix("pool ") for one in pools}
    quiet = {key for name in told for key in context.seen.pools[name].used_by}
    services = [
        one
        for key in context.seen.services
        if key not in quiet
        for one in _judged(context.trends, key, whole[key], now, "See its requests for the causes.")
    ]
    found = [*pools, *services]
    since = context.trends.noticed([f"{one.at} {one.level}" for one in found], now)
    return [evolve(one, since=since[f"{one.at} {one.level}"]) for one in found]


def _judged(trends: Trends, key: str, whole: Totals, now: float, doing: str) -> Iterator[Finding]:
    recent = trends.recent(key, whole, now)
    at = key if key.startswith("pool ") else f"service {key}"
    if recent.answers and (share := recent.failed / recent.answers) >= FEW:
        text = f"answers {share:.0%} with 5xx: {recent.failed} of {recent.answers} in the last minute"
        if share >= MANY and recent.answers >= LEAST_BROKEN:
            yield Finding("error", at, text, None, doing)
            return
        if recent.answers >= LEAST:
            yield Finding("warning", at, text, None, doing)
    mean, before = recent.mean, trends.past(key, now)
    usual = before.mean
    if mean is None or usual is None or min(recent.timed, before.timed) < LEAST:
        return
    if mean >= SLOWER * usual and mean - usual >= SLOW_SECONDS:
        text = f"answers slowly: {mean:.3g} s on average in the last minute, {usual:.3g} s before"
        yield Finding("warning", at, text, None, "Its servers take new work as before.")


def _who(pool: PoolSnapshot) -> str:
    """Which servers answer so, most first."""
    failed = [(one.requests.responses[5], one.name) for one in pool.servers if one.requests.responses[5]]
    names = ", ".join(f"{name} ({count} so far)" for count, name in sorted(failed, reverse=True)[:3])
    who = f"By server: {names}. " if names else ""
    return f"{who}They take new work all the same; look at their logs, or drain them."
