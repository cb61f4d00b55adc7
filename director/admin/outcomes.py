"""What came of an order, or would come of it, as answers: sentences, and each thing before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from director.admin import audit
from director.admin.answers import Answer, as_json
from director.admin.api import Tags
from director.admin.control import Applied, Control
from director.registry.changes import Change
from director.registry.rehearsal import rehearse

CREATED, NO_CONTENT = 201, 204


class Outcomes:
    """Of one director."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._tags = Tags(control)

    def rehearsed(self, changes: Sequence[Change], **more: Any) -> Answer:
        """What would be done.  Raises ChangeRefused when it cannot be."""
        seen = self._control.snapshot()
        made = rehearse(seen, changes)
        told = audit.changes(made, audit.secrets_of(seen))
        return as_json({"dry_run": True, "diff": list(made.diff), "changes": told, **more})

    def nothing(self) -> Answer:
        """It is so already."""
        number = self._control.snapshot().generation
        value = {"generation": number, "diff": [], "changes": [], "kept": not self._control.unkept()}
        return as_json(value, headers=self._tags.headers(number))

    def done(self, applied: Applied, status: int = 200, location: str = "") -> Answer:
        """It is in force; what is gone has no body, unless there is something to say."""
        if status == NO_CONTENT and applied.kept:
            return Answer(NO_CONTENT, headers=self._tags.headers(applied.generation.number))
        return self.told(applied, 200 if status == NO_CONTENT else status, location)

    def told(self, applied: Applied, status: int = 200, location: str = "", **more: Any) -> Answer:
        """The same in words, whatever it was."""
        made = applied.generation
        headers = self._tags.headers(made.number)
        if location:
            headers = (*headers, ("Location", location))
        value = {
            "generation": made.number,
            "diff": list(made.diff),
            "changes": audit.changes(made, audit.secrets_of(self._control.snapshot())),
            "kept": applied.kept,
            **more,
        }
        return as_json(value, status, headers)
