"""What the program says about itself: one line per event, in text or JSON, written off the loop.

`observer` is what twistd is given instead of its own; it also keeps the last events for the admin.
Access records go their own way (`l7.io.access_log`).
"""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from twisted.logger import ILogObserver, Logger, LogLevel, formatEvent
from zope.interface import implementer

from director.l7.io.access_log import AccessLog
from director.l7.io.writer import LineWriter
from director.model.settings import Settings
from director.program.parts import Part
from director.registry.reports import LogEvent

EVENTS_KEPT = 512
"""Events kept for the admin, and lines kept until the log is open."""
STANDARD_OUTPUT = 1
"""The descriptor: by the time the log opens, Twisted has put an object of its own into `sys.stdout`."""

_log = Logger(namespace="director")
_LEVELS = {LogLevel.debug: "debug", LogLevel.info: "info", LogLevel.warn: "warning"}


@implementer(ILogObserver)
class EventLog:
    """A log observer that writes lines and remembers events of the director's own."""

    def __init__(self) -> None:
        self.form = "text"
        self.events: deque[LogEvent] = deque(maxlen=EVENTS_KEPT)
        self.target = "-"
        self.writer: LineWriter | None = None
        # A reader that resumes after a restart must not take the events of this run for those it knows; no
        # run has a thousand events a second for long.
        self._count = int(time.time() * 1000)
        self._early: list[bytes] = []

    def open(self) -> None:
        """Begin to write to `target`: a file, or `-` (standard output).  Raises OSError.

        Called when the process is what it will stay: the writer's thread would not live through the
        fork that makes a daemon.
        """
        self.writer = LineWriter(STANDARD_OUTPUT if self.target == "-" else self.target, lambda _: None)
        self.writer.start()
        for line in self._early:
            self.writer.write(line)
        self._early.clear()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of twisted.logger."""
        level = _LEVELS.get(event.get("log_level", LogLevel.info), "error")
        namespace = str(event.get("log_namespace", "-"))
        if level == "debug" or (level == "info" and not namespace.startswith("director")):
            return
        text = formatEvent(event).strip()
        failure = event.get("log_failure")
        if failure is not None:
            text += "\n" + failure.getTraceback()
        self.take(float(event.get("log_time") or time.time()), level, namespace, text)

    def take(self, stamp: float, level: str, namespace: str, text: str) -> None:
        """Take one that is a text already, such as a worker's."""
        first = text.partition("\n")[0]
        self._count += 1
        self.events.append(LogEvent(stamp, level, first, self._count))
        self._write(stamp, level, namespace, text)

    def _write(self, stamp: float, level: str, namespace: str, text: str) -> None:
        moment = datetime.fromtimestamp(stamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self.form == "json":
            line = json.dumps({"time": moment, "level": level, "from": namespace, "event": text})
        else:
            line = f"{moment} {level}: " + "\n    ".join(text.splitlines())
        block = line.encode("utf-8", "backslashreplace") + b"\n"
        if self.writer is not None:
            self.writer.write(block)
        elif len(self._early) < EVENTS_KEPT:
            self._early.append(block)

    def reopen(self) -> bool:
        """Open the file anew, after it was rotated away; False when there is none.

        Raises OSError and keeps the old one.
        """
        return self.writer is not None and self.writer.reopen()

    @property
    def lost(self) -> int:
        """Lines that could not be written."""
        return 0 if self.writer is None else self.writer.dropped

    def stop(self) -> None:
        """Write what waits."""
        if self.writer is not None:
            self.writer.stop()


class Logs(Part):
    """Both logs as a part: the first to be there, the last to go.

    Attributes:
        access: the log of requests.
    """

    def __init__(self, settings: Settings, reactor: Any, *, elsewhere: bool = False) -> None:
        """`elsewhere`: other processes write the log of requests."""
        self._elsewhere = elsewhere
        # A daemon has no standard output: there, access records go where the events go.
        target = settings.access_log
        if target == "stdout" and event_log.target != "-":
            target = event_log.target
        self._form = settings.log
        self.access = AccessLog(target, settings.log, time.time() - reactor.seconds(), reactor)

    def open(self) -> None:
        """Begin to write.  Raises OSError."""
        event_log.open()
        event_log.form = self._form
        if not self._elsewhere:
            self.access.start()

    def reopen(self) -> None:
        """Open both anew, after they were rotated away."""
        for name, log in (("access log", self.access), ("event log", event_log)):
            try:
                if log.reopen():
                    _log.info("the {name} is opened anew", name=name)
            except OSError as error:
                why = error.strerror
                _log.error("the {name} cannot be reopened: {why}; the old file goes on", name=name, why=why)

    def stop(self, grace: float) -> None:
        """Write what waits."""
        self.access.stop()
        _log.info("stopped")
        event_log.stop()


event_log = EventLog()
"""The one log of this process: twistd wants to be given its observer before there is a service."""


def observer() -> EventLog:
    """The observer that twistd asks for; it opens when the service starts."""
    return event_log
