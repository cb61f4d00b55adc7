"""The hash functions of the room, pure and stable over restarts, machines and Python versions.

`hash32` is the multiplicative hash of dh and sh, `siphash13` the keyed hash of mh, `text_number` turns names,
cookies and paths into numbers for `hash`.  Used by dh, sh, mh and hash only.
"""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

from director.interfaces import IServer

GOLDEN_RATIO_32 = 0x61C88647
MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF
TABLE_BITS = 8
TABLE_BITS_MAX = 20


def hash32(number: int, bits: int) -> int:
    """`number` to `bits` bits: the upper bits of a product modulo 2^32 (F.2)."""
    return (number * GOLDEN_RATIO_32 & MASK32) >> (32 - bits)


def table_bits(servers: int) -> int:
    """Size of the tables of dh and sh as a power of two: 256 buckets as in IPVS.

    A pool of more servers than that takes the next power of two, up to 2^20, where an IPVS built for 256
    would leave servers out.
    """
    return min(max(TABLE_BITS, (servers - 1).bit_length()), TABLE_BITS_MAX)


def siphash13(number: int, key0: int, key1: int) -> int:
    """SipHash-1-3 of the four little-endian bytes of `number` under a key of two 64-bit words; 64 bits.

    The lower 32 bits are the kernel's `hsiphash` of a 64-bit machine, which mh of IPVS uses.
    Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with c = 1, d = 3.
    """
    block = 4 << 56 | number & MASK32
    v0 = key0 ^ 0x736F6D6570736575
    v1 = key1 ^ 0x646F72616E646F6D
    v2 = key0 ^ 0x6C7967656E657261
    v3 = key1 ^ 0x7465646279746573 ^ block
    for turn in range(4):
        if turn == 1:
            v0 ^= block
            v2 ^= 0xFF
        v0 = v0 + v1 & MASK64
        v1 = (v1 << 13 & MASK64 | v1 >> 51) ^ v0
        v0 = v0 << 32 & MASK64 | v0 >> 32
        v2 = v2 + v3 & MASK64
        v3 = (v3 << 16 & MASK64 | v3 >> 48) ^ v2
        v0 = v0 + v3 & MASK64
        v3 = (v3 << 21 & MASK64 | v3 >> 43) ^ v0
        v2 = v2 + v1 & MASK64
        v1 = (v1 << 17 & MASK64 | v1 >> 47) ^ v2
        v2 = v2 << 32 & MASK64 | v2 >> 32
    return v0 ^ v1 ^ v2 ^ v3


def text_number(text: str) -> int:
    """A well mixed 64-bit number for a text, hostile ones included (lone surrogates are no error)."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def server_number(server: IServer) -> int:
    """The server's folded address, or 32 bits of its text when it has none (a name, a unix socket).

    Without the latter all named servers of a pool would share one place in mh's table.
    """
    return server.number or crc32(str(server.address).encode())
