"""What probe results mean: rise and fall, and the evidence for every verdict.

One `Evidence` per (address, check).  `health.io.service` feeds it results and carries
its verdicts to the registry; the admin shows its `CheckSnapshot`.  Nothing here probes,
waits or knows a pool.
"""

from __future__ import annotations

from collections import deque

from attrs import frozen

from director.model.pools import NO_ADVICE, Advice, Check

RESULTS_KEPT = 20
"""Probe results remembered per (address, check); the page shows the last ten."""
TRANSITIONS_KEPT = 20
"""State changes remembered per (address, check)."""


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

    `before` is None for the first verdict; `lasted` are the seconds the state before had lasted.
    """

    time: float
    before: bool | None
    alive: bool
    reason: str
    count: int
    needed: int
    lasted: float


@frozen
class CheckSnapshot:
    """What is known about one (address, check), for outsiders.

    `count` of `needed` results in a row speak against the present state.  `next_in` are the seconds to
    the next probe, None while one runs.
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


class Evidence:
    """The history of one check on one address and the verdict that follows from it.

    The states are: nothing known yet (`alive` None; the first `after` equal results decide), up (`fall`
    failures in a row make it down), down (`rise` successes in a row make it up).  One result of the other
    kind begins the count anew, so flapping alone changes nothing.
    """

    def __init__(self, check: Check, now: float) -> None:
        self.check = check
        self.alive: bool | None = check.first
        self.advice = NO_ADVICE
        self._last: bool | None = None
        self.since = now
        self.count = 0
        self.results: deque[Result] = deque(maxlen=RESULTS_KEPT)
        self.transitions: deque[Transition] = deque(maxlen=TRANSITIONS_KEPT)

    @property
    def needed(self) -> int:
        """How many results in a row change the present state."""
        if self.alive is None:
            return max(1, self.check.after)
        return max(1, self.check.fall if self.alive else self.check.rise)

    @property
    def is_changing(self) -> bool:
        """There is no verdict yet, or the last result spoke against it."""
        return self.alive is None or self.count > 0

    def take(self, result: Result) -> Transition | None:
        """Take a result in; returns the change of state it caused, if any."""
        self.results.append(result)
        if result.alive is None:
            return None
        if result.alive == self.alive:
            self.count = 0
            return None
        if self.alive is None and result.alive != self._last:
            self.count = 0
        self._last = result.alive
        self.count += 1
        if self.count < self.needed:
            return None
        return self._turn(result, result.alive)

    def _turn(self, result: Result, alive: bool) -> Transition:
        lasted = result.time - self.since
        made = Transition(result.time, self.alive, alive, result.reason, self.count, self.needed, lasted)
        self.transitions.append(made)
        self.alive, self.since, self.count = alive, result.time, 0
        return made

    def snapshot(self, address: str, next_in: float | None) -> CheckSnapshot:
        """A frozen copy."""
        return CheckSnapshot(
            address=address,
            check=self.check.name,
            alive=self.alive,
            since=self.since,
            count=self.count,
            needed=self.needed,
            results=tuple(self.results),
            transitions=tuple(self.transitions),
            next_in=next_in,
        )
