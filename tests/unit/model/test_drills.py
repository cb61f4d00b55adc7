from __future__ import annotations

from director.model.drills import DrillStep, Fault, FaultAction


def test_places_and_steps_read_as_they_are_written() -> None:
    fault = Fault("x", (("web", "a"), ("dns", "")), FaultAction("hang", "hang"))
    assert fault.places == ("web/a", "pool dns")
    assert str(DrillStep(1.0, "start", ("a", "b"))) == "start a, b"
    assert str(DrillStep(1.0, "heal")) == "heal"
