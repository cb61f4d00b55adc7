"""What a worker says of itself: to the control process's log; to standard error when that is gone."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from twisted.logger import ILogObserver, LogLevel, formatEvent
from zope.interface import implementer

from director.program.processes.channel import Channel

ERRORS = 2
"""Standard error."""
LEVELS = {LogLevel.info: "info", LogLevel.warn: "warning"}
"""In the words of the control process's log; all others are errors."""


@implementer(ILogObserver)
class Relay:
    """A log observer.

    Attributes:
        channel: to the control process, once there is one.
    """

    def __init__(self) -> None:
        self.channel: Channel | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of twisted.logger."""
        level = event.get("log_level", LogLevel.info)
        namespace = str(event.get("log_namespace", "-"))
        if level == LogLevel.debug or (level == LogLevel.info and not namespace.startswith("director")):
            return
        text = formatEvent(event).strip()
        failure = event.get("log_failure")
        if failure is not None:
            text += "\n" + failure.getTraceback()
        if self.channel is not None and self.channel.open:
            self.channel.tell(
                "event",
                [float(event.get("log_time") or time.time()), LEVELS.get(level, "error"), namespace, text],
            )
        else:
            with contextlib.suppress(OSError):
                os.write(ERRORS, f"{text}\n".encode("utf-8", "backslashreplace"))
