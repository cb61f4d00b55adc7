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

from director.l4.io.filter import Instruction
from director.l4.io.tpacket import PacketSocket, RingSize

BATCH = 256
"""Frames taken per turn of the reactor, so that layer 7 and timers are never starved."""

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
    counters: PortCounters

    def start(self) -> None:
        """Begin to read."""

    def transmit(self, frame: bytes | bytearray | memoryview, offload: bytes = b"") -> bool:
        """Send one Ethernet frame now; False, and a counter, when it could not be."""

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter."""

    def refresh(self) -> None:
        """Bring the counters that the kernel keeps up to date."""

    def close(self) -> None:
        """Stop reading and give everything back."""


_REASONS = {
    errno.ENOBUFS: "dropped_send_full",
    errno.EAGAIN: "dropped_send_full",
    errno.EMSGSIZE: "dropped_send_too_big",
}


def count_send_error(counters: PortCounters, code: int | None) -> None:
    """Add one to the counter that names errno `code` of a send."""
    name = _REASONS.get(code or 0, "dropped_send_failed")
    setattr(counters, name, getattr(counters, name) + 1)


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
        size: RingSize | None = None,
    ) -> None:
        """Opens the socket, so it raises OSError like `PacketSocket`; reads after `start`."""
        self.interface = interface
        self.ifindex = ifindex
        self.counters = PortCounters()
        self._reactor = reactor
        self._clock = clock
        self._receive = receive
        self._socket = PacketSocket(interface, program, size or RingSize())
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
        now = self._clock()
        counters, receive, ifindex = self.counters, self._receive, self.ifindex
        frames = size = 0
        for frame, offload in self._socket.frames(BATCH):
            frames += 1
            size += len(frame)
            try:
                receive(frame, ifindex, now, offload)
            except Exception:  # noqa: BLE001 - hostile bytes must never stop the port
                counters.failed_frames += 1
                if counters.failed_frames & (counters.failed_frames - 1) == 0:
                    self._log.failure("a frame on {port.interface} could not be handled", port=self)
            if not self._reading:
                break
        counters.received += frames
        counters.received_bytes += size

    def transmit(self, frame: bytes | bytearray | memoryview, offload: bytes = b"") -> bool:
        """Send one Ethernet frame now; False, and a counter, when it could not be."""
        try:
            self._socket.send(frame, offload)
        except OSError as error:
            count_send_error(self.counters, error.errno)
            return False
        self.counters.sent += 1
        self.counters.sent_bytes += len(frame)
        return True

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter."""
        self._socket.attach(program)

    def refresh(self) -> None:
        """Bring the counters that the kernel keeps up to date."""
        self.counters.dropped_ring_full = self._socket.drops()
        self.counters.dropped_truncated = self._socket.truncated
        self.counters.dropped_foreign_vlan = self._socket.vlan_foreign

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw an error on the socket and reads no more: the link went down.

        The socket stays bound; `start` is called again when netlink says that the link is up.
        """
        if self._reading:
            self._socket.clear_error()
            self._reactor.removeReader(self)

    def close(self) -> None:
        """Stop reading and give everything back."""
        if self._reading:
            self._reading = False
            self._reactor.removeReader(self)
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
        self._clock, self._receive, self._mtu, self._accepts = clock, receive, mtu, accepts
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

    def transmit(self, frame: bytes | bytearray | memoryview, offload: bytes = b"") -> bool:
        """Send one Ethernet frame now; False, and a counter, when it could not be."""
        segmented = len(offload) > 1 and offload[1] != 0
        if not segmented and len(frame) > self._mtu + 18:
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
