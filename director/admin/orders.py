"""The API's orders: each public method answers the route of that name and changes something, or rehearses it.

Every change goes the same way: read the order, work out the configuration that is wanted, hold `If-Match`
against what runs, and apply the difference; `?dry_run=1` stops before the last step.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from director.admin import batch, edits, objects
from director.admin.accounts import ADMIN, may
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call, Tags
from director.admin.control import Control
from director.admin.outcomes import CREATED, NO_CONTENT, Outcomes
from director.config.parse import units
from director.config.text.messages import BadValue
from director.model.pools import State
from director.model.settings import Configuration
from director.registry.changes import Change, Ordered, plan
from director.registry.snapshot import ServerSnapshot

LOOK_SECONDS = 0.25
"""Between two looks at a server that is drained before it goes."""


class Orders:
    """All routes that change something."""

    def __init__(self, control: Control, clock: IReactorTime) -> None:
        self._control = control
        self._clock = clock
        self._tags = Tags(control)
        self._outcomes = Outcomes(control)

    # -- the one way --

    def _wanted(
        self, call: Call, wanted: Configuration, status: int = 200, location: str = ""
    ) -> Answer | Deferred[Answer]:
        """Make the configuration that is wanted the running one."""
        seen = self._control.snapshot()
        return self._ordered(call, plan(seen.configuration, wanted), status, location)

    def _ordered(
        self, call: Call, changes: Sequence[Change], status: int = 200, location: str = ""
    ) -> Answer | Deferred[Answer]:
        self._tags.demand(call, self._control.snapshot().generation)
        if call.dry_run:
            self._control.consider(changes, call.author)
            return self._outcomes.rehearsed(changes)
        if not changes:
            return self._outcomes.nothing()
        applying = self._control.apply(changes, call.author, call.principal.origin)
        return applying.addCallback(self._outcomes.done, status, location)

    def _now(self) -> Configuration:
        return self._control.snapshot().configuration

    # -- pools and servers --

    def add_pool(self, call: Call) -> Answer | Deferred[Answer]:
        """A pool with its settings, and servers as `server.NAME` if wanted."""
        wanted, name = objects.pool_added(self._now(), edits.parse_object(call.body))
        return self._wanted(call, wanted, CREATED, f"/api/v1/pools/{name}")

    def change_pool(self, call: Call) -> Answer | Deferred[Answer]:
        """Its settings."""
        order = edits.some_fields(edits.parse_object(call.body))
        return self._wanted(call, objects.pool_changed(self._now(), call.path["pool"], order))

    def remove_pool(self, call: Call) -> Answer | Deferred[Answer]:
        """Refused while something names it."""
        return self._wanted(call, objects.pool_removed(self._now(), call.path["pool"]), NO_CONTENT)

    def add_server(self, call: Call) -> Answer | Deferred[Answer]:
        """A server at the end of its pool."""
        pool = call.path["pool"]
        wanted, name = objects.server_added(self._now(), pool, edits.parse_object(call.body))
        return self._wanted(call, wanted, CREATED, f"/api/v1/pools/{pool}/servers/{name}")

    def change_server(self, call: Call) -> Answer | Deferred[Answer]:
        """Weight, thresholds, state."""
        seen = self._control.snapshot()
        order = edits.parse_object(call.body)
        return self._ordered(call, edits.server_changes(seen, call.path["pool"], call.path["server"], order))

    def remove_server(self, call: Call) -> Answer | Deferred[Answer]:
        """One with work under way only when `drain` or `force` says what becomes of that."""
        pool, name = call.path["pool"], call.path["server"]
        wanted = objects.server_removed(self._now(), pool, name)
        server = self._control.snapshot().server(pool, name)
        patience = _patience(call)
        if server is None or server.empty or call.switch("force") or call.dry_run:
            return self._wanted(call, wanted, NO_CONTENT)
        if patience is None:
            text = (
                f"{server.load} still on it; add ?drain=30s to let them end first, or ?force=1 to leave them"
            )
            raise Refusal(409, text, f"{pool}/{name}")
        self._tags.demand(call, self._control.snapshot().generation)
        drained = self._drained(server, patience, call)
        call = call.anew()
        return drained.addCallback(
            lambda _: self._wanted(call, objects.server_removed(self._now(), pool, name), NO_CONTENT)
        )

    def _drained(self, server: ServerSnapshot, patience: float, call: Call) -> Deferred[None]:
        """Order a drain; fires when the server is empty, gone, or the patience at its end."""
        end = self._clock.seconds() + patience
        over: Deferred[None] = Deferred()

        def look() -> None:
            found = self._control.snapshot().server(server.pool, server.name)
            if found is None or found.empty or self._clock.seconds() >= end:
                over.callback(None)
            else:
                self._clock.callLater(LOOK_SECONDS, look)

        if server.state is not State.READY:
            look()
            return over
        order = Ordered(server.pool, server.name, State.DRAIN)
        ordering = self._control.apply([order], call.author, call.principal.origin)
        return ordering.addCallback(lambda _: look()).addCallback(lambda _: over)

    # -- services and rules --

    def add_service(self, call: Call) -> Answer | Deferred[Answer]:
        """A service of either layer."""
        wanted, key = objects.service_added(self._now(), edits.parse_object(call.body))
        return self._wanted(call, wanted, CREATED, f"/api/v1/services/{key}")

    def change_service(self, call: Call) -> Answer | Deferred[Answer]:
        """Its settings."""
        order = edits.some_fields(edits.parse_object(call.body))
        return self._wanted(call, objects.service_changed(self._now(), call.path["service"], order))

    def remove_service(self, call: Call) -> Answer | Deferred[Answer]:
        """What it has open goes on."""
        return self._wanted(call, objects.service_removed(self._now(), call.path["service"]), NO_CONTENT)

    def change_layer4(self, call: Call) -> Answer | Deferred[Answer]:
        """Time-outs and what else holds for all of layer 4."""
        order = edits.some_fields(edits.parse_object(call.body))
        wanted = objects.layer4_changed(self._now(), order)
        there = {name for _, name in socket.if_nameindex()}
        for role in ("master", "backup"):
            daemon = getattr(wanted.l4_settings, f"sync_{role}", None)
            if f"sync.{role}" in order and daemon is not None and daemon.interface not in there:
                text = f"There is no interface {daemon.interface}; ip link lists them"
                raise Refusal(400, text, f"sync.{role}")
        return self._wanted(call, wanted)

    def check_now(self, call: Call) -> Answer:
        """Make a server's checks at once: no change of what runs, so no generation."""
        pool, name = call.path["pool"], call.path["server"]
        server = self._control.snapshot().server(pool, name)
        if server is None:
            raise Refusal(404, "No such server; /api/v1/pools lists them", f"{pool}/{name}")
        asked = 0 if call.dry_run else self._control.probe_now(pool, server.address)
        return as_json({"dry_run": call.dry_run, "asked": asked, "checks": list(server.checks)})

    def zero(self, call: Call) -> Answer:
        """What is shown as traffic of one service, and of its servers."""
        key = call.path["service"]
        if key not in self._control.snapshot().services:
            raise Refusal(404, "No such service; /api/v1/services lists their keys", key)
        return self._zeroed(call, (key,))

    def zero_all(self, call: Call) -> Answer:
        """Of all of them, and of layer 4 as a whole."""
        return self._zeroed(call, tuple(self._control.snapshot().services))

    def _zeroed(self, call: Call, services: tuple[str, ...]) -> Answer:
        """Counting anew is no change of what runs: there is no generation to undo."""
        if not call.dry_run:
            self._control.zero(services)
        diff = [f"traffic of {one} is shown from 0 on" for one in services]
        return as_json({"dry_run": call.dry_run, "zeroed": list(services), "diff": diff})

    def changes(self, call: Call) -> Answer | Deferred[Answer]:
        """Several things at once: all or nothing, and one generation."""
        seen, order = self._control.snapshot(), edits.parse_object(call.body)
        wanted = batch.wanted(seen.configuration, order)
        return self._ordered(call, [*plan(seen.configuration, wanted), *batch.ordered(seen, order)])

    def add_rule(self, call: Call) -> Answer | Deferred[Answer]:
        """A rule at its number."""
        wanted, number = objects.rule_added(self._now(), edits.parse_object(call.body))
        return self._wanted(call, wanted, CREATED, f"/api/v1/rules/{number}")

    def change_rule(self, call: Call) -> Answer | Deferred[Answer]:
        """What it asks and does."""
        order = edits.some_fields(edits.parse_object(call.body))
        return self._wanted(call, objects.rule_changed(self._now(), call.path["number"], order))

    def remove_rule(self, call: Call) -> Answer | Deferred[Answer]:
        """Its requests go to the next rule that fits."""
        return self._wanted(call, objects.rule_removed(self._now(), call.path["number"]), NO_CONTENT)

    # -- generations and the file --

    def undo(self, call: Call) -> Answer | Deferred[Answer]:
        """Take back what one generation changed, and nothing that came after it."""
        number = call.path["number"]
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            raise Refusal(404, "No such generation; /api/v1/generations lists them", number[:40])
        if not may(call.principal.role, ADMIN):
            self._own(call, int(number))
        if call.dry_run:
            return self._outcomes.rehearsed(self._control.rehearse_undo(int(number)))
        self._tags.demand(call, self._control.snapshot().generation)
        undoing = self._control.undo(int(number), call.author, call.principal.origin)
        return undoing.addCallback(self._outcomes.done)

    def _own(self, call: Call, number: int) -> None:
        """An operator may take back what they did, not what an admin did.  Raises Refusal."""
        made = next((one for one in self._control.snapshot().generations if one.number == number), None)
        if made is not None and made.author != call.author:
            text = f"{made.author} made it; an operator may undo what was their own, an admin any"
            raise Refusal(403, text, f"generation {number}")


def _patience(call: Call) -> float | None:
    """`?drain=`: how long to wait for a server to be empty.  Raises Refusal."""
    text = call.query.get("drain")
    if text is None:
        return None
    try:
        return units.duration(text)
    except BadValue as error:
        raise Refusal(400, f"drain is a duration, such as 30s: {error}", "drain") from error
