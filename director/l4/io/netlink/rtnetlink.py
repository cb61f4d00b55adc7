"""Rtnetlink messages as values: links, addresses, neighbours and routes.

Pure: bytes in, values out, and requests as bytes.  `netlink` moves them.  Addresses are packed
bytes (4 or 16), because that is what the packet path compares.

Source: rtnetlink(7), Linux `rtnetlink.h`, `if_link.h`, `if_addr.h`, `neighbour.h`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from attrs import frozen

HEADER = struct.Struct("=IHHII")
"""nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq, nlmsg_pid."""

ERROR, DONE = 2, 3
NEW_LINK, DEL_LINK, GET_LINK = 16, 17, 18
NEW_ADDRESS, DEL_ADDRESS, GET_ADDRESS = 20, 21, 22
NEW_ROUTE, DEL_ROUTE, GET_ROUTE = 24, 25, 26
NEW_NEIGHBOUR, DEL_NEIGHBOUR, GET_NEIGHBOUR = 28, 29, 30
NEW_RULE, DEL_RULE = 32, 33

REQUEST, ACK, REPLACE, EXCLUSIVE, CREATE, DUMP = 0x01, 0x04, 0x100, 0x200, 0x400, 0x300

GROUPS = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000
"""Links, neighbours, IPv4 addresses, routes and rules, the same of IPv6."""

NUD_REACHABLE, NUD_PROBE, NUD_FAILED = 0x02, 0x10, 0x20
NUD_USABLE = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80
"""REACHABLE, STALE, DELAY, PROBE, NOARP, PERMANENT: the link-layer address may be used."""
NUD_FIXED = 0x40 | 0x80

_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")
_ROUTE, _NEIGHBOUR = struct.Struct("=BBBBBBBBI"), struct.Struct("=BxxxiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_I32 = struct.Struct("=i")
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_NTF_USE = 0x01
_ROUTE_LOCAL, _ROUTE_USABLE = 2, (1, 2)
_IFA_F_NODAD, _IFA_F_DEPRECATED = 0x02, 0x20
SCOPE_LINK, SCOPE_HOST = 253, 254
"""How far an address may be spoken from: not beyond the link, not beyond this host."""
_NEVER, _FOREVER = 0, 0xFFFFFFFF
_LIVES = struct.Struct("=IIII")
"""struct ifa_cacheinfo: seconds preferred, seconds valid, and two times that the kernel sets."""


@frozen
class KernelLink:
    """An interface.  `up` is the administrator's word, `running` the carrier's; `gone` = removed."""

    ifindex: int
    name: str
    mac: bytes
    mtu: int
    up: bool
    running: bool
    gone: bool = False


@frozen
class InterfaceAddress:
    """An address on an interface; `gone` = removed, `deprecated` = no source any more (RFC 4862, 5.5.4)."""

    ifindex: int
    address: bytes
    prefix: int
    gone: bool = False
    deprecated: bool = False


@frozen
class Neighbour:
    """A neighbour entry; `mac` is empty while unknown, `state` is a NUD_ number, 0 = removed."""

    ifindex: int
    address: bytes
    mac: bytes
    state: int


@frozen
class KernelRoute:
    """The kernel's answer for one destination.

    `gateway` is empty when the destination is on the link, `source` when the kernel named none;
    `mtu` is 0 unless the route (or a learnt path MTU) sets one.
    """

    ifindex: int
    source: bytes
    gateway: bytes
    mtu: int
    local: bool


@frozen
class RoutesChanged:
    """A route or a rule came or went: what was learnt about routes may be wrong."""


@frozen
class Failed:
    """The kernel's answer to a request: errno, 0 = done."""

    code: int


Fact = KernelLink | InterfaceAddress | Neighbour | KernelRoute | RoutesChanged | Failed
Message = tuple[int, int, bytes]


def messages(data: bytes) -> Iterator[Message]:
    """Type, sequence number and payload of each whole message in `data`; stops at a malformed one."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, _flags, sequence, _port = HEADER.unpack_from(data, offset)
        if length < HEADER.size or offset + length > len(data):
            return
        yield kind, sequence, data[offset + HEADER.size : offset + length]
        offset += (length + 3) & ~3


def attributes(payload: bytes, start: int) -> dict[int, bytes]:
    """The attributes behind a fixed part of `start` bytes, by number; stops at a malformed one."""
    found: dict[int, bytes] = {}
    while start + 4 <= len(payload):
        length, number = _ATTRIBUTE.unpack_from(payload, start)
        if length < 4 or start + length > len(payload):
            break
        found[number & 0x3FFF] = payload[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


def fact(kind: int, payload: bytes) -> Fact | None:
    """What a message says, or None when it concerns nobody here or is too short."""
    reader = _READERS.get(kind)
    try:
        return reader(kind, payload) if reader else None
    except struct.error:
        return None


def _read_link(kind: int, payload: bytes) -> Fact | None:
    family, _type, ifindex, flags, _change = _LINK.unpack_from(payload)
    if family != socket.AF_UNSPEC:
        return None
    values = attributes(payload, _LINK.size)
    return KernelLink(
        ifindex,
        values.get(3, b"").rstrip(b"\0").decode("utf-8", "replace"),
        values.get(1, b""),
        _number(values.get(4)),
        up=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        gone=kind == DEL_LINK,
    )


def _read_address(kind: int, payload: bytes) -> Fact | None:
    _family, prefix, flags, _scope, ifindex = _ADDRESS.unpack_from(payload)
    values = attributes(payload, _ADDRESS.size)
    # IFA_LOCAL is the address itself where IFA_ADDRESS is the far end of a point-to-point link.
    address = values.get(2) or values.get(1)
    if not address:
        return None
    deprecated = bool(flags & _IFA_F_DEPRECATED)
    return InterfaceAddress(ifindex, address, prefix, kind == DEL_ADDRESS, deprecated)


def _read_neighbour(kind: int, payload: bytes) -> Fact | None:
    _family, ifindex, state, _flags, _type = _NEIGHBOUR.unpack_from(payload)
    values = attributes(payload, _NEIGHBOUR.size)
    address = values.get(1)
    if not address:
        return None
    if kind == DEL_NEIGHBOUR:
        state = 0
    return Neighbour(ifindex, address, values.get(2, b""), state)


def _read_route(_kind: int, _payload: bytes) -> Fact | None:
    return RoutesChanged()


def _read_failed(_kind: int, payload: bytes) -> Fact | None:
    return Failed(-int(_I32.unpack_from(payload)[0]))


_READERS = {
    ERROR: _read_failed,
    NEW_LINK: _read_link,
    DEL_LINK: _read_link,
    NEW_ADDRESS: _read_address,
    DEL_ADDRESS: _read_address,
    NEW_NEIGHBOUR: _read_neighbour,
    DEL_NEIGHBOUR: _read_neighbour,
    NEW_ROUTE: _read_route,
    DEL_ROUTE: _read_route,
    NEW_RULE: _read_route,
    DEL_RULE: _read_route,
}


def route_answer(payload: bytes) -> KernelRoute | None:
    """The answer to `get_route`; None for a blackhole, a broadcast or anything not usable."""
    if len(payload) < _ROUTE.size:
        return None
    kind = _ROUTE.unpack_from(payload)[7]
    if kind not in _ROUTE_USABLE:
        return None
    values = attributes(payload, _ROUTE.size)
    gateway = values.get(5, b"") or values.get(18, b"")[2:]
    mtu = attributes(values.get(8, b""), 0).get(2)
    return KernelRoute(
        _number(values.get(4)), values.get(7, b""), gateway, _number(mtu), local=kind == _ROUTE_LOCAL
    )


def _number(value: bytes | None) -> int:
    return int(_U32.unpack(value)[0]) if value and len(value) == 4 else 0


# --- requests -----------------------------------------------------------------------------


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, sequence, 0) + body


def _attribute(number: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(4 + len(value), number) + value + bytes(-len(value) % 4)


def _family(address: bytes) -> int:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6


def dump(kind: int, sequence: int) -> bytes:
    """Ask for all links, addresses or neighbours (`GET_…`)."""
    size = {GET_LINK: _LINK, GET_ADDRESS: _ADDRESS, GET_NEIGHBOUR: _NEIGHBOUR}[kind].size
    return _message(kind, DUMP, sequence, bytes(size))


def get_route(address: bytes, sequence: int) -> bytes:
    """Ask which way the kernel would send a packet to `address`."""
    body = _ROUTE.pack(_family(address), 8 * len(address), 0, 0, 0, 0, 0, 0, 0)
    return _message(GET_ROUTE, 0, sequence, body + _attribute(1, address))


def set_address(kind: int, ifindex: int, address: bytes, sequence: int, scope: int = 0) -> bytes:
    """Add (`NEW_ADDRESS`) or remove (`DEL_ADDRESS`) `address` as a host address of `ifindex`.

    An IPv6 address is added as one that is not preferred any more, and an existing one made such: the host
    must not speak from it by itself (RFC 6724, 5, rule 3), least of all to servers that hold it, too.  An
    IPv4 one is kept from that by its `scope` (rtnetlink(7)).
    """
    body = _ADDRESS.pack(_family(address), 8 * len(address), _IFA_F_NODAD, scope, ifindex)
    body += _attribute(2, address) + _attribute(1, address)
    if kind != NEW_ADDRESS:
        return _message(kind, ACK, sequence, body)
    if len(address) == 4:
        return _message(kind, ACK | CREATE | EXCLUSIVE, sequence, body)
    lives = _attribute(6, _LIVES.pack(_NEVER, _FOREVER, 0, 0))
    return _message(kind, ACK | CREATE | REPLACE, sequence, body + lives)


def use_neighbour(ifindex: int, address: bytes, sequence: int, state: int = 0) -> bytes:
    """Make the kernel resolve `address` as if it had a packet for it (NTF_USE).

    With `state` NUD_PROBE an entry that exists is asked for again instead.
    """
    flags = 0 if state else _NTF_USE
    body = _NEIGHBOUR.pack(_family(address), ifindex, state, flags, 0)
    return _message(NEW_NEIGHBOUR, ACK | (0 if state else CREATE), sequence, body + _attribute(1, address))


def set_link_up(ifindex: int, sequence: int) -> bytes:
    """Set an interface up."""
    return _message(NEW_LINK, ACK, sequence, _LINK.pack(0, 0, ifindex, _IFF_UP, _IFF_UP))
