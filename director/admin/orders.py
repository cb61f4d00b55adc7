"""The API's orders: each public method answers the route of that name and changes something, or rehearses it.

Every change goes the same way: read the order, work out the configuration that is wanted, hold `If-Match`
against what runs, and apply the difference; `?dry_run=1` stops before the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from director.admin import batch, edits, objects
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call, Tags
from director.admin.control import Applied, Control
from director.admin.sessions import LINK_SECONDS
from director.config.parse import units
from director.config.text.messages import BadValue, Problem
from director.errors import DirectorError
from director.model.pools import State
from director.model.settings import Configuration
from director.registry.changes import Change, Ordered, plan
from director.registry.snapshot import ServerSnapshot

CREATED, NO_CONTENT = 201, 204
LOOK_SECONDS = 0.25
"""Between two looks at a server that is drained before it goes."""


class AccessVerbs(Protocol):
    """What changes who may come in; `service` does it."""

    def make_link(self) -> str:
        """A new link that signs in once, empty where there is no page."""

    def rotate(self) -> str:
        """Make a new token; returns the file that has it.  Raises OSError with the old one still good."""


class Orders:
    """All routes that change something."""

    def __init__(self, control: Control, access: AccessVerbs, clock: IReactorTime) -> None:
        self._control = control
        self._access = access
        self._clock = clock
        self._tags = Tags(control)

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
        seen = self._control.snapshot()
        self._tags.demand(call, seen.generation)
        diff = edits.rehearse(seen.configuration, changes)
        if call.dry_run:
            self._control.consider(changes, call.author)
            return as_json({"dry_run": True, "diff": list(diff)})
        if not changes:
            value = {"generation": seen.generation, "diff": [], "kept": not self._control.unkept()}
            return as_json(value, headers=self._tags.headers(seen.generation))
        applying = self._control.apply(changes, call.author)
        return applying.addCallback(self._done, status, location)

    def _done(self, applied: Applied, status: int = 200, location: str = "") -> Answer:
        made = applied.generation
        headers = self._tags.headers(made.number)
        if status == NO_CONTENT and applied.kept:
            return Answer(NO_CONTENT, headers=headers)
        if location:
            headers = (*headers, ("Location", location))
        value = {"generation": made.number, "diff": list(made.diff), "kept": applied.kept}
        return as_json(value, 200 if status == NO_CONTENT else status, headers)

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
        drained = self._drained(server, patience, call.author)
        call = call.anew()
        return drained.addCallback(
            lambda _: self._wanted(call, objects.server_removed(self._now(), pool, name), NO_CONTENT)
        )

    def _drained(self, server: ServerSnapshot, patience: float, author: str) -> Deferred[None]:
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
        ordering = self._control.apply([Ordered(server.pool, server.name, State.DRAIN)], author)
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
        return self._wanted(call, objects.layer4_changed(self._now(), order))

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
        return as_json({"dry_run": call.dry_run, "zeroed": list(services)})

    def changes(self, call: Call) -> Answer | Deferred[Answer]:
        """Several things at once: all or nothing, and one generation."""
        return self._wanted(call, batch.wanted(self._now(), edits.parse_object(call.body)))

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
        if call.dry_run:
            diff = self._control.rehearse_undo(int(number))
            return as_json({"dry_run": True, "diff": list(diff)})
        self._tags.demand(call, self._control.snapshot().generation)
        return self._control.undo(int(number), call.author).addCallback(self._done)

    def check_config(self, call: Call) -> Deferred[Answer]:
        """All findings; 200 also when there are errors, for the check itself went well."""
        done: Deferred[Sequence[Problem]] = maybeDeferred(cast("Any", self._control.check_config))
        return done.addCallback(_problems)

    def reload(self, call: Call) -> Deferred[Answer]:
        """Apply the file; refused with all findings when it has errors."""
        if call.dry_run:
            return self._control.rehearse_reload(call.author).addCallbacks(_rehearsed, _not_reloaded)
        self._tags.demand(call, self._control.snapshot().generation)
        return self._control.reload(call.author).addCallbacks(self._done, _not_reloaded)

    # -- who may come in --

    def make_link(self, call: Call) -> Answer:
        """For a browser of this machine."""
        link = self._access.make_link()
        if not link:
            raise Refusal(409, "there is no page to sign in to; add [admin] listen = 127.0.0.1:8404", "admin")
        return as_json({"link": link, "seconds": int(LINK_SECONDS)})

    def rotate_token(self, call: Call) -> Answer:
        """The token itself stays in its file."""
        try:
            return as_json({"file": self._access.rotate()})
        except OSError as error:
            text = f"the old token stays, a new one cannot be kept: {error.strerror}; make room in state_dir"
            raise Refusal(409, text, "token") from error


Methods = Mapping[str, Callable[[Call], "Answer | Deferred[Answer]"]]


def _patience(call: Call) -> float | None:
    """`?drain=`: how long to wait for a server to be empty.  Raises Refusal."""
    text = call.query.get("drain")
    if text is None:
        return None
    try:
        return units.duration(text)
    except BadValue as error:
        raise Refusal(400, f"drain is a duration, such as 30s: {error}", "drain") from error


def _rehearsed(diff: Sequence[str]) -> Answer:
    return as_json({"dry_run": True, "diff": list(diff)})


def _problems(found: Sequence[Problem]) -> Answer:
    problems = [
        {
            "severity": one.severity,
            "at": f"{one.file}:{one.line}:{one.column}",
            "message": one.message,
            "hint": one.hint,
        }
        for one in found
    ]
    errors = sum(one.severity == "error" for one in found)
    return as_json({"errors": errors, "warnings": len(found) - errors, "problems": problems})


def _not_reloaded(failure: Failure) -> Failure:
    """What the system did not let us open is the file's matter, not a fault."""
    if isinstance(failure.value, OSError):
        raise DirectorError(str(failure.value)) from failure.value
    return failure
