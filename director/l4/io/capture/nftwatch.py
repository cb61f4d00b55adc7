"""Notice when somebody touches the director's nftables tables.

`nft flush ruleset` (as a firewall's reload does) removes a table, `flush table`, `flush chain` or `delete
rule` empties it, `insert rule` undoes it: without its rules the host's stack would answer for the virtual
addresses and reset clients' connections.  `TableWatch` listens to the kernel's events, whatever they are
about, and tells its owner, who looks whether all is as it was (`tables`).

Source: Linux `nfnetlink.h`, `nf_tables.h`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Collection, Iterator

from twisted.internet.interfaces import IReactorFDSet

from director.l4.io.netlink import rtnetlink
from director.l4.io.netlink.socket import EventReader

NETDEV = 5
"""NFPROTO_NETDEV."""
_NETLINK_NETFILTER, _SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES = 12, 270, 1, 7
_SUBSYSTEM = 0x0A
"""NFNL_SUBSYS_NFTABLES, the upper byte of every message about tables and what is in them."""
_NAME = 1
"""NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE …: all the same number."""
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 17
_BATCH = 256


def told(data: bytes) -> Iterator[str]:
    """The netdev tables that one datagram speaks of, once for each message."""
    for kind, _sequence, payload in rtnetlink.messages(data):
        if kind >> 8 == _SUBSYSTEM and payload[:1] == bytes([NETDEV]):
            name = _name(payload[4:])
            if name:
                yield name


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
    """Calls `touched` when one of `tables` may have changed, by whomever, or when events were missed."""

    name = "nftables"

    def __init__(self, reactor: IReactorFDSet, tables: Collection[str], touched: Callable[[], None]) -> None:
        """Raises OSError when the kernel has no nftables events."""
        super().__init__(reactor, _open(), touched)
        self._tables = tables
        self.start()

    def doRead(self) -> None:
        """Read what waits; many changes at a time are told once."""
        concerned = False
        for _ in range(_BATCH):
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                break
            except OSError:
                self._missed()
                return
            concerned = concerned or any(name in self._tables for name in told(data))
        if concerned:
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
