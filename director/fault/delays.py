"""How long a request is held up by a fault: drawn from seed and number, in one of four ways.

A log-normal delay has the median m and the spread s of its logarithm: exp(ln m + s * z), z normal (as
WireMock's and MockServer's).  One that is a server's own times N is drawn from the histogram of its answers.
"""

from __future__ import annotations

from math import exp
from statistics import NormalDist
from typing import TYPE_CHECKING

from director.registry.counters import LATENCY_BOUNDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.model.drills import FaultAction

LONGEST = 3600.0
"""Seconds; the tail of a log-normal has no end."""
_NORMAL = NormalDist()


def delay(action: FaultAction, drawing: float, buckets: Sequence[int] = ()) -> float:
    """Seconds.

    Args:
        drawing: from 0 to 1 (excluded), which decides.
        buckets: how many answers of the server took how long (`LATENCY_BOUNDS`).
    """
    if action.sigma:
        # The ends of the normal distribution lie at infinity.
        z = _NORMAL.inv_cdf(min(max(drawing, 1e-12), 1.0 - 1e-12))
        return min(action.low * exp(action.sigma * z), LONGEST)
    if action.times:
        return min(action.times * usual(buckets, drawing), LONGEST)
    wide = action.high - action.low
    return action.low + wide * drawing if wide else action.low


def usual(buckets: Sequence[int], share: float) -> float:
    """Seconds that this share (0 to 1) of the answers did not exceed; 0 without any.

    Those of one bucket are taken to lie evenly in it.
    """
    wanted = share * sum(buckets)
    below = 0.0
    for bound, number in zip(LATENCY_BOUNDS, buckets, strict=False):
        if number and wanted <= number:
            return below + (bound - below) * wanted / number
        wanted -= number
        below = bound
    return below if any(buckets) else 0.0
