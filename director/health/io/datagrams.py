"""What is not a connection: one datagram, or one ICMP echo, and what comes back from there."""

from __future__ import annotations

import errno
import secrets
from typing import Any

from twisted.internet import error
from twisted.internet.abstract import isIPv6Address
from twisted.internet.interfaces import IResolutionReceiver
from twisted.internet.protocol import DatagramProtocol
from zope.interface import implementer

from director.health.io.echo import Echo
from director.health.probes.base import Reporter
from director.health.probes.kinds import datagram, judge_datagram

OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the server."""


class DatagramProbe(DatagramProtocol):
    """One datagram out, and what comes back from there."""

    transport: Any = None

    def __init__(self, probe: Reporter) -> None:
        self.probe = probe
        self._question = datagram(probe.target.check, secrets.randbits(16))
        self._host = ""

    def ask(self, host: str) -> None:
        """Send it to an address literal; the kernel hands on only what comes from there."""
        self._host = host
        try:
            self.probe.reactor.listenUDP(0, self, interface="::" if isIPv6Address(host) else "")
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
        self.probe.saw(datagram)
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

    def _end(self, alive: bool | None, reason: str) -> None:
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

    def __init__(self, probe: Reporter) -> None:
        self.probe = probe
        self._echo: Echo | None = None

    def ask(self, host: str) -> None:
        """Send it to an address literal."""
        try:
            self._echo = Echo(self.probe.reactor, host, self._answered)
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
class FirstAddress:
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
