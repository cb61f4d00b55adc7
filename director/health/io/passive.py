"""The shell of passive checks: what processes saw goes to the judge, and his verdicts to the registry.

Work that this process does itself is told by `saw`, what others tell comes by `heard`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger

from director.health.passive import Passive, TrafficRecord
from director.model.pools import passive
from director.registry.evidence import Ejection
from director.registry.registry import RealServer
from director.registry.watch import Sample

LOOK = 1.0
"""Seconds between two looks."""

FAILURES_SHOWN = 10
"""Failures of real work that go with a change of a check's verdict."""

EJECTED = (
    "pool {pool} server {server} is ejected for {seconds:g}s: {reason} (eject = {causes}; ejection {count} "
    "in turn)"
)
STILL_OUT = "pool {pool} server {server} is ejected for {seconds:.0f}s yet, as before the restart: {reason}"
RETURNED = "pool {pool} server {server} is taken in again after {seconds:.0f}s"

Saw = tuple[str, str, str, int]
"""(pool, address, word of `eject`, how often)."""


class PassiveChecks:
    """Passive checks of one director.

    Args:
        registry: where verdicts go; it has `pools`.
        report: told which servers became available or unavailable.

    Attributes:
        changed: told of each ejection, and of each return.
    """

    log = Logger(namespace="director.health")

    def __init__(
        self, registry: Any, clock: Callable[[], float], report: Callable[[tuple[RealServer, ...]], None]
    ) -> None:
        self.judge = Passive()
        self._registry = registry
        self._clock = clock
        self._report = report
        self.changed: Callable[[], None] = lambda: None

    def recall(self, records: Iterable[TrafficRecord]) -> None:
        """Go on with what an earlier run knew; who was out stays out until the time is over."""
        now = self._clock()
        for record in records:
            # Two names of one address are one server here.
            for server in self._servers(record.pool, record.address)[:1]:
                out = self.judge.remember(server, record, now)
                if out is None:
                    continue
                changed = self._registry.set_health(record.address, passive(record.pool), False, now)
                left, why = out.until - now, out.reason
                self.log.warn(  # noqa: G010 - Twisted's
                    STILL_OUT, pool=record.pool, server=server.name, seconds=left, reason=why
                )
                self._tell(changed)

    def saw(self, server: RealServer, word: str, times: int = 1) -> None:
        """Work on a server failed, or went well again."""
        made = self.judge.saw(server, word, self._clock(), times)
        if made is not None:
            self._eject(made)

    def heard(self, saw: Iterable[Saw], samples: Iterable[tuple[str, str, tuple[Any, ...]]]) -> None:
        """What another process saw."""
        for pool, address, word, times in saw:
            # Two names of one address are one server here.
            for server in self._servers(pool, address)[:1]:
                self.saw(server, word, times)
        now = self._clock()
        for pool, address, sample in samples:
            for server in self._servers(pool, address)[:1]:
                self.judge.worked(server, Sample(*sample), now)

    def failures(self, address: str) -> tuple[tuple[float, str], ...]:
        """What real work met at an address lately, oldest first, in whatever pool."""
        alike = self._registry.by_address.get(address, ())
        pools = {server.pool.name for server in alike if server.pool.config.eject is not None}
        found = [one for pool in pools for one in self.judge.evidence(pool, address).failures]
        return tuple(sorted(found))[-FAILURES_SHOWN:]

    def look(self) -> None:
        """Compare, and take in again; call it every `LOOK` seconds."""
        now = self._clock()
        pools = self._registry.pools
        for pool in pools.values():
            if pool.config.eject is not None:
                for server in pool.servers:
                    if server.watch is not None:
                        self.judge.worked(server, server.watch.take(), now)
        for out in self.judge.over(pools, now):
            servers = self._registry.forget_health(out.address, passive(out.pool), now)
            for server in servers:
                self.log.info(
                    RETURNED, pool=out.pool, server=server.name, seconds=now - out.time, reason=out.reason
                )
            self._tell(servers)
            self.changed()
        for made in self.judge.look(pools.values(), now):
            self._eject(made)

    def _eject(self, made: Ejection) -> None:
        servers = self._registry.set_health(made.address, passive(made.pool), False, made.time)
        for server in self._servers(made.pool, made.address):
            eject = server.pool.config.eject
            self.log.warn(  # noqa: G010 - Twisted's
                EJECTED,
                pool=made.pool,
                server=server.name,
                seconds=made.seconds,
                reason=made.reason,
                causes=" ".join(sorted(eject.causes)) if eject is not None else "",
                count=made.count,
            )
        self._tell(servers)
        self.changed()

    def _servers(self, pool: str, address: str) -> list[RealServer]:
        """The servers of a pool at an address; one, unless two names stand for it."""
        alike = self._registry.by_address.get(address, ())
        return [server for server in alike if server.pool.name == pool]

    def _tell(self, servers: tuple[RealServer, ...]) -> None:
        if servers:
            self._report(servers)
