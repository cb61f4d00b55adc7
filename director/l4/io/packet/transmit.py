"""A mapped ring for sending small frames in batches: one system call for all of a batch.

`ring.PacketPort` collects frames while it reads and gives them here at the end.  Only frames that fit the
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
import sys
from collections.abc import Callable, Sequence

from director.caches import remember
from director.l4.io.packet.tpacket import NO_OFFLOAD, VIRTIO_HEADER

SLOT = 2048
SLOTS = 1024
LARGEST = SLOT - 32 - VIRTIO_HEADER
_END = SLOT * SLOTS

_SOL_PACKET = 263
_PACKET_VERSION, _PACKET_TX_RING, _PACKET_LOSS, _PACKET_VNET_HDR = 10, 13, 14, 15
_SO_SNDBUFFORCE = 32
_BLOCK = 1 << 18
_DATA = 32
"""Where data begins in a slot: TPACKET2_HDRLEN without its struct sockaddr_ll."""
_AVAILABLE, _SEND_REQUEST = 0, 1
_STATUS = struct.Struct("=I")
_LOW = 0 if sys.byteorder == "little" else 3
"""Where in the status stands its lowest byte, which has all of its values."""
_HEAD = struct.Struct(f"=II{_DATA - 8}xBBHHHH").pack
"""Status and length (struct tpacket2_hdr), space up to `_DATA`, the virtio header."""
_VIRTIO = struct.Struct("=BBHHHH").unpack_from
_TRIES = 4

Sending = tuple[bytes | bytearray, bytes]
"""A frame of at most `LARGEST` bytes and its virtio header (empty = nothing to offload)."""


@remember("ring_slots", 8192)
def _layout(size: int, offload: bytes) -> tuple[Callable[..., None], bytes]:
    """By size and virtio header of a frame: what packs its slot at once, and the slot's head.

    As many as there are sizes, times the few headers that occur without segmentation.
    """
    flags, kind, _size, segment, start, at = _VIRTIO(offload or NO_OFFLOAD)
    head = _HEAD(_SEND_REQUEST, VIRTIO_HEADER + size, flags, kind, size, segment, start, at)
    return struct.Struct(f"{len(head)}s{size}s").pack_into, head


class TransmitRing:
    """Frames of one interface waiting to be sent together."""

    def __init__(self, interface: str, queue: int) -> None:
        """`queue` bounds what the kernel holds for this socket, in bytes.  Raises OSError."""
        self._waits = False
        self._offset = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setblocking(False)
            for option, value in ((_PACKET_VERSION, 1), (_PACKET_LOSS, 1), (_PACKET_VNET_HDR, 1)):
                self._socket.setsockopt(_SOL_PACKET, option, value)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, queue)
            request = struct.pack("=IIII", _BLOCK, _END // _BLOCK, SLOT, SLOTS)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_TX_RING, request)
            self._ring = mmap.mmap(self._socket.fileno(), _END)
            self._socket.bind((interface, 0))
        except OSError:
            self._socket.close()
            raise

    def fill(self, frames: Sequence[Sending]) -> int:
        """Add frames; how many, because every slot may wait to be sent."""
        ring, offset = self._ring, self._offset
        done = 0
        for frame, offload in frames:
            if ring[offset + _LOW] != _AVAILABLE:
                break
            put, head = _layout(len(frame), offload)
            put(ring, offset, head, frame)
            done += 1
            offset += SLOT
            if offset == _END:
                offset = 0
        self._offset = offset
        self._waits = self._waits or done > 0
        return done

    def flush(self) -> tuple[int, int]:
        """Have the kernel send what waits; the errno of what was lost (0 = nothing) and how many.

        The kernel stops at a frame the device refuses, so it is asked again, a bounded number
        of times; then the rest is discarded, because what is late is worth nothing.
        """
        if not self._waits:
            return 0, 0
        self._waits = False
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
            before = (self._offset or _END) - SLOT
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
