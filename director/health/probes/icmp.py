"""`icmp = echo`: a request, and the reply with the same number and octets (RFC 792, RFC 4443 4).

Anybody may send an echo reply, so the octets are ones that nobody can guess.
"""

from __future__ import annotations

import struct

ECHO = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}
UNREACHABLE = {4: 3, 6: 1}
_HEADER = struct.Struct("!BBHHH")


def request(version: int, identity: int, token: bytes) -> bytes:
    """An echo request for a raw socket; the kernel sums ICMPv6 itself, because its address counts there."""
    message = _HEADER.pack(ECHO[version], 0, 0, identity, 1) + token
    if version == 6:
        return message
    return _HEADER.pack(ECHO[version], 0, _checksum(message), identity, 1) + token


def judge(asked: bytes, packet: bytes) -> tuple[bool, str] | None:
    """What a packet says about the host that was asked `asked`; None when it is about something else.

    A raw socket gives IPv4 packets with their header, and ICMPv6 messages without.
    """
    version = 4 if asked[0] == ECHO[4] else 6
    message = packet[4 * (packet[0] & 15) :] if version == 4 and packet else packet
    if len(message) < _HEADER.size:
        return None
    if message[0] == REPLY[version] and message[4:] == asked[4:]:
        return True, "echo reply"
    if message[0] == UNREACHABLE[version] and asked[: _HEADER.size] in message[_HEADER.size :]:
        return False, "unreachable, says a router on the way"
    return None


def _checksum(message: bytes) -> int:
    """The sum of RFC 1071 over the message with a sum of zero."""
    padded = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
