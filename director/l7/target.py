"""Request targets: their forms, and the path as the rules see it (RFC 9112 3.2, RFC 3986 6.2).

The normalised path has its unreserved characters decoded and its dot segments
resolved.  A path that a server might read differently (`%2F` or `%5C` as a slash, doubled
slashes) also has a second reading; rules try both, so that no spelling slips past a
rule.  The server still gets the target as it was sent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple

from director.errors import MessageError
from director.l7.grammar import HOST, PATH, QUERY

_ABSOLUTE = re.compile(rb"(?i:http|https)://([^/?#]*)(/" + PATH + rb"*+)?+(\?" + QUERY + rb"*+)?+")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES = re.compile(rb"(?:/|%2F|%5C)++")
"""What a lenient server may take for one slash."""


class Target(NamedTuple):
    """A judged target: authority (None unless absolute-form), what the server shall get, path, query."""

    authority: bytes | None
    sent: bytes
    path: bytes
    query: bytes


def parse_target(method: bytes, target: bytes) -> Target:
    """Judge a target that is not in plain origin-form.

    Returns: absolute-form as an origin-form for the server plus its authority; `*` for OPTIONS.
    Raises: MessageError 400 for everything else, 501 for CONNECT.
    """
    if method == b"CONNECT":
        raise MessageError(501, "CONNECT is not offered here")
    if target == b"*":
        if method != b"OPTIONS":
            raise MessageError(400, "target * is for OPTIONS only")
        return Target(None, b"*", b"*", b"")
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise MessageError(400, "bad request target")
    authority, path, query = found.groups()
    check_host(authority)
    if not authority or authority.startswith(b":"):
        raise MessageError(400, "absolute target without a host")
    query = query or b""
    if not path:
        if method == b"OPTIONS" and not query:
            return Target(authority, b"*", b"*", b"")
        path = b"/"
    return Target(authority, path + query, path, query)


@lru_cache(maxsize=1024)
def check_host(value: bytes) -> None:
    """Refuse a Host field or authority that is not `uri-host [":" port]`.  Raises MessageError 400."""
    found = HOST.fullmatch(value)
    if found is None:
        raise MessageError(400, "bad Host")
    port = found[1] or found[3]
    if (port and int(port) > 65535) or (found[2] and not _is_ipv6(found[2])):
        raise MessageError(400, "bad Host")


def _is_ipv6(text: bytes) -> bool:
    try:
        IPv6Address(text.decode("ascii"))
    except ValueError:
        return False
    return True


def readings(path: bytes) -> tuple[bytes, bytes | None]:
    """The normalised path, and its second reading where there is one.

    Raises MessageError 400 for a bad escape, %00, or a path that climbs above the root in either
    reading.
    """
    if path == b"*":
        return path, None
    if b"%" in path:
        if _BAD_ESCAPE.search(path):
            raise MessageError(400, "bad escape in path")
        path = _ESCAPE.sub(_decode_unreserved, path)
    first = _resolve(path) if b"/." in path else path
    second = _SLASHES.sub(b"/", path)
    if second == path:
        return first, None
    second = _resolve(second) if b"/." in second else second
    return first, second if second != first else None


def _decode_unreserved(found: re.Match[bytes]) -> bytes:
    """`%41` becomes `A`; other escapes keep their form in upper case (RFC 3986 6.2.2)."""
    value = int(found[1], 16)
    return bytes((value,)) if value in _UNRESERVED else found[0].upper()


def _resolve(path: bytes) -> bytes:
    """Resolve `.` and `..` segments (RFC 3986 5.2.4).  Raises MessageError 400 above the root."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if not kept:
                raise MessageError(400, "path climbs above the root")
            kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)
