"""The verdict of a drill: each expectation held against what was seen, and whether it proves anything.

    pass    every expectation held
    fail    one did not
    void    it proves nothing: no requests, a fault that never fired, a sick baseline, halted

Pure.  An expectation about nobody does not hold: silence is no success.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from director.fault.samples import GOOD_ENDS, DrillRequest, RunRecord

if TYPE_CHECKING:
    from director.model.drills import Drill, DrillTerm, Expectation

PASS, FAIL, VOID = "pass", "fail", "void"
SICK = 0.95
"""Share of good answers in the baseline below which it is sick."""
STORIES = 3
"""Requests that show a failed expectation."""
LEAST_TO_HALT = 10
"""Answers that are needed before a share ends a drill."""
NEVER = float("inf")
FLOWS = "flows"
"""What is expected of connections of layer 4."""
WHOLE_ENDS = GOOD_ENDS | {"no_answer", "timeout", "junk"}
"""Outcomes with a whole response: of a server, or of the director itself."""

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


@frozen
class Judged:
    """One expectation: whether it held, what was seen, of how many requests, and which show it best."""

    phase: str
    text: str
    held: bool
    seen: str
    samples: int
    shown: tuple[DrillRequest, ...] = ()


@frozen
class Measure:
    """What a metric came to: its value, in words, and the requests that speak against it, worst first."""

    value: float
    text: str
    against: Sequence[DrillRequest] = ()


def judged(expectation: Expectation, record: RunRecord) -> Judged:
    """Hold one expectation against a run."""
    term, window = expectation.term, expectation.phase
    samples = record.within(window)
    if term.metric == "by":
        return _by(expectation, record, samples)
    if not samples and term.metric not in _OF_THE_RUN:
        return Judged(window, term.text, False, "no requests", 0)
    if term.metric == FLOWS:
        return _flows(expectation, record)
    found = _measured(term, samples, record)
    held = _holds(term, found.value)
    return Judged(window, term.text, held, found.text, len(samples), () if held else _few(found.against))


def _few(samples: Sequence[DrillRequest]) -> tuple[DrillRequest, ...]:
    return tuple(samples[:STORIES])


def _holds(term: DrillTerm, value: float) -> bool:
    return _OPERATORS[term.operator](round(value, 9), term.value)


# --- who answered -------------------------------------------------------------------------


def _by(expectation: Expectation, record: RunRecord, samples: list[DrillRequest]) -> Judged:
    term, window = expectation.term, expectation.phase
    answered = [one for one in samples if one.answered]
    if term.within is not None:
        return _by_within(expectation, record, samples)
    others = [one for one in answered if not one.by(term.names)]
    seen = f"{len(answered) - len(others)} of {len(answered)} answers"
    held = bool(answered) and not others
    return Judged(window, term.text, held, seen, len(samples), () if held else _few(others or samples))


def _by_within(expectation: Expectation, record: RunRecord, samples: list[DrillRequest]) -> Judged:
    """The first good answer of one of them, reckoned from the begin of the window."""
    term, begin = expectation.term, record.begin_of(expectation.phase)
    ends = [one.sent + one.seconds - begin for one in samples if one.answered and one.by(term.names)]
    first = min(ends, default=NEVER)
    seen = "never" if first == NEVER else f"after {_seconds(first)}"
    held = term.within is not None and first <= term.within
    return Judged(expectation.phase, term.text, held, seen, len(samples), () if held else _few(samples))


def _flows(expectation: Expectation, record: RunRecord) -> Judged:
    """How many connections of layer 4 outlived the window."""
    term, window = expectation.term, expectation.phase
    kept, count = record.flows.get(window, (0, 0))
    if not count:
        return Judged(window, term.text, False, "no connection of layer 4 was established before", 0)
    share = kept / count
    seen = f"{kept} of {count} connections ({share:.2%})"
    return Judged(window, term.text, _holds(term, share), seen, count)


# --- numbers ------------------------------------------------------------------------------

_OF_THE_RUN = frozenset({"detect", "page", "recover", "requests", "hits", "to", FLOWS})
"""Metrics that say something although no request was sent in their window."""


def _measured(term: DrillTerm, samples: list[DrillRequest], record: RunRecord) -> Measure:
    metric = term.metric
    if metric in _SHARES:
        return _share(samples, _SHARES[metric], good=metric != "5xx")
    if metric in _QUANTILES:
        return _quantile(samples, _QUANTILES[metric])
    if metric in {"detect", "page", "recover"}:
        value = record.marks.get(metric, NEVER)
        return Measure(value, "never" if value == NEVER else f"after {_seconds(value)}", samples)
    return _NUMBERS[metric](term, samples)


_SHARES: dict[str, Callable[[DrillRequest], bool]] = {
    "answered": lambda one: one.answered,
    "ok": lambda one: one.ok,
    "5xx": lambda one: one.status >= 500,
}
_QUANTILES = {"slowest": 1.0, "p50": 0.5, "p90": 0.9, "p99": 0.99}


def _share(samples: list[DrillRequest], holds: Callable[[DrillRequest], bool], *, good: bool) -> Measure:
    count = sum(map(holds, samples))
    value = count / len(samples)
    return Measure(
        value, f"{count} of {len(samples)} ({value:.2%})", [one for one in samples if holds(one) != good]
    )


def _quantile(samples: list[DrillRequest], share: float) -> Measure:
    """The least time that so many did not exceed."""
    slow = sorted(samples, key=lambda one: -one.seconds)
    place = len(slow) - max(1, -int(-share * len(slow) // 1))
    value = slow[place].seconds
    return Measure(value, _seconds(value), slow)


def _twice(_: DrillTerm, samples: list[DrillRequest]) -> Measure:
    found = [one for one in samples if one.twice]
    return Measure(len(found), f"{len(found)} requests", found)


def _retries(_: DrillTerm, samples: list[DrillRequest]) -> Measure:
    count = sum(len(one.tries) for one in samples)
    value = count / len(samples)
    often = sorted(samples, key=lambda one: -len(one.tries))
    return Measure(value, f"{value:.3g} for each request", often)


def _hits(_: DrillTerm, samples: list[DrillRequest]) -> Measure:
    count = sum(len(one.injected) for one in samples)
    return Measure(count, f"{count} tries", samples)


def _to(term: DrillTerm, samples: list[DrillRequest]) -> Measure:
    found = [one for one in samples if one.sent_to & {*term.names}]
    return Measure(len(found), f"{len(found)} requests", found)


def _moved(_: DrillTerm, samples: list[DrillRequest]) -> Measure:
    found = moves(samples)
    return Measure(len(found), f"{len(found)} times", found)


def _sticky(_: DrillTerm, samples: list[DrillRequest]) -> Measure:
    moved, kept = moves(samples), sum(1 for _ in _pairs(samples))
    value = 1.0 - len(moved) / kept if kept else 0.0
    return Measure(value, f"{kept - len(moved)} of {kept} ({value:.2%})", moved)


def _pairs(samples: Sequence[DrillRequest]) -> list[tuple[DrillRequest, DrillRequest]]:
    """Two answers of servers that follow each other for one user."""
    last: dict[tuple[int, int], DrillRequest] = {}
    found = []
    for one in samples:
        if one.server:
            before = last.get((one.line, one.user))
            if before is not None:
                found.append((before, one))
            last[one.line, one.user] = one
    return found


def moves(samples: Sequence[DrillRequest]) -> list[DrillRequest]:
    """Requests that another server answered than the one before of the same user."""
    return [after for before, after in _pairs(samples) if before.server != after.server]


_NUMBERS: dict[str, Callable[[DrillTerm, list[DrillRequest]], Measure]] = {
    "twice": _twice,
    "retries": _retries,
    "requests": lambda _, samples: Measure(len(samples), f"{len(samples)} requests", samples),
    "hits": _hits,
    "to": _to,
    "moved": _moved,
    "sticky": _sticky,
}


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


# --- the whole ------------------------------------------------------------------------------


def reasons_void(drill: Drill, record: RunRecord, *, control: bool = False) -> list[str]:
    """Why the run proves nothing; none when it does.  A `control` run injects nothing."""
    found = []
    if record.halted:
        found.append(f"halted: {record.halted}")
    if not record.samples:
        found.append("no requests: there was no load, and no real traffic")
    if not drill.expect:
        found.append("nothing is expected")
    if not record.halted and not control:
        found += [f"fault {one.name} never fired" for one in record.faults if not one.hits + one.checks]
        wanted = {name for step in drill.steps if step.verb == "start" for name in step.names}
        found += [
            f"fault {name} was never started" for name in sorted(wanted - {f.name for f in record.faults})
        ]
    found += _sick(drill, record)
    if not record.halted:
        found += _flowless(drill, record)
    windows = {one.phase for one in drill.expect if one.term.metric not in _OF_THE_RUN}
    if record.samples and not record.halted:
        found += [f"no requests {window}" for window in sorted(windows) if not record.within(window)]
    return found


def _flowless(drill: Drill, record: RunRecord) -> list[str]:
    wanted = {one.phase for one in drill.expect if one.term.metric == FLOWS}
    if all(record.flows.get(window, (0, 0))[1] for window in wanted):
        return []
    return ["no connection of layer 4 was established before, so none could be lost"]


def _sick(drill: Drill, record: RunRecord) -> list[str]:
    samples = record.within("baseline")
    broken = [judged(one, record) for one in drill.expect if one.phase == "baseline"]
    found = [f"sick baseline: {one.text}, but {one.seen}" for one in broken if not one.held]
    if samples:
        good = sum(one.ok for one in samples)
        if good < SICK * len(samples):
            found.append(f"sick baseline: {good} of {len(samples)} requests had a good answer")
    return found


def verdict(void: Sequence[str], found: Sequence[Judged]) -> str:
    """One word."""
    if void:
        return VOID
    return PASS if all(one.held for one in found) else FAIL


def reason_to_halt(drill: Drill, record: RunRecord) -> str:
    """Why the run must end now, "" for no reason."""
    done = [one for one in record.samples if one.whole or one.error]
    for term in drill.halt:
        if term.untagged:
            answers, failed = record.untagged
            share = failed / answers if answers else 0.0
            value = share if term.metric == "5xx" else 1.0 - share
            enough, seen = answers >= LEAST_TO_HALT, f"{failed} of {answers} had 5xx"
        else:
            enough = len(done) >= (1 if term.metric == "slowest" else LEAST_TO_HALT)
            found = _measured(term, done, record) if enough else Measure(0.0, "")
            value, seen = found.value, found.text
        if enough and _holds(term, value):
            return f"{term.text}: {seen}"
    return ""
