"""Fields of HTTP/2 and field lines of HTTP/1, each from the other (RFC 9113 8.2)."""

from __future__ import annotations

from collections.abc import Iterable

from director.caches import remember
from director.errors import MessageError

Fields = Iterable[tuple[bytes, bytes]]

HEADS = 128
"""Heads of responses that are remembered: until their date changes, many are the same."""
SPECIFIC = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
"""Fields of one connection, which HTTP/2 does not have (RFC 9113 8.2.2)."""


@remember("h2_response_heads", HEADS)
def head_fields(text: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of a response's head in HTTP/1 form, for HTTP/2: lower case, its status first."""
    lines = text.split(b"\r\n")
    return ((b":status", lines[0].split(b" ", 2)[1]), *lines_to_fields(lines[1:]))


def lines_to_fields(lines: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Field lines as pairs, less those of HTTP/1 connections (RFC 9113 8.2.2)."""
    found = []
    for line in lines:
        name, colon, value = line.partition(b":")
        lower = name.lower()
        if colon and lower not in SPECIFIC:
            found.append((lower, value.strip(b" \t")))
    return found


def trailer_lines(fields: Fields) -> bytes:
    """Trailers as field lines for the body's reader to judge; raises MessageError 400."""
    found = b""
    for name, value in fields:
        if name[:1] == b":" or name in SPECIFIC or b"\r" in value or b"\n" in value or b"\0" in value:
            raise MessageError(400, "malformed trailers")
        found += name + b": " + value + b"\r\n"
    return found
