"""What is known of a server's health and how it came about, as values: for whoever judges and whoever shows.

Times are monotonic seconds.  Made by the health room, shown by the admin; neither knows the other.
"""

from __future__ import annotations

from attrs import field, frozen

from director.model.pools import NO_ADVICE, Advice


@frozen
class Result:
    """One probe: when it ended, how it went and why, and how long it took in seconds.

    `alive` is None when the probe could not be made for a reason of our own (no file descriptors
    left, say); such a result is shown and never counts.  `phases` are parts of it by name with the seconds
    from its begin to their end, `octets` how many came, `seen` the first of them; `advice` is an agent's.
    """

    time: float
    alive: bool | None
    reason: str
    duration: float
    phases: tuple[tuple[str, float], ...] = ()
    octets: int = 0
    seen: str = ""
    advice: Advice | None = None


@frozen
class Transition:
    """A change of state with what caused it: the last reason, and `count` of `needed` equal results.

    `before` is None for the first verdict; `lasted` are the seconds the state before had lasted.  `probes`
    are the results that led to it, `traffic` what real work met meanwhile, as (time, cause).
    """

    time: float
    before: bool | None
    alive: bool
    reason: str
    count: int
    needed: int
    lasted: float
    probes: tuple[Result, ...] = ()
    traffic: tuple[tuple[float, str], ...] = ()


@frozen
class Alternative:
    """How often the state would have changed under other settings, in what is remembered since `since`."""

    rise: int
    fall: int
    flaps: int
    since: float


@frozen
class CheckSnapshot:
    """What is known about one (address, check), for outsiders.

    `count` of `needed` results in a row speak against the present state.  `next_in` are the seconds to
    the next probe, None while one runs.  `settings` are its rise and fall with what they brought about,
    `alternatives` the same for others.
    """

    address: str
    check: str
    alive: bool | None
    since: float
    count: int
    needed: int
    results: tuple[Result, ...]
    transitions: tuple[Transition, ...]
    next_in: float | None
    settings: Alternative = Alternative(1, 1, 0, 0.0)
    alternatives: tuple[Alternative, ...] = ()
    advice: Advice = NO_ADVICE


@frozen
class Ejection:
    """A server was put out: why, the failures that led to it as (time, cause), and for how many seconds.

    `count` says how many times in turn; `ended` when it came back, None while it is out.
    """

    pool: str
    address: str
    time: float
    reason: str
    failures: tuple[tuple[float, str], ...]
    seconds: float
    count: int
    ended: float | None = None

    @property
    def until(self) -> float:
        """When it comes back."""
        return self.time + self.seconds


@frozen
class TrafficEvidence:
    """What real work showed of a server of a pool with `eject`: the last failures, and its ejections."""

    failures: tuple[tuple[float, str], ...] = ()
    ejections: tuple[Ejection, ...] = ()
    spared: int = 0


@frozen
class ServerEvidence:
    """All that is known of one server's health."""

    checks: tuple[CheckSnapshot, ...] = ()
    traffic: TrafficEvidence = field(factory=TrafficEvidence)
