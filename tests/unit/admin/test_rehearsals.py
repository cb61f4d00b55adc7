from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from director.admin.accounts import ADMIN, Principal
from director.admin.answers import Answer, Refusal
from director.admin.api import Call
from director.admin.edits import BadOrder
from director.admin.rehearsals import RehearsalRoutes
from director.admin.testing import MemoryDrills
from director.errors import ChangeRefused
from director.model.drills import Drill, DrillStep, Fault, FaultAction, LoadLine
from director.registry.reports import FaultState, Instant
from tests.unit.admin.sample import control

FAULT = Fault("a hangs", (("web", "a"), ("dns", "")), FaultAction("hang", "hang"), seed=7)


class Routes:
    """The routes over a program in memory that knows one fault."""

    def __init__(self) -> None:
        self.control = control()
        self.control.at = Instant(10.0, 1_800_000_010.0)
        self.control.rehearsals.known = {"a hangs": FaultState(FAULT)}
        self.control.drills = MemoryDrills()
        self.routes = RehearsalRoutes(self.control)

    def post(self, order: Any) -> Answer:
        return done(
            self.routes.start_fault(Call(body=json.dumps(order).encode(), principal=Principal("ops", ADMIN)))
        )


def done(deferred: Any) -> Answer:
    found: list[Any] = []
    deferred.addBoth(found.append)
    answer = found[0]
    if not isinstance(answer, Answer):
        answer.raiseException()
    assert isinstance(answer, Answer)
    return answer


def test_all_faults() -> None:
    (shown,) = json.loads(Routes().routes.faults(Call()).body)
    assert shown == {
        "name": "a hangs", "server": ["web/a", "pool dns"], "do": "hang", "when": "", "hit": "",
        "checks": False, "ttl": 60.0, "seed": 7, "active": False, "seen": 0, "hits": 0, "checks_hit": 0,
        "packets": 0,
        "since": None, "for": None, "left": None, "author": None,
    }  # fmt: skip


def test_started_and_stopped() -> None:
    made = Routes()
    answer = made.post({"name": "a hangs", "ttl": "12s"})
    assert answer.status == 201
    assert dict(answer.headers)["Location"] == "/api/v1/faults/a%20hangs"
    shown = json.loads(answer.body)
    assert (shown["active"], shown["left"], shown["author"], shown["for"]) == (True, 2.0, "ops", 10.0)
    answer = done(made.routes.stop_fault(Call(path={"fault": "a hangs"}, principal=Principal("ops", ADMIN))))
    assert answer.status == 204
    assert not json.loads(made.routes.faults(Call()).body)[0]["active"]


@pytest.mark.parametrize(
    ("order", "at"),
    [
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "a hangs", "ttl": 2}, "ttl"),
        ({"name": "a hangs", "ttl": "2"}, "ttl"),
        ({"name": "a hangs", "seed": "7"}, "seed"),
        ({"name": "a hangs", "seed": True}, "seed"),
        ({"name": "a hangs", "time": "2s"}, "time"),
    ],
)
def test_orders_that_are_none(order: dict[str, Any], at: str) -> None:
    with pytest.raises(BadOrder) as caught:
        Routes().post(order)
    assert caught.value.at == at


def test_refused() -> None:
    made = Routes()
    made.control.rehearsals.allowed = False
    with pytest.raises(ChangeRefused, match="not allowed"):
        made.post({"name": "a hangs"})


# --- drills -------------------------------------------------------------------------------------

STEPS = (DrillStep(0.0, "baseline"), DrillStep(2.0, "end"))
DRILL = Drill("two hang", "www", STEPS, (LoadLine(20.0, "GET", "/"),))


def with_a_drill() -> Routes:
    made = Routes()
    made.control.drills.drills[DRILL.name] = DRILL
    return made


def run(made: Routes, **order: Any) -> Answer:
    return made.routes.run_drill(Call(body=json.dumps(order).encode(), principal=Principal("ops", ADMIN)))


def test_all_drills() -> None:
    made = with_a_drill()
    (shown,) = json.loads(made.routes.drills(Call()).body)
    assert shown == {
        "name": "two hang", "service": "www", "seconds": 2.0, "load": ["20/s GET /"],
        "steps": ["0s baseline", "2s end"], "expect": [], "running": False, "runs": [],
    }  # fmt: skip
    run(made, name="two hang")
    (shown,) = json.loads(made.routes.drills(Call()).body)
    assert [one["verdict"] for one in shown["runs"]] == ["pass"]


def test_a_run_and_its_sheet() -> None:
    made = with_a_drill()
    answer = run(made, name="two hang", seed=3, control=True)
    assert answer.status == 201
    assert dict(answer.headers)["Location"] == "/api/v1/drills/r1"
    begun = json.loads(answer.body)
    assert (begun["run"], begun["running"], begun["verdict"]) == ("r1", True, None)
    sheet = json.loads(made.routes.drill(Call(path={"run": "r1"})).body)
    assert (sheet["running"], sheet["verdict"], sheet["seed"]) == (False, "pass", 3)


def test_a_run_that_goes_on_has_no_verdict() -> None:
    made = with_a_drill()
    run(made, name="two hang")
    told = made.control.drills.told
    told["r1"] = evolve(told["r1"], running=True)
    assert json.loads(made.routes.drill(Call(path={"run": "r1"})).body)["verdict"] is None
    assert made.routes.stop_drill(Call(path={"run": "r1"})).status == 204
    with pytest.raises(ChangeRefused):
        made.routes.stop_drill(Call(path={"run": "r1"}))


@pytest.mark.parametrize(
    ("order", "at"), [({}, "name"), ({"name": "two hang", "control": 1}, "control"), ({"name": ""}, "name")]
)
def test_orders_of_drills_that_are_none(order: dict[str, Any], at: str) -> None:
    with pytest.raises(BadOrder) as caught:
        run(with_a_drill(), **order)
    assert caught.value.at == at


def test_what_is_not_there() -> None:
    made = with_a_drill()
    with pytest.raises(Refusal) as caught:
        made.routes.drill(Call(path={"run": "r9"}))
    assert caught.value.status == 404
    with pytest.raises(ChangeRefused):
        run(made, name="nobody")
