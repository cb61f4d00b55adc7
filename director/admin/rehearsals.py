"""Injected faults and drills in the API: each public method answers the route of that name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred, maybeDeferred

from director.admin import edits, views
from director.admin.answers import Answer, as_json
from director.admin.api import Call
from director.admin.control import Control
from director.admin.edits import BadOrder
from director.config.parse import units
from director.config.text.messages import BadValue
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
        started: Deferred[Any] = maybeDeferred(
            self._control.rehearsals.start_fault, name, call.author, ttl, seed
        )
        return started.addCallback(self._started)

    def _started(self, state: FaultState) -> Answer:
        location = f"/api/v1/faults/{quote(state.name, safe='')}"
        return as_json(views.fault_view(state, self._control.moment()), CREATED, (("Location", location),))

    def stop_fault(self, call: Call) -> Deferred[Answer]:
        """End one before its time."""
        stopped: Deferred[Any] = maybeDeferred(
            self._control.rehearsals.stop_fault, call.path["fault"], call.author
        )
        return stopped.addCallback(lambda _: Answer(NO_CONTENT))


def _start(order: dict[str, Any]) -> tuple[str, float | None, int | None]:
    """Name, ttl in seconds, and seed of an order.  Raises BadOrder."""
    edits.known(order, ("name", "ttl", "seed"))
    name, ttl, seed = order.get("name"), order.get("ttl"), order.get("seed")
    if not isinstance(name, str) or not name:
        raise BadOrder("give the name of a fault; /api/v1/faults lists them", "name")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise BadOrder("seed must be a whole number from 0 on", "seed")
    return name, None if ttl is None else seconds(ttl, "ttl"), seed


def seconds(text: Any, at: str) -> float:
    """A duration as in the ini.  Raises BadOrder."""
    if not isinstance(text, str):
        raise BadOrder(f"{at} must be a duration in quotes, such as 2s", at)
    try:
        return units.duration(text)
    except BadValue as bad:
        raise BadOrder(f"{at}: {bad.message}", at) from bad
