"""What probe results mean: rise and fall, and the evidence for every verdict.

One `Evidence` per (address, check).  `health.io.service` feeds it results and carries
its verdicts to the registry; the admin shows its `CheckSnapshot`.  Nothing here probes,
waits or knows a pool.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import evolve

from director.model.pools import NO_ADVICE, Check
from director.registry.evidence import Alternative, CheckSnapshot, Result, Transition

RESULTS_KEPT = 20
"""Probe results remembered per (address, check); the page shows the last ten."""
TRANSITIONS_KEPT = 20
"""State changes remembered per (address, check)."""
RUNS_KEPT = 256
"""Runs of equal results remembered per (address, check): a healthy server has one, however long."""
PROBES_KEPT = 5
"""Probes that led to a change, remembered with it."""


class Evidence:
    """The history of one check on one address and the verdict that follows from it.

    The states are: nothing known yet (`alive` None; the first `after` equal results decide), up (`fall`
    failures in a row make it down), down (`rise` successes in a row make it up).  One result of the other
    kind begins the count anew, so flapping alone changes nothing.

    Attributes:
        runs: [alive, how many results, time of the first] of equal results in turn; what other settings
            would have made of them is worked out from these.
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
        self.runs: deque[Run] = deque(maxlen=RUNS_KEPT)

    def adopt(self, check: Check) -> bool:
        """Go on with other settings; False when it is another question, so that the verdict begins anew.

        What is remembered stays in either case.
        """
        same = question(check) == question(self.check)
        self.check, self.count, self._last = check, 0, None
        if not same:
            self.alive = None
        return same

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

    def take(self, result: Result, traffic: tuple[tuple[float, str], ...] = ()) -> Transition | None:
        """Take a result in; returns the change of state it caused, if any.

        `traffic`: what real work met lately, as (time, cause); what came before the last change led to that.
        """
        self.results.append(result)
        if result.alive is None:
            return None
        if self.runs and self.runs[-1][0] == result.alive:
            self.runs[-1][1] += 1
        else:
            self.runs.append([result.alive, 1, result.time])
        if result.alive == self.alive:
            self.count = 0
            return None
        if self.alive is None and result.alive != self._last:
            self.count = 0
        self._last = result.alive
        self.count += 1
        if self.count < self.needed:
            return None
        return self._turn(result, result.alive, traffic)

    def _turn(self, result: Result, alive: bool, traffic: tuple[tuple[float, str], ...]) -> Transition:
        probes = [one for one in self.results if one.alive == alive][-min(self.count, PROBES_KEPT) :]
        made = Transition(
            time=result.time,
            before=self.alive,
            alive=alive,
            reason=result.reason,
            count=self.count,
            needed=self.needed,
            lasted=result.time - self.since,
            probes=tuple(probes),
            traffic=() if alive else tuple(one for one in traffic if one[0] >= self.since),
        )
        self.transitions.append(made)
        self.alive, self.since, self.count = alive, result.time, 0
        return made

    def flaps(self, rise: int, fall: int) -> int:
        """How often the state would have changed with these settings, in what is remembered.

        Results of one run are equal and in turn, so a run changes the state when it is long enough.
        """
        state: bool | None = None
        changes = 0
        for alive, count, _ in self.runs:
            if state is None:
                state = alive
            elif alive != state and count >= (rise if alive else fall):
                state = alive
                changes += 1
        return changes

    def alternatives(self) -> tuple[Alternative, ...]:
        """One less and one more of each setting."""
        rise, fall = self.check.rise, self.check.fall
        pairs = ((rise, fall - 1), (rise, fall + 1), (rise - 1, fall), (rise + 1, fall))
        return tuple(self._with(*pair) for pair in pairs if min(pair) > 0)

    def _with(self, rise: int, fall: int) -> Alternative:
        since = self.runs[0][2] if self.runs else self.since
        return Alternative(rise, fall, self.flaps(rise, fall), since)

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
            settings=self._with(self.check.rise, self.check.fall),
            alternatives=self.alternatives() if len(self.runs) > 1 else (),
            advice=self.advice,
        )


Run = list[Any]
"""[alive, how many, time of the first]."""


def question(check: Check) -> Check:
    """What is asked, whatever is made of the answers."""
    plain = Check("")
    names = ("every", "changing", "timeout", "rise", "fall", "first", "after")
    return evolve(check, **{name: getattr(plain, name) for name in names})
