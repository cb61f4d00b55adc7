"""Connections in memory, and what a network does to octets: it keeps them waiting, in order, and in pieces.

An `End` is a socket as the shells use one (non-blocking, with the errors of Linux), and as the players use
one: who plays a client or a server is told by calls instead (`Watcher`).  What is sent arrives after the
latency of the connection, cut where its chance says so; no more is on the way than its window.  A FIN and a
reset travel like octets.  Who closes on unread octets resets (RFC 2525 2.17), and what arrives at a closed
end is answered by a reset (RFC 9293 3.5.2).  A reset leaves what was received before it to be read (Linux).
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from attrs import frozen

WINDOWS = (65536, 65536, 1 << 20)
"""Octets of one direction that were sent and not read yet; each connection has one of them."""
READ = 65536
"""What a player takes at once."""
LATENCIES = (0.0001, 0.001, 0.004, 0.02)
"""Seconds from one end of a connection to the other; each connection has one of them."""
CUTS = (0, 0, 0, 1, 7, 100, 1400)
"""How long the pieces are in which octets arrive, 0 = whole; each connection has one of them."""
PIECES = 12
"""Pieces at most of what was sent in one call."""


class Clock(Protocol):
    """The loop, as connections see it."""

    def seconds(self) -> float:
        """Now."""

    def at(self, time: float, act: Callable[..., object], *arguments: Any) -> None:
        """Do it then."""

    def after(self, seconds: float, act: Callable[..., object], *arguments: Any) -> None:
        """Do it so much later."""

    def changed(self, number: int) -> None:
        """A descriptor may be ready."""

    def was_reset(self, number: int) -> None:
        """A connection was reset."""

    @property
    def is_held(self) -> bool:
        """The director's process stands still."""

    def when_free(self, act: Callable[..., object]) -> None:
        """Do it when the process goes on."""


class Wiring(Protocol):
    """The network, as connections see it."""

    loop: Clock

    def take_number(self, one: Any) -> int:
        """A descriptor."""

    def give_back(self, one: Any) -> None:
        """It is closed."""

    def connect(self, end: End, target: Any) -> None:
        """SYN."""


class Watcher(Protocol):
    """Who is told by calls."""

    def received(self, data: bytes) -> None:
        """Octets came."""

    def ended(self) -> None:
        """The peer sent FIN."""

    def lost(self) -> None:
        """The peer reset the connection."""

    def writable(self) -> None:
        """There is room for octets again."""


@frozen
class Cable:
    """What is between the two ends of a connection."""

    latency: float = LATENCIES[0]
    cut: int = 0
    window: int = WINDOWS[0]

    @classmethod
    def drawn(cls, chance: Random) -> Cable:
        """One of many."""
        return cls(chance.choice(LATENCIES), chance.choice(CUTS), chance.choice(WINDOWS))


class End:
    """One end of a connection.

    Attributes:
        number: its descriptor, -1 once closed.
        own: it is the director's.
        ended: the peer's FIN is here.  broken: its reset is, or the connect failed.
        shut: our own FIN was sent.
        arrived: octets that came in all; `answered_for` is how many had come when this end ended its side.
        reads: a watcher that takes nothing for now sets it to False.
    """

    def __init__(self, network: Wiring, family: int = socket.AF_INET, *, own: bool = False) -> None:
        self.network = network
        self.loop = network.loop
        self.family = socket.AddressFamily(family)
        self.own = own
        self.number = network.take_number(self)
        self.peer: End | None = None
        self.wire = Cable()
        self.own_name: Any = ("", 0)
        self.peer_name: Any = ("", 0)
        self.watcher: Watcher | None = None
        self.connecting = False
        self.ended = self.broken = self.shut = False
        self.reads = True
        self.arrived = 0
        self.answered_for: int | None = None
        self._inbox: deque[bytes] = deque()
        self._error = 0
        self._out = 0
        self._clear_at = 0.0
        self._resets = False

    # -- as the loop sees it --

    @property
    def readable(self) -> bool:
        """A read would say something."""
        return bool(self._inbox) or self.ended or (self.broken and not self.connecting)

    @property
    def writable(self) -> bool:
        """A write would."""
        return not self.connecting and self.peer is not None and self._out < self.wire.window

    @property
    def held(self) -> int:
        """Octets that came and were not read."""
        return sum(map(len, self._inbox))

    # -- as the shells use it --

    def fileno(self) -> int:
        """The descriptor."""
        return self.number

    def setblocking(self, _flag: bool) -> None:
        """It never blocks."""

    def getsockname(self) -> Any:
        """Our address."""
        return self.own_name

    def getpeername(self) -> Any:
        """The other's."""
        return self.peer_name

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Of all options only the reset on close is heard."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self._resets = True

    def getsockopt(self, _level: int, _option: int) -> int:
        """SO_ERROR."""
        code, self._error = self._error, 0
        return code

    def connect_ex(self, target: Any) -> int:
        """Begin to connect."""
        self.connecting = True
        self.network.connect(self, target)
        return errno.EINPROGRESS

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What came, no more than `size`."""
        self._be_open()
        if not self._inbox:
            return self._nothing()
        data = self._inbox[0][:size]
        if flags & socket.MSG_PEEK:
            return data
        rest = self._inbox.popleft()[size:]
        if rest:
            self._inbox.appendleft(rest)
        while not rest and self._inbox and len(data) + len(self._inbox[0]) <= size:
            data += self._inbox.popleft()
        self._make_room(len(data))
        return data

    def _nothing(self) -> bytes:
        if self.broken and self._error:
            code, self._error = self._error, 0
            raise OSError(code, os.strerror(code))
        if self.ended or self.broken:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing is here")

    def send(self, data: Any) -> int:
        """Send what there is room for."""
        self._be_open()
        if self.broken or self.shut or self.peer is None:
            raise BrokenPipeError(errno.EPIPE, "the connection was reset")
        size = min(len(data), self.wire.window - self._out)
        if size <= 0:
            raise BlockingIOError(errno.EAGAIN, "the peer does not read")
        octets = bytes(data[:size])
        self._out += size
        cut = max(self.wire.cut, -(-size // PIECES)) if self.wire.cut else size
        for start in range(0, size, cut):
            self._travel(self.peer.deliver, octets[start : start + cut])
        return size

    def shutdown(self, _how: int) -> None:
        """Send FIN."""
        if self.broken or self.peer is None:
            raise OSError(errno.ENOTCONN, "not connected")
        self._fin()

    def close(self) -> None:
        """End it: by a FIN, or by a reset."""
        if self.number == -1:
            return
        if self.peer is not None and not self.broken:
            if self._resets or self._inbox:
                self._cease()
                self._travel(self.peer.reset)
            else:
                self._fin()
        self.network.give_back(self)
        self.number = -1

    def _cease(self) -> None:
        if self.answered_for is None:
            self.answered_for = self.arrived

    def _fin(self) -> None:
        if not self.shut and self.peer is not None:
            self.shut = True
            self._cease()
            self._travel(self.peer.end_of_input)

    def _be_open(self) -> None:
        if self.number == -1:
            raise OSError(errno.EBADF, "the socket is closed")

    # -- as players use it --

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of everything from now on."""
        self.watcher = watcher
        if self._inbox or self.ended or self.broken:
            self.loop.after(0.0, self.tell)

    def pause(self) -> None:
        """Take nothing."""
        self.reads = False

    def go_on(self) -> None:
        """Take again what comes."""
        self.reads = True
        self.loop.after(0.0, self.tell)

    def abort(self) -> None:
        """Reset it."""
        self._resets = True
        self.close()

    def tell(self) -> None:
        """Tell the watcher what is here; the director's own hear nothing while its process stands still."""
        if self.own and self.loop.is_held:
            self.loop.when_free(self.tell)
            return
        while self._inbox and self.reads and self.number != -1 and self.watcher is not None:
            self.watcher.received(self.recv(READ))
        watcher = self.watcher
        if self.number == -1 or watcher is None or not self.reads:
            return
        if self.broken:
            self.watcher = None
            watcher.lost()
        elif self.ended and not self._inbox and self.reads:
            self.watcher = _Deaf(watcher)
            watcher.ended()

    # -- what arrives --

    def _travel(self, arrive: Callable[..., None], *what: Any) -> None:
        """Behind everything that is on the way already."""
        time = self._clear_at = max(self._clear_at, self.loop.seconds() + self.wire.latency)
        self.loop.at(time, arrive, *what)

    def _make_room(self, octets: int) -> None:
        peer = self.peer
        if peer is not None:
            self.loop.after(self.wire.latency, peer.room, octets)

    def room(self, octets: int) -> None:
        """So many octets were read at the other end."""
        was_full = self._out >= self.wire.window
        self._out -= octets
        if was_full and self.number != -1:
            if self.watcher is not None:
                self.watcher.writable()
            else:
                self.loop.changed(self.number)

    def deliver(self, octets: bytes) -> None:
        """Octets are here."""
        if self.number == -1:
            if self.peer is not None and not self.broken:
                self.broken = True
                self._travel(self.peer.reset)
            return
        if self.broken:
            return
        self.arrived += len(octets)
        self._inbox.append(octets)
        self._notify()

    def end_of_input(self) -> None:
        """FIN is here."""
        if self.number != -1 and not self.broken:
            self.ended = True
            self._notify()

    def reset(self, code: int = errno.ECONNRESET) -> None:
        """A reset is here."""
        if self.number == -1 or self.broken:
            return
        self.broken = True
        self._error = code
        self._cease()
        if self.watcher is not None:
            self.tell()
        else:
            self.loop.was_reset(self.number)

    def established(self, peer: End) -> None:
        """The connect succeeded."""
        if self.number == -1:
            self.peer = peer
            self._travel(peer.reset)
            return
        self.peer = peer
        self.connecting = False
        if self.watcher is not None:
            self.watcher.writable()
        else:
            self.loop.changed(self.number)

    def failed(self, code: int) -> None:
        """It did not."""
        if self.number != -1:
            self.broken = True
            self._error = code
            self._notify()

    def _notify(self) -> None:
        if self.watcher is not None:
            self.tell()
        else:
            self.loop.changed(self.number)


class _Deaf:
    """A watcher that has heard of the end: only a reset is news."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def received(self, _data: bytes) -> None:
        """Behind an end nothing comes."""

    def ended(self) -> None:
        """It knows."""

    def lost(self) -> None:
        """The peer reset the connection."""
        self._watcher.lost()

    def writable(self) -> None:
        """There is room for octets again."""
        self._watcher.writable()
