"""From the octets of a frame to a `Packet`.

Length is checked before content, padding taken off, options and extension headers skipped; what must not
be forwarded raises `PacketError` with the reason that is counted.
"""

from __future__ import annotations

from director.errors import PacketError
from director.l4.wire import ipv4, ipv6, transport
from director.l4.wire import offload as vnet
from director.l4.wire.ethernet import IPV4, IPV6, kind
from director.l4.wire.packet import Packet


def parse(frame: bytearray, offload: bytes = b"") -> Packet:
    """The IP packet in an untagged frame; raises PacketError.  Trailing padding is cut off in place."""
    family = kind(frame)
    packet = Packet(frame, family, vnet.read(offload))
    if family == IPV4:
        ipv4.read(packet)
    elif family == IPV6:
        ipv6.read(packet)
    else:
        raise PacketError("not_ip")
    if packet.end < len(frame):
        del frame[packet.end :]
    if not packet.fragment:
        transport.read(packet)
    return packet
