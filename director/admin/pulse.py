"""The pulse of the admin: every two seconds a look at all figures, for rates, trends and the hour of history.

The hour is kept in `state_dir` every five minutes and at the stop, so that graphs do not begin anew with a
restart.  It is of use, and of no weight: a file that cannot be read or written is said once, and that is all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from director.admin.chronicle import HourBook
from director.admin.control import Control
from director.admin.trends import History
from director.admin.turns import Turns
from director.registry.counters import ESTIMATOR_PERIOD
from director.store.io.file import replace

HISTORY_FILE = "history.bin"
KEEP_SECONDS = 300.0
ROWS_AT_ONCE = 20
"""Rows of history that one step of work writes."""

_log = Logger()


class Pulse:
    """Begins and ends with the admin.

    Args:
        in_thread: does something off the loop.
    """

    def __init__(
        self,
        control: Control,
        history: History,
        turns: Turns,
        folder: Path,
        in_thread: Callable[[Callable[[], object]], Deferred[Any]],
    ) -> None:
        self.chronicle = HourBook()
        self._control = control
        self._history = history
        self._turns = turns
        self._path = folder / HISTORY_FILE
        self._in_thread = in_thread
        self._rows: Iterator[None] | None = None
        self._kept_at = 0.0
        self._writing = False
        self._failed = False
        self._begun = False

    def looping(self, clock: Any) -> LoopingCall:
        """What beats; not started yet."""
        loop = LoopingCall(self.beat)
        loop.clock = clock
        return loop

    def start(self) -> None:
        """Take up what the last run kept, and beat from now on."""
        self._kept_at = self._control.moment().now
        try:
            with self._path.open("rb") as file:
                content = file.read(HourBook.largest() + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            self._say("read", error)
            return
        if not self.chronicle.take(content):
            _log.warn("the history in {path} cannot be used; graphs begin anew", path=str(self._path))

    def beat(self) -> None:
        """Take a sample, once what other processes counted is known."""
        known = self._control.refreshed("pulse")
        if known is None:
            self._sample()
        else:
            known.addBoth(lambda _: self._sample())

    def _sample(self) -> None:
        seen, moment = self._control.snapshot(), self._control.moment()
        self._history.sample(seen, moment.now)
        begun, self._begun = self._begun, True
        if begun and self._rows is None and self.chronicle.due(moment.time):
            self._rows = self.chronicle.sample(seen, moment.time)
            self._turns.add(self._write_rows)
        if moment.now - self._kept_at >= KEEP_SECONDS and not self._writing:
            self._kept_at = moment.now
            self._keep_soon()

    def _write_rows(self) -> bool:
        rows = self._rows
        if rows is not None:
            done = object()
            for _ in range(ROWS_AT_ONCE):
                if next(rows, done) is done:
                    self._rows = None
                    return False
        return rows is not None

    def _keep_soon(self) -> None:
        content = self.chronicle.kept()
        self._writing = True
        self._in_thread(lambda: self._write(content)).addBoth(self._written)

    def _written(self, result: Any) -> Any:
        self._writing = False
        return result

    def _write(self, content: bytes) -> None:
        try:
            replace(self._path, content, 0o600, sync=False)
        except OSError as error:
            self._say("kept", error)

    def _say(self, what: str, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            _log.warn(
                "the history cannot be {what} in {path}: {why}; graphs begin anew at a restart",
                what=what,
                path=str(self._path),
                why=error.strerror,
            )

    def stop(self) -> None:
        """Keep the hour for the next run."""
        self._write(self.chronicle.kept())


PERIOD = ESTIMATOR_PERIOD
"""Seconds between two beats."""
