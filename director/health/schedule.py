"""Which address is probed with which check, and when.

Servers of several pools that share address and check share one target.  First probes
are spread over a second or less, so that verdicts come soon but not all at once; later
ones begin `every` after each other with a little jitter, so that they stay spread.  How
many run at a time is bounded; what is due meanwhile waits its turn and is counted.

`health.io.service` asks `take` what to probe and says `done` when it ended.  Pure:
the time comes in, chance is a seeded `Random`.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from random import Random

from attrs import evolve, frozen

from director.model.pools import Address, Check, Pool, ServerTLS
from director.model.settings import Configuration

Key = tuple[str, str]
"""(address as text, name of the check)."""

SLOTS = 256
"""Probes at a time: 200 servers that all hang must not delay each other; each costs one descriptor."""
JITTER = 0.05
"""Each pause is `every` times 1 +- this."""
FIRST_WITHIN = 1.0
"""First probes are spread over so many seconds, or over `every` if that is less."""


@frozen
class CheckTarget:
    """One thing to probe."""

    address: Address
    check: Check
    tls: ServerTLS | None = None
    """How it is met, None = in clear text; with its own `name` where none is set."""

    @property
    def key(self) -> Key:
        """What tells it from others; the registry shares evidence by the same words."""
        return str(self.address), self.check.name

    @property
    def where(self) -> Address:
        """What is probed: the server's address, with the check's own host and port if it has them."""
        check = self.check
        if not self.address.host or not (check.port or check.address):
            return self.address
        return Address(check.address or self.address.host, check.port or self.address.port)


def redirected(target: CheckTarget, host: str) -> CheckTarget:
    """The same at another address; "" for the same address.  By TLS it is met by the name that it had."""
    if not host:
        return target
    tls = target.tls
    if tls is not None and not tls.name:
        tls = evolve(tls, name=target.address.host)
    return evolve(target, address=evolve(target.address, host=host), tls=tls)


def targets(configuration: Configuration) -> dict[Key, CheckTarget]:
    """Everything the configuration wants probed, each once."""
    checks = {check.name: check for check in configuration.checks}
    found: dict[Key, CheckTarget] = {}
    for pool in configuration.pools:
        for name in pool.checks:
            if name not in checks:
                continue
            for server in pool.servers:
                key = (str(server.address), name)
                if key not in found:
                    found[key] = CheckTarget(server.address, checks[name], _tls(checks[name], pool))
    return found


def _tls(check: Check, pool: Pool) -> ServerTLS | None:
    """`grpc` goes the way of the pool's requests, and takes the first pool's that names the server."""
    return pool.tls if check.kind == "grpc" else check.tls


class Plan:
    """When each target is due.

    Attributes:
        targets: what is probed, by key.
        late: how often something was due while all slots were busy.
    """

    def __init__(self, random: Random, slots: int = SLOTS) -> None:
        self.targets: dict[Key, CheckTarget] = {}
        self.late = 0
        self._random = random
        self._slots = slots
        self._busy: dict[Key, float] = {}
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def retarget(self, wanted: Mapping[Key, CheckTarget], now: float) -> None:
        """Take over what is wanted now; a target that did not change keeps its time."""
        for key in self.targets.keys() - wanted.keys():
            self._due.pop(key, None)
        for key, target in wanted.items():
            if self.targets.get(key) != target and key not in self._busy:
                self._put(key, now + self._random.random() * min(FIRST_WITHIN, target.check.every))
        self.targets = dict(wanted)
        self._heap = [(time, key) for key, time in self._due.items()]
        heapq.heapify(self._heap)

    def take(self, now: float) -> list[CheckTarget]:
        """What shall be probed now; each of them is busy until `done`."""
        taken = []
        while self._heap and self._heap[0][0] <= now:
            time, key = self._heap[0]
            if self._due.get(key) != time:
                heapq.heappop(self._heap)
                continue
            if len(self._busy) >= self._slots:
                self.late += 1
                break
            heapq.heappop(self._heap)
            del self._due[key]
            self._busy[key] = now
            taken.append(self.targets[key])
        return taken

    def done(self, key: Key, now: float, *, changing: bool = False) -> None:
        """The probe of `key` ended; its next one is planned, if it is still wanted.

        `changing`: its verdict is about to change, so it is probed again sooner, if the check says so.
        """
        began = self._busy.pop(key, now)
        target = self.targets.get(key)
        if target is not None:
            spread = 1.0 + JITTER * (2.0 * self._random.random() - 1.0)
            pause = (changing and target.check.changing) or target.check.every
            # From begin to begin: or a server that lets every probe wait would be asked less often.
            self._put(key, max(now, began + pause * spread))

    def hurry(self, key: Key, now: float) -> bool:
        """Make a target due at once (an operator asks); False when it is unknown or busy."""
        if key not in self._due:
            return False
        self._put(key, now)
        return True

    def next_time(self) -> float | None:
        """When `take` shall be called next; None while nothing is due or every slot is busy."""
        if len(self._busy) >= self._slots:
            return None
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, key: Key) -> float | None:
        """When a target is due; None while it is busy."""
        return self._due.get(key)

    def _put(self, key: Key, time: float) -> None:
        self._due[key] = time
        heapq.heappush(self._heap, (time, key))
