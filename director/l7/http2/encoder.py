"""HPACK's encoder (RFC 7541), for a proxy that sends much the same fields again and again.

The library's looks through the whole table for each field and codes strings by Huffman's code, octet by octet
in Python; that was a third of what a small response cost.  This one finds a field in one look, and sends
strings as they are (5.2): a field costs its octets once, and one or two from then on.  What hardly ever comes
again is not put into the table, where it would push out what does (6.2.2).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from hpack import HeaderTuple
from hpack.table import HeaderTable

_STATIC = HeaderTable.STATIC_TABLE
"""RFC 7541, appendix A."""
_FIRST_DYNAMIC = len(_STATIC) + 1
_EXACT = {field: b"%c" % (0x80 | index) for index, field in enumerate(_STATIC, 1)}
_NAMES: dict[bytes, int] = {}
for _index, (_name, _) in enumerate(_STATIC, 1):
    _NAMES.setdefault(_name, _index)
_OVERHEAD = 32
"""What an entry counts beside its octets (RFC 7541 4.1)."""
UNIQUE = frozenset((
    b"age", b"content-range", b"etag", b"expires", b"last-modified", b"location", b"set-cookie",
    b"x-request-id",
))  # fmt: skip
"""Fields that another response hardly has with the same value."""


def integer(value: int, bits: int, first: int) -> bytes:
    """A number behind a prefix of so many bits (RFC 7541 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return b"%c" % (first | value)
    octets = bytearray((first | most,))
    value -= most
    while value >= 128:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)


class FieldEncoder:
    """The encoder of one connection; it stands in the place of `hpack.Encoder`."""

    __slots__ = (
        "_announced",
        "_count",
        "_entries",
        "_exact",
        "_last",
        "_limit",
        "_names",
        "_size",
        "_version",
    )

    def __init__(self, limit: int = 4096) -> None:
        """`limit` in octets, by the count of RFC 7541 4.1."""
        self._limit = limit
        self._announced: list[int] = []
        self._entries: deque[tuple[bytes, bytes]] = deque()
        self._size = 0
        # How many entries there ever were; an entry's number is what that was before it.
        self._count = 0
        self._exact: dict[tuple[bytes, bytes], int] = {}
        self._names: dict[bytes, int] = {}
        # How often the table has changed; and the last fields that did not change it, what it was then, and
        # their block: with the same table it is the same again.
        self._version = 0
        self._last: tuple[Any, int, bytes] = (None, 0, b"")

    @property
    def header_table_size(self) -> int:
        """Octets that the table may have."""
        return self._limit

    @header_table_size.setter
    def header_table_size(self, limit: int) -> None:
        """Told to the peer at the begin of the next block (RFC 7541 4.2)."""
        if limit != self._limit:
            self._limit = limit
            self._announced.append(limit)
            self._make_room(0)

    def encode(self, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
        """A block for these fields, of lower-case names; a `NeverIndexedHeaderTuple` gets into no table."""
        last, version, same = self._last
        if fields is last and version == self._version and not self._announced:
            return same
        version = self._version
        block = []
        if self._announced:
            # The least of them first: the peer must have thrown away what we did.
            least, last = min(self._announced), self._announced[-1]
            block += [integer(size, 5, 0x20) for size in ((least, last) if least < last else (last,))]
            self._announced.clear()
            version = -1
        newest = _FIRST_DYNAMIC + self._count - 1
        exact = self._exact
        for field in fields:
            known = _EXACT.get(field)
            if known is not None:
                block.append(known)
                continue
            number = exact.get(field)
            if number is not None:
                index = newest - number
                block.append(b"%c" % (0x80 | index) if index < 127 else integer(index, 7, 0x80))
                continue
            block.append(self._literal(field))
            newest = _FIRST_DYNAMIC + self._count - 1
        octets = b"".join(block)
        if version == self._version and isinstance(fields, tuple):
            self._last = (fields, version, octets)
        return octets

    def _literal(self, field: tuple[bytes, bytes]) -> bytes:
        """A field that is in no table, by its name's place where that is in one."""
        name, value = field
        index = _NAMES.get(name, 0)
        if not index and name in self._names:
            index = _FIRST_DYNAMIC + self._count - 1 - self._names[name]
        if isinstance(field, HeaderTuple) and not field.indexable:
            head = integer(index, 4, 0x10)
        elif name in UNIQUE:
            head = integer(index, 4, 0x00)
        else:
            head = integer(index, 6, 0x40)
            self._enter(name, value)
        if not index:
            head += integer(len(name), 7, 0) + name
        return head + integer(len(value), 7, 0) + value

    def _enter(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value) + _OVERHEAD
        self._make_room(size)
        if size > self._limit:
            return  # it has emptied the table, and is not in it (RFC 7541 4.4)
        self._version += 1
        self._entries.append((name, value))
        self._size += size
        self._exact[name, value] = self._names[name] = self._count
        self._count += 1

    def _make_room(self, size: int) -> None:
        """Throw the oldest away, as the peer does."""
        while self._entries and self._size + size > self._limit:
            self._version += 1
            entry = name, value = self._entries.popleft()
            self._size -= len(name) + len(value) + _OVERHEAD
            number = self._count - len(self._entries) - 1
            if self._exact.get(entry) == number:
                del self._exact[entry]
            if self._names.get(name) == number:
                del self._names[name]
