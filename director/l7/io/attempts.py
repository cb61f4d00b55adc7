"""One connection to a name with several addresses: the first that answers (RFC 8305, without its sorting).

An address that refuses gives way to the next at once, one that does not answer shares the try with the
next after `STAGGER_SECONDS`.  So a dead address of a living server costs a moment, not the try, and its
name remembers it for a while.  `Attempts` knows streams and addresses, not what they are for.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from director.l7.io.stream import Stream, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.manner import Manner
    from director.l7.io.resolver import Addresses, HostAddress, Resolver

STAGGER_SECONDS = 0.1
"""How long one address is waited for alone: the least that RFC 8305 8 recommends, for servers nearby."""
ADDRESSES_TRIED = 8
"""Addresses tried for one connection, which bounds what one request can have open."""


def open_stream(
    reactor: Any, family: socket.AddressFamily, target: Any, owner: Any, manner: Manner | None = None
) -> Stream:
    """A stream that is connecting; `owner` hears of the outcome later, never now.  Raises OSError.

    With a `manner` it begins with a PROXY header, TLS, or both, and is connected when these are done.
    """
    sock = getattr(reactor, "socket", socket.socket)(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = (
        Stream(reactor, sock, owner, connecting=True)
        if manner is None
        else manner.stream(reactor, sock, owner)
    )
    stream.reads_on = True
    code = sock.connect_ex(target)
    if code in (0, errno.EINPROGRESS):
        stream.wait_for_connect()
    else:
        reactor.callLater(0, stream.fail, words(OSError(code, "")))
    return stream


def literal_family(host: str) -> socket.AddressFamily | None:
    """The family of an address literal; None for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            continue
        return family
    return None


class Attempts:
    """Connects to one of `addresses`.

    Exactly one of these is called, and not before `start` has returned: `connected(stream, address)` with
    the stream that won, whose owner is the callee's to set; `failed(reason)` with the last reason.
    """

    def __init__(
        self,
        reactor: Any,
        resolver: Resolver,
        addresses: Addresses,
        port: int,
        connected: Callable[[Stream, HostAddress], None],
        failed: Callable[[str], None],
        manner: Manner | None = None,
    ) -> None:
        self._manner = manner
        self._reactor = reactor
        self._resolver = resolver
        self._left = list(addresses[:ADDRESSES_TRIED])
        self._port = port
        self._connected = connected
        self._failed = failed
        self._running: dict[HostAddress, tuple[Stream, float]] = {}
        self._timer: Any = None
        self._over = False

    def start(self) -> None:
        """Try the first address, or the next one."""
        self._stop_timer()
        address = self._left.pop(0)
        target = (address.literal, self._port)
        try:
            owner = _Attempt(self, address)
            stream = open_stream(self._reactor, address.family, target, owner, self._manner)
        except OSError as error:
            # Ours, not the address's: the others would fare no better.
            self._left.clear()
            if not self._running:
                self._reactor.callLater(0, self._end, words(error))
            return
        self._running[address] = stream, self._reactor.seconds()
        if self._left:
            self._timer = self._reactor.callLater(STAGGER_SECONDS, self.start)

    def give_up(self) -> None:
        """Nobody waits any more; `failed` is called."""
        self._end("given up")

    def won(self, address: HostAddress) -> None:
        """One is connected: end the others."""
        self._over = True
        stream, _ = self._running.pop(address)
        self._abort_others()
        self._connected(stream, address)

    def lost(self, address: HostAddress, reason: str) -> None:
        """One failed: go on with the next, or with those that are under way."""
        del self._running[address]
        self._resolver.avoid(address)
        if self._left:
            self.start()
        elif not self._running:
            self._end(reason)

    def _end(self, reason: str) -> None:
        self._abort_others()
        if not self._over:
            self._over = True
            self._failed(reason)

    def _abort_others(self) -> None:
        self._stop_timer()
        self._left.clear()
        now = self._reactor.seconds()
        running, self._running = self._running, {}
        for address, (stream, began) in running.items():
            if now - began >= STAGGER_SECONDS:
                self._resolver.avoid(address)
            stream.owner = None
            stream.abort()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


class _Attempt:
    """What one connecting stream tells."""

    __slots__ = ("_address", "_attempts")

    def __init__(self, attempts: Attempts, address: HostAddress) -> None:
        self._attempts = attempts
        self._address = address

    def connected(self) -> None:
        """The server answered."""
        self._attempts.won(self._address)

    def lost(self, reason: str) -> None:
        """It did not."""
        self._attempts.lost(self._address, reason)
