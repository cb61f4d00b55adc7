"""A mapped ring for sending small frames in batches: one system call for all of a batch.

`ring.PacketPort` fills it while it reads and flushes it at the end.  Only frames that fit the
device's MTU come here; super-frames go by plain sends (`tpacket.PacketSocket.send`), after a
flush, so that a flow's frames keep their order.

The kernel would send the part of a frame behind its headers straight from the mapped page, and
would call the slot free as soon as the socket no longer accounts for the packet, which on a
veth pair is before the receiver has read it.  So every frame says that all of it is header
(`hdr_len` of struct virtio_net_hdr): that much is copied.

Source: Linux `packet_mmap.rst` and `af_packet.c` (tpacket_fill_skb), `virtio_net.h`.
"""

from __future__ import annotations

import errno
import mmap
import socket
import struct
from collections.abc import Callable

from director.l4.io.tpacket import VIRTIO_HEADER

SLOT = 2048
SLOTS = 1024
LARGEST = SLOT - 32 - VIRTIO_HEADER

_SOL_PACKET = 263
_PACKET_VERSION, _PACKET_TX_RING, _PACKET_LOSS, _PACKET_VNET_HDR = 10, 13, 14, 15
_SO_SNDBUFFORCE = 32
_BLOCK = 1 << 18
_DATA = 32
"""Where data begins in a slot: TPACKET2_HDRLEN without its struct sockaddr_ll."""
_AVAILABLE, _SEND_REQUEST = 0, 1
_STATUS = struct.Struct("=I")
_VIRTIO = struct.Struct("=BBHHHH").unpack_from
_TRIES = 4


class _Layouts(dict[int, Callable[..., None]]):
    """By the size of a frame: what packs a whole slot at once, in half the time of its three parts."""

    def __missing__(self, size: int) -> Callable[..., None]:
        """Status and length (struct tpacket2_hdr), space up to `_DATA`, the virtio header, the frame."""
        pack = self[size] = struct.Struct(f"=II{_DATA - 8}xBBHHHH{size}s").pack_into
        return pack


_LAYOUTS = _Layouts()
"""At most `LARGEST` of them."""


class TransmitRing:
    """Frames of one interface waiting to be sent together."""

    def __init__(self, interface: str, queue: int) -> None:
        """`queue` bounds what the kernel holds for this socket, in bytes.  Raises OSError."""
        self.waiting = 0
        self._offset = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setblocking(False)
            for option, value in ((_PACKET_VERSION, 1), (_PACKET_LOSS, 1), (_PACKET_VNET_HDR, 1)):
                self._socket.setsockopt(_SOL_PACKET, option, value)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, queue)
            request = struct.pack("=IIII", _BLOCK, SLOT * SLOTS // _BLOCK, SLOT, SLOTS)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_TX_RING, request)
            self._ring = mmap.mmap(self._socket.fileno(), SLOT * SLOTS)
            self._socket.bind((interface, 0))
        except OSError:
            self._socket.close()
            raise

    def put(self, frame: bytes | bytearray, offload: bytes) -> bool:
        """Add a frame of at most `LARGEST` bytes; False when every slot waits to be sent."""
        ring, offset = self._ring, self._offset
        if _STATUS.unpack_from(ring, offset)[0] != _AVAILABLE:
            return False
        size = len(frame)
        put, waits = _LAYOUTS[size], VIRTIO_HEADER + size
        if offload:
            flags, kind, _size, segment, start, at = _VIRTIO(offload)
            put(ring, offset, _SEND_REQUEST, waits, flags, kind, size, segment, start, at, frame)
        else:
            put(ring, offset, _SEND_REQUEST, waits, 0, 0, size, 0, 0, 0, frame)
        offset += SLOT
        self._offset = 0 if offset == SLOT * SLOTS else offset
        self.waiting += 1
        return True

    def flush(self) -> tuple[int, int]:
        """Have the kernel send what waits; the errno of what was lost (0 = nothing) and how many.

        The kernel stops at a frame the device refuses, so it is asked again, a bounded number
        of times; then the rest is discarded, because what is late is worth nothing.
        """
        if not self.waiting:
            return 0, 0
        self.waiting = 0
        code = count = 0
        for _ in range(_TRIES):
            try:
                self._socket.send(b"")
                return code, count
            except OSError as error:
                code = error.errno or errno.EIO
                count += 1
        return code, max(count - _TRIES, 0) + self._discard()

    def _discard(self) -> int:
        """Take back every frame that the kernel has not begun with; how many."""
        count = 0
        while count < SLOTS:
            before = (self._offset or SLOT * SLOTS) - SLOT
            if _STATUS.unpack_from(self._ring, before)[0] != _SEND_REQUEST:
                break
            _STATUS.pack_into(self._ring, before, _AVAILABLE)
            self._offset = before
            count += 1
        return count

    def close(self) -> None:
        """Unmap and close; what waits is lost."""
        if self._socket.fileno() >= 0:
            self._ring.close()
            self._socket.close()
