"""One probe over the network: connect, perhaps ask, and say how it went exactly once.

`start` begins a probe and never blocks; names are resolved by the reactor's resolver.
The whole probe has the check's `timeout` as its hard limit.  A limit that comes late itself, because the
process was stopped or held up, is given once more: the server could not be heard meanwhile.
An http probe reports as soon as the head of the answer has come, then lets a short body run out, so that
the server does not see its answer cut off.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    clientFromString,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from director.health.probes.http import AnswerReader, request
from director.health.schedule import Target
from director.health.verdict import Result
from director.model.pools import Address

REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (error.ConnectionRefusedError, "connect refused"),
    (error.TCPTimedOutError, "connect timed out"),
    (error.TimeoutError, "connect timed out"),
    (error.NoRouteError, "no route to the host"),
    (error.DNSLookupError, "the name cannot be resolved"),
    (error.UnknownHostError, "the name cannot be resolved"),
    (error.ConnectionLost, "the connection was reset"),
    (error.ConnectionDone, "the connection was closed"),
    (FileNotFoundError, "there is no such unix socket"),
    (PermissionError, "not allowed to connect; check the rights of the socket"),
)
"""What an operator reads for each way a connect can fail, most special first."""
LATE_SECONDS = 0.05
"""A limit that comes so long after its time shows that the loop was held up."""
CONNECT_SPARE = 3600.0
"""Seconds that Twisted may connect beyond the check's `timeout`: the probe ends itself, and sees hold-ups."""
OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the server."""


def endpoint_for(reactor: Any, address: Address, timeout: float) -> IStreamClientEndpoint:
    """How an address is reached; literals need no resolver."""
    if address.endpoint:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, address.endpoint)
        return endpoint
    if address.path:
        return UNIXClientEndpoint(reactor, address.path, timeout=timeout)
    if isIPAddress(address.host):
        return TCP4ClientEndpoint(reactor, address.host, address.port, timeout=timeout)
    if isIPv6Address(address.host):
        return TCP6ClientEndpoint(reactor, address.host, address.port, timeout=timeout)
    return HostnameEndpoint(reactor, address.host, address.port, timeout=timeout)


def why(failure: Failure) -> tuple[bool | None, str]:
    """(alive, reason) for a connect that failed; alive is None when the fault is ours."""
    cause = failure.value
    code = getattr(cause, "osError", None) or getattr(cause, "errno", None)
    if code in OUR_OWN or isinstance(cause, error.ConnectBindError):
        return None, f"not probed: {errno.errorcode.get(code or 0, 'no socket')} on our side"
    for kind, words in REASONS:
        if isinstance(cause, kind):
            return False, words
    if code == errno.ENOENT:
        return False, "there is no such unix socket"
    return False, f"connect failed: {errno.errorcode.get(code or 0, type(cause).__name__)}"


class Probe:
    """One probe under way.

    Calls `report(result)` once, then `gone()` once when nothing of it is left on the network.
    """

    def __init__(
        self,
        reactor: Any,
        clock: Callable[[], float],
        target: Target,
        report: Callable[[Result], None],
        gone: Callable[[], None],
    ) -> None:
        self.target = target
        self._reactor = reactor
        self._clock = clock
        self._report = report
        self._gone = gone
        self._began = self._due = clock()
        self._was_held_up = False
        self._reported = False
        self._over = False
        self._timer: Any = None
        self._connecting: Deferred[Any] | None = None
        self._protocol: ProbeProtocol | None = None

    def start(self) -> None:
        """Begin; every outcome comes by `report`, also a connect that fails at once."""
        timeout = self.target.check.timeout
        self._due = self._clock() + timeout
        self._timer = self._reactor.callLater(timeout, self._too_late)
        kind = HttpProbe if self.target.check.kind == "http" else TcpProbe
        self._protocol = protocol = kind(self)
        try:
            endpoint = endpoint_for(self._reactor, self.target.address, timeout + CONNECT_SPARE)
            connecting = endpoint.connect(Factory.forProtocol(lambda: protocol))
        except (OSError, ValueError, TypeError, error.ConnectError) as problem:
            self.report(False, f"cannot be probed: {problem}")
            self.over()
            return
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._failed)

    def cancel(self) -> None:
        """Give up without a result (reload, stop)."""
        self._reported = True
        self._cut()

    def report(self, alive: bool | None, reason: str) -> None:
        """Say how it went; only the first word counts."""
        if not self._reported:
            self._reported = True
            now = self._clock()
            self._report(Result(now, alive, reason, now - self._began))

    def over(self) -> None:
        """Nothing is left on the network."""
        if not self._over:
            self._over = True
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            self._gone()

    def _connected(self, _protocol: object) -> None:
        self._connecting = None

    def _failed(self, failure: Failure) -> None:
        self._connecting = None
        if not failure.check(CancelledError):
            self.report(*why(failure))
        self.over()

    def _too_late(self) -> None:
        timeout = self.target.check.timeout
        if self._clock() - self._due > LATE_SECONDS and not self._was_held_up:
            self._was_held_up = True
            self._timer = self._reactor.callLater(timeout, self._too_late)
            return
        what = "connect timed out" if self._connecting is not None else "no answer"
        self.report(False, f"{what} within {timeout:g}s")
        self._cut()

    def _cut(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.abortConnection()
        self.over()


class ProbeProtocol(Protocol):
    """What both kinds share: the end of the connection is the end of the probe."""

    transport: Any = None

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.probe.over()


class TcpProbe(ProbeProtocol):
    """Alive when the connect succeeds.  Ends with a reset, so that no TIME_WAIT is left on either side."""

    def connectionMade(self) -> None:
        """The server accepted."""
        self.probe.report(True, "connected")
        self.transport.abortConnection()


class HttpProbe(ProbeProtocol):
    """Alive when the answer has one of the statuses of the check."""

    def connectionMade(self) -> None:
        """Ask."""
        self._reader = AnswerReader(self.probe.target.check)
        self.transport.write(request(self.probe.target.check, self.probe.target.address))

    def dataReceived(self, data: bytes) -> None:
        """Octets of the answer."""
        judgement = self._reader.feed(data)
        if judgement is not None:
            self.probe.report(*judgement)
            if not judgement[0] or self._reader.enough:
                self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The server closed."""
        self.probe.report(*self._reader.closed())
        super().connectionLost(reason)
