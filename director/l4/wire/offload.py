"""The ten bytes before a frame on a PACKET_VNET_HDR socket (`struct virtio_net_hdr`, little-endian here).

They say that the device shall complete the checksum, and that the frame is a super-frame to be cut
into segments.  Empty bytes mean an ordinary frame.
"""

from __future__ import annotations

import sys
from struct import Struct
from typing import NamedTuple

from director.l4.wire.ethernet import L3
from director.l4.wire.protocols import TCP

NEEDS_CSUM = 1
"""The layer-4 checksum field holds only the pseudo-header sum."""
DATA_VALID = 2
"""The device has verified the checksum."""
GSO_NONE, GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4 = 0, 1, 3, 4, 5
GSO_ECN = 0x80

_GSO_TCP = frozenset({GSO_TCPV4, GSO_TCPV6})

_HEADER = Struct("=BBHHHH")
SIZE = _HEADER.size


class Offload(NamedTuple):
    """The fields of the header, in its order."""

    flags: int = 0
    gso_type: int = GSO_NONE
    header_length: int = 0
    gso_size: int = 0
    csum_start: int = 0
    csum_offset: int = 0

    @property
    def kind(self) -> int:
        """The segmentation type without the ECN bit."""
        return self.gso_type & ~GSO_ECN

    @property
    def partial(self) -> bool:
        """The checksum is still to be completed."""
        return bool(self.flags & NEEDS_CSUM)

    @property
    def trusted(self) -> bool:
        """The checksum needs no verification: it is to be completed, or was verified."""
        return bool(self.flags & (NEEDS_CSUM | DATA_VALID))


NONE = Offload()


def read(offload: bytes) -> Offload:
    """The fields; `NONE` for anything shorter than the header."""
    if len(offload) < SIZE:
        return NONE
    return Offload(*_HEADER.unpack_from(offload))


def write(header: Offload) -> bytes:
    """The ten bytes; empty for an ordinary frame."""
    return b"" if header == NONE else _HEADER.pack(*header)


def moved(offload: bytes, by: int) -> bytes:
    """The same header for a frame whose network header moved `by` bytes (a VLAN tag went or came)."""
    if len(offload) < SIZE:
        return offload
    header = read(offload)
    start = header.csum_start + by if header.partial else 0
    length = header.header_length + by if header.header_length else 0
    return write(header._replace(header_length=max(0, length), csum_start=max(0, start)))


def cuts_to(mtu: int, frame: bytearray, l4: int, protocol: int, offload: bytes) -> bool:
    """A super-frame of TCP whose segments are packets of at most `mtu` bytes."""
    if protocol != TCP or len(offload) < SIZE or offload[1] & ~GSO_ECN not in _GSO_TCP:
        return False
    headers = l4 - L3 + 4 * (frame[l4 + 12] >> 4)
    return headers + int.from_bytes(offload[4:6], sys.byteorder) <= mtu
