"""Give a frame back to the host's own stack, through a TUN device of the director's own.

The drops at ingress are per address and port; a rare frame among those is not the director's
after all (a local server, a connection to a NAT server that does not pass the director's
address).  It is written into a TUN device and so arrives in the stack as if no drop had been.

The device is made on first use and vanishes with its descriptor, whatever ends the process.
Reverse-path filtering is turned off on it; where the host insists on strict filtering for
`all` interfaces, such frames are lost, as `lost` counts those that could not be written.

Source: Linux `tuntap.rst`; struct virtio_net_hdr.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

from director.l4.io.packet.tpacket import NO_OFFLOAD

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_ETHERNET = 14
_VIRTIO = struct.Struct("=BBHHHH")


def shifted(offload: bytes, count: int) -> bytes:
    """The virtio header of a packet from whose front `count` bytes were taken."""
    flags, kind, header, size, start, offset = _VIRTIO.unpack(offload)
    return _VIRTIO.pack(flags, kind, max(0, header - count), size, max(0, start - count), offset)


def without_link_header(offload: bytes) -> bytes:
    """The virtio header of a frame, for the same packet without its Ethernet header."""
    return shifted(offload, _ETHERNET) if offload else NO_OFFLOAD


class StackInjector:
    """The way back into the stack."""

    def __init__(self, set_up: Callable[[str], None]) -> None:
        """`set_up` sets the interface of a name up; raises OSError."""
        self.given = 0
        self.lost = 0
        self._set_up = set_up
        self._descriptor = -1
        self._impossible = False

    def give(self, frame: bytes | bytearray | memoryview, offload: bytes) -> bool:
        """Let the stack have `frame`; False, and a counter, when it could not."""
        if not self._ready():
            self.lost += 1
            return False
        try:
            os.writev(self._descriptor, (without_link_header(offload), memoryview(frame)[_ETHERNET:]))
        except OSError:
            self.lost += 1
            return False
        self.given += 1
        return True

    def close(self) -> None:
        """Remove the device."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _ready(self) -> bool:
        if self._descriptor < 0 and not self._impossible:
            try:
                self._open()
            except OSError:
                self._impossible = True
                self.close()
        return self._descriptor >= 0

    def _open(self) -> None:
        self._descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
        answer = fcntl.ioctl(self._descriptor, _TUNSETIFF, struct.pack("16sH22x", b"dirstack%d", flags))
        name = answer[:16].rstrip(b"\0").decode("ascii")
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0", encoding="ascii")
        with contextlib.suppress(OSError):
            # No address of its own: it is a door, not a network.
            Path(f"/proc/sys/net/ipv6/conf/{name}/addr_gen_mode").write_text("1", encoding="ascii")
        self._set_up(name)
