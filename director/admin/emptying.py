"""How long a server that was ordered away still takes to be empty, judged by how fast its work has ended.

Pure.  Work that has lasted long is taken to end as soon as work that began just now (an exponential
distribution): with `n` pieces left, each ending at the rate `m`, the last one is done after `(1 + 1/2 + … +
1/n) / m` on average.  The rate is what ended divided by the time that all of it together spent on the server,
both of the last minute.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import log

from director.model.pools import State
from director.registry.snapshot import RegistrySnapshot, ServerSnapshot

SAMPLES = 31
"""Two seconds apart: a minute."""
MOST = 500
"""Servers that are watched while they empty, the first; of more the rest has no forecast."""
EULER = 0.5772
"""The Euler-Mascheroni constant: 1 + 1/2 + … + 1/n is about log n + EULER + 1/2n."""

Ebb = deque[tuple[float, int]]


class Emptying:
    """All servers that empty."""

    def __init__(self) -> None:
        self._ebbs: dict[tuple[str, str], Ebb] = {}

    def sample(self, seen: RegistrySnapshot, now: float) -> None:
        """Look at those that are ordered away; `now` is monotonic seconds."""
        before, self._ebbs = self._ebbs, {}
        for one in filter(leaving, seen.servers()):
            if len(self._ebbs) == MOST:
                break
            ebb = before.get((one.pool, one.name)) or Ebb(maxlen=SAMPLES)
            ebb.append((now, one.load))
            self._ebbs[one.pool, one.name] = ebb

    def seconds(self, pool: str, name: str) -> float | None:
        """Until it is empty, on average; None while nothing ended yet."""
        ebb = self._ebbs.get((pool, name), Ebb())
        ended = sum(max(0, had - has) for (_, had), (_, has) in pairwise(ebb))
        spent = sum(had * (now - then) for (then, had), (now, _) in pairwise(ebb))
        if not ended or spent <= 0:
            return None
        return harmonic(ebb[-1][1]) * spent / ended


def leaving(server: ServerSnapshot) -> bool:
    """It takes nothing new by order, and has something left."""
    return server.state is not State.READY and not server.empty


def harmonic(number: int) -> float:
    """1 + 1/2 + … + 1/number."""
    if number < 20:
        return sum(1 / each for each in range(1, number + 1))
    return log(number) + EULER + 1 / (2 * number)
