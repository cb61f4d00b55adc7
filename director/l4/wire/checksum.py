"""The Internet checksum and its incremental update (RFC 1071, RFC 1624), and SCTP's CRC32c.

Sums are one's-complement sums of 16-bit words, folded to 16 bits.  A *delta* is what a change of
covered bytes adds to such a sum; it is computed once for a flow and applied to every packet.
Called by everything that rewrites a packet; knows no header.
"""

from __future__ import annotations

from director.caches import remember

FULL = 0xFFFF
"""Both the largest 16-bit word and, in one's complement, minus zero."""
UDP_ZERO = FULL
"""What UDP sends for a checksum of 0, because 0 means that there is none (RFC 768): `check or UDP_ZERO`."""


def ones_sum(data: bytes | bytearray | memoryview) -> int:
    """The folded one's-complement sum of `data`, an odd last byte padded with zero.

    A big integer modulo 65535 is that sum, because 65536 is 1 modulo 65535; it runs in C.
    """
    number = int.from_bytes(data, "big")
    if len(data) & 1:
        number <<= 8
    return number % FULL or (FULL if number else 0)


def fold(number: int) -> int:
    """Carries added back until 16 bits hold the sum."""
    while number > FULL:
        number = (number & FULL) + (number >> 16)
    return number


def checksum(data: bytes | bytearray | memoryview, initial: int = 0) -> int:
    """The checksum field over `data` (with the field itself zero) and an `initial` sum."""
    return fold(ones_sum(data) + initial) ^ FULL


def delta(old: bytes, new: bytes) -> int:
    """What replacing `old` by `new`, of the same even length at an even offset, adds to a sum."""
    return (int.from_bytes(new, "big") - int.from_bytes(old, "big")) % FULL or FULL


def adjust(check: int, change: int) -> int:
    """A checksum field after the change `delta` of what it covers (RFC 1624, equation 3)."""
    total = (check ^ FULL) + change
    return (total if total <= FULL else fold(total)) ^ FULL


def adjust_partial(field: int, change: int) -> int:
    """A field that holds only the uncomplemented pseudo-header sum, after an address change.

    That is what a device is given to complete (VIRTIO_NET_HDR_F_NEEDS_CSUM); `change` covers the
    addresses, not the ports.
    """
    return fold(field + change)


def pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> int:
    """The sum over the pseudo-header of TCP, UDP and ICMPv6, for either IP version."""
    return fold(ones_sum(source + destination) + protocol + (length >> 16) + (length & FULL))


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC32C = _crc32c_table()


@remember("crc_changes", 4096)
def crc32c_change(change: bytes, behind: int) -> int:
    """What XORing `change` into a message, with `behind` bytes after it, XORs into its CRC32c.

    A CRC is linear, so this holds whatever the message is, and a broken message stays broken.
    """
    crc = 0
    table = _CRC32C
    for byte in change + bytes(behind):
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """CRC32c of `data` (RFC 9260 appendix A); SCTP stores it in little-endian order."""
    crc = 0xFFFFFFFF
    table = _CRC32C
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
