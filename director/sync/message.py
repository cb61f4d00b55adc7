"""Datagrams of other directors: whose they are, and of which version (`lvs-semantics` J.5, step 1)."""

from __future__ import annotations

from collections.abc import Iterator

from director.errors import PacketError
from director.model.synced import SyncedConnection
from director.sync import version0, version1

ANY = 0
"""The syncid of a backup that takes the messages of every master."""


def read(datagram: bytes, syncid: int) -> Iterator[SyncedConnection]:
    """The connections that a datagram tells of, if it is for `syncid`.

    Raises PacketError with the reason for what is not taken in: at once, or after the records before.
    """
    if len(datagram) < version0.HEADER.size:
        raise PacketError("sync_truncated")
    first, sender, size = version0.HEADER.unpack_from(datagram)
    if size != len(datagram):
        raise PacketError("sync_size")
    if syncid not in (ANY, sender):
        raise PacketError("sync_id")
    if _newer(datagram, first):
        yield from version1.read(datagram)
    else:
        yield from version0.read(datagram)


def _newer(datagram: bytes, first: int) -> bool:
    """It is of version 1: version 0 would count no records in the first octet."""
    if len(datagram) < version1.HEADER.size:
        return False
    *_, version, spare = version1.HEADER.unpack_from(datagram)
    return (first, version, spare) == (0, version1.VERSION, 0)
