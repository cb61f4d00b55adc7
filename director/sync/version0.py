"""Messages of version 0, of kernels before 2.6.39 (`lvs-semantics` J.3): IPv4, without timeouts and marks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from struct import Struct

from director.errors import PacketError
from director.model.synced import IN_SEQ, OUT_SEQ, TOLD, Sequence, SyncedConnection

HEADER = Struct("!BBH")
"""Number of records, syncid, size of the message."""
MOST_RECORDS = 255
_RECORD = Struct("!xBHHH4s4s4sHH")
"""Protocol, ports of client, virtual and target, their addresses, flags, state."""
_SEQUENCES = Struct("=IIIIII" if sys.byteorder == "little" else ">IIIIII")
"""In, then out, in the order of the host that sends: it is for hosts of one kind."""
_NO_SEQUENCE = Sequence(0, 0, 0)
_WORD = 0xFFFFFFFF


def record(told: SyncedConnection) -> bytes | None:
    """One record; None for what this version has no way to tell."""
    if len(told.client) != 4 or told.data:
        return None
    text = _RECORD.pack(
        told.protocol, told.cport, told.vport, told.dport, told.client, told.virtual, told.target,
        told.flags & TOLD, told.state,
    )  # fmt: skip
    if told.flags & (IN_SEQ | OUT_SEQ):
        both = (*(told.incoming or _NO_SEQUENCE), *(told.outgoing or _NO_SEQUENCE))
        text += _SEQUENCES.pack(*(value & _WORD for value in both))
    return text


def message(records: list[bytes], syncid: int) -> bytes:
    """Records, at most `MOST_RECORDS`, as one message."""
    size = HEADER.size + sum(map(len, records))
    return HEADER.pack(len(records), syncid, size) + b"".join(records)


def read(datagram: bytes) -> Iterator[SyncedConnection]:
    """The records of a message whose header fits.  Raises PacketError where one is cut off."""
    place = HEADER.size
    for _ in range(datagram[0]):
        if place + _RECORD.size > len(datagram):
            raise PacketError("sync_truncated")
        protocol, cport, vport, dport, client, virtual, target, flags, state = _RECORD.unpack_from(
            datagram, place
        )
        place += _RECORD.size
        both: tuple[Sequence | None, Sequence | None] = (None, None)
        if flags & (IN_SEQ | OUT_SEQ):
            if place + _SEQUENCES.size > len(datagram):
                raise PacketError("sync_truncated")
            values = _SEQUENCES.unpack_from(datagram, place)
            both = _sequence(values[:3]), _sequence(values[3:])
            place += _SEQUENCES.size
        yield SyncedConnection(
            protocol, client, cport, virtual, vport, target, dport, flags & TOLD, state, 0, None, *both
        )


def _sequence(values: tuple[int, ...]) -> Sequence:
    start, change, previous = values
    return Sequence(start, _signed(change), _signed(previous))


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
