"""The far end of an IPIP tunnel: `python -m director.demo.decapsulate IFACE`, where no ipip device is.

Takes IPv4-in-IPv4 packets (protocol 4, RFC 2003) off an interface, removes the outer header
and gives the inner packet to this host's stack through a TUN device.  Unfinished checksums and
super-frames pass, because both sides carry the virtio header.
"""

from __future__ import annotations

import select
import socket
import sys

from director.l4.io.filter import accept_all_ip
from director.l4.io.inject import StackInjector, shifted
from director.l4.io.netlink import NetlinkSocket
from director.l4.io.tpacket import PacketSocket, RingSize, attach

_ETHERNET = 14
_IPIP = 4


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


def _pass(injector: StackInjector, frame: bytearray, offload: bytes) -> None:
    found = inner(frame, offload)
    if found is not None:
        injector.give(*found)


def main(interface: str) -> None:
    """Decapsulate until ended."""
    netlink = NetlinkSocket()
    injector = StackInjector(lambda name: netlink.set_up(socket.if_nametoindex(name)))
    # While a raw socket takes the protocol, the stack does not answer that nobody does.  Its filter
    # drops everything, because a full one counts as nobody.
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, _IPIP) as claim:
        attach(claim, [(6, 0, 0, 0)])
        ring = PacketSocket(interface, accept_all_ip(), RingSize())
        waiting = select.poll()
        waiting.register(ring.fileno(), select.POLLIN)
        while True:
            waiting.poll()
            ring.drain(256, lambda frame, offload: _pass(injector, frame, offload))


if __name__ == "__main__":
    main(sys.argv[1])
