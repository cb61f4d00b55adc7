"""An ICMP echo as a probe: one raw socket, connected to the host that is asked."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from director.health.probes import icmp

_LARGEST = 4096


@implementer(IReadDescriptor)
class Echo:
    """One echo request under way.

    `answered(alive, reason)` is called at most once, from the loop.  Raises OSError when there can be no
    socket, or no way to the host.
    """

    def __init__(self, reactor: Any, host: str, answered: Callable[[bool, str], None]) -> None:
        version = 6 if ":" in host else 4
        family, protocol = (
            (socket.AF_INET6, socket.IPPROTO_ICMPV6)
            if version == 6
            else (socket.AF_INET, socket.IPPROTO_ICMP)
        )
        self._reactor = reactor
        self._answered = answered
        self._asked = icmp.request(version, secrets.randbits(16), secrets.token_bytes(16))
        self._socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        try:
            self._socket.connect((host, 0))
            self._socket.send(self._asked)
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """A name for log lines."""
        return "check"

    def doRead(self) -> None:
        """A packet from that host, perhaps for somebody else."""
        try:
            packet = self._socket.recv(_LARGEST)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(False, os.strerror(error.errno or errno.EIO).lower())
            return
        judgement = icmp.judge(self._asked, packet)
        if judgement is not None:
            self._end(*judgement)

    def connectionLost(self, reason: object) -> None:
        """The reactor saw an error of the socket: reading says which."""
        self.doRead()

    def _end(self, alive: bool, reason: str) -> None:
        self.cut()
        self._answered(alive, reason)

    def cut(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._reactor.removeReader(self)
            self._socket.close()
