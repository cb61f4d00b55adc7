"""Ethernet: types, addresses, VLAN tags (IEEE 802.1Q).

The forwarder works on frames whose network header stands at offset `L3`; a tag is taken out on the
way in (`untag`) and put back on the way out where it belongs (`tag`).
"""

from __future__ import annotations

L3 = 14
"""Where the network header starts in an untagged frame."""
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
VLAN, VLAN_SERVICE = 0x8100, 0x88A8
VLAN_ID = 0x0FFF


def kind(frame: bytes | bytearray | memoryview) -> int:
    """The type field of a frame of at least 14 bytes."""
    return frame[12] << 8 | frame[13]


def untag(frame: bytearray) -> bytes:
    """Take one VLAN tag out of `frame` in place; returns its four bytes, empty when there is none."""
    if len(frame) < L3 + 4 or kind(frame) not in (VLAN, VLAN_SERVICE):
        return b""
    found = bytes(frame[12:16])
    del frame[12:16]
    return found


def tag(frame: bytearray, four: bytes) -> None:
    """Put a VLAN tag back, in place."""
    frame[12:12] = four


def header(destination: bytes, source: bytes, ethertype: int) -> bytes:
    """The 14 bytes of an Ethernet header."""
    return destination + source + ethertype.to_bytes(2, "big")
