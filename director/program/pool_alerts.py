"""Pools that cannot serve: said once when it begins, and once when it is over (composition).

Health says each server that goes; what that means for clients is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.logger import Logger

from director.program.parts import Chore, Part
from director.registry.live import LivePool
from director.registry.outage import instead
from director.registry.registry import Registry
from director.registry.snapshot import Snapshots, why_panic

EVERY = 0.25
"""Seconds between two looks."""
SAID = 20
"""Pools of one look that are named; more are counted."""

_log = Logger(namespace="director")


class PoolAlerts(Part):
    """Which pools cannot serve, and since when (monotonic seconds)."""

    def __init__(self, registry: Registry, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._clock = clock
        self._snapshots = Snapshots(registry)
        self._since: dict[str, float] = {}
        self._panics: set[str] = set()

    def chores(self) -> Iterable[Chore]:
        """Say what began and what ended: once each."""
        return ((self._say, EVERY),)

    def _say(self) -> None:
        for text in self.panics():
            _log.warn("{text}", text=text)
        lost, again = self.look(self._clock())
        for text in lost:
            _log.error("{text}", text=text)
        for text in again:
            _log.info("{text}", text=text)

    def look(self, now: float) -> tuple[list[str], list[str]]:
        """What is news since the last look: pools that cannot serve any more, and pools that can again.

        Costs a glance at each pool; what uses them is looked up only while one cannot serve.
        """
        pools = self._registry.pools
        idle = {name for name, pool in pools.items() if not (pool.eligible() or pool.full)}
        if not idle and not self._since:
            return [], []
        without = idle & self._used()
        lost, over = sorted(without - self._since.keys()), sorted(self._since.keys() - without)
        ended = {name: now - self._since.pop(name) for name in over}
        self._since |= dict.fromkeys(lost, now)
        return (
            _some(self._meaning(lost)),
            _some([_again(pools[name], ended[name]) for name in over if name in pools]),
        )

    def panics(self) -> list[str]:
        """Which pools use all servers since the last look because too few are healthy, or no more."""
        pools = self._registry.pools
        panics = {name for name, pool in pools.items() if pool.panic}
        begun, ended = sorted(panics - self._panics), sorted(self._panics - panics)
        self._panics = panics
        found = [
            f"pool {name} is in panic: {why_panic(pools[name].healthy, pools[name].config.panic)}"
            for name in begun
        ]
        return _some(found + [f"pool {name} is not in panic any more" for name in ended if name in pools])

    def _used(self) -> set[str]:
        """Pools that a service or a rule sends to."""
        services = {live.config.pool for live in self._registry.services.values()}
        return services | {rule.pool for rule in self._registry.configuration.rules}

    def _meaning(self, lost: list[str]) -> list[str]:
        """What it means that these cannot serve any more."""
        if not lost:
            return []
        seen = self._snapshots.take()
        pools = [seen.pools[name] for name in lost]
        return [f"pool {one.name} cannot serve: {one.why_none}. {instead(seen, one)}" for one in pools]


def _again(pool: LivePool, seconds: float) -> str:
    if not pool.eligible():
        return f"pool {pool.name}: nothing sends to it any more, or its servers are at their max"
    count = f"{len(pool.eligible())} of {len(pool.servers)} servers"
    return f"pool {pool.name} can serve again, after {seconds:.0f}s: {count}"


def _some(found: list[str]) -> list[str]:
    more = len(found) - SAID
    return found if more <= 0 else [*found[:SAID], f"and {more} more pools"]
