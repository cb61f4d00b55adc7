"""Requests per second of everything that counts requests, over the last ten seconds; of layer 4, connections.

Pure.  `site`'s service takes a sample every two seconds; `views` reads.
"""

from __future__ import annotations

from collections import deque

from director.registry.snapshot import RegistrySnapshot

SAMPLES = 6
"""Six samples, two seconds apart, span ten seconds."""

Counts = dict[tuple[str, ...], int]


def counts(seen: RegistrySnapshot) -> Counts:
    """Requests so far: of services (key,), of servers (pool, name), of rules (service, "rule", name).

    Layer 7 counts a request when it chose a server and a connection when it ended; layer 4 knows
    connections only.
    """
    found: Counts = {}
    for service in seen.services.values():
        found[(service.key,)] = max(service.requests.requests, service.traffic.totals[0])
        for name, rule in service.rules.items():
            found[service.key, "rule", name] = rule.requests
    for server in seen.servers():
        found[server.pool, server.name] = max(server.requests.requests, server.traffic.totals[0])
    return found


class Rates:
    """A short history of counts; holds at most `SAMPLES` of them."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Counts]] = deque(maxlen=SAMPLES)

    def sample(self, seen: RegistrySnapshot, now: float) -> None:
        """Take a sample; `now` is monotonic seconds."""
        self._samples.append((now, counts(seen)))

    def per_second(self, *key: str) -> float | None:
        """The rate of one key, or None before there are two samples of it."""
        known = [(now, sample[key]) for now, sample in self._samples if key in sample]
        if len(known) < 2:
            return None
        (start, first), (end, last) = known[0], known[-1]
        if end <= start:
            return None
        return max(0.0, (last - first) / (end - start))
