from __future__ import annotations

from attrs import evolve

from director.fault.timeline import DueRequest, timeline
from director.model.drills import DrillStep, LoadLine
from tests.unit.fault.sample_runs import drill


def test_requests_and_steps_in_order() -> None:
    steps = (DrillStep(0.0, "baseline"), DrillStep(0.25, "start", ("x",)), DrillStep(0.5, "end"))
    made = evolve(drill(), steps=steps, load=(LoadLine(10.0, "GET", "/"), LoadLine(4.0, "GET", "/a")))
    assert list(timeline(made)) == [
        steps[0],
        DueRequest(0.05, 1, 0),
        DueRequest(0.125, 2, 1),
        DueRequest(0.15, 3, 0),
        # At one moment the step comes first.
        steps[1],
        DueRequest(0.25, 4, 0),
        DueRequest(0.35, 5, 0),
        DueRequest(0.375, 6, 1),
        DueRequest(0.45, 7, 0),
        steps[2],
    ]


def test_no_error_adds_up() -> None:
    made = evolve(drill(), steps=(DrillStep(1000.0, "end"),), load=(LoadLine(7.0, "GET", "/"),))
    *_, last, _end = timeline(made)
    assert isinstance(last, DueRequest)
    assert (last.number, round(last.at, 6)) == (7000, round(6999.5 / 7, 6))


def test_without_load_there_are_steps_alone() -> None:
    assert len(list(timeline(evolve(drill(), load=())))) == 4
