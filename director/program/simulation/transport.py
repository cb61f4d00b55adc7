"""A Twisted transport over a connection in memory, for what dials by Twisted's endpoints: health checks."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from director.program.simulation.sockets import End


class Dialled:
    """A connect under way, and the transport that comes of it (`IConnector` and `ITransport`)."""

    disconnecting = False

    def __init__(self, loop: Any, target: tuple[str, int], factory: Any, timeout: float) -> None:
        self._loop = loop
        self._target = target
        self._factory = factory
        self._protocol: Any = None
        self._unsent = b""
        self._end: End = loop.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._timer: Any = loop.callLater(timeout, self._fail, error.TimeoutError())
        factory.doStart()
        factory.startedConnecting(self)
        self._end.watch(_Connecting(self))
        self._end.connect_ex(target)

    # -- the connect --

    def stopConnecting(self) -> None:  # noqa: N802 - Twisted's
        """Give up."""
        self._fail(error.UserError())

    def getDestination(self) -> IPv4Address:  # noqa: N802 - Twisted's
        """Where to."""
        return self.getPeer()

    def connected(self) -> None:
        """It is there."""
        self._timer.cancel()
        self._protocol = self._factory.buildProtocol(self.getPeer())
        self._end.watch(self)
        self._protocol.makeConnection(self)

    def refused(self) -> None:
        """It will not be."""
        self._fail(error.ConnectionRefusedError(osError=errno.ECONNREFUSED))

    def _fail(self, why: Exception) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._end.watcher = None
        self._end.close()
        self._factory.clientConnectionFailed(self, Failure(why))
        self._factory.doStop()

    # -- the transport --

    def write(self, data: bytes) -> None:
        """Send; what there is no room for goes when there is."""
        self._unsent += data
        self.writable()

    def writeSequence(self, pieces: list[bytes]) -> None:
        """Send all."""
        self.write(b"".join(pieces))

    def loseConnection(self) -> None:
        """Close behind what is queued (a probe's question is shorter than a window)."""
        self._over(error.ConnectionDone(), reset=False)

    def abortConnection(self) -> None:
        """Reset."""
        self._over(error.ConnectionLost(), reset=True)

    def getPeer(self) -> IPv4Address:
        """The server."""
        return IPv4Address("TCP", *self._target)

    def getHost(self) -> IPv4Address:
        """Us."""
        return IPv4Address("TCP", *self._end.own_name)

    def _over(self, why: Exception, *, reset: bool) -> None:
        if self._end.number == -1:
            return
        if reset:
            self._end.abort()
        else:
            self._end.close()
        self._loop.callLater(0, self._protocol.connectionLost, Failure(why))

    # -- from the network --

    def received(self, data: bytes) -> None:
        """Octets."""
        self._protocol.dataReceived(data)

    def ended(self) -> None:
        """FIN: Twisted closes in turn, unless the protocol wants halves."""
        self._over(error.ConnectionDone(), reset=False)

    def lost(self) -> None:
        """A reset."""
        self._end.close()
        self._protocol.connectionLost(Failure(error.ConnectionLost()))

    def writable(self) -> None:
        """There is room."""
        if self._unsent and self._end.number != -1:
            try:
                self._unsent = self._unsent[self._end.send(self._unsent) :]
            except OSError:
                self._unsent = b""


class _Connecting:
    """Hears what becomes of a connect."""

    def __init__(self, dialled: Dialled) -> None:
        self._dialled = dialled

    def received(self, _data: bytes) -> None:
        """Nothing comes before it is connected."""

    def ended(self) -> None:
        """Nor does this."""

    def lost(self) -> None:
        """Refused."""
        self._dialled.refused()

    def writable(self) -> None:
        """Connected."""
        self._dialled.connected()


def dial(loop: Any, target: tuple[str, int], factory: Any, timeout: float) -> Dialled:
    """Connect to a played server for a protocol of Twisted."""
    return Dialled(loop, target, factory, timeout)
