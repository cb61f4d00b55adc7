"""The far end of an IPIP tunnel: `python -m director.demo.decapsulate IFACE`, where no ipip device is.

Takes IPv4-in-IPv4 packets (protocol 4, RFC 2003) off an interface, removes the outer header
and gives the inner packet to this host's stack through a TUN device.  Unfinished checksums and
super-frames pass, because both sides carry the virtio header.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
from collections import deque

from director.l4.io.netlink.socket import NetlinkSocket
from director.l4.io.packet.filter import Instruction, accept_all_ip
from director.l4.io.packet.reinject import StackInjector, shifted
from director.l4.io.packet.tpacket import PacketSocket, RingSize, attach

_ETHERNET = 14
_IPIP = 4
_LONG: list[Instruction] = [(0x80, 0, 0, 0), (0x25, 0, 1, 1500), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0)]
"""A filter for packets of more than 1500 bytes: load length, jump if greater, accept, drop."""


def inner(frame: bytes | bytearray, offload: bytes) -> tuple[bytes, bytes] | None:
    """The Ethernet frame with the outer IPv4 header taken out, and its virtio header; None if not IPIP."""
    if len(frame) < _ETHERNET + 40 or frame[12:14] != b"\x08\x00" or frame[23] != _IPIP:
        return None
    header = 4 * (frame[_ETHERNET] & 15)
    fragment = int.from_bytes(frame[20:22], "big") & 0x3FFF
    if header < 20 or fragment or len(frame) < _ETHERNET + header + 20:
        return None
    length = int.from_bytes(frame[16:18], "big")
    whole = bytes(frame[:_ETHERNET]) + bytes(frame[_ETHERNET + header : _ETHERNET + length])
    return whole, shifted(offload, header) if offload else b""


class FarEnd:
    """One interface's tunnel end.

    Whole packets come by a packet socket.  Outer packets in fragments are put together by this
    host's stack and come by a raw socket, told from the others by their identification.
    """

    def __init__(self, interface: str) -> None:
        netlink = NetlinkSocket()
        self._injector = StackInjector(lambda name: netlink.set_up(socket.if_nametoindex(name)))
        self._ring = PacketSocket(interface, accept_all_ip(), RingSize())
        self._fragmented: deque[bytes] = deque(maxlen=4096)
        # While a raw socket takes the protocol, the stack does not answer that nobody does.  A full
        # one counts as nobody, so its filter leaves it only what must have been in fragments.
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, _IPIP)
        self._raw.setblocking(False)
        attach(self._raw, _LONG)

    def serve(self) -> None:
        """Decapsulate until ended."""
        waiting = select.poll()
        for descriptor in (self._ring.fileno(), self._raw.fileno()):
            waiting.register(descriptor, select.POLLIN)
        while True:
            waiting.poll()
            for frame, offload in self._ring.frames(256):
                self._take(frame, offload)
            with contextlib.suppress(BlockingIOError):
                self._take_whole(self._raw.recv(1 << 16))

    def _take(self, frame: bytearray, offload: bytes) -> None:
        if is_fragment(frame):
            self._fragmented.append(bytes(frame[18:20] + frame[26:30]))
            return
        found = inner(frame, offload)
        if found is not None:
            self._injector.give(*found)

    def _take_whole(self, packet: bytes) -> None:
        if packet[4:6] + packet[12:16] in self._fragmented:
            found = inner(bytes(12) + b"\x08\x00" + packet, b"")
            if found is not None:
                self._injector.give(*found)


def is_fragment(frame: bytes | bytearray) -> bool:
    """True for a fragment of an IPIP packet."""
    return (
        len(frame) >= _ETHERNET + 20
        and frame[12:14] == b"\x08\x00"
        and frame[23] == _IPIP
        and bool(int.from_bytes(frame[20:22], "big") & 0x3FFF)
    )


if __name__ == "__main__":
    FarEnd(sys.argv[1]).serve()
