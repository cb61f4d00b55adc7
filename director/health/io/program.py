"""A program as a probe: started without a shell, watched through a descriptor, ended with its children.

The program is the leader of a session of its own, so that whatever it has started can be ended along
with it.  Its end is seen by a pidfd (pidfd_open(2)), and what it says by a pipe that is always read: it
can neither block nor fill memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from director.health.probes.exec import OUTPUT_KEPT

_PIECE = 65536


@implementer(IReadDescriptor)
class _Watched:
    """A descriptor whose readiness calls `act`."""

    def __init__(self, descriptor: int, act: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self.doRead = act

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def logPrefix(self) -> str:
        """A name for log lines."""
        return "check"

    def connectionLost(self, reason: object) -> None:
        """The reactor saw a hang-up: of a pipe that is its end, and there may be something to read."""
        self.doRead()


class RunningProgram:
    """One program under way.

    `ended(status, output)` is called once, from the loop: an exit status, or a signal as a negative
    number, and the first octets that it said.  Raises OSError when the program cannot be started.
    """

    def __init__(
        self,
        reactor: Any,
        command: tuple[str, ...],
        environment: dict[str, str],
        ended: Callable[[int, bytes], None],
    ) -> None:
        self._reactor = reactor
        self._ended = ended
        self._output = b""
        self._is_cut = False
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._pidfd = os.pidfd_open(self._process.pid)
        self._reading = _Watched(self._pipe.fileno(), self._read)
        self._waiting = _Watched(self._pidfd, self._is_over)
        reactor.addReader(self._reading)
        reactor.addReader(self._waiting)

    def _read(self) -> None:
        """Take what it says; keep the begin."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._pipe.fileno(), _PIECE)
            self._output += data[: OUTPUT_KEPT - len(self._output)]
            if not data:
                self._reactor.removeReader(self._reading)

    def _is_over(self) -> None:
        self._read()
        for watched in (self._reading, self._waiting):
            self._reactor.removeReader(watched)
        self._kill()
        self._pipe.close()
        os.close(self._pidfd)
        status = self._process.wait()
        if not self._is_cut:
            self._ended(status, self._output)

    def cut(self) -> None:
        """End it and all that it has started; nobody is told any more.

        It is not waited for here: one that the kernel holds back must not hold us.
        """
        self._is_cut = True
        if self._process.returncode is None:
            self._kill()

    def _kill(self) -> None:
        """End what is left of its session; its number is its own until its status was taken."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
