"""One probe over the network: connect, perhaps ask, and say how it went exactly once.

`start` begins a probe and never blocks; names are resolved by the reactor's resolver.
The whole probe has the check's `timeout` as its hard limit.  A limit that comes late itself, because the
process was stopped or held up, is given once more: the server could not be heard meanwhile.
What is said over the network, and what the answer means, is said by the pure room `probes`; this file has
the ways to carry it: a connection, one datagram, an ICMP echo, or a program of the user's.
"""

from __future__ import annotations

import errno
import secrets
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
from twisted.internet.interfaces import IResolutionReceiver, IStreamClientEndpoint
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from director.health.io.echo import Echo
from director.health.io.program import RunningProgram
from director.health.probes.base import StreamProbe
from director.health.probes.exec import environment
from director.health.probes.exec import judge as judge_end
from director.health.probes.kinds import DATAGRAMS, STREAMS, datagram, judge_datagram
from director.health.schedule import CheckTarget
from director.health.verdict import Result
from director.l7.http.responses import ResponseFramer
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
        target: CheckTarget,
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
        self._protocol: ProbeProtocol | DatagramProbe | EchoProbe | RunningProgram | None = None

    def start(self) -> None:
        """Begin; every outcome comes by `report`, also a connect that fails at once."""
        check = self.target.check
        self._due = self._clock() + check.timeout
        self._timer = self._reactor.callLater(check.timeout, self._too_late)
        if check.kind in DATAGRAMS:
            self._ask_by_name(DatagramProbe(self))
        elif check.kind == "exec":
            self._run_a_program()
        elif check.kind == "icmp":
            self._ask_by_name(EchoProbe(self))
        else:
            self._connect()

    def _connect(self) -> None:
        check, where = self.target.check, self.target.where
        heads = ResponseFramer(check.method.encode())
        self._protocol = protocol = ProbeProtocol(self, STREAMS[check.kind](check, where, heads))
        try:
            endpoint = endpoint_for(self._reactor, where, check.timeout + CONNECT_SPARE)
            connecting = endpoint.connect(Factory.forProtocol(lambda: protocol))
        except (OSError, ValueError, TypeError, error.ConnectError) as problem:
            self.report(False, f"cannot be probed: {problem}")
            self.over()
            return
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._failed)

    def _ask_by_name(self, asking: DatagramProbe | EchoProbe) -> None:
        """Have a host asked whose address may have to be looked up."""
        where = self.target.where
        if not where.host:
            self.report(False, f"cannot be probed: {where} takes no datagrams")
            self.over()
            return
        self._protocol = asking
        if isIPAddress(where.host) or isIPv6Address(where.host):
            asking.ask(where.host)
        else:
            self._reactor.nameResolver.resolveHostName(_First(asking), where.host, where.port)

    def _run_a_program(self) -> None:
        check = self.target.check

        def ended(status: int, output: bytes) -> None:
            self.report(*judge_end(status, output))
            self.over()

        try:
            told = environment(check, self.target.where)
            self._protocol = RunningProgram(self._reactor, check.command, told, ended)
        except OSError as problem:
            self.report(None, f"not probed: {check.command[0]} cannot be started: {problem.strerror}")
            self.over()

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

    @property
    def is_over(self) -> bool:
        """Nobody waits for it any more."""
        return self._over

    def listen(self, protocol: DatagramProbe, interface: str) -> None:
        """Open a socket for datagrams.  Raises CannotListenError."""
        self._reactor.listenUDP(0, protocol, interface=interface)

    def echo(self, host: str, answered: Callable[[bool, str], None]) -> Echo:
        """Send an ICMP echo.  Raises OSError."""
        return Echo(self._reactor, host, answered)

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
        elif self._protocol is not None:
            self._protocol.cut()
        self.over()


class ProbeProtocol(Protocol):
    """A connection on which a probe of the pure room talks; its end is the end of the probe.

    A connection of which nothing more is wanted ends as the probe says; where it said good-bye, the server
    closes.
    """

    transport: Any = None

    def __init__(self, probe: Probe, talk: StreamProbe) -> None:
        self.probe = probe
        self._talk = talk

    def connectionMade(self) -> None:
        """The server accepted."""
        self._go_on(self._talk.begin())

    def dataReceived(self, data: bytes) -> None:
        """Octets of the answer."""
        self._go_on(self._talk.feed(data))

    def _go_on(self, reply: bytes) -> None:
        if reply:
            self.transport.write(reply)
        if self._talk.judgement is not None:
            self.probe.report(*self._talk.judgement)
            if self._talk.enough and self._talk.resets:
                self.cut()
            elif self._talk.enough:
                self.transport.loseConnection()

    def cut(self) -> None:
        """Reset the connection."""
        if self.transport is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.probe.report(*self._talk.closed())
        self.probe.over()


class DatagramProbe(DatagramProtocol):
    """One datagram out, and what comes back from there."""

    transport: Any = None

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self._question = datagram(probe.target.check, secrets.randbits(16))
        self._host = ""

    def ask(self, host: str) -> None:
        """Send it to an address literal; the kernel hands on only what comes from there."""
        self._host = host
        try:
            self.probe.listen(self, "::" if isIPv6Address(host) else "")
        except error.CannotListenError as problem:
            code = getattr(problem.socketError, "errno", None)
            self.probe.report(None, f"not probed: {errno.errorcode.get(code or 0, 'no socket')} on our side")
            self.probe.over()

    def startProtocol(self) -> None:
        """The socket is there."""
        self.transport.connect(self._host, self.probe.target.where.port)
        self.transport.write(self._question)

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        """Something came."""
        judgement = judge_datagram(self.probe.target.check, self._question, datagram)
        if judgement is not None:
            self._end(*judgement)

    def connectionRefused(self) -> None:
        """The machine says that nobody listens (ICMP port unreachable)."""
        self._end(False, "port unreachable")

    def stopProtocol(self) -> None:
        """The socket is closed: by us, or by the reactor because that error came alone."""
        self.transport = None
        if not self.probe.is_over:
            self.connectionRefused()

    def unresolved(self) -> None:
        """The name has no address."""
        self._end(False, "the name cannot be resolved")

    def _end(self, alive: bool, reason: str) -> None:
        self.probe.report(alive, reason)
        self.cut()
        self.probe.over()

    def cut(self) -> None:
        """Close the socket."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.stopListening()


class EchoProbe:
    """One ICMP echo."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self._echo: Echo | None = None

    def ask(self, host: str) -> None:
        """Send it to an address literal."""
        try:
            self._echo = self.probe.echo(host, self._answered)
        except PermissionError:
            self._answered(None, "not probed: an echo needs the right CAP_NET_RAW (run as root)")
        except OSError as problem:
            alive = None if problem.errno in OUR_OWN else False
            self._answered(alive, f"{'not probed: ' if alive is None else ''}{problem.strerror}".lower())

    def unresolved(self) -> None:
        """The name has no address."""
        self._answered(False, "the name cannot be resolved")

    def _answered(self, alive: bool | None, reason: str) -> None:
        self.probe.report(alive, reason)
        self.probe.over()

    def cut(self) -> None:
        """Close the socket."""
        if self._echo is not None:
            self._echo.cut()


@implementer(IResolutionReceiver)
class _First:
    """Takes the first address of a name."""

    def __init__(self, asking: DatagramProbe | EchoProbe) -> None:
        self._asking = asking
        self._host = ""

    def resolutionBegan(self, resolutionInProgress: object) -> None:  # noqa: N802, N803 - Twisted's names
        """Addresses may come."""

    def addressResolved(self, address: Any) -> None:  # noqa: N802 - Twisted's name
        """One of them."""
        self._host = self._host or address.host

    def resolutionComplete(self) -> None:  # noqa: N802 - Twisted's name
        """That was all."""
        if self._asking.probe.is_over:
            return
        if self._host:
            self._asking.ask(self._host)
        else:
            self._asking.unresolved()
