"""Workers whose control process died: how the next one finds them, and lets them go.

A worker that is left alone listens on a socket of its own in `state_dir`.  The next control process opens its
addresses beside those of the orphans (SO_REUSEPORT), starts workers of its own, and only then tells the
orphans to retire: they stop accepting, finish what they have, and end.  So there is no moment in which
nobody listens, whatever the versions of both.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver

PREFIX, SUFFIX = "worker-", ".sock"
PATIENCE = 1.0
"""Seconds that an orphan may take for a connection."""
RETIREMENT = 3600.0
"""Seconds that what an orphan has open may last."""

_log = Logger(namespace="director.worker")


class Orphan:
    """One worker that waits for the next control process."""

    def __init__(self, reactor: Any, state_dir: str, retire: Callable[[float], object]) -> None:
        self._reactor = reactor
        self._path = str(Path(state_dir) / f"{PREFIX}{os.getpid()}{SUFFIX}")
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


def orphans(state_dir: Path) -> list[socket.socket]:
    """Connections to those that wait; what is left of others is removed."""
    found = []
    for path in sorted(state_dir.glob(f"{PREFIX}*{SUFFIX}")):
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
