"""The evidence on one server as JSON.

Every check with its last results, its changes and what led to them, and what real work showed.  Pure: values
of `registry.evidence` in, plain values out.
"""

from __future__ import annotations

from typing import Any

from director.registry.evidence import (
    Alternative,
    CheckSnapshot,
    Ejection,
    Result,
    ServerEvidence,
    TrafficEvidence,
    Transition,
)
from director.registry.reports import Instant

Json = dict[str, Any]

VERDICTS = {True: "up", False: "down", None: "checking"}
FOUND = {True: "passed", False: "failed", None: "unknown"}


def evidence_view(found: ServerEvidence, moment: Instant) -> Json:
    """Everything about one server."""
    return {
        "checks": [check(one, moment) for one in found.checks],
        "traffic": traffic(found.traffic, moment),
    }


def check(one: CheckSnapshot, moment: Instant) -> Json:
    """One check."""
    last = one.results[-1] if one.results else None
    return {
        "check": one.check,
        "address": one.address,
        "verdict": VERDICTS[one.alive],
        "evidence": last.reason if last is not None else "",
        "since": moment.when(one.since),
        "for": max(0.0, moment.now - one.since),
        "against": one.count,
        "needed": one.needed,
        "next_in": one.next_in,
        "advice": str(one.advice),
        "results": [result(each, moment) for each in one.results],
        "transitions": [transition(each, moment) for each in one.transitions],
        "flaps": flaps(one.settings, moment),
        "what_if": [what_if(each, one.settings, moment) for each in one.alternatives],
    }


def result(one: Result, moment: Instant) -> Json:
    """One probe; `phases` are seconds from its begin."""
    return {
        "time": moment.when(one.time),
        "result": FOUND[one.alive],
        "reason": one.reason,
        "seconds": one.duration,
        "phases": dict(one.phases),
        "octets": one.octets,
        "seen": one.seen,
    }


def transition(one: Transition, moment: Instant) -> Json:
    """One change of the verdict, with what led to it."""
    return {
        "time": moment.when(one.time),
        "from": VERDICTS[one.before],
        "to": VERDICTS[one.alive],
        "reason": one.reason,
        "count": one.count,
        "needed": one.needed,
        "lasted": one.lasted,
        "probes": [result(each, moment) for each in one.probes],
        "traffic": [failure(each, moment) for each in one.traffic],
    }


def failure(one: tuple[float, str], moment: Instant) -> Json:
    """A failure of real work."""
    return {"time": moment.when(one[0]), "cause": one[1]}


def flaps(one: Alternative, moment: Instant) -> Json:
    """How often the verdict changed under some settings."""
    return {"rise": one.rise, "fall": one.fall, "flaps": one.flaps, "since": moment.when(one.since)}


def what_if(one: Alternative, own: Alternative, moment: Instant) -> Json:
    """The same for other settings, and in words."""
    return {**flaps(one, moment), "more": one.flaps - own.flaps, "text": sentence(one, own)}


def sentence(one: Alternative, own: Alternative) -> str:
    """`with fall=2 there would have been 3 more flaps`."""
    setting = f"fall={one.fall}" if one.rise == own.rise else f"rise={one.rise}"
    more = one.flaps - own.flaps
    many = "no other number of" if not more else f"{abs(more)} {'more' if more > 0 else 'fewer'}"
    return f"with {setting} there would have been {many} {'flap' if abs(more) == 1 else 'flaps'}"


def traffic(found: TrafficEvidence, moment: Instant) -> Json:
    """What real work showed."""
    return {
        "failures": [failure(one, moment) for one in found.failures],
        "ejections": [ejection(one, moment) for one in found.ejections],
        "spared": found.spared,
    }


def ejection(one: Ejection, moment: Instant) -> Json:
    """One time out."""
    return {
        "time": moment.when(one.time),
        "reason": one.reason,
        "seconds": one.seconds,
        "until": moment.when(one.until),
        "ended": None if one.ended is None else moment.when(one.ended),
        "count": one.count,
        "failures": [failure(each, moment) for each in one.failures],
    }
