"""The outer headers of IPIP (RFC 2003, 2473), GRE (RFC 2784) and GUE (draft-ietf-intarea-gue) tunnels.

Remote checksum offload (draft-herbert-remotecsumoffload): the inner checksum holds only the sum of the
pseudo-header, and a field of the GUE header says where the receiver begins to sum and where it writes.

`inner_offset` finds the packet inside one of our own tunnels, for ICMP errors about it.
"""

from __future__ import annotations

from director.l4.wire.checksum import UDP_ZERO, checksum, pseudo
from director.l4.wire.ethernet import IPV4

GRE_CHECKSUM = 0x8000
GUE_SIZE = 4
GUE_PRIVATE, GUE_REMOTE_CHECKSUM = 0x0001, 0x80000000
"""The standard flag "private flags follow", and the private flag of remote checksum offload."""
GUE_REMOTE_SIZE = 8
"""Private flags, and the two offsets of remote checksum offload."""


def gre(ethertype: int, inner: bytes | bytearray, *, with_checksum: bool) -> bytes:
    """The GRE header in front of `inner`."""
    if not with_checksum:
        return b"\0\0" + ethertype.to_bytes(2, "big")
    header = GRE_CHECKSUM.to_bytes(2, "big") + ethertype.to_bytes(2, "big")
    total = checksum(header + b"\0\0\0\0" + inner)
    return header + total.to_bytes(2, "big") + b"\0\0"


def gue(
    sport: int,
    dport: int,
    following: int,
    inner: bytes | bytearray,
    outer: tuple[bytes, bytes],
    *,
    with_checksum: bool,
    remote: tuple[int, int] | None = None,
) -> bytes:
    """UDP and GUE headers in front of `inner`; `outer` are the outer source and destination.

    GUE version 0, no control; `following` is 4 or 41.  `remote` asks the receiver to complete the inner
    checksum: where its sum starts and where it is written, both as offsets in `inner`.
    """
    body = bytes((0, following, 0, 0))
    if remote is not None:
        body = bytes((GUE_REMOTE_SIZE // 4, following)) + GUE_PRIVATE.to_bytes(2, "big")
        body += GUE_REMOTE_CHECKSUM.to_bytes(4, "big")
        body += remote[0].to_bytes(2, "big") + remote[1].to_bytes(2, "big")
    length = 8 + len(body) + len(inner)
    start = sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + length.to_bytes(2, "big")
    total = 0
    if with_checksum:
        total = checksum(start + b"\0\0" + body + inner, pseudo(*outer, 17, length)) or UDP_ZERO
    return start + total.to_bytes(2, "big") + body


def overhead(kind: str, family: int, *, with_checksum: bool, remote: bool = False) -> int:
    """Bytes a tunnel adds to a packet: outer IP header of `family` (an Ethernet type), then its own.

    `remote`: the GUE header carries remote checksum offload.
    """
    outer = 20 if family == IPV4 else 40
    if kind == "gre":
        return outer + (8 if with_checksum else 4)
    if kind == "gue":
        return outer + 8 + GUE_SIZE + (GUE_REMOTE_SIZE if remote else 0)
    return outer


def inner_offset(protocol: int, data: bytes | bytearray, at: int, gue_ports: frozenset[int]) -> int | None:
    """Where the inner IP packet starts behind an outer header that ends at `at`; None = no tunnel of ours."""
    if protocol in (4, 41):
        return at
    if protocol == 47 and len(data) >= at + 4:
        bits = data[at] << 8 | data[at + 1]
        if bits & ~GRE_CHECKSUM:
            return None
        return at + (8 if bits & GRE_CHECKSUM else 4)
    if protocol == 17 and len(data) >= at + 12 and (data[at + 2] << 8 | data[at + 3]) in gue_ports:
        return at + 8 + 4 + 4 * (data[at + 8] & 0x1F)
    return None
