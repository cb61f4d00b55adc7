"""What the program before this one left to it, and how this one takes its place.

There is a heritage when the running director started this process for an upgrade (`successor`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterable, MutableMapping
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from director.errors import DirectorError
from director.program.parts import Parts
from director.program.processes.channel import Channel, Gone
from director.program.upgrade.bequest import take
from director.program.upgrade.pidfile import PidFile
from director.program.upgrade.successor import ERRORS, VARIABLE
from director.program.version import VERSION

_log = Logger(namespace="director")

LET_GO, READY, REFUSED = "let go", "ready", "refused"
"""What the new program asks and tells."""


class Heritage:
    """What was left.

    Args:
        descriptor: of the socket to the program before.

    Attributes:
        pending: the program before may still go on itself.
        pidfile: what to do about it.
    """

    def __init__(self, descriptor: int) -> None:
        self.pending = True
        self.pidfile = PidFile()
        self._socket = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)
        self._left = take(self._socket)
        self._channel = Channel({}, self._gone)
        self._has_all = False
        self._alone: Callable[[bool], object] = lambda _lost: None

    # -- taking --

    def take(self, name: str) -> int | None:
        """The descriptor of that name, once; None when nothing of that name was left."""
        return self._left.pop(name, None)

    def socket(self, name: str) -> socket.socket | None:
        """The same for a socket, which does not block."""
        descriptor = self.take(name)
        if descriptor is None:
            return None
        found = socket.socket(fileno=descriptor)
        found.setblocking(False)
        return found

    def speak_up(self) -> None:
        """From now on standard error is the true one: what is wrong from here on is told."""
        errors = self.take(ERRORS)
        if errors is not None:
            os.dup2(errors, 2)
            os.close(errors)

    # -- taking over --

    @inlineCallbacks
    def take_over(
        self,
        reactor: Any,
        parts: Parts,
        reasons: Callable[[], Iterable[str]],
        alone: Callable[[bool], object],
    ) -> Generator[Deferred[Any], Any, None]:
        """Start all parts, those of which there can be one only when the program before has let go.

        `reasons` say why this program does not serve.  `alone` is called when the other is gone: with True
        when it had not let go yet.  Fails with DirectorError, and the program before goes on.
        """
        self._alone = alone
        self._socket.setblocking(False)
        factory = Factory.forProtocol(lambda: self._channel)
        reactor.adoptStreamConnection(self._socket.fileno(), socket.AF_UNIX, factory)
        self._socket.close()
        yield parts.start(alone=False)
        for why in reasons():
            raise DirectorError(why)
        yield self._channel.ask(LET_GO)
        self._has_all = True
        yield parts.start(alone=True)
        for descriptor in self._left.values():
            # Nobody here wants it any more; who waits there is served by the program before.
            os.close(descriptor)
        self._left.clear()
        try:
            yield self._channel.ask(READY, {"pid": os.getpid(), "version": VERSION})
        except Gone:
            _log.error("the program before ended while it handed over; this one has all it needs")
        self.pending = False
        self.pidfile.take()

    def refuse(self, why: str) -> None:
        """Tell the program before that it has to go on."""
        self._channel.tell(REFUSED, why)

    def _gone(self) -> None:
        self._alone(self.pending and not self._has_all)


def heritage(environment: MutableMapping[str, str] = os.environ) -> Heritage | None:
    """What was left to this process, if it was started for that.

    Raises DirectorError when it did not arrive.
    """
    descriptor = environment.pop(VARIABLE, "")
    if not descriptor.isdecimal():
        return None
    if "LISTEN_PID" in environment:
        # systemd's sockets came along (sd_listen_fds(3)).
        environment["LISTEN_PID"] = str(os.getpid())
    return Heritage(int(descriptor))
