"""What checks found, kept in `state_dir` from run to run (composition)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from director.health.io.passive import PassiveChecks
from director.health.io.service import HealthService
from director.health.kept import Chronicle, Recollection
from director.health.kept_traffic import rows
from director.store.io.file import replace

NAME = "health.json"
SOON = 2.0
"""Seconds from a change of a verdict until it is kept: many change at a time."""
EVERY = 60.0
"""Seconds between two times at which verdicts are kept, whether they have changed or not."""
LARGEST = 64 << 20
"""Octets of a file that is read."""

_log = Logger(namespace="director.health")


class HealthMemory:
    """The file of one director; without a `state_dir` nothing is kept."""

    def __init__(
        self, health: HealthService, state_dir: Path, reactor: Any, passive: PassiveChecks | None = None
    ) -> None:
        self._health = health
        self._passive = passive
        self._path = state_dir / NAME if state_dir != Path() else None
        self._reactor = reactor
        self._chronicle = Chronicle()
        self._timer: Any = None
        self._failed = self._resting = False

    def load(self) -> None:
        """Remember the run before, and keep what changes from now on."""
        if self._path is None:
            return
        content = b""
        try:
            with self._path.open("rb") as file:
                content = file.read(LARGEST)
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warn(
                "{path} cannot be read: {why}; checks begin anew", path=str(self._path), why=error.strerror
            )
        now = self._reactor.seconds()
        found = Recollection(content, time.time() - now, now)
        self._health.recall = found.recall
        self._health.changed = self._soon
        if self._passive is not None:
            self._passive.recall(found.traffic)
            self._passive.changed = self._soon

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self._reactor.callLater(SOON, self.refresh)

    def refresh(self) -> None:
        """Write the verdicts; call it every `EVERY` seconds, so that a killed run leaves them young."""
        self._write(self._chronicle.verdicts)

    def save(self) -> None:
        """Write all of it, at the end."""
        self._write(self._chronicle.everything)

    def rest(self, resting: bool = True) -> None:
        """Another program keeps the file from now on; or not."""
        self._resting = resting

    def _write(self, content: Callable[..., bytes]) -> None:
        """A file that cannot be written is said once."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._path is None or self._resting:
            return
        now = self._reactor.seconds()
        try:
            epoch = time.time() - now
            traffic = rows(self._passive.judge.records(), epoch) if self._passive is not None else ()
            written = content(self._health.known(), epoch, now, traffic)
            replace(self._path, written, 0o640, sync=False)
        except OSError as error:
            if not self._failed:
                _log.warn(
                    "{path} cannot be written: {why}; a restart will begin its checks anew. Make room, or "
                    "let the director write there",
                    path=str(self._path),
                    why=error.strerror,
                )
            self._failed = True
        else:
            self._failed = False
