"""Processes whose control process died: how the next one finds them, and goes on with them or lets them go.

One that is left alone listens on a socket of its own in `state_dir`.  Asked to `tell`, it says who it is and
hands over what it has open; the connection is a channel from then on, and the next control process adopts
it there if it can (`adoption`).  If not, that one opens its addresses beside those of the orphans
(SO_REUSEPORT), starts workers of its own, and only then tells the orphans to retire: they stop accepting,
finish what they have, and end.  So there is no moment in which nobody listens, whatever the versions of both.

Of layer 4 there can be one only.  One that is not adopted goes first, saves its flows, and leaves the
kernel's rules as they are: what comes in between is dropped and sent again, and the next process goes on
with the flows.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver

from director.model.settings import Settings
from director.model.virtual import L4Settings
from director.program.fixed import fixed_settings
from director.program.processes.bequest import leave
from director.program.version import VERSION
from director.registry.cells import Given
from director.store.values import packed

WORKER, LAYER4 = "worker", "layer4"
"""Kinds of processes."""
COUNTS, FACTS = "counts", "facts"
"""What each hands over, beside the sockets that it accepts from, which have the names of their places."""
PATIENCE = 1.0
"""Seconds that an orphan may take for a connection."""
RETIREMENT = 3600.0
"""Seconds that what an orphan has open may last."""
LOOK = 0.02
"""Seconds between two looks whether one has ended."""
HANDING_OVER = 10.0
"""Seconds that layer 4 may take to let go."""

_log = Logger(namespace="director.worker")


@frozen
class Alone:
    """What a process does that is left alone.

    Attributes:
        leave: tells what the next control process needs, as open descriptors by name; `facts` is closed when
            it is sent.
        channel: makes what that one speaks over, should it adopt this process.
        retire: others go on: end, with so many seconds for what is under way.
    """

    leave: Callable[[], Mapping[str, int]]
    channel: Callable[[], Any]
    retire: Callable[[float], object]


def facts(kind: str, column: int, settings: Settings, l4: L4Settings, given: Sequence[Given]) -> bytes:
    """What one says of itself: version, column of the counts, what it began with, who has which slot."""
    told = {
        "version": VERSION,
        "kind": kind,
        "column": column,
        "fixed": fixed_settings(settings),
        "l4": packed(l4),
        "given": given,
    }
    return json.dumps(told).encode()


class Orphan:
    """A process of a kind that waits for the next control process."""

    def __init__(self, reactor: Any, state_dir: str, kind: str, alone: Alone) -> None:
        self._reactor = reactor
        self._path = str(Path(state_dir) / f"{kind}-{os.getpid()}.sock")
        self._alone = alone
        self._port: Any = None

    def listen(self) -> None:
        """Wait."""
        factory = Factory.forProtocol(partial(_Heir, self._alone))
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

    def __init__(self, alone: Alone) -> None:
        self._alone = alone

    def lineReceived(self, line: bytes) -> None:
        """`tell`, or `retire SECONDS`."""
        transport: Any = self.transport
        word, _, seconds = line.decode("ascii", "replace").partition(" ")
        if word == "tell" and self._told(transport.fileno()):
            transport.protocol = self._alone.channel()
            transport.protocol.makeConnection(transport)
            return
        if word == "retire":
            self._alone.retire(float(seconds) if seconds.replace(".", "", 1).isdigit() else RETIREMENT)
        transport.loseConnection()

    def _told(self, descriptor: int) -> bool:
        """Handed over at once: what is sent fits into the socket's buffer, for nothing was before it."""
        left = self._alone.leave()
        with socket.fromfd(descriptor, socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                leave(sock, left)
            except OSError as error:
                _log.error("what is open here cannot be handed over: {why}", why=str(error))
                return False
            finally:
                os.close(left[FACTS])
        return True


def orphans(state_dir: Path, kind: str, spared: Collection[int] = ()) -> list[socket.socket]:
    """Connections to those that wait, but to the processes `spared`; what is left of others is removed."""
    found = []
    for path in sorted(state_dir.glob(f"{kind}-*.sock")):
        if path.stem.removeprefix(f"{kind}-") in map(str, spared):
            continue
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
def relieved(
    state_dir: Path, reactor: Any, spared: Collection[int] = ()
) -> Generator[Deferred[Any], Any, None]:
    """Have layer 4 of an earlier run retire; fires when it has ended.  One that does not is killed."""
    waiting = orphans(state_dir, LAYER4, spared)
    processes = [os.pidfd_open(process_of(sock)) for sock in waiting]
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


def process_of(sock: socket.socket) -> int:
    """The process at the other end."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])
