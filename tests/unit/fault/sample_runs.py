"""Requests and runs that never were, for the tests of what drills make of them."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from director.config.parse import drills as parse
from director.fault.samples import DrillRequest, RunRecord
from director.model.drills import Drill, DrillStep, Expectation, LoadLine

STEPS = (
    DrillStep(0.0, "baseline"),
    DrillStep(1.0, "start", ("x",)),
    DrillStep(3.0, "heal"),
    DrillStep(4.0, "end"),
)


def drill(halt: str = "", **expected: str) -> Drill:
    """A drill with expectations: `during="ok >= 99%"`."""
    made = tuple(
        Expectation(phase, term) for phase, text in expected.items() for _, term in parse.expectations(text)
    )
    reasons = tuple(term for _, term in parse.halt(halt)) if halt else ()
    return Drill("x", "www", STEPS, (LoadLine(10.0, "GET", "/"),), made, reasons)


def sample(number: int, phase: str = "inject", **more: Any) -> DrillRequest:
    """A request that web/a answered in 10 ms; give what differs."""
    trace: dict[str, Any] = {
        "pool": "web", "server": "a", "fault": "", "outcome": "ok", "tries": [], "injected": [],
        "scheduler": "rr",
        **{key: more.pop(key) for key in ("server", "fault", "outcome", "tries", "injected") if key in more},
    }  # fmt: skip
    sent = number / 10
    facts: dict[str, Any] = {
        "due": sent, "asked": "GET /", "status": 200, "seconds": 0.01, "whole": True, "trace": trace,
        "identity": f"drill-r-{number}", **more,
    }  # fmt: skip
    return DrillRequest(number, sent, phase, **facts)


def record(*samples: DrillRequest, **more: Any) -> RunRecord:
    """A run of four seconds with a good baseline before these."""
    before = [sample(number, "baseline") for number in range(1, 11)]
    begins = {"baseline": 0.0, "inject": 1.0, "heal": 3.0, "recover": 3.5}
    made = RunRecord([*before, *samples], begins=begins, length=4.0)
    return evolve(made, **more) if more else made
