"""One process that the control process started: its channel, its pulse, its end.

Twisted starts and waits for it (`IReactorProcess`).  It gets a socket pair to talk over, the memory for the
counts, and standard output and error as they are here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.program.processes.adoption import Adoptee
from director.program.processes.channel import Answer, Channel
from director.program.processes.follower import CHANNEL, OUTPUTS, SEGMENT

GONE = DirectorError("for a reason unknown here (an earlier run had started it)")
"""Why an adopted process ended."""


class Process(ProcessProtocol):
    """A process as the one that started it sees it.

    Args:
        module: its program.
        name: for people.
        index: which of its kind it is, from 0 on.
        column: of the counts.
        ended: called with what ended it, once it was waited for.

    Attributes:
        channel: to it.
        begun: it serves.
        heard: when it last answered (monotonic seconds).
        said: what it last said of itself.
        has: the places whose sockets it has before any is handed over.
    """

    has: frozenset[str] = frozenset()

    def __init__(
        self,
        reactor: Any,
        module: str,
        name: str,
        index: int,
        column: int,
        answers: Mapping[str, Answer],
        ended: Callable[[Process, str], object],
    ) -> None:
        self.name = name
        self.index = index
        self.column = column
        self.channel = Channel(answers)
        self.begun = False
        self.born = self.heard = reactor.seconds()
        self.said: dict[str, Any] = {}
        self.over: Deferred[None] = Deferred()
        self._reactor = reactor
        self._module = module
        self._ended = ended
        self._beating = False
        self._waited = 0.0

    @property
    def pid(self) -> int:
        """Its number; 0 before it is there and after it is gone."""
        return int(self.transport.pid or 0) if self.transport is not None else 0

    def spawn(self, segment: int) -> None:
        """Start it.  Raises OSError when the system gives no process."""
        mine, theirs = socket.socketpair(socket.AF_UNIX)
        mine.setblocking(False)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        stock = type(self._reactor).__module__ != "director.l7.io.reactor"
        flags = ["--stock-reactor"] if stock else []
        try:
            self._reactor.spawnProcess(
                self,
                sys.executable,
                [sys.executable, "-m", self._module, *flags],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                childFDs={0: nothing, 1: 1, 2: 2, CHANNEL: theirs.fileno(), SEGMENT: segment},
            )
        except OSError:
            mine.close()
            raise
        finally:
            theirs.close()
            os.close(nothing)
        factory = Factory.forProtocol(lambda: self.channel)
        self._reactor.adoptStreamConnection(mine.fileno(), socket.AF_UNIX, factory)
        mine.close()

    def beat(self) -> None:
        """Ask whether it is there."""
        if not self._beating:
            self._beating = True
            self.channel.ask("beat").addCallbacks(self._beats, lambda _: None)

    def starved(self) -> float:
        """Seconds since the last call for which it would have run, had it been given a processor.

        On a busy machine that is no fault of its own; one that is stopped does not wait for a processor, and
        one in an endless loop has it.  Source: `run_delay` of sched-stats.txt; 0 where the system does not
        tell.
        """
        try:
            waits = int(Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0
        before, self._waited = self._waited, waits
        return max(0.0, waits - before)

    def _beats(self, _: Any) -> None:
        self._beating = False
        self.heard = self._reactor.seconds()

    def kill(self) -> None:
        """End it at once."""
        transport: Any = self.transport
        try:
            transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return

    def processEnded(self, reason: Failure) -> None:
        """It was waited for."""
        self.begun = False
        self.channel.close()
        self._ended(self, why_ended(reason.value))
        self.over.callback(None)


class Adopted(Process):
    """One that an earlier control process started: it is nobody's child any more (pidfd_open(2)).

    Args:
        found: what it left, and how to talk to it.

    Attributes:
        has: the places whose sockets it has already.
    """

    def __init__(self, found: Adoptee, *given: Any) -> None:
        super().__init__(*given)
        self._number = found.pid
        self._found = found
        self._process = -1
        self.has = frozenset(found.left)

    @property
    def pid(self) -> int:
        """Its number; 0 once it is gone."""
        return self._number

    def spawn(self, segment: int) -> None:
        """Talk to it, and watch it.  Raises OSError when it has ended."""
        try:
            self._process = os.pidfd_open(self._number)
            self._found.sock.setblocking(False)
            factory = Factory.forProtocol(lambda: self.channel)
            self._reactor.adoptStreamConnection(self._found.sock.fileno(), socket.AF_UNIX, factory)
        finally:
            # Its sockets as well: those that are wanted were taken, and others must not stay open here.
            self._found.close()
        self._reactor.addReader(self)
        for name, number in OUTPUTS.items():
            self.channel.hand(name, number)

    def kill(self) -> None:
        """End it at once."""
        if self._process >= 0:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    # -- IReadDescriptor --

    def fileno(self) -> int:
        """Readable once it has ended."""
        return self._process

    def doRead(self) -> None:
        """It has; why, its parent alone could have learnt."""
        self._reactor.removeReader(self)
        os.close(self._process)
        self._process, self._number = -1, 0
        self.processEnded(Failure(GONE))

    def connectionLost(self, reason: Failure) -> None:
        """The loop ends."""

    def logPrefix(self) -> str:
        """For Twisted's log."""
        return self.name


def why_ended(end: BaseException | None) -> str:
    """What ended a process, in words: behind "it ended"."""
    if isinstance(end, ProcessTerminated) and end.signal is not None:
        return f"by {signal.Signals(end.signal).name}"
    if isinstance(end, ProcessTerminated):
        return f"with status {end.exitCode}"
    return "by itself" if isinstance(end, ProcessDone) else str(end)
