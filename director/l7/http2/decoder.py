"""HPACK's decoder (RFC 7541): the library's, with a short way for what most fields of a request are.

A client that asks again sends a field as its place in a table, one octet (6.1).  Everything else is read by
the library, and its bounds hold for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from hpack import Decoder, HeaderTuple
from hpack.exceptions import HPACKDecodingError, OversizedHeaderListError
from hpack.hpack import DEFAULT_MAX_HEADER_LIST_SIZE
from hpack.table import HeaderTable

_STATIC = [HeaderTuple(b"", b""), *(HeaderTuple(*field) for field in HeaderTable.STATIC_TABLE)]
"""RFC 7541, appendix A; its first place is 1."""
_OVERHEAD = 32
"""What a field counts beside its octets (RFC 9113 10.5.1)."""


class FieldDecoder(Decoder):
    """The decoder of one connection.

    A block that changes nothing in the table means the same as long as nothing else does: one that comes
    again is read once.
    """

    def __init__(self, max_header_list_size: int = DEFAULT_MAX_HEADER_LIST_SIZE) -> None:
        super().__init__(max_header_list_size)
        self._last: tuple[bytes, list[HeaderTuple]] | None = None

    def decode(self, data: bytes, raw: bool = True) -> Iterable[HeaderTuple]:
        """The fields of a block, as octets.  Raises HPACKError."""
        last, self._last = self._last, None
        if last is not None and data == last[0]:
            self._last = last
            return last[1].copy()
        static, dynamic = _STATIC, self.header_table.dynamic_entries
        changes = False
        fields: list[HeaderTuple] = []
        size, at, end = 0, 0, len(data)
        while at < end:
            octet = data[at]
            place = octet - 0x80
            if 0 < place < len(static):
                field, used = static[place], 1
            elif 0 < place < 0x7F and place - len(static) < len(dynamic):
                field, used = HeaderTuple(*dynamic[place - len(static)]), 1
            elif octet & 0xE0 == 0x20:
                if fields:
                    raise HPACKDecodingError("a table's size stands behind a field (RFC 7541 4.2)")
                at += self._update_encoding_context(data[at:])
                changes = True
                continue
            else:
                changes = changes or octet & 0xC0 == 0x40
                field, used = self._longer(octet, data[at:])
            fields.append(field)
            size += len(field[0]) + len(field[1]) + _OVERHEAD
            if size > self.max_header_list_size:
                raise OversizedHeaderListError(f"more than {self.max_header_list_size} octets of fields")
            at += used
        self._assert_valid_table_size()
        if not changes:
            self._last = (bytes(data), fields)
            return fields.copy()
        return fields

    def _longer(self, octet: int, data: bytes) -> tuple[HeaderTuple, int]:
        """A field that takes more than one octet, and how many."""
        if octet & 0x80:
            return self._decode_indexed(data)
        if octet & 0x40:
            return self._decode_literal_index(data)
        return self._decode_literal_no_index(data)
