"""What systemd is told: that the program is ready, alive, stopping (sd_notify(3); composition)."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Mapping

from director.program.parts import Chore, Part

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"
MICRO = 1e-6


class Supervision(Part):
    """Tells the supervisor that started us; nothing when there is none.

    Args:
        environment: where it says how it wants to be told.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._path = environment.get("NOTIFY_SOCKET", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period = environment.get("WATCHDOG_USEC", "0") if ours else "0"
        self._period = int(period) * MICRO if period.isdecimal() else 0.0

    def tell(self, word: str) -> None:
        """Say one thing; a supervisor that does not listen is no reason to stop."""
        if not self._path:
            return
        # systemd(1): a name that begins with @ is in the abstract name space (unix(7)).
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect(address)
            to.send(word.encode())

    def chores(self) -> Iterable[Chore]:
        """Be alive, twice as often as is asked for."""
        return ((self._alive, self._period / 2),) if self._path and self._period else ()

    def _alive(self) -> None:
        self.tell(ALIVE)

    def ready(self) -> None:
        """All serve."""
        self.tell(READY)

    def succeeded(self, pid: int) -> None:
        """Another process is the one to be watched; it speaks for the service from now on."""
        self.tell(f"MAINPID={pid}")
        self._path = ""

    def stopping(self) -> None:
        """The end has begun; it may take its time."""
        self.tell(STOPPING)
