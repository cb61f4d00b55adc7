"""The new program as the running one sees it: how it is started, what it says, why it ended.

It is the same command in the same folder, with one descriptor more: a socket over which it is left what is
open here (`bequest`), and over which both then talk (`processes.channel`).  What it writes to standard error
before it serves is kept, for that says why it does not; the true one is in the bequest.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.python.failure import Failure

from director.program.processes.bequest import leave
from director.program.processes.channel import Answer, Channel
from director.program.processes.process import why_ended
from director.program.upgrade.starting import Starting

VARIABLE = "DIRECTOR_UPGRADE"
"""Of the environment: the descriptor of that socket."""
ERRORS = "stderr"
"""The name of standard error in a bequest."""
FIRST = 3
"""The first descriptor behind the standard ones; systemd's sockets come there (sd_listen_fds(3))."""
SAID = 4000
"""Octets of what it says at the end that are told on."""
PATIENCE = 1.0
"""Seconds that handing over may block this process: what is sent fits into the socket's buffer."""


class Successor(ProcessProtocol):
    """One new program.

    Args:
        answers: to what it asks.
        ended: called with why, when it has ended.

    Attributes:
        channel: to it.
    """

    def __init__(self, reactor: Any, answers: Mapping[str, Answer], ended: Callable[[str], object]) -> None:
        self.channel = Channel(answers)
        self._reactor = reactor
        self._ended = ended
        self._errors = -1

    @property
    def pid(self) -> int:
        """Its number; 0 before it is there and after it is gone."""
        return int(self.transport.pid or 0) if self.transport is not None else 0

    def start(self, starting: Starting, left: Mapping[str, int]) -> None:
        """Start it.  Raises OSError when the system gives no process, or takes no so many descriptors."""
        mine, theirs = socket.socketpair(socket.AF_UNIX)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._errors = os.memfd_create("director-upgrade", os.MFD_CLOEXEC)
        inherited = _from_systemd()
        here = FIRST + len(inherited)
        try:
            mine.settimeout(PATIENCE)
            leave(mine, {**left, ERRORS: 2})
            mine.setblocking(False)
            self._reactor.spawnProcess(
                self,
                starting.command[0],
                starting.command,
                env=_environment(here),
                path=starting.folder,
                childFDs={0: nothing, 1: 1, 2: self._errors, **inherited, here: theirs.fileno()},
            )
            factory = Factory.forProtocol(lambda: self.channel)
            self._reactor.adoptStreamConnection(mine.fileno(), socket.AF_UNIX, factory)
        except OSError:
            os.close(self._errors)
            raise
        finally:
            mine.close()
            theirs.close()
            os.close(nothing)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Let it go."""
        transport: Any = self.transport
        try:
            transport.signalProcess(number)
        except ProcessExitedAlready:
            return

    def processEnded(self, reason: Failure) -> None:
        """It was waited for."""
        said = os.pread(self._errors, SAID, max(0, os.fstat(self._errors).st_size - SAID))
        os.close(self._errors)
        self.channel.close()
        words = said.decode("utf-8", "replace").strip()
        self._ended(f"it ended {why_ended(reason.value)}" + (f":\n{words}" if words else ""))


def _from_systemd() -> dict[int, int]:
    """The sockets that systemd gave this process, at the same places."""
    ours = os.environ.get("LISTEN_PID") == str(os.getpid())
    count = int(os.environ.get("LISTEN_FDS", "0")) if ours else 0
    return {number: number for number in range(FIRST, FIRST + count)}


def _environment(descriptor: int) -> dict[str, str]:
    """As ours; a watchdog that waits for this process will wait for that one (sd_watchdog_enabled(3))."""
    kept = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
    return {**kept, VARIABLE: str(descriptor)}
