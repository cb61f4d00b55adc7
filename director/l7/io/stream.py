"""One TCP or unix connection on the reactor, with writes tried at once.

Twisted's own transport queues every write and comes back for it: two `epoll_ctl` and a turn of the
loop per message.  A `Stream` sends at once when nothing is queued and queues only what the socket
did not take, so that order, half-close and back-pressure keep their meaning.  It works on any
reactor with `IReactorFDSet`.  One that stands for the kernel as well (a simulated one) makes its sockets and
looks at them itself: `socket`, `poll` and `pipes` of the reactor, where it has them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
from collections import deque
from typing import Any, Protocol

from twisted.internet.interfaces import IHalfCloseableDescriptor, IReadWriteDescriptor
from zope.interface import implementer

from director.l7.io.pipes import PIPE_OCTETS, Pipe, pipes

SMALL_READ = 16384
"""Octets read at once while messages are small: enough for any head, cheap to allocate."""
LARGE_READ = 262144
"""Octets read at once while a body is streaming: fewer turns, and the copy is still in cache."""
HIGH_WATER = 131072
"""Octets queued for writing at which the other side is paused; it goes on when the queue is empty."""

_RESET = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """What a stream tells its owner."""

    def received(self, data: bytes) -> None:
        """Octets came."""

    def ended(self) -> None:
        """The peer sent FIN; writing still works."""

    def lost(self, reason: str) -> None:
        """The connection is gone; called once, and last."""

    def blocked(self) -> None:
        """More is queued than `HIGH_WATER`: produce no more."""

    def drained(self) -> None:
        """The queue is empty again."""

    def wanted(self) -> int:
        """Octets that are welcome at once, asked after a read that was full."""

    def passage(self) -> tuple[Stream | None, int]:
        """Where octets may go unread from here, and how many; asked while large reads are full."""

    def passed(self, size: int) -> None:
        """So many went there."""


@implementer(IReadWriteDescriptor, IHalfCloseableDescriptor)
class Stream:
    """A connected (or connecting) socket.

    Attributes:
        is_blocked: the owner was told to stop and not yet to go on.
        progress: counts octets that left, so that a stall can be told from slowness.
        spliced: those of them that the kernel moved.
        reads_on: a write that fails says nothing of what is still to be read.  A server may answer early and
            close with the request unread, which resets the connection: its answer is read to the end first.
    """

    __slots__ = (
        "_closing", "_ended", "_ending", "_error", "_hang_ups", "_queue", "_queued", "_read_size", "_reading",
        "_recv", "_send", "_writing", "connecting", "is_blocked", "owner", "progress", "reactor", "reads_on",
        "socket", "spliced",
    )  # fmt: skip

    def __init__(
        self, reactor: Any, sock: socket.socket, owner: Owner | None = None, *, connecting: bool = False
    ) -> None:
        self.reactor = reactor
        self.socket: socket.socket | None = sock
        self.owner: Any = owner
        self.connecting = connecting
        self.is_blocked = False
        self.progress = self.spliced = 0
        self.reads_on = False
        self._recv = sock.recv
        self._send = sock.send
        self._queue: deque[memoryview | Pipe] = deque()
        self._queued = 0
        self._read_size = SMALL_READ
        self._reading = False
        self._writing = False
        self._closing = False
        self._ending = False
        self._ended = False
        self._hang_ups: Any = None
        self._error = ""

    # -- what the reactor asks for --

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self.socket.fileno() if self.socket is not None else -1

    def logPrefix(self) -> str:
        """A name for log lines."""
        return "stream"

    def doRead(self) -> None:
        """Octets, an end or an error are there."""
        if self.connecting:
            self.doWrite()
            return
        if self._read_size > LARGE_READ and self._pass_on():
            return
        # Called by a local name, because a call through a slot is slow (CPython 3.11).
        recv = self._recv
        try:
            data = recv(self._read_size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.fail(words(error))
            return
        size = len(data)
        if size:
            self.owner.received(data)
            if size < SMALL_READ:
                self._read_size = SMALL_READ
            elif size == LARGE_READ:
                self._read_size = PIPE_OCTETS
            elif self.socket is not None:
                self._read_size = min(max(self.owner.wanted(), SMALL_READ), LARGE_READ)
        elif self._error:
            # The reset was told to a write: this is its end, not a clean one.
            self.fail(self._error)
        elif self.socket is not None:
            self._peer_ended()

    def _pass_on(self) -> bool:
        """Let the kernel move what is here to whom it is for.  False: it must be read, for now."""
        self._read_size = LARGE_READ
        target, most = self.owner.passage()
        if target is None or most < LARGE_READ or not target.is_clear:
            return False
        try:
            pipe = getattr(self.reactor, "pipes", pipes).draw(self.fileno(), most)
        except OSError as error:
            self.fail(words(error))
            return True
        if pipe is None:
            return False
        size = pipe.size
        if size >= SMALL_READ:
            self._read_size = PIPE_OCTETS
        target.pour(pipe)
        self.owner.passed(size)
        return True

    @property
    def is_clear(self) -> bool:
        """All that was written has left, and more may follow."""
        return not (self._queue or self._error or self.socket is None)

    def pour(self, pipe: Pipe) -> None:
        """Send what is in a pipe, before which nothing is queued; what the socket does not take is."""
        try:
            sent = pipe.empty_into(self.fileno())
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            pipe.give_back()
            self._write_failed(words(error))
            return
        self.progress += sent
        self.spliced += sent
        if not pipe.size:
            pipe.give_back()
            return
        self._queue.append(pipe)
        self._queued += pipe.size
        self._want_to_write()
        if not self.is_blocked:
            self.is_blocked = True
            self.owner.blocked()

    def _peer_ended(self) -> None:
        """The peer sent FIN.  Who goes on after it wants to know of a reset, though nothing is read."""
        self.pause()
        self._ended = True
        self.owner.ended()
        watch = getattr(self.reactor, "watch_end", None)
        if watch is not None and self.socket is not None:
            self._hang_ups = watch(self)

    def doWrite(self) -> None:
        """The socket takes octets again, or the connect has an outcome."""
        if self._error or self.socket is None:
            self.fail(self._error)
            return
        if self.connecting and not self._connected():
            return
        while self._queue:
            piece = self._queue[0]
            try:
                sent = piece.empty_into(self.fileno()) if isinstance(piece, Pipe) else self._send(piece)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._write_failed(words(error))
                return
            self.progress += sent
            self._queued -= sent
            if isinstance(piece, Pipe):
                self.spliced += sent
                if piece.size:
                    return
                piece.give_back()
            elif sent < len(piece):
                self._queue[0] = piece[sent:]
                return
            self._queue.popleft()
        self._flushed()

    def _connected(self) -> bool:
        assert self.socket is not None  # noqa: S101 - only called while the socket is there
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.fail(words(OSError(code, os.strerror(code))))
            return False
        self.connecting = False
        self.resume()
        self.owner.connected()
        return self.socket is not None

    def _flushed(self) -> None:
        """All is written: tell the owner, or carry out an end or a close that waited for it."""
        if self._writing and not self._queue:
            self._writing = False
            self.reactor.removeWriter(self)
        if self._closing:
            self._shut("")
            return
        if self._ending:
            self._ending = False
            self._shutdown()
        if self.is_blocked:
            self.is_blocked = False
            self.owner.drained()

    def readConnectionLost(self, reason: object) -> None:
        """The reactor saw a hang-up while reading."""
        self.connectionLost(reason)

    def writeConnectionLost(self, reason: object) -> None:
        """Nothing to do: errors of writing come through `doWrite`."""

    def connectionLost(self, reason: object) -> None:
        """The reactor saw an error, or stops."""
        if self.connecting and self.socket is not None:
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.fail(words(OSError(code, os.strerror(code))) if code else "connection reset")
        elif self.reads_on and not (self._reading or self._ended):
            # Paused: what came before the end is read when the owner goes on.
            self._write_failed("connection reset")
        else:
            self.fail("connection reset")

    def _write_failed(self, why: str) -> None:
        """Nothing can be sent any more.  Told from the loop, not from inside the owner's own call."""
        self._error = why
        if not self.reads_on:
            self._want_to_write()
            return
        self._drop_queue()
        if self._writing:
            self._writing = False
            self.reactor.removeWriter(self)
        if self.is_blocked:
            self.is_blocked = False
            self.owner.drained()

    # -- what owners ask for --

    def write(self, data: bytes) -> None:
        """Send now what the socket takes; queue the rest in order."""
        if self._queue or self.connecting or self._error or self.socket is None:
            self._enqueue(memoryview(data))
            return
        send = self._send
        try:
            sent = send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._write_failed(words(error))
            return
        self.progress += sent
        if sent < len(data):
            self._enqueue(memoryview(data)[sent:])

    def _enqueue(self, piece: memoryview) -> None:
        if self.socket is None or self._error:
            return
        self._queue.append(piece)
        self._queued += len(piece)
        self._want_to_write()
        if self._queued > HIGH_WATER and not self.is_blocked:
            self.is_blocked = True
            self.owner.blocked()

    def _drop_queue(self) -> None:
        for piece in self._queue:
            if isinstance(piece, Pipe):
                piece.give_back()
        self._queue.clear()
        self._queued = 0

    def _want_to_write(self) -> None:
        if not self._writing:
            self._writing = True
            self.reactor.addWriter(self)

    def wait_for_connect(self) -> None:
        """Watch for the outcome of a connect under way."""
        self._want_to_write()

    def pause(self) -> None:
        """Stop reading."""
        if self._reading:
            self._reading = False
            self.reactor.removeReader(self)

    def resume(self) -> None:
        """Read (again); behind the peer's FIN there is nothing to read."""
        if not (self._reading or self._ended) and self.socket is not None:
            self._reading = True
            self.reactor.addReader(self)

    def read_now(self) -> None:
        """Take what came and was not read yet, without waiting for a turn of the loop."""
        if self._reading and not self.connecting:
            self.doRead()

    def has_hung_up(self) -> bool:
        """The peer has sent its FIN or a reset, which nobody noticed because nothing is read."""
        if self.socket is None:
            return False
        poller = getattr(self.reactor, "poll", select.poll)()
        poller.register(self.socket, select.POLLRDHUP)
        return bool(poller.poll(0))

    def read_to_end(self) -> None:
        """Take all that came, though paused: the peer's end stands behind it, so that is a buffer at most."""
        while self.socket is not None and not self._ended:
            try:
                data = self._recv(LARGE_READ)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.fail(words(error))
                return
            if data:
                self.owner.received(data)
            else:
                self._peer_ended()

    def end(self) -> None:
        """Send FIN behind what is queued; reading goes on."""
        if self._queue:
            self._ending = True
        else:
            self._shutdown()

    def close(self) -> None:
        """Close behind what is queued."""
        if self._queue and not self._error:
            self._closing = True
        else:
            self._shut("")

    def abort(self) -> None:
        """Reset the connection now; what is queued is dropped."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._shut("")

    def waiting(self) -> bytes | None:
        """What waits to be read, without taking it: its first octet, nothing behind an end, None for none."""
        if self.socket is None or self._error:
            return b""
        try:
            return self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def fail(self, reason: str) -> None:
        """Close because of an error, and say so to the owner."""
        self._shut(reason or "connection reset")

    def _shutdown(self) -> None:
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def _shut(self, reason: str) -> None:
        sock = self.socket
        if sock is None:
            return
        self.pause()
        if self._writing:
            self._writing = False
            self.reactor.removeWriter(self)
        if self._hang_ups is not None:
            self._hang_ups.forget(self)
        self.socket = None
        self._drop_queue()
        sock.close()
        owner, self.owner = self.owner, None
        del self._recv, self._send
        if owner is not None:
            owner.lost(reason)


_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.ETIMEDOUT: "connect timed out",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network unreachable",
    errno.ENOENT: "no such socket",
    errno.EMFILE: "out of file descriptors",
    errno.ENFILE: "out of file descriptors",
    errno.EADDRNOTAVAIL: "out of local ports",
}


def words(error: OSError) -> str:
    """An error in words that are the same everywhere."""
    return _WORDS.get(error.errno or 0) or (os.strerror(error.errno) if error.errno else str(error))
