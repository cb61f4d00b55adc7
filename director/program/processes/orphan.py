"""Processes whose control process died: how the next one finds them, and lets them go.

One that is left alone listens on a socket of its own in `state_dir`.  The next control process opens its
addresses beside those of the orphans (SO_REUSEPORT), starts workers of its own, and only then tells the
orphans to retire: they stop accepting, finish what they have, and end.  So there is no moment in which
nobody listens, whatever the versions of both.

Of layer 4 there can be one only.  So that one goes first, saves its flows, and leaves the kernel's rules as
they are: what comes in between is dropped and sent again, and the next process goes on with the flows.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver

WORKER, LAYER4 = "worker", "layer4"
"""Kinds of processes."""
PATIENCE = 1.0
"""Seconds that an orphan may take for a connection."""
RETIREMENT = 3600.0
"""Seconds that what an orphan has open may last."""
LOOK = 0.02
"""Seconds between two looks whether one has ended."""
HANDING_OVER = 10.0
"""Seconds that layer 4 may take to let go."""

_log = Logger(namespace="director.worker")


class Orphan:
    """A process of a kind that waits for the next control process."""

    def __init__(self, reactor: Any, state_dir: str, kind: str, retire: Callable[[float], object]) -> None:
        self._reactor = reactor
        self._path = str(Path(state_dir) / f"{kind}-{os.getpid()}.sock")
        self._retire = retire
        self._port: Any = None

    def listen(self) -> None:
        """Wait."""
        factory = Factory.forProtocol(partial(_Heir, self._retire))
        try:
            self._port = self._reactor.listenUNIX(self._path, factory, mode=0o600)
        except CannotListenError as error:
            _log.error("nobody can take over from this process: {why}; end it by SIGTERM", why=str(error))

    def close(self) -> None:
        """Wait no longer."""
        port, self._port = self._port, None
        if port is not None:
            port.stopListening()


class _Heir(LineReceiver):
    """The next control process."""

    delimiter = b"\n"

    def __init__(self, retire: Callable[[float], object]) -> None:
        self._retire = retire

    def lineReceived(self, line: bytes) -> None:
        """`retire SECONDS`."""
        word, _, seconds = line.decode("ascii", "replace").partition(" ")
        if word == "retire":
            self._retire(float(seconds) if seconds.replace(".", "", 1).isdigit() else RETIREMENT)
        transport: Any = self.transport
        transport.loseConnection()


def orphans(state_dir: Path, kind: str) -> list[socket.socket]:
    """Connections to those that wait; what is left of others is removed."""
    found = []
    for path in sorted(state_dir.glob(f"{kind}-*.sock")):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            with contextlib.suppress(OSError):
                path.unlink()
        else:
            found.append(sock)
    return found


def release(waiting: list[socket.socket]) -> None:
    """Let them go."""
    for sock in waiting:
        with contextlib.suppress(OSError):
            sock.sendall(b"retire %g\n" % RETIREMENT)
        sock.close()


def dismiss(state_dir: Path) -> None:
    """Let workers go before somebody listens who shares no address; returns when they have stopped to accept.

    It blocks, for `PATIENCE` at most: before the start nobody waits for us.
    """
    release(orphans(state_dir, WORKER))
    deadline = time.monotonic() + PATIENCE
    while any(state_dir.glob(f"{WORKER}-*.sock")) and time.monotonic() < deadline:
        time.sleep(LOOK)


@inlineCallbacks
def relieved(state_dir: Path, reactor: Any) -> Generator[Deferred[Any], Any, None]:
    """Have layer 4 of an earlier run retire; fires when it has ended.  One that does not is killed."""
    waiting = orphans(state_dir, LAYER4)
    processes = [_process(sock) for sock in waiting]
    release(waiting)
    deadline = reactor.seconds() + HANDING_OVER
    for process in processes:
        while not select.select([process], [], [], 0)[0]:
            if reactor.seconds() > deadline:
                _log.error("layer 4 of an earlier run does not end and is killed")
                signal.pidfd_send_signal(process, signal.SIGKILL)
            yield deferLater(reactor, LOOK)
        os.close(process)
    if processes:
        _log.info("layer 4 of an earlier run has handed over")


def _process(sock: socket.socket) -> int:
    """A descriptor of the process at the other end: readable when it has ended (pidfd_open(2))."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return os.pidfd_open(struct.unpack("3i", credentials)[0])
