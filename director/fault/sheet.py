"""The sheet of a drill: what a run came to, as one JSON object, and as text.

Pure.  `sheet` makes the object; `text`, `junit` and `picture` print it, so that a command prints what the API
gave it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from director.fault import judging
from director.fault.choice import drawn
from director.fault.samples import PHASES, DrillRequest, FaultTold, RunRecord

if TYPE_CHECKING:
    from director.fault.judging import Judged
    from director.model.drills import Drill

Sheet = dict[str, Any]
MOST_POINTS = 5000
"""Requests that the picture shows; of more, every so many."""


def sheet(drill: Drill, record: RunRecord, seed: int, control: RunRecord | None = None) -> Sheet:
    """All of a run.  `control` is the run without faults, where there was one."""
    found = [judging.judged(one, record) for one in drill.expect]
    void = judging.reasons_void(drill, record)
    idle = [False] * len(found)
    if control is not None:
        void += [f"without the faults: {why}" for why in judging.reasons_void(drill, control, control=True)]
        idle = [judging.judged(one, control).held for one in drill.expect]
    return {
        "drill": drill.name,
        "service": drill.service,
        "verdict": judging.verdict(void, found),
        "why": void or [f"{one.phase}: {one.text}, but {one.seen}" for one in found if not one.held],
        "seed": seed,
        "seconds": round(record.length, 3),
        "load": [f"{line.rate:g}/s {line.method} {line.uri}" for line in drill.load],
        "decisions": decisions(drill, record, seed),
        "hits": hits(record.samples),
        "expectations": [_expectation(one, idles) for one, idles in zip(found, idle, strict=True)],
        "phases": [_phase(name, record) for name in PHASES],
        "faults": [
            {
                "name": one.name,
                "server": list(one.server),
                "do": one.do,
                "hits": one.hits,
                "checks": one.checks,
            }
            for one in record.faults
        ],
        "times": {name: _rounded(record.marks.get(name)) for name in ("detect", "page", "recover")},
        "untagged": {"answers": record.untagged[0], "5xx": record.untagged[1]},
        "events": [{"at": round(one.at, 3), "kind": one.kind, "text": one.text} for one in record.happenings],
        "control": control is not None,
        "points": _points(record.samples),
    }


def decisions(drill: Drill, record: RunRecord, seed: int) -> list[dict[str, Any]]:
    """The requests that the faults were to hit, in order: with the same seed the same ones.

    Where a share decides, seed and number decide, whichever server a request goes to; a count (`first`,
    `every`, `max`) is of those that came by, so there they are those that were hit.  A fault that never fired
    has decided nothing.
    """
    found = [
        (one.number, told.name)
        for told in record.faults
        for one in (_decided(drill, record, told, seed) if told.hits else ())
    ]
    return [{"request": number, "fault": name} for number, name in sorted(found)]


def _decided(drill: Drill, record: RunRecord, told: FaultTold, seed: int) -> list[DrillRequest]:
    met = [one for one in record.samples if any(fault == told.name for _, fault in one.injected)]
    hit = told.hit
    if not drill.load or hit.first is not None or hit.most is not None or hit.every != 1:
        return met
    lines = {one.line for one in met}
    spans = list(_spans(drill, told.name))
    return [
        one
        for one in record.samples
        if one.line in lines
        and any(start <= one.due < end for start, end in spans)
        and (hit.share >= 1.0 or drawn(seed, str(one.number)) < hit.share)
    ]


def _spans(drill: Drill, fault: str) -> Iterator[tuple[float, float]]:
    """From when to when a fault runs."""
    begun = None
    for step in drill.steps:
        if step.verb == "start" and fault in step.names:
            begun = step.at if begun is None else begun
        elif begun is not None and (
            step.verb in {"heal", "end"} or (step.verb == "stop" and fault in step.names)
        ):
            yield begun, step.at
            begun = None


def hits(samples: Sequence[DrillRequest]) -> list[dict[str, Any]]:
    """The tries that met a fault, in the order in which their requests were sent."""
    return [
        {"request": one.number, "fault": fault, "server": server}
        for one in samples
        for server, fault in one.injected
    ]


def _expectation(one: Judged, idle: bool) -> dict[str, Any]:
    return {
        "phase": one.phase,
        "text": one.text,
        "held": one.held,
        "seen": one.seen,
        "samples": one.samples,
        "cannot_fail": idle,
        "requests": [_story(sample) for sample in one.shown],
    }


def _story(one: DrillRequest) -> dict[str, Any]:
    """One request as it went, in sentences."""
    return {
        "number": one.number,
        "id": one.identity,
        "asked": one.asked,
        "sent": round(one.sent, 3),
        "phase": one.phase,
        "status": one.status,
        "seconds": round(one.seconds, 4),
        "server": one.server,
        "fault": one.fault,
        "story": list(told(one)),
    }


def told(one: DrillRequest) -> Iterator[str]:
    """What became of a request, in the order in which it happened."""
    yield f"sent {one.sent:.2f} s after the begin, in phase {one.phase}"
    for server, fault in one.injected:
        yield f"{server} met the fault {fault}"
    for server, what in one.tries:
        yield f"{server} was tried: {what}"
    trace = one.trace
    if trace is None:
        yield "the director does not remember it: [director] trace says how many it keeps"
    elif one.fault:
        yield f"the fault path answered: {one.fault}"
    elif trace["server"]:
        yield f"{trace['pool']}/{trace['server']} was chosen by {trace['scheduler']}"
    if one.error:
        yield f"after {one.seconds:.3f} s the client saw: {one.error}"
    else:
        yield f"status {one.status} after {one.seconds:.3f} s"


def _phase(name: str, record: RunRecord) -> dict[str, Any]:
    samples = [one for one in record.samples if one.phase == name]
    begins = record.begins.get(name)
    later = [at for phase, at in record.begins.items() if PHASES.index(phase) > PHASES.index(name)]
    ends = None if begins is None else min(later, default=record.length)
    times = sorted(one.seconds for one in samples)
    answered = Counter(one.server or one.fault or one.error or "nobody" for one in samples)
    return {
        "name": name,
        "from": _rounded(begins),
        "to": _rounded(ends),
        "requests": len(samples),
        "answered": sum(one.answered for one in samples),
        "ok": sum(one.ok for one in samples),
        "p50": _rounded(times[len(times) // 2] if times else None),
        "slowest": _rounded(times[-1] if times else None),
        "retries": sum(len(one.tries) for one in samples),
        "hits": sum(len(one.injected) for one in samples),
        "by": dict(answered.most_common()),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _points(samples: Sequence[DrillRequest]) -> list[list[Any]]:
    """(seconds, how long, status, who answered, whether it was hit) for the picture."""
    every = -(-len(samples) // MOST_POINTS) or 1
    return [
        [round(one.sent, 3), round(one.seconds, 4), one.status, one.server or one.fault, bool(one.injected)]
        for one in samples[::every]
    ]


# --- as text --------------------------------------------------------------------------------

WORDS = {
    judging.PASS: "PASS",
    judging.FAIL: "FAIL",
    judging.VOID: "VOID: it proves nothing",
}


def text(found: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines = [f"{found['drill']}: {WORDS[found['verdict']]}"]
    lines += [f"  {why}" for why in found["why"]]
    lines += ["", *_expectations(found), "", *_phases(found)]
    shown = [one for one in found["expectations"] if not one["held"] and one["requests"]]
    for one in shown:
        lines += ["", f"{one['phase']}: {one['text']} did not hold ({one['seen']}). Requests that show it:"]
        for request in one["requests"]:
            lines.append(f"  #{request['number']} {request['asked']} (director why {request['id']})")
            lines += [f"      {part}" for part in request["story"]]
    if found["events"]:
        lines += ["", "what happened"]
        lines += [f"  {one['at']:8.2f} s  {one['text']}" for one in found["events"]]
    lines += ["", f"seed {found['seed']}; the same seed hits the same requests: --seed {found['seed']}"]
    return "\n".join(lines) + "\n"


def _expectations(found: Mapping[str, Any]) -> Iterator[str]:
    yield "expected"
    for one in found["expectations"]:
        mark = "held " if one["held"] else "BROKE"
        idle = "; it holds without the faults, too, so alone it proves nothing" if one["cannot_fail"] else ""
        yield f"  {mark} {one['phase']:8} {one['text']}: {one['seen']}{idle}"


def _phases(found: Mapping[str, Any]) -> Iterator[str]:
    yield "phase      from      to  requests  answered    ok  hits  slowest  by"
    for one in found["phases"]:
        if one["from"] is None:
            continue
        by = ", ".join(f"{who} {count}" for who, count in list(one["by"].items())[:6])
        slow = "-" if one["slowest"] is None else f"{one['slowest'] * 1000:.0f} ms"
        yield (
            f"{one['name']:8} {one['from']:6.2f}  {one['to']:6.2f}  {one['requests']:8}  "
            f"{one['answered']:8}  {one['ok']:4}  {one['hits']:4}  {slow:>7}  {by}"
        )
