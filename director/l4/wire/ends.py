"""Between whom a packet is and where its layer 4 stands, wherever in the octets it begins.

The one reader of packets that `parse` does not take apart: those inside an ICMP error or a tunnel of our
own, and frames that are only looked at.
"""

from __future__ import annotations

from attrs import frozen

from director.errors import PacketError
from director.l4.wire import ipv4, ipv6
from director.l4.wire.ethernet import IPV4, IPV6

Octets = bytes | bytearray | memoryview
QUOTED = 8
"""Octets of layer 4 that an error quotes at least (RFC 792); they hold both ports."""


@frozen
class Ends:
    """One packet: `at` is the offset of its IP header, `l4` of its layer 4.

    `plain` says that nothing stands between its fixed header and layer 4.  `piece` is a fragment, `later`
    one that is not the first: then nothing is known of layer 4, and both ports are 0.
    """

    at: int
    l4: int
    family: int
    protocol: int
    source: bytes
    destination: bytes
    sport: int
    dport: int
    df: bool
    plain: bool = True
    piece: bool = False
    later: bool = False


def ends_of(data: Octets, at: int, end: int, least: int = QUOTED) -> Ends | None:
    """The packet whose IP header is at `at`; None when it is cut short or no packet of ours can be such.

    `least` octets of layer 4 must be there; ports that are not are 0.
    """
    if at >= end:
        return None
    version = data[at] >> 4
    if version == 4:
        return _ends_v4(data, at, end, least)
    return _ends_v6(data, at, end, least) if version == 6 else None


def _ends_v4(data: Octets, at: int, end: int, least: int) -> Ends | None:
    if at + ipv4.SIZE > end:
        return None
    size = (data[at] & 15) * 4
    bits = data[at + 6] << 8 | data[at + 7]
    later = bool(bits & ipv4.OFFSET)
    l4 = at + size
    if size < ipv4.SIZE or l4 + (0 if later else least) > end:
        return None
    both = bytes(data[at + 12 : at + 16]), bytes(data[at + 16 : at + 20])
    return Ends(
        at, l4, IPV4, data[at + 9], *both, *_ports(data, l4, end, later=later),
        df=bool(bits & ipv4.DF), plain=size == ipv4.SIZE, piece=later or bool(bits & ipv4.MF), later=later,
    )  # fmt: skip


def _ends_v6(data: Octets, at: int, end: int, least: int) -> Ends | None:
    if at + ipv6.SIZE > end:
        return None
    try:
        chain = ipv6.walk(data, at, end)
    except PacketError:
        # Cut short, or one that the director never lets pass: no flow of ours is meant.
        return None
    later = chain.offset > 0
    if not later and chain.start + least > end:
        return None
    both = bytes(data[at + 8 : at + 24]), bytes(data[at + 24 : at + 40])
    return Ends(
        at, chain.start, IPV6, chain.protocol, *both, *_ports(data, chain.start, end, later=later),
        df=True, plain=chain.start == at + ipv6.SIZE, piece=chain.fragment > 0, later=later,
    )  # fmt: skip


def _ports(data: Octets, l4: int, end: int, *, later: bool) -> tuple[int, int]:
    if later or l4 + 4 > end:
        return 0, 0
    return data[l4] << 8 | data[l4 + 1], data[l4 + 2] << 8 | data[l4 + 3]
