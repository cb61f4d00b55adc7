"""Request targets: their forms, and the path as the rules see it (RFC 9112 3.2, RFC 3986 6.2).

The normalised path has its unreserved characters decoded and its dot segments
resolved.  A path that a server might read differently (`%2F` or `%5C` as a slash, doubled
slashes, `;parameters` dropped) also has other readings; rules try all, so that no spelling
slips past a rule.  Where such a path goes up (`..`) behind one of these, nobody can say from
where: it is refused.  The server still gets the target as it was sent.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple

from director.config.parse.addresses import literal
from director.errors import MessageError
from director.l7.http.grammar import HOST, PATH, QUERY
from director.l7.http.memo import memo

_ABSOLUTE = re.compile(rb"(?i:http|https)://([^/?#]*)(/" + PATH + rb"*+)?+(\?" + QUERY + rb"*+)?+")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_DECODED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~[]|^")
"""What is compared decoded: RFC 3986's unreserved characters, and those that some browsers encode."""
_SLASHES = (re.compile(rb"(?:/|%2F|%5C)++"), re.compile(rb"(?:/|%2F)++"))
"""What a lenient server may take for one slash: on some an escaped backslash is one."""
_PARAMETERS = re.compile(rb";[^/]*+")
"""What a server may drop before it decodes (RFC 3986 3.3; servlet containers do)."""
_DECODED_PARAMETERS = re.compile(rb"(?:;|%3B)[^/]*+")
"""The same for one that has decoded before."""
_DOUBTFUL = re.compile(rb"//|;|%(?:2F|5C|3B)")
"""What makes servers read a path differently."""
_DISPUTED = re.compile(rb"/(?=/|;|%3B)|(?=%2F|%5C)")
"""Behind this, servers disagree on where they are: a separator, or an empty segment, for some only."""
_UP = re.compile(rb"(?:/|%2F|%5C)\.\.(?:/|;|%2F|%5C|%3B|$)")
"""A segment that goes up, for some at least."""
_UP_FOR_SOME = re.compile(rb"/\.\.(?:;|%2F|%5C|%3B)")
"""A segment that goes up for some and not for others, wherever it stands."""


class RequestTarget(NamedTuple):
    """A judged target: authority (None unless absolute-form), what the server shall get, path, query."""

    authority: bytes | None
    sent: bytes
    path: bytes
    query: bytes


def parse_target(method: bytes, target: bytes) -> RequestTarget:
    """Judge a target that is not in plain origin-form.

    Returns: absolute-form as an origin-form for the server plus its authority; `*` for OPTIONS.
    Raises: MessageError 400 for everything else, 501 for CONNECT.
    """
    if method == b"CONNECT":
        raise MessageError(501, "CONNECT is not offered here")
    if target == b"*":
        if method != b"OPTIONS":
            raise MessageError(400, "target * is for OPTIONS only")
        return RequestTarget(None, b"*", b"*", b"")
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
            return RequestTarget(authority, b"*", b"*", b"")
        path = b"/"
    return RequestTarget(authority, path + query, path, query)


@memo("checked_hosts", 1024)
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


def readings(path: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """The normalised path, and the other readings that lenient servers may have of it.

    Without `..` at most four are enough: whatever else a server merges, decodes or drops changes nothing
    in front of what a rule compares.

    Raises MessageError 400 for a bad escape, %00, a path that climbs above the root, and a path that goes
    up from where servers disagree.
    """
    if path == b"*":
        return path, ()
    if b"%" in path:
        if _BAD_ESCAPE.search(path):
            raise MessageError(400, "bad escape in path")
        path = _ESCAPE.sub(_decode_unreserved, path)
    first = _resolve(path) if b"/." in path else path
    if _DOUBTFUL.search(path) is None:
        return first, ()
    if _goes_up(path):
        raise MessageError(400, "the path can be read in two ways")
    spellings = dict.fromkeys((path, _PARAMETERS.sub(b"", path)))
    lenient = dict.fromkeys(_lenient(one, slashes) for one in spellings for slashes in _SLASHES)
    return first, tuple(one for one in lenient if one != first)


@memo("host_names", 1024)
def host_name(value: bytes) -> str:
    """A Host value that was accepted, as the rules see it: without its port, in its one spelling.

    That is RFC 3986 6.2.2 for names, and RFC 5952 for IPv6 literals, which keep their brackets.
    """
    if b"%" in value:
        value = _ESCAPE.sub(_decode_unreserved, value)
    text = value.decode("latin-1").lower()
    if text.startswith("["):
        return literal(text[: text.find("]") + 1])
    return text.partition(":")[0].rstrip(".")


def _goes_up(path: bytes) -> bool:
    """The path goes up from where servers disagree.  Time linear in its length, whatever it holds."""
    disputed = _DISPUTED.search(path)
    return bool((disputed and _UP.search(path, disputed.end())) or _UP_FOR_SOME.search(path))


def _lenient(path: bytes, slashes: re.Pattern[bytes]) -> bytes:
    """A path as a server sees it that takes for a slash what may be one, and then drops parameters."""
    path = slashes.sub(b"/", path)
    if b";" in path or b"%3B" in path:
        path = slashes.sub(b"/", _DECODED_PARAMETERS.sub(b"", path))
    return _resolve(path) if b"/." in path else path


def _decode_unreserved(found: re.Match[bytes]) -> bytes:
    """`%41` becomes `A`; other escapes keep their form in upper case (RFC 3986 6.2.2)."""
    value = int(found[1], 16)
    return bytes((value,)) if value in _DECODED else found[0].upper()


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
