"""`[fault:NAME]` and `[drill:NAME]` from their fields to values of the model; as in `builders`."""

from __future__ import annotations

from director.config.parse import drills, units
from director.config.parse.fields import Fields
from director.config.text.messages import BadValue, suggest
from director.model.drills import Drill, DrillStep, Expectation, Fault, FaultHit

STEP, EXPECT = "step ", "expect "


def fault(fields: Fields) -> Fault | None:
    """`[fault:NAME]`."""
    if "," in fields.name or "/" in fields.name:
        fields.problem(
            "", "a fault's name holds no , and no /", "steps of drills name several faults with commas"
        )
    if fields.broken:
        return None
    return Fault(
        name=fields.name,
        servers=tuple(place for _, place in fields.get("server")),
        action=fields.get("do"),
        when=fields.get("when"),
        hit=fields.get("hit") or FaultHit(),
        seed=fields.get("seed"),
        ttl=fields.get("ttl"),
        checks=fields.get("checks"),
    )


def drill(fields: Fields) -> Drill | None:
    """`[drill:NAME]`."""
    if "/" in fields.name:
        fields.problem("", "a drill's name holds no /", "its runs are found by it in the API")
    steps = _steps(fields)
    expect = _expect(fields)
    if fields.broken:
        return None
    return Drill(
        name=fields.name,
        service=fields.get("service"),
        steps=steps,
        load=fields.get("load") or (),
        expect=expect,
        halt=tuple(term for _, term in fields.get("halt") or ()),
        seed=fields.get("seed"),
        ttl=fields.get("ttl"),
    )


def _steps(fields: Fields) -> tuple[DrillStep, ...]:
    """All steps by their time; says what is wrong with them as a whole."""
    found: dict[float, str] = {}
    made: list[DrillStep] = []
    for key in fields.values:
        if not key.startswith(STEP):
            continue
        try:
            at = units.duration(key.removeprefix(STEP))
        except BadValue as bad:
            fields.problem(key, bad.message, bad.hint or "write step 10s = …")
            continue
        if at in found:
            fields.problem(key, f"{found[at]} is the same moment", "write both steps into one line")
        found[at] = key
        made += drills.steps_of(at, fields.get(key))
    made.sort(key=lambda step: step.at)
    verbs = [step.verb for step in made]
    if not any(key.startswith(STEP) for key in fields.section.items):
        fields.problem("", "no steps", "add step 0s = baseline, step 5s = start FAULT, step 20s = heal, …")
    elif "end" not in verbs:
        fields.problem(
            found[max(found)] if found else "",
            "the drill never ends",
            "add a last step, as in step 50s = end",
        )
    elif verbs[-1] != "end" or verbs.count("end") > 1:
        fields.problem(found[made[-1].at], "end is the last step, once", "move or remove what follows it")
    return tuple(made)


def _expect(fields: Fields) -> tuple[Expectation, ...]:
    made: list[Expectation] = []
    for key in fields.values:
        if not key.startswith(EXPECT):
            continue
        phase = key.removeprefix(EXPECT)
        if phase not in drills.PHASES:
            hint = suggest(phase, drills.PHASES)
            fields.problem(key, f"there is no phase {phase}", hint or "write expect during = …")
            continue
        made += [Expectation(phase, term) for _, term in fields.get(key)]
    return tuple(made)
