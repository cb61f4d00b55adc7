"""Messages of version 1, which all kernels since 2.6.39 send (`lvs-semantics` J.2); big-endian throughout."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from director.errors import PacketError
from director.model.synced import IN_SEQ, OUT_SEQ, TOLD, Sequence, SyncedConnection

HEADER = Struct("!BBHBBH")
"""Reserved, syncid, size of the message, number of records, version, spare."""
VERSION = 1
MOST_RECORDS = 255
"""Of a message: their number is one octet."""
_RECORD = Struct("!BBHIHHHHII")
"""Type, protocol, version and length, flags, state, ports of client, virtual and target, mark, timeout."""
_SEQUENCES = Struct("!IiiIii")
"""In, then out: from where on, by how much, by how much before."""
_IPV6 = 1
_SEQ_DATA, _PE_DATA, _PE_NAME = 1, 2, 3
_OPTIONAL, _KIND = 0x40, 0xBF
_LONGEST = {_SEQ_DATA: _SEQUENCES.size, _PE_DATA: 255, _PE_NAME: 16}
_LENGTH = 0x0FFF
_NO_SEQUENCE = Sequence(0, 0, 0)


def record(told: SyncedConnection) -> bytes:
    """One record without padding."""
    options = b""
    if told.flags & (IN_SEQ | OUT_SEQ):
        both = (*(told.incoming or _NO_SEQUENCE), *(told.outgoing or _NO_SEQUENCE))
        options += _option(_SEQ_DATA, _SEQUENCES.pack(*both))
    if told.data:
        options += _option(_PE_DATA, told.data) + _option(_PE_NAME, told.engine.encode())
    addresses = told.client + told.virtual + told.target
    size = _RECORD.size + len(addresses) + len(options)
    kind = _IPV6 if len(told.client) == 16 else 0
    head = _RECORD.pack(
        kind, told.protocol, size, told.flags & TOLD, told.state, told.cport, told.vport, told.dport,
        told.mark, told.timeout or 0,
    )  # fmt: skip
    return head + addresses + options


def _option(kind: int, data: bytes) -> bytes:
    return bytes((kind, len(data))) + data


def message(records: list[bytes], syncid: int) -> bytes:
    """Records, at most `MOST_RECORDS`, as one message; each begins at a multiple of four octets."""
    text = bytearray(HEADER.size)
    for one in records:
        text += bytes(-len(text) % 4) + one
    HEADER.pack_into(text, 0, 0, syncid, len(text), len(records), VERSION, 0)
    return bytes(text)


def read(datagram: bytes) -> Iterator[SyncedConnection]:
    """The records of a message whose header fits, up to the first that cannot be read.

    Raises PacketError there, for what comes after it cannot be found either.
    """
    place = HEADER.size
    for _ in range(datagram[4]):
        place += -place % 4
        if place + _RECORD.size > len(datagram):
            raise PacketError("sync_truncated")
        size = int.from_bytes(datagram[place + 2 : place + 4], "big")
        if size >> 12:
            raise PacketError("sync_record_version")
        end = place + (size & _LENGTH)
        if end > len(datagram):
            raise PacketError("sync_truncated")
        yield _read_record(datagram[place:end])
        place = end


def _read_record(text: bytes) -> SyncedConnection:
    wide = 16 if text[0] & _IPV6 else 4
    start = _RECORD.size
    if len(text) < start + 3 * wide:
        raise PacketError("sync_truncated")
    _, protocol, _, flags, state, cport, vport, dport, mark, timeout = _RECORD.unpack_from(text)
    client, virtual, target = (text[start + at * wide : start + (at + 1) * wide] for at in range(3))
    found = _options(text[start + 3 * wide :])
    sequences = found.get(_SEQ_DATA)
    incoming, outgoing = (None, None) if sequences is None else _sequences(sequences)
    try:
        engine = found.get(_PE_NAME, b"").rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise PacketError("sync_option") from error
    return SyncedConnection(
        protocol, client, cport, virtual, vport, target, dport, flags & TOLD, state, mark, timeout,
        incoming, outgoing, engine, found.get(_PE_DATA, b""),
    )  # fmt: skip


def _sequences(data: bytes) -> tuple[Sequence, Sequence]:
    values = _SEQUENCES.unpack(data)
    return Sequence(*values[:3]), Sequence(*values[3:])


def _options(text: bytes) -> dict[int, bytes]:
    """What follows the addresses, by kind.  Raises PacketError for one that must be known and is not."""
    found: dict[int, bytes] = {}
    place = 0
    while place < len(text):
        if place + 2 > len(text):
            raise PacketError("sync_option")
        kind, size = text[place], text[place + 1]
        data = text[place + 2 : place + 2 + size]
        known = _LONGEST.get(kind & _KIND)
        if len(data) < size or not size or kind & _KIND in found:
            raise PacketError("sync_option")
        if known is None and not kind & _OPTIONAL:
            raise PacketError("sync_option")
        if known is not None:
            if size > known or (kind & _KIND == _SEQ_DATA and size != known):
                raise PacketError("sync_option")
            found[kind & _KIND] = data
        place += 2 + size
    return found
