"""How pools and services answer now, against their own past: for the verdict.

Pure.  A sample of totals every ten seconds for ten minutes; the last minute is `recent`, what came before it
is the `past`.  A check says that a server listens; only its answers say that it works.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from attrs import field, frozen

from director.admin.emptying import Emptying
from director.admin.rates import Rates
from director.registry.counters import RequestFigures
from director.registry.snapshot import RegistrySnapshot

SPACING = 10.0
"""Seconds between two samples."""
KEPT = 60
RECENT = 60.0
"""Seconds that count as now."""


class Totals(NamedTuple):
    """Final answers so far, those of class 5xx, and the sum and number of all times to the answer."""

    answers: int = 0
    failed: int = 0
    seconds: float = 0.0
    timed: int = 0

    def since(self, before: Totals) -> Totals:
        """What came after `before`."""
        pairs = zip(self, before, strict=True)
        return Totals(*(max(0, now - then) for now, then in pairs))  # type: ignore[arg-type]

    @property
    def mean(self) -> float | None:
        """The mean time to the answer in seconds."""
        return self.seconds / self.timed if self.timed else None


def added(figures: Iterable[RequestFigures]) -> Totals:
    """The totals of several objects."""
    answers, failed, seconds, timed = 0, 0, 0.0, 0
    for one in figures:
        answers += sum(one.responses)
        failed += one.responses[5]
        seconds += one.seconds
        timed += sum(one.buckets)
    return Totals(answers, failed, seconds, timed)


def totals(seen: RegistrySnapshot) -> Iterator[tuple[str, Totals]]:
    """Of services by their keys, of pools by `pool NAME`, of which the servers' own answers count."""
    for key, service in seen.services.items():
        yield key, added([service.requests])
    for name, pool in seen.pools.items():
        yield f"pool {name}", added(server.requests for server in pool.servers)


class Trends:
    """The history of answers, and since when something is noticed."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[str, Totals]]] = deque(maxlen=KEPT)
        self._noticed: dict[str, float] = {}

    def sample(self, seen: RegistrySnapshot, now: float) -> None:
        """Take a sample when one is due; `now` is monotonic seconds."""
        if not self._samples or now - self._samples[-1][0] >= SPACING:
            self._samples.append((now, dict(totals(seen))))

    def recent(self, key: str, whole: Totals, now: float) -> Totals:
        """What came in the last minute (or since the start), when `whole` is all that came."""
        return whole.since(self._begin(key, now))

    def past(self, key: str, now: float) -> Totals:
        """What came in the minutes before the last one."""
        oldest = next((sample[key] for _, sample in self._samples if key in sample), Totals())
        return self._begin(key, now).since(oldest)

    def _begin(self, key: str, now: float) -> Totals:
        """The totals at the begin of the last minute."""
        known = [(then, sample[key]) for then, sample in self._samples if key in sample]
        before = [one for then, one in known if now - then >= RECENT]
        if before:
            return before[-1]
        return known[0][1] if known else Totals()

    def noticed(self, present: Iterable[str], now: float) -> dict[str, float]:
        """Since when each of what is `present` was always there when somebody looked."""
        self._noticed = {one: self._noticed.get(one, now) for one in present}
        return self._noticed


@frozen
class History:
    """What is remembered of figures of the last seconds and minutes; of servers that leave, how they do."""

    rates: Rates = field(factory=Rates)
    trends: Trends = field(factory=Trends)
    emptying: Emptying = field(factory=Emptying)

    def sample(self, seen: RegistrySnapshot, now: float) -> None:
        """Take a sample for all; call it every two seconds."""
        self.rates.sample(seen, now)
        self.trends.sample(seen, now)
        self.emptying.sample(seen, now)
