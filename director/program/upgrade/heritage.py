"""What the program before this one left to it, and how this one takes its place.

There is a heritage when the running director started this process for an upgrade (`successor`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import DirectorError
from director.l7.io.listener import bound_to
from director.model.pools import Address
from director.program.demos import DEMO
from director.program.parts import Parts
from director.program.processes.bequest import take
from director.program.processes.channel import Channel, Gone
from director.program.processes.orphan import WORKER, orphans, release, relieved
from director.program.processes.sockets import Place, entrance
from director.program.services import ADMIN
from director.program.upgrade.pidfile import PidFile
from director.program.upgrade.successor import ERRORS, VARIABLE
from director.program.version import VERSION

LOOK_BACK = 2.0
"""Seconds after its end; they notice it, too."""

_log = Logger(namespace="director")

LET_GO, READY, REFUSED = "let go", "ready", "refused"
"""What the new program asks and tells."""


class Heritage:
    """What was left; without a `descriptor` nothing: this program begins by itself.

    Args:
        pidfile: twistd's.
        descriptor: of the socket to the program before.

    Attributes:
        pending: the program before may still go on itself.
    """

    def __init__(self, pidfile: PidFile | None = None, descriptor: int | None = None) -> None:
        self.pidfile = pidfile or PidFile()
        self.pending = descriptor is not None
        self._left: dict[str, int] = {}
        self._channel = Channel({}, self._gone)
        if descriptor is not None:
            self._before = socket.socket(fileno=descriptor)
            os.set_inheritable(descriptor, False)
            self._left = take(self._before)
            self.pidfile.put_off()

    # -- taking --

    def take(self, name: str) -> int | None:
        """The descriptor of that name, once; None when nothing of that name was left."""
        return self._left.pop(name, None)

    def _socket(self, name: str) -> socket.socket | None:
        descriptor = self.take(name)
        if descriptor is None:
            return None
        found = socket.socket(fileno=descriptor)
        found.setblocking(False)
        return found

    def entrance(self, place: Place, number: int = 0) -> socket.socket | None:
        """A listening socket of layer 7."""
        return self._socket(entrance(*place, number))

    def address(self, address: Address) -> socket.socket | None:
        """The same, by its address."""
        return self.entrance(bound_to(address))

    def admin(self, address: str) -> socket.socket | None:
        """One of the admin."""
        return self._socket(ADMIN + address)

    def demo(self, address: str) -> socket.socket | None:
        """One of a demo server."""
        return self._socket(DEMO + address)

    # -- taking over --

    def start(
        self, reactor: Any, parts: Parts, reasons: Callable[[], Iterable[str]], state_dir: Path
    ) -> Deferred[None]:
        """Start all parts, those of which there can be one only when the program before has let go.

        `reasons` say why this program does not serve.  Fails with DirectorError, and the one before goes on.
        """
        if not self.pending:
            return parts.start()
        self._state_dir, self._later = state_dir, reactor.callLater
        self._speak_up()
        self._before.setblocking(False)
        factory = Factory.forProtocol(lambda: self._channel)
        reactor.adoptStreamConnection(self._before.fileno(), socket.AF_UNIX, factory)
        self._before.close()
        return self._take_over(reactor, parts, reasons)

    @inlineCallbacks
    def _take_over(
        self, reactor: Any, parts: Parts, reasons: Callable[[], Iterable[str]]
    ) -> Generator[Deferred[Any], Any, None]:
        yield parts.start(alone=False)
        for why in reasons():
            raise DirectorError(why)
        try:
            yield self._channel.ask(LET_GO)
        except Gone:
            # Killed, for one that is stopped stops this one first.
            _log.error("the program before ended before it handed over; this one goes on with what it has")
            yield relieved(self._state_dir, reactor)
        yield parts.start(alone=True)
        for descriptor in self._left.values():
            # Nobody here wants it any more; who waits there is served by the program before.
            os.close(descriptor)
        self._left.clear()
        # Whether it hears that or is gone by now.
        yield self._channel.ask(READY, {"pid": os.getpid(), "version": VERSION}).addErrback(_gone)
        self.pending = False
        if not self._channel.open:
            self._gone()
        self.pidfile.take()

    def _speak_up(self) -> None:
        """From now on standard error is the true one: what is wrong from here on is told."""
        errors = self.take(ERRORS)
        if errors is not None:
            os.dup2(errors, 2)
            os.close(errors)

    def _gone(self) -> None:
        """The program before has ended; if not as it should, its workers are left alone."""
        if not self.pending:
            self._later(LOOK_BACK, lambda: release(orphans(self._state_dir, WORKER)))

    def refuse(self, failure: Failure) -> None:
        """Tell the program before that it has to go on.  Raises the failure when there is none."""
        if not self.pending:
            failure.raiseException()
        why = failure.getErrorMessage()
        _log.error("this program does not take over: {why}", why=why)
        self._channel.tell(REFUSED, why)

    def give_back(self, parts: Parts) -> None:
        """This program stops: what belongs to the one before stays as it is."""
        if self.pending:
            parts.let_go()


def _gone(failure: Failure) -> None:
    failure.trap(Gone)


def heritage(pidfile: PidFile, environment: MutableMapping[str, str] = os.environ) -> Heritage:
    """What was left to this process.  Raises DirectorError when it did not arrive."""
    descriptor = environment.pop(VARIABLE, "")
    if not descriptor.isdecimal():
        return Heritage(pidfile)
    if "LISTEN_PID" in environment:
        # systemd's sockets came along (sd_listen_fds(3)).
        environment["LISTEN_PID"] = str(os.getpid())
    return Heritage(pidfile, int(descriptor))
