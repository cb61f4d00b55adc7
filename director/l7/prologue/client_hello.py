"""The names in a TLS greeting, read without ending TLS (for routing by SNI).

`Greeting` wants the whole ClientHello, which may come in several records (RFC 8446 5.1), and looks at each
octet once, however small the pieces are in which they come.  Nothing is changed: the octets go to the server
as they came.  A greeting without a name has `name` "".

Source: RFC 8446 4.1.2, 5.1; RFC 6066 3 (server_name); RFC 7301 3.1 (application_layer_protocol_negotiation).
"""

from __future__ import annotations

from attrs import frozen

HANDSHAKE = 22
CLIENT_HELLO = b"\x01"
LONGEST = 65536
"""Octets of a greeting that are waited for; post-quantum key shares make 2 kB of it, more is nobody's."""
LONGEST_RECORD = 16384
SERVER_NAME, ALPN = 0, 16
LONGEST_NAME = 253


class HelloError(ValueError):
    """The octets are no TLS greeting; the text says why, for the log."""


@frozen
class Hello:
    """`name` is the server that is asked for, in lower case; `protocols` what the client speaks (ALPN)."""

    name: str = ""
    protocols: tuple[bytes, ...] = ()


class _Cursor:
    """Octets read from the front; running out of them is an error."""

    __slots__ = ("_at", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise HelloError("the greeting is shorter than a length in it says")
        found = self._octets[self._at : end]
        self._at = end
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Octets behind a length of `size` octets."""
        return self.take(self.number(size))

    @property
    def left(self) -> bool:
        return self._at < len(self._octets)


class Greeting:
    """Reads the greeting with which a connection begins."""

    __slots__ = ("_message", "_octets", "_rest")

    def __init__(self) -> None:
        self._octets = 0
        self._rest = b""
        self._message = bytearray()

    def feed(self, data: bytes) -> Hello | None:
        """What the greeting says; None while more octets are needed.

        Raises HelloError as soon as it cannot become one.
        """
        self._octets += len(data)
        rest, at = self._rest + data, 0
        while at < len(rest):
            end = at + 5 + _record_length(rest, at)
            if len(rest) < end:
                break
            self._message += rest[at + 5 : end]
            at = end
            if self._is_whole():
                return _hello(_Cursor(bytes(self._message[4 : self._length()])))
        self._rest = rest[at:]
        if self._octets > LONGEST:
            raise HelloError(f"no greeting ends within the {LONGEST} octets that are taken")
        return None

    def _is_whole(self) -> bool:
        if self._message[:1] != CLIENT_HELLO:
            raise HelloError("the first message is not a greeting")
        return len(self._message) >= 4 and len(self._message) >= self._length()

    def _length(self) -> int:
        """Octets of the message with its header."""
        whole = 4 + int.from_bytes(self._message[1:4], "big")
        if whole > LONGEST:
            raise HelloError(f"a greeting of {whole} octets is longer than the {LONGEST} that are taken")
        return whole


def _record_length(data: bytes, at: int) -> int:
    """The length of the record that begins there; more than there is while nobody knows it."""
    if data[at] != HANDSHAKE:
        raise HelloError("the connection does not begin with a TLS greeting")
    if len(data) > at + 1 and data[at + 1] != 3:
        raise HelloError("the greeting is not of TLS")
    if len(data) < at + 5:
        return LONGEST_RECORD
    length = int.from_bytes(data[at + 3 : at + 5], "big")
    if not 0 < length <= LONGEST_RECORD:
        raise HelloError("a record of the greeting has an impossible length")
    return length


def _hello(cursor: _Cursor) -> Hello:
    cursor.take(2 + 32)  # version and random
    cursor.vector(1)  # session id
    cursor.vector(2)  # cipher suites
    cursor.vector(1)  # compression methods
    if not cursor.left:
        return Hello()
    name, seen = "", set[int]()
    protocols: tuple[bytes, ...] = ()
    extensions = _Cursor(cursor.vector(2))
    while extensions.left:
        kind, value = extensions.number(2), extensions.vector(2)
        if kind in seen:
            raise HelloError("the greeting has an extension twice (RFC 8446 4.2)")
        seen.add(kind)
        if kind == SERVER_NAME:
            name = _name(_Cursor(value))
        elif kind == ALPN:
            protocols = tuple(_protocols(value))
    return Hello(name, protocols)


def _name(cursor: _Cursor) -> str:
    names = _Cursor(cursor.vector(2))
    while names.left:
        kind, value = names.number(1), names.vector(2)
        if kind == 0:
            if not value or len(value) > LONGEST_NAME or not value.isascii() or b"\0" in value:
                raise HelloError("the name in the greeting is none (RFC 6066 3)")
            return value.decode("ascii").lower().removesuffix(".")
    return ""


def _protocols(value: bytes) -> list[bytes]:
    names, found = _Cursor(_Cursor(value).vector(2)), []
    while names.left:
        found.append(names.vector(1))
    return found
