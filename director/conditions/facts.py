"""What a request can be asked for in `when`, and which operators and values fit each fact.

`Facts` is what a compiled condition reads; layer 7 provides it.  `expressions` calls the checks while
it reads, so that a value that could never match is refused at its column.
"""

from __future__ import annotations

import re
from typing import Protocol

from director.conditions.regexes import regex
from director.config.parse import addresses
from director.config.parse.values import within
from director.config.text.messages import BadValue

PLAIN = frozenset({"host", "path", "uri", "method", "version", "client", "sni"})
"""Facts that stand alone."""

NAMED = frozenset({"header", "cookie", "query"})
"""Facts that need a name."""

MANIFOLD = frozenset({"path", "header", "cookie", "query"})
"""Facts that may have several values at once; a term holds when any of them meets it."""

FOLDED = frozenset({"host", "sni"})
"""Facts without case: requests bring them in lower case, values are lowered here."""

_SOMETIMES = NAMED | FOLDED
_LISTS = frozenset({"client", "version"})
_HOST = re.compile(r"[a-z0-9_.:\[\]-]*\Z")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VERSIONS = frozenset({"1.0", "1.1"})


class Facts(Protocol):
    """One request as conditions see it."""

    @property
    def host(self) -> str:
        """The Host in lower case without port; '' for none."""

    @property
    def path(self) -> str:
        """The normalised path."""

    @property
    def other_paths(self) -> tuple[str, ...]:
        """Other readings of the path (`%2F` as `/`, slashes merged, parameters dropped)."""

    @property
    def uri(self) -> str:
        """The target as sent."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def version(self) -> str:
        """`1.0` or `1.1`."""

    @property
    def client(self) -> str:
        """The client's address."""

    @property
    def sni(self) -> str:
        """The server name of TLS in lower case; '' for none."""

    def headers(self, name: str) -> tuple[str, ...]:
        """The values of a header field by its name in lower case: of each line, of each element of a list."""

    def cookies(self, name: str) -> tuple[str, ...]:
        """The cookies of that name; servers do not agree on which of several counts."""

    def queries(self, name: str) -> tuple[str, ...]:
        """The query parameters of that name, decoded; as for cookies."""


def check_operator(fact: str, operator: str, at: int) -> None:
    """Refuse an operator that makes no sense for a fact."""
    if operator == "exists" and fact not in _SOMETIMES:
        raise BadValue(f"every request has {_article(fact)}", f"compare it, as in {fact} = …", at)
    if fact in _LISTS and operator not in {"=", "in"}:
        raise BadValue(f"{fact} takes = and in only", f"write {fact} in VALUE VALUE", at)


def _article(fact: str) -> str:
    return f"a {fact}"


def check_value(fact: str, operator: str, value: str, at: int) -> str:
    """`value` in the spelling that requests have; raises `BadValue` when it can never match."""
    if operator == "~":
        within(at, lambda text: regex(text, fold=fact in FOLDED), value)
        return value
    if not value and operator != "=":
        raise BadValue("an empty value says nothing", "write a value, or use exists", at)
    if fact in FOLDED:
        return _host(operator, value.lower(), at)
    if fact == "client":
        return str(within(at, addresses.network, value))
    if fact == "version":
        return _version(value, at)
    if fact == "method" and not _TOKEN.match(value):
        raise BadValue(f"not a method: {value!r}", "methods are words such as GET", at)
    if fact == "path":
        _path(operator, value, at)
    return value


def _host(operator: str, value: str, at: int) -> str:
    bare = value
    if operator == "in" and value.startswith("*."):
        bare = value[2:]
        if not bare:
            raise BadValue("a wildcard without a name", "write *.example.org", at)
    if "*" in bare:
        hint = (
            f"write host in {value}"
            if value.startswith("*.")
            else "a wildcard is *.NAME and stands behind in"
        )
        raise BadValue("no wildcard is known here", hint, at)
    if not _HOST.match(bare):
        raise BadValue(f"not a host name: {value!r}", "letters, digits, - and . ", at)
    port = re.fullmatch(r"([^:\[]+|\[.*\]):[0-9]*", bare)
    if port:
        raise BadValue("the host is compared without its port", f"write {port[1]}", at)
    return addresses.literal(value.removesuffix(".")) if operator in {"=", "in"} else value


def _version(value: str, at: int) -> str:
    number = value.upper().removeprefix("HTTP/")
    if number not in _VERSIONS:
        raise BadValue(f"unknown version {value}", "known: 1.0 1.1", at)
    return number


def _path(operator: str, value: str, at: int) -> None:
    if operator in {"=", "^=", "in"} and value[:1] != "/" and value != "*":
        raise BadValue("a path begins with /", f"write /{value}", at)
    if "?" in value:
        raise BadValue("the path ends before the ?", "use query NAME = VALUE, or uri", at + value.index("?"))
