"""Passive checks: what real traffic says of servers, and which of them are ejected for it (`eject`).

Theory of operation.  An active check asks what a check asks; clients ask something else, and more often.  So
work under way is evidence, too: `registry.watch` takes it down in every process, and it is judged here, in
one place, because "five in a row" and "half of the pool at most" are about all processes together.

* **In a row.**  `after` failures of the named causes with no success between them.  Of several processes
  each says its failures at once and the first success behind one, so a success anywhere ends the row.
* **Against the others.**  `rate` and `latency` look at the last `WINDOW` seconds: a server is ejected when
  it fails more than `TIMES` as often, or answers more than `TIMES` as slowly, as all others of the pool
  together, *and* is above a floor, *and* there is enough to judge by.  When all are slow nobody is; and the
  last server that works is never put out for being slow or faulty by comparison.
* **Bounded.**  Never more than the share `most` of the pool's servers (no backups) at a time, rounded down:
  of one server none.  What was spared for that is counted and said.
* **For a time.**  It comes back by itself, cautiously (`slow_start`).  If it is put out again soon, the time
  doubles, up to `LONGEST` times: a server that flaps is away for longer each time.

The verdict is one among those of the checks (`model.pools.passive`), so it reaches every process and both
layers as theirs do.  Known by pool and address, so that it outlives a reload and another name.  Pure.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from attrs import evolve, frozen

from director.model.pools import Eject
from director.registry.evidence import Ejection, TrafficEvidence
from director.registry.live import LivePool, RealServer
from director.registry.watch import GOOD, NOTHING, Sample

WINDOW = 10.0
"""Seconds that rates and latencies are made of."""
TIMES = 3.0
"""So much worse than the others is an outlier."""
RATE_FLOOR = 0.2
"""A smaller share of failures is not an outlier, however good the others are."""
LATENCY_FLOOR = 0.1
"""Seconds by which an outlier must be slower than the others, too."""
ENOUGH = 10
"""Tries in the window without which nothing is compared."""
LONGEST = 8
"""How often the time of an ejection may double up to, as a multiple of it."""
FAILURES_KEPT = 20
"""Failures remembered as evidence, of each server."""

EJECTIONS_KEPT = 10
"""Ejections that are over, remembered of each server."""

Key = tuple[str, str]
"""(pool, address)."""


@frozen
class TrafficRecord:
    """What is known of one server, to be kept.

    `out` is its ejection while it is out, `past` are those that are over; the last ended at `returned`, the
    `times`-th in turn.
    """

    pool: str
    address: str
    failures: tuple[tuple[float, str], ...] = ()
    past: tuple[Ejection, ...] = ()
    out: Ejection | None = None
    returned: float = 0.0
    times: int = 0


class _State:
    """What is known of one server."""

    def __init__(self) -> None:
        self.row = 0
        self.causes: Counter[str] = Counter()
        self.failures: deque[tuple[float, str]] = deque(maxlen=FAILURES_KEPT)
        self.samples: deque[tuple[float, Sample]] = deque()
        self.ejection: Ejection | None = None
        self.past: deque[Ejection] = deque(maxlen=EJECTIONS_KEPT)
        self.returned = 0.0
        self.times = 0

    def recent(self, now: float) -> Sample:
        """All work in the window."""
        while self.samples and now - self.samples[0][0] > WINDOW:
            self.samples.popleft()
        total = NOTHING
        for _, sample in self.samples:
            total = total.plus(sample)
        return total

    def begin_anew(self) -> None:
        """What was before does not count any more."""
        self.row = 0
        self.causes.clear()
        self.samples.clear()


class Passive:
    """Judges the servers of pools with `eject`.

    Attributes:
        spared: how often a server was kept because too many were out, or it was the last, by pool.
    """

    def __init__(self) -> None:
        self.spared: Counter[str] = Counter()
        self._states: dict[Key, _State] = {}

    def ejections(self) -> list[Ejection]:
        """Who is out."""
        return [one.ejection for one in self._states.values() if one.ejection is not None]

    def evidence(self, pool: str, address: str) -> TrafficEvidence:
        """What real work showed of a server."""
        state = self._states.get((pool, address))
        if state is None:
            return TrafficEvidence()
        now_out = (state.ejection,) if state.ejection is not None else ()
        return TrafficEvidence(tuple(state.failures), (*state.past, *now_out), self.spared[pool])

    def records(self) -> list[TrafficRecord]:
        """Of each server that is or was out, what is known of it."""
        return [
            TrafficRecord(
                pool, address, tuple(one.failures), tuple(one.past), one.ejection, one.returned, one.times
            )
            for (pool, address), one in self._states.items()
            if one.times
        ]

    def remember(self, server: RealServer, record: TrafficRecord, now: float) -> Ejection | None:
        """Go on with what an earlier run knew of a server; its ejection, if it is out yet.

        Its pool may be another one by now, of which not so many may be out.
        """
        eject = server.pool.config.eject
        if eject is None or (record.pool, record.address) in self._states:
            return None
        state = self._state(server)
        state.failures.extend(record.failures)
        state.past.extend(record.past)
        state.returned, state.times = record.returned, record.times
        out = record.out
        if out is None:
            return None
        if now < out.until and self._has_room(server, eject):
            state.ejection = out
            return out
        state.past.append(evolve(out, ended=min(now, out.until)))
        return None

    def saw(self, server: RealServer, word: str, now: float, times: int = 1) -> Ejection | None:
        """Work on a server failed (a word of `eject`), or went well again (`GOOD`); is it ejected for it?"""
        eject = server.pool.config.eject
        if eject is None:
            return None
        state = self._state(server)
        if word == GOOD:
            state.row = 0
            state.causes.clear()
            return None
        state.row += times
        state.causes[word] += times
        state.failures.extend([(now, word)] * min(times, FAILURES_KEPT))
        if state.row < eject.after or state.ejection is not None:
            return None
        failures = "failure" if state.row == 1 else "failures"
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(state.causes.items()))
        return self._eject(server, eject, f"{state.row} {failures} in a row: {causes}", now)

    def worked(self, server: RealServer, sample: Sample, now: float) -> None:
        """What happened on a server since the last time."""
        if sample != NOTHING and server.pool.config.eject is not None:
            self._state(server).samples.append((now, sample))

    def look(self, pools: Iterable[LivePool], now: float) -> list[Ejection]:
        """Compare servers with the others of their pools; who is ejected?"""
        found = []
        for pool in pools:
            eject = pool.config.eject
            if eject is not None and eject.causes & {"rate", "latency"}:
                found += self._compare(pool, eject, now)
        return found

    def over(self, pools: dict[str, LivePool], now: float) -> list[Ejection]:
        """Whose time is over, or whose pool ejects nobody any more, or is gone."""
        found = []
        for (name, address), state in tuple(self._states.items()):
            pool = pools.get(name)
            known = pool is not None and pool.config.eject is not None
            known = known and any(server.key == address for server in pool.servers) if pool else False
            out = state.ejection
            if out is not None and (not known or now >= out.until):
                state.ejection, state.returned = None, now
                state.past.append(evolve(out, ended=now))
                state.begin_anew()
                found.append(out)
            if not known:
                del self._states[name, address]
        return found

    # -- inside --

    def _state(self, server: RealServer) -> _State:
        return self._states.setdefault((server.pool.name, server.key), _State())

    def _compare(self, pool: LivePool, eject: Eject, now: float) -> list[Ejection]:
        states = {server: self._state(server) for server in pool.servers}
        recent = {server: state.recent(now) for server, state in states.items()}
        found = []
        for server, own in recent.items():
            if states[server].ejection is not None:
                continue
            others = NOTHING
            for other, sample in recent.items():
                others = others if other is server else others.plus(sample)
            why = _worse(eject, own, others)
            if why:
                made = self._eject(server, eject, why, now, compared=True)
                found += [made] if made is not None else []
        return found

    def _eject(
        self, server: RealServer, eject: Eject, reason: str, now: float, *, compared: bool = False
    ) -> Ejection | None:
        pool, state = server.pool, self._state(server)
        left = any(one.serving and one.healthy for one in pool.servers if one is not server)
        if not self._has_room(server, eject) or (compared and not left):
            self.spared[pool.name] += 1
            return None
        again = state.times and now - state.returned < 2 * eject.seconds
        state.times = state.times + 1 if again else 1
        seconds = eject.seconds * min(2 ** (state.times - 1), LONGEST)
        made = Ejection(pool.name, server.key, now, reason, tuple(state.failures), seconds, state.times)
        state.ejection = made
        return made

    def _has_room(self, server: RealServer, eject: Eject) -> bool:
        """One more of its pool may be out; backups are not counted."""
        pool = server.pool
        main = [one for one in pool.servers if not one.config.backup]
        out = sum(
            self._states[pool.name, one.key].ejection is not None
            for one in main
            if (pool.name, one.key) in self._states
        )
        return server.config.backup or out + 1 <= eject.most * len(main)


def _worse(eject: Eject, own: Sample, others: Sample) -> str:
    """Why a server is an outlier; "" when it is none."""
    tries, their_tries = own.good + own.bad, others.good + others.bad
    if "rate" in eject.causes and tries >= ENOUGH and their_tries >= ENOUGH:
        rate, theirs = own.bad / tries, others.bad / their_tries
        if rate >= RATE_FLOOR and rate > TIMES * theirs:
            return f"{rate:.0%} of {tries} tries failed in {WINDOW:g}s, of the others' {theirs:.0%}"
    if "latency" in eject.causes and own.timed >= ENOUGH and others.timed >= ENOUGH:
        mean, theirs = own.seconds / own.timed, others.seconds / others.timed
        if mean > TIMES * theirs and mean > theirs + LATENCY_FLOOR:
            return f"{own.timed} answers took {mean:.3f}s each in {WINDOW:g}s, the others' {theirs:.3f}s"
    return ""
