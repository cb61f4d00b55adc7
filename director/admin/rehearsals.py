"""Injected faults and drills in the API: each public method answers the route of that name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred, maybeDeferred, succeed

from director.admin import edits, views
from director.admin.access import rehearsed
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call
from director.admin.control import Control, DrillDesk, DrillTold
from director.admin.edits import BadOrder
from director.config.parse import units
from director.config.text.messages import BadValue
from director.errors import ChangeRefused
from director.model.drills import Drill
from director.registry.reports import FaultState

CREATED, NO_CONTENT = 201, 204


class RehearsalRoutes:
    """All routes about faults and drills."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def faults(self, call: Call) -> Answer:
        """All that the configuration names."""
        moment = self._control.moment()
        return as_json([views.fault_view(one, moment) for one in self._control.rehearsals.states()])

    def start_fault(self, call: Call) -> Deferred[Answer]:
        """Inject one, for its time or another."""
        name, ttl, seed = _start(edits.parse_object(call.body))
        if call.dry_run:
            fault = self._fault(name).fault
            self._demand_drills()
            return succeed(rehearsed(f"fault {name} is injected for {fault.ttl if ttl is None else ttl:g}s"))
        started: Deferred[Any] = maybeDeferred(
            self._control.rehearsals.start_fault, name, call.author, ttl, seed
        )
        return started.addCallback(self._started)

    def _started(self, state: FaultState) -> Answer:
        location = f"/api/v1/faults/{quote(state.name, safe='')}"
        return as_json(views.fault_view(state, self._control.moment()), CREATED, (("Location", location),))

    def stop_fault(self, call: Call) -> Deferred[Answer]:
        """End one before its time."""
        if call.dry_run:
            if self._fault(call.path["fault"]).running is None:
                raise ChangeRefused("ENOENT", "It does not run", call.path["fault"])
            return succeed(rehearsed(f"fault {call.path['fault']} ends"))
        stopped: Deferred[Any] = maybeDeferred(
            self._control.rehearsals.stop_fault, call.path["fault"], call.author
        )
        return stopped.addCallback(lambda _: Answer(NO_CONTENT))

    def _fault(self, name: str) -> FaultState:
        found = next((one for one in self._control.rehearsals.states() if one.name == name), None)
        if found is None:
            raise ChangeRefused("ENOENT", "No such fault; /api/v1/faults lists them", name)
        return found

    def _demand_drills(self) -> None:
        if not self._control.snapshot().configuration.settings.drills:
            text = "Drills are not allowed here; write drills = allowed into [director], then reload"
            raise ChangeRefused("EPERM", text, "drills")

    # -- drills --

    def drills(self, call: Call) -> Answer:
        """All that the configuration names."""
        return as_json(drills_view(self._control.drills))

    def drill(self, call: Call) -> Answer:
        """One run."""
        found = self._control.drills.run_of(call.path["run"])
        if found is None:
            raise Refusal(404, "No such run; /api/v1/drills lists them", call.path["run"])
        return as_json(sheet_view(found))

    def run_drill(self, call: Call) -> Answer:
        """Begin one."""
        order = edits.parse_object(call.body)
        edits.known(order, ("name", "seed", "control"))
        name, control = order.get("name"), order.get("control", False)
        if not isinstance(name, str) or not name:
            raise BadOrder("give the name of a drill; /api/v1/drills lists them", "name")
        if not isinstance(control, bool):
            raise BadOrder("control must be true or false", "control")
        if call.dry_run:
            drill = next((one for one in self._control.drills.known() if one.name == name), None)
            if drill is None:
                raise ChangeRefused("ENOENT", "No such drill; /api/v1/drills lists them", name)
            self._demand_drills()
            return rehearsed(f"drill {name} runs for {drill.steps[-1].at:g}s")
        told = self._control.drills.run_drill(name, call.author, _seed(order), control=control)
        location = (("Location", f"/api/v1/drills/{told.run}"),)
        return as_json({**run_view(told), **UNDECIDED}, CREATED, location)

    def stop_drill(self, call: Call) -> Answer:
        """End one."""
        run = call.path["run"]
        if call.dry_run:
            found = self._control.drills.run_of(run)
            if found is None or not found.running:
                raise ChangeRefused("ENOENT", "No such drill runs", run)
            return rehearsed(f"run {run} of drill {found.drill} ends")
        self._control.drills.stop_drill(run)
        return Answer(NO_CONTENT)


UNDECIDED = {"verdict": None}
"""Of a run that goes on: whatever it has seen so far, it has no verdict."""


def drills_view(desk: DrillDesk) -> list[views.Json]:
    """All drills, each with its runs."""
    runs = desk.runs()
    return [drill_view(one, [run for run in runs if run.drill == one.name]) for one in desk.known()]


def sheet_view(told: DrillTold) -> views.Json:
    """A run with its sheet."""
    return {**run_view(told), **(told.sheet or {}), **(UNDECIDED if told.running else {})}


def run_view(told: DrillTold) -> views.Json:
    """A run without its sheet."""
    return {"run": told.run, "drill": told.drill, "began": views.stamp(told.began), "running": told.running}


def drill_view(drill: Drill, runs: Sequence[DrillTold]) -> views.Json:
    """A drill as it is planned, with its runs."""
    return {
        "name": drill.name,
        "service": drill.service,
        "seconds": drill.steps[-1].at,
        "load": [f"{line.rate:g}/s {line.method} {line.uri}" for line in drill.load],
        "steps": [f"{step.at:g}s {step}" for step in drill.steps],
        "expect": [f"{one.phase}: {one.term}" for one in drill.expect],
        "running": any(one.running for one in runs),
        "runs": [
            {**run_view(one), "verdict": one.sheet["verdict"] if one.sheet is not None else None}
            for one in runs
        ],
    }


def _start(order: dict[str, Any]) -> tuple[str, float | None, int | None]:
    """Name, ttl in seconds, and seed of an order.  Raises BadOrder."""
    edits.known(order, ("name", "ttl", "seed"))
    name, ttl = order.get("name"), order.get("ttl")
    if not isinstance(name, str) or not name:
        raise BadOrder("give the name of a fault; /api/v1/faults lists them", "name")
    return name, None if ttl is None else seconds(ttl, "ttl"), _seed(order)


def _seed(order: dict[str, Any]) -> int | None:
    seed = order.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise BadOrder("seed must be a whole number from 0 on", "seed")
    return seed


def seconds(text: Any, at: str) -> float:
    """A duration as in the ini.  Raises BadOrder."""
    if not isinstance(text, str):
        raise BadOrder(f"{at} must be a duration in quotes, such as 2s", at)
    try:
        return units.duration(text)
    except BadValue as bad:
        raise BadOrder(f"{at}: {bad.message}", at) from bad
