"""ARP for IPv4 over Ethernet (RFC 826): read and build.  No table, no timing."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from director.errors import PacketError
from director.l4.wire.ethernet import ARP, L3, header

REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
_BODY = Struct("!HHBBH6s4s6s4s")
_ETHERNET_IPV4 = (1, 0x0800, 6, 4)


class Arp(NamedTuple):
    """One message: `operation`, and who says what about whom (packed addresses)."""

    operation: int
    sender_mac: bytes
    sender: bytes
    target_mac: bytes
    target: bytes


def read(frame: bytes | bytearray) -> Arp:
    """The message in an untagged frame.  Raises PacketError when short or not for IPv4 on Ethernet."""
    if len(frame) < L3 + _BODY.size:
        raise PacketError("short_arp")
    fields = _BODY.unpack_from(frame, L3)
    if fields[:4] != _ETHERNET_IPV4:
        raise PacketError("unknown_arp")
    return Arp(*fields[4:])


def write(message: Arp, destination: bytes = BROADCAST) -> bytearray:
    """The frame of a message, from its sender's MAC to `destination`."""
    body = _BODY.pack(*_ETHERNET_IPV4, *message)
    return bytearray(header(destination, message.sender_mac, ARP) + body)
