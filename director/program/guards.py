"""Guards as a part: they are asked about every change before anything is touched (composition)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from director.errors import ChangeRefused
from director.model.settings import Guard
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.parts import Part
from director.registry.guards import ProposedChange, objections, outlook
from director.registry.registry import Registry

LONGEST = 0.05
"""Seconds that a user's guard may take without an event: all other work waits for it."""
LETTERS = 300
"""Of what a user's guard says."""

_log = Logger(namespace="director")


class Guards(Part):
    """The guards of what runs; a change that brings new ones is judged by the old."""

    def __init__(self, registry: Registry, clock: Callable[[], float]) -> None:
        self._registry = registry
        self._clock = clock
        self._files = UserFiles()

    def check(self, candidate: Candidate) -> None:
        """Raise ChangeRefused, with what every guard has against the change."""
        guards = self._registry.configuration.guards
        if not guards or not self._registry.running:
            return
        proposed = outlook(self._registry, candidate.desired, candidate.changes, candidate.author)
        against = []
        for guard in guards:
            for text in (*objections(guard, proposed), *self._asked(guard, proposed)):
                reason = f" ({guard.reason})" if guard.reason else ""
                said = f"[guard:{guard.name}] {text}{reason}"
                if guard.veto:
                    against.append(said)
                else:
                    _log.warn("{text}, by {author}", text=said, author=candidate.author)
        if against:
            hint = "wait, or bring a server in first; a guard is changed in the file, with a reload"
            raise ChangeRefused("EBUSY", f"{'; '.join(against)}; {hint}", f"guard {guards[0].name}")

    def commit(self, candidate: Candidate) -> None:
        """Keep what users' files are executed."""
        self._files = candidate.files

    def _asked(self, guard: Guard, proposed: ProposedChange) -> list[str]:
        """What the user's own function says against it."""
        if not guard.path:
            return []
        began = self._clock()
        try:
            function: Any = self._files.load(guard.path, guard.attribute)
            said = function(proposed)
        except Exception as error:  # noqa: BLE001 - it is the user's; what fails must not stop an operator
            _log.error(
                "[guard:{name}] {path}:{attribute} failed and lets the change pass: {why}; mend it",
                name=guard.name, path=guard.path, attribute=guard.attribute,
                why=f"{type(error).__name__}: {error}",
            )  # fmt: skip
            return []
        if self._clock() - began > LONGEST:
            _log.warn(
                "[guard:{name}] took {seconds:.3f}s, and everything waited; make it faster",
                name=guard.name, seconds=self._clock() - began,
            )  # fmt: skip
        return [str(said)[:LETTERS]] if said else []
