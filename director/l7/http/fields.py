"""The field lines of a head: what they say to a proxy, and which of them it must not pass on.

A `FieldBlock` is made of lines that `http1` or `responses` have validated.  It is a value: the
same block serves all requests of a client that repeats itself.  What the fields mean for the
body is `body_length`; what they mean for the connection is `keeps_alive`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from director.errors import MessageError
from director.l7.http.grammar import CODINGS, DIGITS, NAMES
from director.l7.http.memo import memo

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKED = -1
UNTIL_CLOSE = -2

_SINGLE = frozenset((b"host", b"content-length", b"transfer-encoding", b"max-forwards"))
"""Fields that may come only once."""


FORWARDED_OTHERS = b"x-forwarded-*"
"""Stands for all fields that begin with X-Forwarded- but -For, -Host and -Proto."""
_FORWARDED_KNOWN = frozenset((b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
HOP_BY_HOP = frozenset((
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade",
    b"http2-settings",
))  # fmt: skip
"""What stays on this hop (RFC 9110 7.6.1).  Trailer does not: it is not hop-by-hop any more (6.6.2)."""
_NEVER_NOMINATED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"close", b"keep-alive", b"cache-control", b"date")
)
"""Options of Connection that must not make a field vanish: those, and fields that all recipients need."""
NOTHING: frozenset[bytes] = frozenset()

Span = tuple[int, int]


class FieldBlock:
    """Validated field lines.

    Attributes:
        text: the lines as they came.
        fields: the fields a proxy must understand, lower-case name -> value, repeats joined by comma.

    Raises: MessageError 400 when a field that may come only once is repeated.
    """

    __slots__ = ("_kept", "_lowered", "_spans", "_where", "fields", "text")

    def __init__(self, text: bytes, of_interest: re.Pattern[bytes]) -> None:
        lowered = b"\n" + text.lower()
        fields: dict[bytes, bytes] = {}
        where: list[tuple[bytes, Span]] = []
        for found in of_interest.finditer(lowered):
            name = found[1]
            start, end = found.span()
            value = text[start + len(name) + 1 : end - 2].strip(b" \t")
            if name in fields:
                if name in _SINGLE:
                    raise MessageError(400, f"repeated {name.decode().title()}")
                value = fields[name] + b", " + value
            fields[name] = value
            where.append((_policy_name(name), (start, end)))
        self.text = text
        self.fields = fields
        self._lowered = lowered
        self._where = where
        self._spans = self._dropped_spans()
        self._kept: dict[frozenset[bytes], bytes] = {}

    def _dropped_spans(self) -> list[Span]:
        """The lines that stay on this hop: hop-by-hop ones, twins, and those that Connection nominates.

        All names are looked at once, however many are nominated (RFC 9110 7.6.1).  A field that a proxy must
        understand never has an underscore: only an attacker sends it so.
        """
        spans = [span for name, span in self._where if name in HOP_BY_HOP or b"_" in name]
        nominated = self.nominated
        if nominated:
            spans += self._lines_of(lambda name: canonical(name) in nominated)
        return spans

    @property
    def nominated(self) -> frozenset[bytes]:
        """The canonical names of the fields that Connection declares to be of this hop only."""
        options = self.fields.get(b"connection")
        return NOTHING if options is None else _nominated(options)

    def kept(self, names: frozenset[bytes] = NOTHING) -> bytes:
        """The lines to pass on: less the hop-by-hop ones, less those of `names` (of a few fixed sets).

        Of the fields in `names`, only those go that a proxy must understand.
        """
        kept = self._kept.get(names)
        if kept is None:
            spans = self._spans + [span for name, span in self._where if name in names]
            kept = self._kept[names] = without(self.text, spans)
        return kept

    def has(self, name: bytes) -> bool:
        """Is there any line of one field (lower-case name)?"""
        return b"\n" + name + b":" in self._lowered

    def values(self, name: bytes) -> list[bytes]:
        """The values of one field (lower-case name), in order."""
        return [self.text[start + len(name) + 1 : end - 2].strip(b" \t") for start, end in self.spans(name)]

    def spans(self, name: bytes) -> list[Span]:
        """Where the lines of one field (lower-case name) stand in `text`."""
        found = []
        lowered = self._lowered
        needle = b"\n" + name + b":"
        start = lowered.find(needle)
        while start >= 0:
            end = lowered.find(b"\n", start + 1)
            found.append((start, end))
            start = lowered.find(needle, end)
        return found

    def less(self, name: bytes) -> bytes:
        """The lines less all of one field (lower-case name) and of its twins."""
        wanted = canonical(name)
        return without(self.text, self._lines_of(lambda found: canonical(found) == wanted))

    def less_twins(self, spellings: frozenset[bytes], names: frozenset[bytes]) -> bytes:
        """The lines less those that have one of the canonical `names` but none of the `spellings` in use."""
        return without(
            self.text, self._lines_of(lambda found: found not in spellings and canonical(found) in names)
        )

    def _lines_of(self, wanted: Callable[[bytes], bool]) -> list[Span]:
        """Where the lines stand whose (lower-case) name is wanted."""
        return [
            (found.start(), self._lowered.find(b"\n", found.end()))
            for found in NAMES.finditer(self._lowered)
            if wanted(found[1])
        ]


def canonical(name: bytes) -> bytes:
    """A lower-case name as CGI-like servers see it: `_` and `-` are the same to them (RFC 3875 4.1.18)."""
    return name.replace(b"_", b"-")


def _policy_name(name: bytes) -> bytes:
    """The name by which policies speak of a field."""
    if name[:12] == b"x-forwarded-" and name not in _FORWARDED_KNOWN and b"_" not in name:
        return FORWARDED_OTHERS
    return name


def without(text: bytes, spans: list[Span]) -> bytes:
    """`text` less the given (start, end) parts, which may overlap."""
    if not spans:
        return text
    parts = []
    position = 0
    for start, end in sorted(spans):
        if start > position:
            parts.append(text[position:start])
        position = max(position, end)
    parts.append(text[position:])
    return b"".join(parts)


@memo("list_fields", 256)
def list_elements(value: bytes) -> frozenset[bytes]:
    """The lower-case elements of a list field such as Connection or Upgrade (RFC 9110 5.6.1)."""
    return frozenset(option.strip(b" \t").lower() for option in value.split(b",")) - {b""}


@memo("nominated_fields", 256)
def _nominated(value: bytes) -> frozenset[bytes]:
    """The fields that a Connection field declares to be of this hop only, by their canonical names."""
    return frozenset(map(canonical, list_elements(value))) - _NEVER_NOMINATED


def keeps_alive(fields: dict[bytes, bytes], minor: int) -> bool:
    """Does the sender want its connection kept (RFC 9112 9.3)?"""
    value = fields.get(b"connection")
    if value is None:
        return minor > 0
    options = list_elements(value)
    return b"close" not in options and (minor > 0 or b"keep-alive" in options)


def body_length(fields: dict[bytes, bytes], minor: int) -> int | None:
    """Body octets by the framing fields, CHUNKED, or None when neither is there (RFC 9112 6.3).

    Raises: MessageError 400 for any ambiguity, 413 for a length that cannot be, 501 for an unknown coding.
    """
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None:
        if length is not None:
            raise MessageError(400, "both Content-Length and Transfer-Encoding")
        if minor == 0:
            raise MessageError(400, "Transfer-Encoding in HTTP/1.0")
        if coding.lower() != b"chunked":
            raise MessageError(501 if CODINGS.fullmatch(coding) else 400, "unknown transfer coding")
        return CHUNKED
    if length is None:
        return None
    if DIGITS.fullmatch(length) is None:
        raise MessageError(413 if length.isdigit() else 400, "bad Content-Length")
    return int(length)
