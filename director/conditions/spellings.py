"""How requests spell what rules compare.

A value spelled in another way could never match, and a rule that denies would be void without a word.  Each
function takes an operator and a value, returns the value as it is compared, and raises `BadValue` at the
first character that no request can have there, with the spelling that it would have as the hint.  Called by
`facts` while a condition is read.  What requests have is decided by `l7/http/target` and its grammar.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from director.config.parse import addresses
from director.config.text.messages import BadValue

_ANYWHERE = frozenset({"*=", "$="})
"""Operators whose value need not be the beginning."""
_WHOLE = frozenset({"=", "in"})
_TO_THE_END = frozenset({"=", "in", "$="})

_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@%/\[\]|^]")
_NOT_IN_TARGET = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]{}|^`\\\"]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}|[0-9A-Fa-f]?\Z)|%00")
_CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?\Z")
_DECODED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~[]|^")
"""What is compared decoded."""
_DOTS_INSIDE = re.compile(r"/\.{1,2}(?=/)")
_DOTS_AT_END = re.compile(r"/\.{1,2}\Z")

_NOT_IN_HOST = re.compile(r"[^a-z0-9_.:\[\]-]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def path(operator: str, value: str) -> str:
    """A path: `/` first, escaped as UTF-8 with capital digits, unreserved characters as they are, no dots."""
    if value == "*":
        return value
    if operator not in _ANYWHERE and value[:1] != "/":
        raise BadValue("a path begins with /", f"write /{value}")
    if "?" in value:
        raise BadValue("the path ends before the ?", "use query NAME = VALUE, or uri", value.index("?"))
    _characters(value, _NOT_IN_PATH, "path")
    bad = _BAD_ESCAPE.search(value) or (_CUT_ESCAPE.search(value) if operator in _TO_THE_END else None)
    if bad:
        raise BadValue("no request has such an escape in its path", "write %25 for a %", bad.start())
    for found in _ESCAPE.finditer(value):
        if _normal(found) != found[0]:
            hint = f"write {_ESCAPE.sub(_normal, value)}"
            raise BadValue(f"{found[0]} is compared as {_normal(found)}", hint, found.start())
    dots = _DOTS_INSIDE.search(value) or (
        _DOTS_AT_END.search(value) if operator not in {"^=", "*="} else None
    )
    if dots:
        raise BadValue("dot segments are resolved before", "write the path that it leads to", dots.start())
    return value


def uri(operator: str, value: str) -> str:
    """A target as it was sent: path and query, whatever escapes they have."""
    if operator not in _ANYWHERE and value[:1] != "/" and value != "*":
        raise BadValue("a target begins with /", f"write /{value}; the host is the fact host")
    return _characters(value, _NOT_IN_TARGET, "target")


def _characters(value: str, others: re.Pattern[str], where: str) -> str:
    """Refuse what no target holds; it would have come escaped."""
    bad = others.search(value)
    if bad:
        hint = f"write {others.sub(lambda found: quote(found[0]), value)}"
        raise BadValue(f"no request has {bad[0]!r} in its {where}, it is escaped", hint, bad.start())
    return value


def _normal(found: re.Match[str]) -> str:
    """An escape as paths are compared (RFC 3986 6.2.2)."""
    letter = chr(int(found[1], 16))
    return letter if letter in _DECODED else found[0].upper()


def host(operator: str, value: str) -> str:
    """A host in lower case, without port and last dot, an IPv6 address in its one spelling in brackets."""
    bare = value
    if operator == "in" and value.startswith("*."):
        bare = value[2:]
        if not bare:
            raise BadValue("a wildcard without a name", "write *.example.org")
    if "*" in bare:
        wild = value.startswith("*.")
        hint = f"write host in {value}" if wild else "a wildcard is *.NAME and stands behind in"
        raise BadValue("no wildcard is known here", hint)
    bad = _NOT_IN_HOST.search(bare)
    if bad:
        at = len(value) - len(bare) + bad.start()
        raise BadValue(f"not a host name: {value!r}", _ascii_name(bare), at)
    port = re.fullmatch(r"([^:\[]+|\[.*\]):[0-9]*", bare)
    if port:
        raise BadValue("the host is compared without its port", f"write {port[1]}")
    if operator in _WHOLE:
        bare = bare.removesuffix(".")
        if ":" in bare or "[" in bare or "]" in bare:
            _address(bare)
        return addresses.literal(value.removesuffix("."))
    if operator == "$=" and value.endswith("."):
        raise BadValue("the host is compared without its last dot", f"write {value.rstrip('.')}")
    if operator == "^=" and value.startswith(":"):
        raise BadValue("an IPv6 address stands in brackets", f"write [{value}")
    return value


def _address(text: str) -> None:
    """Refuse what has colons or brackets and is no IPv6 address in brackets."""
    if text.startswith("[") and text.endswith("]"):
        addresses.ipv6(text[1:-1])
        return
    try:
        addresses.ipv6(text)
    except BadValue:
        raise BadValue(f"not a host: {text!r}", "write a name, or an IPv6 address in brackets") from None
    raise BadValue("an IPv6 address stands in brackets", f"write [{text}]")


def _ascii_name(name: str) -> str:
    """The name as browsers send it (RFC 5890), if it has one."""
    try:
        return f"write {name.encode('idna').decode('ascii')}, as browsers send it"
    except UnicodeError:
        return "letters, digits, - and ."


def field(operator: str, value: str) -> str:
    """A field's value: without control characters, and without white space around it.

    Requests bring octets, each of which is compared as a character of ISO 8859-1; what is none of those
    becomes the octets of UTF-8, which is what clients send.
    """
    bad = _CONTROL.search(value)
    if bad:
        raise BadValue("no field holds a control character", "leave it out", bad.start())
    if (operator not in _ANYWHERE and value[:1] in {" ", "\t"}) and value:
        raise BadValue("a field's value has no space before it", f"write {value.strip()}")
    if operator in {*_WHOLE, "$="} and value[-1:] in {" ", "\t"} and value:
        raise BadValue("a field's value has no space behind it", f"write {value.strip()}", len(value) - 1)
    return value if _is_latin(value) else value.encode().decode("latin-1")


def _is_latin(value: str) -> bool:
    return all(ord(letter) < 256 for letter in value)


def cookie(operator: str, value: str) -> str:
    """A cookie's value: as a field's, and without what parts cookies."""
    bad = re.search(r"[;,]", value)
    if bad:
        raise BadValue(f"a cookie ends before {bad[0]}", "leave it out", bad.start())
    if operator in _WHOLE and (value[:1] == '"' or value[-1:] == '"'):
        raise BadValue("cookies are compared without their quotes", f"write {value.strip(chr(34))}")
    return field(operator, value)


_SMALL_ESCAPE = re.compile(r"(?<!\\)%(?:[0-9][a-f]|[a-f][0-9A-Fa-f]|[A-F][a-f])")
_WRITTEN_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|%([0-9A-Fa-f]{2})(?![?*{])", re.DOTALL)
"""An escape that an expression asks for as it stands; what is escaped, and sets, are passed over."""


def expression(fact: str, value: str) -> None:
    """Refuse a regular expression with a character that its fact never has."""
    bad = re.search(r"[^\x00-\x7f]", value)
    if bad:
        hint = _ascii_name(bad[0]) if fact in {"host", "sni"} else f"write {quote(bad[0])}"
        raise BadValue(f"no request has {bad[0]!r} in its {fact}", hint, bad.start())
    small = _SMALL_ESCAPE.search(value)
    if small and fact == "path" and "(?i" not in value:
        raise BadValue("escapes are compared with capital digits", f"write {small[0].upper()}", small.start())
    for found in _WRITTEN_ESCAPE.finditer(value) if fact == "path" else ():
        if found[1] and chr(int(found[1], 16)) in _DECODED:
            letter = re.escape(chr(int(found[1], 16)))
            raise BadValue(f"{found[0]} is compared decoded", f"write {letter}", found.start())
