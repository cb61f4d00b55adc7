"""Accepting connections: a socket with a deep backlog, and what happens when descriptors run out.

With Twisted's default backlog of 50, thousands of clients at once wait for SYN retries; 4096 holds
them.  Out of descriptors, a listener pauses and leaves the clients in the backlog instead of
accepting and dropping them.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from director.errors import DirectorError, unbound
from director.l7.io.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from director.model.pools import Address

BACKLOG = 4096
ACCEPTS_PER_TURN = 128
"""Connections accepted per turn of the loop, so that running ones get their share."""
PAUSE_SECONDS = 0.1
"""How long accepting rests when it cannot go on."""
QUIET_SECONDS = 5.0
"""How long accepting must not have rested before that is news again: at a limit it rests by the second."""

FREE_BIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
"""IP_FREEBIND and IPV6_FREEBIND, which Python does not name."""
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_log = Logger(namespace="director.listener")


class BindError(DirectorError):
    """An address cannot be listened on; the message says why and what to do.

    Attributes:
        why: the same without the address.
        taken: another program has it, which may let it go.
    """

    def __init__(self, message: str, why: str = "", *, taken: bool = False) -> None:
        super().__init__(message)
        self.why = why or message
        self.taken = taken


def refused(address: Address, error: OSError) -> BindError:
    """What is wrong when binding `address` ended in `error`."""
    why = unbound(error, address.path)
    return BindError(f"cannot listen on {address}: {why}", why, taken=error.errno == errno.EADDRINUSE)


def bound_to(address: Address) -> tuple[str, int]:
    """What a listening address binds, the same for different spellings: `:80` is `0.0.0.0:80`."""
    if address.path or address.endpoint:
        return (os.path.normpath(address.path) if address.path else address.endpoint), 0
    try:
        host = str(ipaddress.ip_address(address.host or "0.0.0.0"))
    except ValueError:
        host = address.host
    return host, address.port


def bind(address: Address, *, free: bool = False, beside: Iterable[socket.socket] = ()) -> socket.socket:
    """A listening, non-blocking socket.  Raises BindError.

    `free` listens on an address that this machine does not have yet (ip(7), IP_FREEBIND).
    `beside` are listeners of ours on the same port that will go: `127.0.0.1:80` may be bound while `:80`
    still listens.  They share the port (socket(7), SO_REUSEPORT) for as long as binding takes, so that
    no other program of ours gets in unnoticed.
    """
    sock = None
    try:
        sock = _unbound(address, free=free)
        if address.path:
            _remove_stale(address.path)
        with _sharing(sock, *beside):
            sock.bind(_target(address))
            sock.listen(BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise refused(address, error) from error
    return sock


def taken(address: Address) -> str:
    """Why `bind` would find that another program has the address, or nothing.

    Nobody can connect meanwhile, and nothing is left behind.
    """
    code: int | None = 0
    try:
        with _unbound(address, free=True) as sock:
            if not address.path:
                sock.bind(_target(address))
            elif sock.connect_ex(address.path) in {0, errno.EAGAIN}:
                code = errno.EADDRINUSE
    except OSError as error:
        code = error.errno
    if code != errno.EADDRINUSE:
        return ""
    return refused(address, OSError(code, os.strerror(code))).why


def _target(address: Address) -> Any:
    return address.path or (address.host, address.port)


def _unbound(address: Address, *, free: bool) -> socket.socket:
    """A socket that may be bound to `address`.  Raises OSError."""
    family = socket.AF_UNIX if address.path else socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # So that `:80` and `[::]:80` can stand side by side.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if free and family in FREE_BIND:
        sock.setsockopt(*FREE_BIND[family], 1)
    return sock


@contextlib.contextmanager
def _sharing(sock: socket.socket, *others: socket.socket) -> Iterator[None]:
    """Let `sock` be bound to the port of `others`."""
    alike = (sock, *others) if others else ()
    for one in alike:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        yield
    finally:
        for one in alike:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody listens on any more."""
    if Path(path).is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(path) == errno.ECONNREFUSED:
                Path(path).unlink(missing_ok=True)


@implementer(IReadDescriptor)
class Listener:
    """A listening socket that makes a client side for each connection.

    `accept(stream, peer_address, own_address)` is called for each; `room()` takes a place for one more, if
    there is one, and `nobody()` gives it back when nobody came.
    """

    def __init__(
        self,
        reactor: Any,
        sock: socket.socket,
        accept: Callable[[Stream, Any, Any], None],
        room: Callable[[], bool],
        nobody: Callable[[], object] = lambda: None,
        *,
        own: bool = True,
    ) -> None:
        """`own`: the path of a unix socket goes with it; else it is another process's."""
        self.reactor = reactor
        self.socket = sock
        self.own = own
        self._accept = accept
        self._room = room
        self._nobody = nobody
        self.accepted = 0
        self.error = ""
        self.pauses = 0
        self._tcp = sock.family != socket.AF_UNIX
        self._resumption: Any = None
        self._quiet: Any = None
        self._pauses_before = 0

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self.socket.fileno()

    def logPrefix(self) -> str:
        """A name for log lines."""
        return "listener"

    def start(self) -> None:
        """Begin to accept."""
        self.reactor.addReader(self)

    def hand_over(
        self,
        accept: Callable[[Stream, Any, Any], None],
        room: Callable[[], bool],
        nobody: Callable[[], object],
    ) -> None:
        """From now on what is accepted belongs to another service; nobody who connects notices."""
        self._accept = accept
        self._room = room
        self._nobody = nobody

    def doRead(self) -> None:
        """Accept what waits, up to `ACCEPTS_PER_TURN`."""
        why = self._take(ACCEPTS_PER_TURN)
        if why:
            self._pause(why)

    def _take(self, most: int) -> str:
        """Accept up to `most` connections that wait; why it cannot go on, or ""."""
        for _ in range(most):
            if not self._room():
                return "the limit of client connections is reached"
            try:
                sock, peer = self.socket.accept()
            except (BlockingIOError, InterruptedError):
                self._nobody()
                break
            except OSError as error:
                self._nobody()
                if error.errno in _EXHAUSTED:
                    return os.strerror(error.errno or 0)
                continue
            self.accepted += 1
            sock.setblocking(False)
            if self._tcp:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accept(Stream(self.reactor, sock), peer, sock.getsockname())
        return ""

    def _pause(self, why: str) -> None:
        """Leave clients in the backlog for a moment; say so once, and once when it is over."""
        if self._quiet is not None:
            self._quiet.reset(QUIET_SECONDS)
        else:
            self._pauses_before = self.pauses
            self._quiet = self.reactor.callLater(QUIET_SECONDS, self._was_quiet)
            _log.warn(
                "{why}: accepting rests, clients wait in the backlog. "
                "Raise LimitNOFILE or max_connections if this lasts.",
                why=why,
            )
        self.pauses += 1
        self.reactor.removeReader(self)
        self._resumption = self.reactor.callLater(PAUSE_SECONDS, self._resume)

    def _was_quiet(self) -> None:
        self._quiet = None
        _log.info(
            "accepting goes on without rests for {quiet:g}s; it rested {count} time(s)",
            quiet=QUIET_SECONDS,
            count=self.pauses - self._pauses_before,
        )

    def _resume(self) -> None:
        self._resumption = None
        self.reactor.addReader(self)

    def connectionLost(self, reason: object) -> None:
        """The reactor stops."""
        self.close()

    def close(self) -> None:
        """Stop listening; connections that are there live on, also those still in the backlog.

        The kernel has answered those: closed upon, they would be reset, whatever they asked.
        """
        for timer in (self._resumption, self._quiet):
            if timer is not None:
                timer.cancel()
        self._resumption = self._quiet = None
        if self.socket.fileno() != -1:
            self.reactor.removeReader(self)
            self._take(BACKLOG)
            path = self.socket.getsockname() if self.own and not self._tcp else ""
            self.socket.close()
            if path:
                with contextlib.suppress(OSError):
                    Path(path).unlink()
