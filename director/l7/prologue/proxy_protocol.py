"""The PROXY protocol, versions 1 and 2: the first octets of a connection tell whose connection it is.

A listener that expects the header takes nothing else (the specification, section 2: never guess).  `read`
says None until the header is whole, then what it tells and how many octets it was; anything else is an
error, and the connection is closed.  At most 107 octets of version 1 are waited for, and the length that
version 2 tells.

Source: "The PROXY protocol", versions 1 and 2 (HAProxy, 2020), sections 2.1, 2.2.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

from attrs import frozen

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_V1 = 107
"""Octets of the longest line of version 1 with its end (section 2.1)."""
LONGEST_V2 = 16 + 4096
"""Octets we take of version 2: a real header with all its TLVs is far below; the field could say 65 535."""
V1_PREFIX = b"PROXY "

LOCAL, PROXY = 0, 1
UNSPEC, INET, INET6, UNIX = 0, 1, 2, 3
STREAM, DATAGRAM = 1, 2

TLV_ALPN, TLV_AUTHORITY, TLV_CRC32C, TLV_NOOP, TLV_UNIQUE_ID, TLV_SSL = 0x01, 0x02, 0x03, 0x04, 0x05, 0x20
TLV_SSL_VERSION, TLV_SSL_CN, TLV_SSL_CIPHER, TLV_SSL_SIG_ALG, TLV_SSL_KEY_ALG = 0x21, 0x22, 0x23, 0x24, 0x25
CLIENT_SSL, CLIENT_CERT_CONN, CLIENT_CERT_SESS = 0x01, 0x02, 0x04


class ProxyHeaderError(ValueError):
    """The octets are no header; the text says why, for the log."""


@frozen
class Header:
    """What a header tells.

    `source` and `destination` are (address, port); IPv4 mapped into IPv6 is told as IPv4.  They are None
    when the sender knows none (LOCAL, UNKNOWN, UNSPEC, unix): then the addresses of the connection itself
    count.  `tlvs` are (type, value) as they came, checked for length.
    """

    version: int
    source: tuple[str, int] | None = None
    destination: tuple[str, int] | None = None
    tlvs: tuple[tuple[int, bytes], ...] = ()


def read(data: bytes) -> tuple[Header, int] | None:
    """The header at the beginning of `data` and its length; None while more octets are needed.

    Raises ProxyHeaderError as soon as it cannot become one.
    """
    if data.startswith(SIGNATURE[: len(data)]):
        return _read_v2(data)
    if data.startswith(V1_PREFIX[: len(data)]):
        return _read_v1(data)
    raise ProxyHeaderError("the connection does not begin with a PROXY header")


# --- version 1 ------------------------------------------------------------------------------------


def _read_v1(data: bytes) -> tuple[Header, int] | None:
    end = data.find(b"\r\n", 0, LONGEST_V1)
    if end < 0:
        if len(data) >= LONGEST_V1:
            raise ProxyHeaderError("the line of version 1 does not end within 107 octets")
        return None
    try:
        words = data[len(V1_PREFIX) : end].decode("ascii").split(" ")
    except UnicodeDecodeError as error:
        raise ProxyHeaderError("the line of version 1 is not ASCII") from error
    if words[0] == "UNKNOWN":
        return Header(1), end + 2  # what follows is to be ignored (section 2.1)
    if len(words) != 5 or words[0] not in {"TCP4", "TCP6"}:
        raise ProxyHeaderError("version 1 wants: PROXY TCP4|TCP6 source destination port port")
    family = ipaddress.IPv4Address if words[0] == "TCP4" else ipaddress.IPv6Address
    source, destination = (_address(word, family) for word in words[1:3])
    return Header(1, (source, _port(words[3])), (destination, _port(words[4]))), end + 2


def _address(word: str, family: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> str:
    try:
        return _plain(family(word))
    except ValueError as error:
        raise ProxyHeaderError(f"{word[:45]!r} is not an address of the family that is named") from error


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As text; IPv4 inside IPv6 is the same host and is compared as IPv4 everywhere (RFC 4291 2.5.5.2)."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _port(word: str) -> int:
    leading_zero = len(word) > 1 and word[0] == "0"
    if not (word.isascii() and word.isdigit()) or leading_zero or int(word) > 65535:
        raise ProxyHeaderError(f"{word[:6]!r} is not a port")
    return int(word)


# --- version 2 ------------------------------------------------------------------------------------

_FIXED = struct.Struct("!12sBBH")
_PAIRS: dict[int, tuple[int, type[ipaddress.IPv4Address | ipaddress.IPv6Address]]] = {
    INET: (4, ipaddress.IPv4Address),
    INET6: (16, ipaddress.IPv6Address),
}
_UNIX_OCTETS = 216


def _read_v2(data: bytes) -> tuple[Header, int] | None:
    if len(data) < _FIXED.size:
        return None
    _, version_command, family_protocol, length = _FIXED.unpack_from(data)
    if version_command >> 4 != 2:
        raise ProxyHeaderError(f"version {version_command >> 4} of the binary header is not known")
    command, family, protocol = version_command & 15, family_protocol >> 4, family_protocol & 15
    if command not in {LOCAL, PROXY}:
        raise ProxyHeaderError(f"command {command} of the binary header is not known")
    whole = _FIXED.size + length
    if whole > LONGEST_V2:
        raise ProxyHeaderError(f"a header of {whole} octets is longer than the {LONGEST_V2} that are taken")
    if len(data) < whole:
        return None
    body = data[_FIXED.size : whole]
    if command == LOCAL:
        return Header(2), whole  # a health check of the sender: its own addresses count (section 2.2)
    if family > UNIX or protocol > DATAGRAM:
        raise ProxyHeaderError(f"family {family} or protocol {protocol} of the binary header is not known")
    if family in _PAIRS and protocol != STREAM:
        raise ProxyHeaderError("the binary header tells of something else than a stream")
    return _told(family, body), whole


def _told(family: int, body: bytes) -> Header:
    source = destination = None
    used = _UNIX_OCTETS if family == UNIX else 0
    if family in _PAIRS:
        size, kind = _PAIRS[family]
        used = 2 * size + 4
    if len(body) < used:
        raise ProxyHeaderError("the binary header is too short for its addresses")
    if family in _PAIRS:
        ports = struct.unpack_from("!HH", body, 2 * size)
        source = (_plain(kind(body[:size])), ports[0])
        destination = (_plain(kind(body[size : 2 * size])), ports[1])
    tlvs = tuple(read_tlvs(body[used:])) if family != UNSPEC else ()
    return Header(2, source, destination, tlvs)


def read_tlvs(octets: bytes) -> Iterable[tuple[int, bytes]]:
    """Types and values of the extensions.  Raises ProxyHeaderError when a length leads beyond the end."""
    at = 0
    while at < len(octets):
        if at + 3 > len(octets):
            raise ProxyHeaderError("an extension of the binary header has no length")
        kind, length = struct.unpack_from("!BH", octets, at)
        at += 3
        if at + length > len(octets):
            raise ProxyHeaderError("an extension of the binary header is longer than the header")
        yield kind, octets[at : at + length]
        at += length


# --- writing ---------------------------------------------------------------------------------------


def write_v1(source: tuple[str, int] | None, destination: tuple[str, int] | None) -> bytes:
    """The line of version 1; UNKNOWN when an end is unknown or the two are of different families."""
    if source is None or destination is None:
        return b"PROXY UNKNOWN\r\n"
    here, there = ipaddress.ip_address(source[0]), ipaddress.ip_address(destination[0])
    if here.version != there.version:
        return b"PROXY UNKNOWN\r\n"
    return f"PROXY TCP{here.version} {here} {there} {source[1]} {destination[1]}\r\n".encode("ascii")


def write_v2(
    source: tuple[str, int] | None,
    destination: tuple[str, int] | None,
    tlvs: Iterable[tuple[int, bytes]] = (),
) -> bytes:
    """The binary header; LOCAL when an end is unknown.  Raises ValueError for more than 65 535 octets."""
    extensions = b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in tlvs)
    if source is None or destination is None:
        return _FIXED.pack(SIGNATURE, 0x20 | LOCAL, 0, 0)
    here, there = ipaddress.ip_address(source[0]), ipaddress.ip_address(destination[0])
    if here.version != there.version:
        here, there = _as_six(here), _as_six(there)
    family = INET if here.version == 4 else INET6
    body = here.packed + there.packed + struct.pack("!HH", source[1], destination[1]) + extensions
    return _FIXED.pack(SIGNATURE, 0x20 | PROXY, family << 4 | STREAM, len(body)) + body


def _as_six(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv6Address:
    """An IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address):
        return address
    return ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def ssl_tlv(
    version: str, cipher: str, common_name: str, *, certificate: bool, verified: bool
) -> tuple[int, bytes]:
    """The extension about the client's TLS (section 2.2.5): version, cipher, common name."""
    client = CLIENT_SSL | (CLIENT_CERT_CONN | CLIENT_CERT_SESS if certificate else 0)
    inner = [(TLV_SSL_VERSION, version.encode("ascii")), (TLV_SSL_CIPHER, cipher.encode("ascii"))]
    if common_name:
        inner.append((TLV_SSL_CN, common_name.encode("utf-8")))
    octets = b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in inner)
    return TLV_SSL, struct.pack("!BI", client, 0 if verified or not certificate else 1) + octets
