"""Named counters and rates per service, pool, server and rule.

Plain integers of one process: the data paths add to them by the verbs of `ledger`, everybody else
reads.  Rates follow IPVS's estimator (`lvs-semantics` H) to the bit, because operators compare
`--rate` figures.  No clock here: `tick` is called every two seconds by a shell.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ESTIMATOR_PERIOD = 2.0
"""Seconds between two calls of `Estimator.tick` (H: every 2 s)."""

LATENCY_BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bounds of the latency histogram in seconds; one more bucket is above the last."""


SERVICE_CAUSES = ("fault", "idle", "junk", "no_answer", "refused", "timeout", "truncated")
"""What can go wrong for a client of a service: the fault path answered, or these outcomes."""
SERVER_CAUSES = ("connect", "empty", "idle", "junk", "timeout", "truncated")
"""What a server can do wrong.  Both are told as 0 from the start; others are told when they come."""


class TrafficFigures(NamedTuple):
    """Copies, in the order of `Traffic.NAMES`; `shown` is since an operator zeroed, `rates` per second."""

    totals: tuple[int, ...] = (0, 0, 0, 0, 0)
    shown: tuple[int, ...] = (0, 0, 0, 0, 0)
    rates: tuple[int, ...] = (0, 0, 0, 0, 0)


NO_TRAFFIC = TrafficFigures()


CONNS, INPKTS, OUTPKTS, INBYTES, OUTBYTES = range(5)
"""Where each total of a `Traffic` stands in its `cells`."""


Cells = list[int]
"""The totals of one `Traffic`, as a data path takes them."""


class Traffic:
    """What IPVS counts for a destination, a service and the whole (H): plain totals since start.

    `cells` are the totals themselves, a list of this process.  A data path takes the list once (for each
    flow) and adds in place, `cells[INPKTS] += 1`: six times a packet, where six calls would cost more than
    all the rest.  Everybody else reads `totals` or a name.
    """

    __slots__ = ("cells",)

    NAMES = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")

    def __init__(self) -> None:
        self.cells: Cells = [0, 0, 0, 0, 0]

    def totals(self) -> tuple[int, int, int, int, int]:
        """Conns, packets in and out, bytes in and out."""
        conns, inpkts, outpkts, inbytes, outbytes = self.cells
        return conns, inpkts, outpkts, inbytes, outbytes

    def become(self, totals: Sequence[int]) -> None:
        """Show sums that were made elsewhere: of several processes, in the one that shows them."""
        self.cells[:] = totals

    @property
    def conns(self) -> int:
        """Connections."""
        return self.cells[CONNS]

    @property
    def inpkts(self) -> int:
        """Packets from clients."""
        return self.cells[INPKTS]

    @property
    def outpkts(self) -> int:
        """Packets to clients."""
        return self.cells[OUTPKTS]

    @property
    def inbytes(self) -> int:
        """Octets from clients."""
        return self.cells[INBYTES]

    @property
    def outbytes(self) -> int:
        """Octets to clients."""
        return self.cells[OUTBYTES]


class Estimator:
    """Smoothed per-second rates of one `Traffic`, in IPVS's fixed point (H).

    A sample of packets is scaled by 2^10 per second, one of bytes by 2^5; the average moves a
    quarter of the way each period, so a steady 10 per second approaches 10.
    """

    __slots__ = ("_averages", "_last", "_traffic")

    _SHIFTS = (9, 9, 9, 4, 4)
    """Left shift of a two-second difference, per counter: 2^10 / 2 s and 2^5 / 2 s."""
    _DOWN = ((0x1FF, 10), (0x1FF, 10), (0x1FF, 10), (0xF, 5), (0xF, 5))
    """Rounding term and right shift that turn an average into a shown rate."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._last = traffic.totals()
        self._averages = [0, 0, 0, 0, 0]

    def tick(self) -> None:
        """Take one sample; call it once per `ESTIMATOR_PERIOD`."""
        totals = self._traffic.totals()
        for index, (new, old) in enumerate(zip(totals, self._last, strict=True)):
            sample = (new - old) << self._SHIFTS[index]
            self._averages[index] += (sample - self._averages[index]) >> 2
        self._last = totals

    def rates(self) -> tuple[int, ...]:
        """Conns/s, packets/s in and out, bytes/s in and out."""
        return tuple(
            (average + add) >> shift for average, (add, shift) in zip(self._averages, self._DOWN, strict=True)
        )

    def clear(self) -> None:
        """Forget the averages, as zeroing counters does."""
        self._averages = [0, 0, 0, 0, 0]
        self._last = self._traffic.totals()


class Zeroable:
    """Totals as an operator sees them: since the last zeroing, which stores a base (H)."""

    __slots__ = ("_base", "estimator", "traffic")

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.estimator = Estimator(self.traffic)
        self._base = (0, 0, 0, 0, 0)

    def zero(self) -> None:
        """Start counting from here; the rates start anew too."""
        self._base = self.traffic.totals()
        self.estimator.clear()

    def shown(self) -> tuple[int, ...]:
        """Conns, packets in and out, bytes in and out since the last zeroing."""
        return tuple(now - base for now, base in zip(self.traffic.totals(), self._base, strict=True))

    def figures(self) -> TrafficFigures:
        """A copy; what never moved shares one."""
        totals = self.traffic.totals()
        if totals == NO_TRAFFIC.totals:
            return NO_TRAFFIC
        return TrafficFigures(totals, self.shown(), self.estimator.rates())


class Histogram:
    """Latencies in the buckets of `LATENCY_BOUNDS`."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(LATENCY_BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one latency."""
        self.buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.total += seconds

    def quantile(self, share: float) -> float | None:
        """Upper bound of the bucket in which the `share` (0..1) of all latencies lies, or None."""
        return quantile(self.buckets, share)


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """Upper bound of the bucket in which the `share` (0..1) lies, infinity for the last; None without any."""
    count = sum(buckets)
    if not count:
        return None
    seen = 0
    for bound, number in zip(LATENCY_BOUNDS, buckets, strict=False):
        seen += number
        if seen >= share * count:
            return bound
    return float("inf")


class RequestFigures(NamedTuple):
    """A copy of `Requests`: `buckets` and `seconds` are its histogram and the sum of all latencies."""

    requests: int = 0
    responses: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    errors: tuple[tuple[str, int], ...] = ()
    buckets: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS) + 1)
    seconds: float = 0.0


NO_REQUESTS = RequestFigures()


class Requests:
    """What layer 7 counts for a server, a service or a rule.

    Attributes:
        requests: requests that chose it.
        responses: final responses by class, index 1 to 5.
        errors: failures by cause (`connect`, `timeout`, `empty`, `junk`, `truncated`, …), a bounded
            vocabulary of the code, never text from the network.
    """

    __slots__ = ("errors", "latency", "requests", "responses")

    def __init__(self) -> None:
        self.requests = 0
        self.responses = [0] * 6
        self.errors: Counter[str] = Counter()
        self.latency = Histogram()

    def become(
        self,
        requests: int,
        responses: Sequence[int],
        errors: Iterable[tuple[str, int]],
        buckets: Sequence[int],
        seconds: float,
    ) -> None:
        """Show sums that were made elsewhere."""
        self.requests = requests
        self.responses[:] = responses
        self.errors = Counter(dict(errors))
        self.latency.buckets[:] = buckets
        self.latency.total = seconds

    def figures(self) -> RequestFigures:
        """A copy; what was never asked for shares one."""
        latency = self.latency
        if not (self.requests or self.errors or any(self.responses) or latency.total):
            return NO_REQUESTS
        return RequestFigures(
            self.requests,
            tuple(self.responses),
            tuple(self.errors.items()),
            tuple(latency.buckets),
            latency.total,
        )
