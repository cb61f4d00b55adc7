"""One probe over the network: connect, perhaps ask, and say how it went exactly once.

`start` begins a probe and never blocks; names are resolved by the reactor's resolver.
The whole probe has the check's `timeout` as its hard limit.  A limit that comes late itself, because the
process was stopped or held up, is given once more: the server could not be heard meanwhile.
What is said over the network, and what the answer means, is said by the pure room `probes`; this file has
the ways to carry it: a connection, one datagram, an ICMP echo, or a program of the user's.
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
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from director.health.io.connection import ProbeProtocol, Secrecy, SecureProtocol
from director.health.io.contexts import Contexts
from director.health.io.datagrams import OUR_OWN, DatagramProbe, EchoProbe, FirstAddress
from director.health.io.program import RunningProgram
from director.health.probes.base import StreamProbe, shown
from director.health.probes.exec import environment
from director.health.probes.exec import judge as judge_end
from director.health.probes.kinds import DATAGRAMS, GUESTS, PROTOCOLS, STREAMS
from director.health.schedule import CheckTarget
from director.l7.http.responses import ResponseFramer
from director.model.pools import Address, Advice
from director.registry.evidence import Result
from director.tls.io.certificates import CertificateError

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
SEEN = 40
"""Octets of what a server said that are kept as evidence."""


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


class _Once(Factory):
    """Makes one connection, and no line in the log of it."""

    noisy = False


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
        contexts: Contexts | None = None,
    ) -> None:
        self.target = target
        self.waits_for = "connect timed out"
        self._contexts = contexts or Contexts()
        self._phases: list[tuple[str, float]] = []
        self._octets = 0
        self._seen = b""
        self.reactor = reactor
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
        self._timer = self.reactor.callLater(check.timeout, self._too_late)
        if check.kind in DATAGRAMS:
            self.waits_for = "no answer"
            self._ask_by_name(DatagramProbe(self))
        elif check.kind == "exec":
            self.waits_for = "no answer"
            self._run_a_program()
        elif check.kind == "icmp":
            self.waits_for = "no answer"
            self._ask_by_name(EchoProbe(self))
        else:
            self._connect()

    def _connect(self) -> None:
        check, where = self.target.check, self.target.where
        heads = ResponseFramer(check.method.encode())
        try:
            self._protocol, factory = self._talking(STREAMS[check.kind](check, where, heads))
            endpoint = endpoint_for(self.reactor, where, check.timeout + CONNECT_SPARE)
            connecting = endpoint.connect(factory)
        except CertificateError as problem:
            self.report(None, f"not probed: {problem}")
            self.over()
            return
        except (OSError, ValueError, TypeError, error.ConnectError) as problem:
            self.lacks(f"cannot be probed: {problem}")
            self.over()
            return
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._failed)

    def _talking(self, talk: StreamProbe) -> tuple[ProbeProtocol, Any]:
        """What talks, and what makes it talk once connected.  Raises CertificateError."""
        tls, where = self.target.tls, self.target.where
        if tls is None:
            protocol = ProbeProtocol(self, talk)
            return protocol, _Once.forProtocol(lambda: protocol)
        context = self._contexts.of(tls, PROTOCOLS.get(self.target.check.kind, ()))
        secrecy = Secrecy(context, tls, where.host)
        secure = SecureProtocol(self, talk, secrecy)
        return secure, TLSMemoryBIOFactory(
            secrecy, True, _Once.forProtocol(lambda: secure), clock=self.reactor
        )

    def _ask_by_name(self, asking: DatagramProbe | EchoProbe) -> None:
        """Have a host asked whose address may have to be looked up."""
        where = self.target.where
        if not where.host:
            self.lacks(f"cannot be probed: {where} takes no datagrams")
            self.over()
            return
        self._protocol = asking
        if isIPAddress(where.host) or isIPv6Address(where.host):
            asking.ask(where.host)
        else:
            self.reactor.nameResolver.resolveHostName(FirstAddress(asking), where.host, where.port)

    def _run_a_program(self) -> None:
        check = self.target.check

        def ended(status: int, output: bytes) -> None:
            self.report(*judge_end(status, output))
            self.over()

        try:
            told = environment(check, self.target.where)
            self._protocol = RunningProgram(self.reactor, check.command, told, ended)
        except OSError as problem:
            self.report(None, f"not probed: {check.command[0]} cannot be started: {problem.strerror}")
            self.over()

    def cancel(self) -> None:
        """Give up without a result (reload, stop)."""
        self._reported = True
        self._cut()

    def report(self, alive: bool | None, reason: str, advice: Advice | None = None) -> None:
        """Say how it went; only the first word counts."""
        if not self._reported:
            self._reported = True
            now = self._clock()
            seen = shown(self._seen) if self._seen else ""
            spent = now - self._began
            made = Result(now, alive, reason, spent, tuple(self._phases), self._octets, seen, advice)
            self._report(made)

    def lacks(self, reason: str) -> None:
        """Nothing could be heard of the server."""
        self.report(None if self.target.check.kind in GUESTS else False, reason)

    def mark(self, phase: str) -> None:
        """A part of it is done."""
        self._phases.append((phase, self._clock() - self._began))
        self.waits_for = "no answer"

    def saw(self, data: bytes) -> None:
        """The server said something."""
        if not self._octets:
            self.mark("answer")
        self._octets += len(data)
        self._seen += data[: SEEN - len(self._seen)]

    @property
    def is_over(self) -> bool:
        """Nobody waits for it any more."""
        return self._over

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
            alive, reason = why(failure)
            if alive is None:
                self.report(None, reason)
            else:
                self.lacks(reason)
        self.over()

    def _too_late(self) -> None:
        timeout = self.target.check.timeout
        if self._clock() - self._due > LATE_SECONDS and not self._was_held_up:
            self._was_held_up = True
            self._timer = self.reactor.callLater(timeout, self._too_late)
            return
        self.lacks(f"{self.waits_for} within {timeout:g}s")
        self._cut()

    def _cut(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._protocol is not None:
            self._protocol.cut()
        self.over()
