"""Notice when somebody else takes the director's nftables table away.

`nft flush ruleset` (as a firewall's reload does) removes every table; without its own the host's stack
would answer for the virtual addresses and reset clients' connections.  `TableWatch` listens to the
kernel's events and tells its owner, who installs the table again.

Source: Linux `nfnetlink.h`, `nf_tables.h`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

from twisted.internet.interfaces import IReactorFDSet

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink.socket import EventReader

NETDEV = 5
"""NFPROTO_NETDEV."""
_NETLINK_NETFILTER, _SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES = 12, 270, 1, 7
_NEW_TABLE, _DELETED_TABLE = 0x0A00, 0x0A02
_NAME = 1
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 17
_BATCH = 256


def told(data: bytes) -> Iterator[tuple[str, bool]]:
    """The netdev tables that one datagram speaks of: name, and whether it is there now."""
    for kind, _sequence, payload in rtnetlink.messages(data):
        if kind in {_NEW_TABLE, _DELETED_TABLE} and payload[:1] == bytes([NETDEV]):
            name = _name(payload[4:])
            if name:
                yield name, kind == _NEW_TABLE


def _name(attributes: bytes) -> str:
    at = 0
    while at + 4 <= len(attributes):
        size, kind = _ATTRIBUTE.unpack_from(attributes, at)
        if size < 4:
            return ""
        if kind & 0x3FFF == _NAME:
            return attributes[at + 4 : at + size].rstrip(b"\0").decode(errors="replace")
        at += size + 3 & ~3
    return ""


class TableWatch(EventReader):
    """Calls `lost` when `table` is gone (once for each time) and, to be sure, when events were missed."""

    name = "nftables"

    def __init__(self, reactor: IReactorFDSet, table: str, lost: Callable[[], None]) -> None:
        """Raises OSError when the kernel has no nftables events."""
        super().__init__(reactor, _open(), lost)
        self._table = table
        self.start()

    def doRead(self) -> None:
        """Read what waits.  The director's own replacement ends with the table there."""
        there = True
        for _ in range(_BATCH):
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                break
            except OSError:
                self._missed()
                return
            for name, present in told(data):
                if name == self._table:
                    there = present
        if not there:
            self._lost()


def _open() -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    try:
        sock.bind((0, 0))
        sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES)
    except OSError:
        sock.close()
        raise
    return sock
