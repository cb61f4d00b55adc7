"""Packet ports: frames of one interface in and out, for the reactor and for tests.

`PacketPort` is the real one, a Twisted read descriptor over `tpacket.PacketSocket`;
`MemoryPacketPort` is its twin for tests without privileges, and passes the same tests.
A port knows no forwarder: it calls `receive(frame, ifindex, now, offload)` for each frame
and is told what to send.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Protocol

from attrs import define
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from director.l4.io.packet.filter import Instruction
from director.l4.io.packet.tpacket import PacketSocket, RingSize
from director.l4.io.packet.transmit import LARGEST, Sending, TransmitRing

BATCH = 256
"""Frames taken per turn of the reactor, so that layer 7 and timers are never starved."""
FLUSH = 32
"""Frames sent together at most: more would save little and make the first of them late."""

ETHERNET = 14
NOTHING: list[Instruction] = [(6, 0, 0, 0)]
"""A filter that accepts no frame."""

Receive = Callable[[bytearray, int, float, bytes], None]


@define
class PortCounters:
    """What went through a port; every drop has its own name."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    dropped_ring_full: int = 0
    dropped_truncated: int = 0
    dropped_foreign_vlan: int = 0
    dropped_send_full: int = 0
    dropped_send_too_big: int = 0
    dropped_send_failed: int = 0
    failed_frames: int = 0


class Port(Protocol):
    """What the director needs of a port."""

    ifindex: int
    interface: str
    mtu: int
    counters: PortCounters

    def start(self) -> None:
        """Begin to read."""

    def transmit(self, frame: bytes | bytearray, offload: bytes = b"") -> bool:
        """Send one Ethernet frame, at the latest when the turn ends; False when it could not be.

        What fails later than that is counted only.
        """

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter."""

    def refresh(self) -> None:
        """Bring the counters that the kernel keeps up to date."""

    def close(self) -> None:
        """Stop reading and give everything back."""


class Turn:
    """One port's turn to read, known to all: what is sent meanwhile is flushed at its end."""

    def __init__(self) -> None:
        self.open = False
        self._waiting: list[PacketPort] = []

    def later(self, port: PacketPort) -> None:
        """`port` has frames to flush."""
        self._waiting.append(port)

    def end(self) -> None:
        """Flush what was sent during the turn."""
        self.open = False
        for port in self._waiting:
            port.flush()
        self._waiting.clear()


_REASONS = {
    errno.ENOBUFS: "dropped_send_full",
    errno.EAGAIN: "dropped_send_full",
    errno.EMSGSIZE: "dropped_send_too_big",
}


def count_send_error(counters: PortCounters, code: int | None, count: int = 1) -> None:
    """Add `count` to the counter that names errno `code` of a send."""
    name = _REASONS.get(code or 0, "dropped_send_failed")
    setattr(counters, name, getattr(counters, name) + count)


@implementer(IReadDescriptor)
class PacketPort:
    """A packet socket on the reactor."""

    _log = Logger()

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: Callable[[], float],
        interface: str,
        ifindex: int,
        *,
        receive: Receive,
        program: list[Instruction],
        mtu: int = 1500,
        size: RingSize | None = None,
        first: RingSize | None = None,
        turn: Turn | None = None,
    ) -> None:
        """Opens the socket, so it raises OSError like `PacketSocket`; reads after `start`.

        The ring is as small as `first`, if that is given, until the first frames have come.  What is needed
        to send many is opened for the first of them.  Ports that send for one another share a `turn`.
        """
        self.interface = interface
        self.ifindex = ifindex
        self.counters = PortCounters()
        self._reactor = reactor
        self._clock = clock
        self._receive = receive
        self.mtu = mtu
        self._turn = turn or Turn()
        self._size = size or RingSize.for_mtu(mtu)
        self._program = program
        self._grows = first is not None
        self._dropped = 0
        self._socket = PacketSocket(interface, program, first or self._size)
        self._out: TransmitRing | None = None
        self._small = min(LARGEST, mtu + ETHERNET)
        self._waiting: list[Sending] = []
        self._reading = False

    def start(self) -> None:
        """Begin to read."""
        self._reading = True
        self._socket.clear_error()
        self._reactor.addReader(self)

    def fileno(self) -> int:
        """For the reactor."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """For the reactor."""
        return f"packets of {self.interface}"

    def doRead(self) -> None:
        """Hand a bounded batch of frames to `receive`; a frame that raises costs only itself."""
        now, receive, ifindex = self._clock(), self._receive, self.ifindex
        frames = octets = 0
        self._turn.open = True
        for frame, offload in self._socket.frames(BATCH):
            frames += 1
            octets += len(frame)
            try:
                receive(frame, ifindex, now, offload)
            except Exception:  # noqa: BLE001 - hostile bytes must never stop the port
                self._failed()
        self._turn.end()
        self.counters.received += frames
        self.counters.received_bytes += octets
        if self._grows and frames and self._reading:
            self._grow()

    def _grow(self) -> None:
        """Frames come: have the whole ring.  What is still in the small one is read first.

        A frame that arrives while one ring closes and the other opens is lost, as on a wire.
        """
        self._grows = False
        try:
            whole = PacketSocket(self.interface, NOTHING, self._size)
        except OSError as error:
            self._log.warn(
                "no memory for all of the ring of {name}: {why}; a burst may lose packets",
                name=self.interface,
                why=error.strerror,
            )
            return
        self._reactor.removeReader(self)
        before, self._socket = self._socket, whole
        before.attach(NOTHING)
        whole.attach(self._program)
        self._reactor.addReader(self)
        now = self._clock()
        for frame, offload in before.frames(BATCH):
            self.counters.received += 1
            self.counters.received_bytes += len(frame)
            try:
                self._receive(frame, self.ifindex, now, offload)
            except Exception:  # noqa: BLE001 - as in `doRead`
                self._failed()
        self._dropped = before.drops()
        before.close()

    def _failed(self) -> None:
        """Count a frame that raised; the log gets every one whose number is a power of two."""
        self.counters.failed_frames += 1
        if self.counters.failed_frames & (self.counters.failed_frames - 1) == 0:
            self._log.failure("a frame on {port.interface} could not be handled", port=self)

    def transmit(self, frame: bytes | bytearray, offload: bytes = b"") -> bool:
        """Send one Ethernet frame, at the latest when the turn ends; False when it could not be."""
        if len(frame) > self._small or (offload and offload[1]):
            return self._transmit_alone(frame, offload)
        waiting = self._waiting
        waiting.append((frame, offload))
        if not self._turn.open or len(waiting) >= FLUSH:
            self.flush()
        elif len(waiting) == 1:
            self._turn.later(self)
        return True

    def _transmit_alone(self, frame: bytes | bytearray, offload: bytes) -> bool:
        """A frame that does not fit the ring, after those before it."""
        self.flush()
        return self._send(frame, offload)

    def _send(self, frame: bytes | bytearray, offload: bytes) -> bool:
        try:
            self._socket.send(frame, offload)
        except OSError as error:
            count_send_error(self.counters, error.errno)
            return False
        self.counters.sent += 1
        self.counters.sent_bytes += len(frame)
        return True

    def flush(self) -> None:
        """Have the kernel send what waits; a ring that was full is tried once more after that."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        done = self._fill(waiting)
        if done < len(waiting):
            done += self._fill(waiting[done:])
            count_send_error(self.counters, errno.EAGAIN, len(waiting) - done)

    def _fill(self, frames: list[Sending]) -> int:
        """Send what the ring takes of `frames`; how many those were.

        The ring is opened for the first two at a time: one alone, as an announcement is, needs none.
        """
        out = self._out
        if out is None and len(frames) == 1:
            self._send(*frames[0])
            return 1
        if out is None:
            try:
                out = self._out = TransmitRing(self.interface, self._size.queue)
            except OSError as error:
                count_send_error(self.counters, error.errno, len(frames))
                return len(frames)
        done = out.fill(frames)
        code, lost = out.flush()
        if lost:
            count_send_error(self.counters, code, lost)
        self.counters.sent += done
        self.counters.sent_bytes += sum([len(frame) for frame, _offload in frames[:done]])
        return done

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter."""
        self._program = program
        self._socket.attach(program)

    def refresh(self) -> None:
        """Bring the counters that the kernel keeps up to date."""
        self.counters.dropped_ring_full = self._dropped + self._socket.drops()
        self.counters.dropped_truncated = self._socket.truncated
        self.counters.dropped_foreign_vlan = self._socket.vlan_foreign

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw an error on the socket and reads no more: the link went down.

        The socket stays bound; `start` is called again when netlink says that the link is up.  Where it
        has been called by now, the socket is free of errors, and reading goes on.
        """
        if self._reading:
            self._reactor.removeReader(self)
            if not self._socket.clear_error():
                self._reactor.addReader(self)

    def close(self) -> None:
        """Stop reading and give everything back."""
        if self._reading:
            self._reading = False
            self._reactor.removeReader(self)
        self._waiting.clear()
        if self._out is not None:
            self._out.close()
        self._socket.close()


class MemoryPacketPort:
    """A port whose wire is two bounded queues: `arrive` puts a frame in, `sent` shows what went out.

    It filters nothing by itself; `accepts` stands in for the kernel's filter.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        interface: str,
        ifindex: int,
        *,
        receive: Receive,
        mtu: int = 1500,
        slots: int = 4096,
        accepts: Callable[[bytes], bool] = lambda _frame: True,
    ) -> None:
        self.interface = interface
        self.ifindex = ifindex
        self.counters = PortCounters()
        self.sent: deque[tuple[bytes, bytes]] = deque(maxlen=slots)
        self.program: list[Instruction] = []
        self.mtu = mtu
        self._clock, self._receive, self._accepts = clock, receive, accepts
        self._slots = slots
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._reading = False

    def start(self) -> None:
        """Begin to read."""
        self._reading = True

    def arrive(self, frame: bytes, offload: bytes = b"") -> None:
        """A frame comes off the wire; it waits until `turn`, or is dropped when the ring is full."""
        if not self._accepts(frame):
            return
        if len(self._waiting) >= self._slots:
            self.counters.dropped_ring_full += 1
        else:
            self._waiting.append((frame, offload))

    def turn(self) -> None:
        """One turn of the reactor: a bounded batch is handed to `receive`."""
        now = self._clock()
        for _ in range(min(BATCH, len(self._waiting)) if self._reading else 0):
            frame, offload = self._waiting.popleft()
            self.counters.received += 1
            self.counters.received_bytes += len(frame)
            try:
                self._receive(bytearray(frame), self.ifindex, now, offload)
            except Exception:  # noqa: BLE001 - as the real one
                self.counters.failed_frames += 1
            if not self._reading:
                break

    def transmit(self, frame: bytes | bytearray, offload: bytes = b"") -> bool:
        """Send one Ethernet frame; False, and a counter, when it could not be."""
        segmented = len(offload) > 1 and offload[1] != 0
        if not segmented and len(frame) > self.mtu + ETHERNET + 4:
            count_send_error(self.counters, errno.EMSGSIZE)
            return False
        self.sent.append((bytes(frame), offload))
        self.counters.sent += 1
        self.counters.sent_bytes += len(frame)
        return True

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter."""
        self.program = program

    def refresh(self) -> None:
        """Nothing is kept elsewhere."""

    def close(self) -> None:
        """Stop reading and give everything back."""
        self._reading = False
        self._waiting.clear()
