"""A packet socket with a mapped receive ring: the numbers of the kernel, and nothing of Twisted.

`ring.PacketPort` is the only caller.  TPACKET_V2, because V3 hands a block over only after a
millisecond (`kernel-fastpath` 4), with PACKET_VNET_HDR, so that super-frames and unfinished
checksums pass whole.

Slots are small (an MTU and its headers) so that four thousand packets fit into a few
megabytes; a super-frame does not fit.  For those PACKET_COPY_THRESH makes the kernel queue
the whole frame on the socket as well and mark the slot TP_STATUS_COPY; queue and marked slots
are in one order, so each marked slot is one `recv`.  Slots of 68 KB would save that one system
call per super-frame and cost 30 times the memory, or leave room for a hundred small packets.

Source: Linux `if_packet.h`, `packet_mmap.rst`; `virtio_net.h` for the ten bytes before a frame.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import socket
import struct
from collections.abc import Iterator

from attrs import evolve, frozen

from director.l4.io.packet.filter import Instruction, assemble

VIRTIO_HEADER = 10
NO_OFFLOAD = bytes(VIRTIO_HEADER)
LEAST_SLOTS = 64
"""Of a ring that waits for its first frame."""
LARGEST_FRAME = 1 << 18
"""More than any frame with a 16-bit IP length and its link header."""

_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_COPY_THRESH, _PACKET_VERSION = 5, 6, 7, 10
_PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING = 15, 23
_SO_ATTACH_FILTER, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 26, 32, 33
_TPACKET_V2 = 1
_ETH_P_ALL = 0x0003

_STATUS_USER, _STATUS_COPY, _STATUS_VLAN = 0x01, 0x02, 0x10
_UNUSUAL = _STATUS_COPY | _STATUS_VLAN
_FRAME = 76
"""Where the kernel puts an Ethernet frame in a slot (tp_mac): the slot's header and address (52 bytes) and
room for a link header, made 80, so that IP is aligned; the virtio header; minus the 14 of Ethernet."""
_HEADER = struct.Struct(f"=IIIH{_FRAME - VIRTIO_HEADER - 14}x{VIRTIO_HEADER}s")
"""tp_status, tp_len, tp_snaplen and tp_mac of struct tpacket2_hdr; the virtio header before `_FRAME`."""
_VLAN_TAG = struct.Struct("=H")
_VLAN_OFFSET = 24
_WORD = struct.Struct("=I")
_STATISTICS = struct.Struct("=II")
_BLOCK = 1 << 18

Received = tuple[bytearray, bytes]
"""A frame, and the ten bytes of its virtio header (empty when they are all zeros)."""


def attach(sock: socket.socket, program: list[Instruction]) -> None:
    """Set a socket's filter.  Raises OSError when the kernel does not take the program."""
    code = ctypes.create_string_buffer(assemble(program))
    head = struct.pack("HP", len(program), ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, head)


@frozen
class RingSize:
    """How much a ring holds: `slots` frames of up to `slot` bytes (headers of the ring included).

    `queue` bounds the super-frames waiting beside the ring, in bytes, and what may wait to be sent.
    """

    slots: int = 4096
    slot: int = 2048
    queue: int = 16 << 20

    @classmethod
    def for_mtu(cls, mtu: int) -> RingSize:
        """Slots that hold a frame of `mtu` bytes, as many as fit into eight megabytes."""
        slot = 2048
        while slot < mtu + 256 and slot < _BLOCK:
            slot *= 2
        return cls(slots=max(256, (8 << 20) // slot), slot=slot)

    def at_first(self) -> RingSize:
        """Enough until frames come: a machine has many interfaces, and few of them have any for us."""
        return evolve(self, slots=min(self.slots, max(_BLOCK // self.slot, LEAST_SLOTS)))


class PacketSocket:
    """One interface's frames in, by a mapped ring, and out, by plain sends."""

    def __init__(self, interface: str, program: list[Instruction], size: RingSize) -> None:
        """Opens, filters, maps and binds, in this order: nothing unfiltered is ever queued.

        Raises OSError: EPERM without CAP_NET_RAW, ENODEV without the interface, ENETDOWN when
        it is down.
        """
        self.vlan_foreign = 0
        self.truncated = 0
        self._drops = 0
        self._closed = False
        self._slot, self._bytes = size.slot, size.slot * size.slots
        self._next = 0
        self._header = bytearray(VIRTIO_HEADER)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._prepare(program, size)
            self._ring = mmap.mmap(self._socket.fileno(), self._bytes)
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise

    def _prepare(self, program: list[Instruction], size: RingSize) -> None:
        sock = self._socket
        sock.setblocking(False)
        sock.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        sock.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(_SOL_PACKET, _PACKET_COPY_THRESH, 1)
        for option in (_SO_RCVBUFFORCE, _SO_SNDBUFFORCE):
            # Needs CAP_NET_ADMIN; with less, the system's own bound holds.
            with contextlib.suppress(PermissionError):
                sock.setsockopt(socket.SOL_SOCKET, option, size.queue)
        self.attach(program)
        request = struct.pack("=IIII", _BLOCK, self._bytes // _BLOCK, size.slot, size.slots)
        sock.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)

    def attach(self, program: list[Instruction]) -> None:
        """Replace the filter; the kernel swaps it at once."""
        attach(self._socket, program)

    def fileno(self) -> int:
        """The descriptor; readable when the ring holds a frame."""
        return self._socket.fileno()

    def frames(self, limit: int) -> Iterator[Received]:
        """Up to `limit` frames that have arrived, oldest first; none any more once the socket is closed.

        Each frame is a copy of its own, with the virtio header that belongs to it (empty when it
        is all zeros).
        """
        ring, slot, size = self._ring, self._slot, self._bytes
        unpack, release = _HEADER.unpack_from, _WORD.pack_into
        offset = self._next
        for _ in range(limit):
            status, length, snaplen, mac, header = unpack(ring, offset)
            if not status & _STATUS_USER:
                return
            if status & _UNUSUAL or length > snaplen or mac != _FRAME:
                received = self._unusual(status, length, snaplen, offset)
            else:
                start = offset + _FRAME
                frame = bytearray(ring[start : start + snaplen])
                received = frame, b"" if header == NO_OFFLOAD else header
            release(ring, offset, 0)
            offset += slot
            if offset == size:
                offset = 0
            self._next = offset
            if received is not None:
                yield received
                if self._closed:
                    return

    def _unusual(self, status: int, length: int, snaplen: int, offset: int) -> Received | None:
        """A frame too large for its slot, cut short, elsewhere in it, or with a VLAN tag beside it."""
        received = self._large(length) if status & _STATUS_COPY else None
        if status & _STATUS_VLAN:
            (tag,) = _VLAN_TAG.unpack_from(self._ring, offset + _VLAN_OFFSET)
            if tag & 0x0FFF:
                # Of a VLAN that no interface of this machine stands for: the stack ignores it too.
                self.vlan_foreign += 1
                return None
        if received is None and length > snaplen:
            self.truncated += 1
            return None
        return received or self._in_slot(offset + int(_HEADER.unpack_from(self._ring, offset)[3]), snaplen)

    def _in_slot(self, start: int, snaplen: int) -> Received:
        ring = self._ring
        header = ring[start - VIRTIO_HEADER : start]
        return bytearray(ring[start : start + snaplen]), b"" if header == NO_OFFLOAD else header

    def _large(self, length: int) -> Received | None:
        """The whole frame of a slot marked TP_STATUS_COPY; None when the kernel had no room for it."""
        if length > LARGEST_FRAME:
            return None
        frame = bytearray(length)
        try:
            count = self._socket.recvmsg_into((self._header, frame))[0]
        except OSError:
            return None
        if count < length + VIRTIO_HEADER:
            return None
        header = bytes(self._header)
        return frame, b"" if header == NO_OFFLOAD else header

    def send(self, frame: bytes | bytearray | memoryview, offload: bytes) -> None:
        """Send one frame with its virtio header (empty = nothing to offload).

        No PACKET_QDISC_BYPASS: with it the kernel drops every super-frame that the device cannot
        cut itself, and a mixture would reorder a flow's packets.  Raises OSError.
        """
        if len(frame) > 4096:
            self._socket.sendmsg((offload or NO_OFFLOAD, frame))
        else:
            self._socket.send((offload or NO_OFFLOAD) + frame)

    def drops(self) -> int:
        """Frames the kernel dropped since the socket was opened, because the ring was full."""
        data = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        self._drops += int(_STATISTICS.unpack(data)[1])
        return self._drops

    def clear_error(self) -> int:
        """Take the pending error off the socket (ENETDOWN after link down); 0 = none."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def close(self) -> None:
        """Unmap and close; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._ring.close()
        self._socket.close()
