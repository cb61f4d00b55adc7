"""The routes about what runs as a whole: check the file, apply it, confirm that it stays; another program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from attrs import asdict
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call, Tags
from director.admin.control import Applied, ConfirmWithin, Control, Rehearsed, WaitingReload
from director.admin.outcomes import Outcomes
from director.admin.views import Json
from director.config.parse import units
from director.config.text.messages import BadValue, Problem
from director.errors import ChangeRefused, DirectorError
from director.registry.reload_guard import DEFAULT, guard

SHORTEST, LONGEST = 1.0, 86400.0
"""Seconds that a reload may wait for its confirmation."""


class Reloads:
    """All of them."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._outcomes = Outcomes(control)
        self._tags = Tags(control)

    def check_config(self, call: Call) -> Deferred[Answer]:
        """All findings; 200 also when there are errors, for the check itself went well."""
        done: Deferred[Sequence[Problem]] = maybeDeferred(cast("Any", self._control.check_config))
        return done.addCallback(_problems)

    def reload(self, call: Call) -> Deferred[Answer]:
        """Apply the file; refused with all findings when it has errors."""
        confirm = _confirm(call)
        self._tags.demand(call, self._control.snapshot().generation)
        if call.dry_run:
            rehearsing = self._control.rehearse_reload(call.author)
            return rehearsing.addCallbacks(self._rehearsed, _not_reloaded)
        reloading = self._control.reload(call.author, call.principal.origin, confirm)
        return reloading.addCallbacks(self._reloaded, _not_reloaded)

    def _rehearsed(self, found: Rehearsed) -> Answer:
        return self._outcomes.rehearsed(
            found.changes,
            replayed=found.replayed,
            moved_count=found.moved_count,
            unsure=found.unsure,
            moved=list(found.moved),
        )

    def _reloaded(self, applied: Applied) -> Answer:
        waiting = self._control.waiting()
        return self._outcomes.told(applied, confirm=waiting_view(waiting) if waiting else None)

    def upgrade(self, call: Call) -> Answer | Deferred[Answer]:
        """A new program takes this one's place."""
        if call.dry_run:
            return as_json({"dry_run": True, "diff": ["a new program takes this one's place"]})
        upgrading = self._control.upgrade(call.author)
        return upgrading.addCallbacks(lambda found: as_json(asdict(found)), _not_upgraded)

    def confirm(self, call: Call) -> Answer:
        """The reload that waits stays."""
        if call.dry_run:
            waiting = self._control.waiting()
            diff = [f"generation {waiting.number} is confirmed"] if waiting else []
            return as_json({"dry_run": True, "diff": diff})
        return as_json({"confirmed": self._control.confirm(call.author).number})

    def unconfirmed(self, call: Call) -> Answer:
        """The reload that waits, or nothing."""
        waiting = self._control.waiting()
        return as_json({"waiting": waiting_view(waiting) if waiting else None})


def _confirm(call: Call) -> ConfirmWithin | None:
    """`?confirm=60s` and `?guard=`.  Raises Refusal."""
    text = call.query.get("confirm")
    if text is None:
        if "guard" in call.query:
            raise Refusal(400, "a guard watches over a reload with confirm=60s", "guard")
        return None
    try:
        seconds = units.duration(text)
    except BadValue as error:
        raise Refusal(400, f"confirm is a duration, such as 60s: {error}", "confirm") from error
    if not SHORTEST <= seconds <= LONGEST:
        raise Refusal(400, "confirm is from 1s to 1d", "confirm")
    try:
        return ConfirmWithin(seconds, guard(call.query.get("guard", DEFAULT)).text)
    except DirectorError as error:
        raise Refusal(400, str(error), "guard") from error


def waiting_view(waiting: WaitingReload) -> Json:
    """A reload that waits for its confirmation."""
    return {
        "generation": waiting.number,
        "author": waiting.author,
        "seconds": round(waiting.seconds, 1),
        "guard": waiting.guard,
    }


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


def _not_upgraded(failure: Failure) -> Failure:
    """The program goes on as it is: that is a conflict, and no fault."""
    if failure.check(DirectorError) and not failure.check(ChangeRefused):
        raise Refusal(409, failure.getErrorMessage(), "upgrade")
    return failure


def _not_reloaded(failure: Failure) -> Failure:
    """What the system did not let us open is the file's matter, not a fault."""
    if isinstance(failure.value, OSError):
        raise DirectorError(str(failure.value)) from failure.value
    return failure
