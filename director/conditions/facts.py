"""What a request can be asked for in `when`, and which operators and values fit each fact.

`Facts` is what a compiled condition reads; layer 7 provides it.  `expressions` calls the checks while
it reads, so that a value that could never match is refused at its column.
"""

from __future__ import annotations

import re
from typing import Protocol

from director.conditions import spellings
from director.conditions.regexes import Expression, Letters, regex
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
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VERSIONS = frozenset({"1.0", "1.1", "2"})


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
        """`1.0`, `1.1` or `2`."""

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


_LETTERS = {"header": Letters.LATIN, "cookie": Letters.LATIN, "query": Letters.ANY, "body": Letters.ANY}
"""What a fact's text can hold; that of all others is ASCII, or would have been refused.

`body` is a fact of answers to health checks alone.
"""


def expression(fact: str, text: str) -> Expression:
    """A regular expression for a fact.  Raises `BadValue`."""
    return regex(text, fold=fact in FOLDED, letters=_LETTERS.get(fact, Letters.ASCII))


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
        if fact not in _LETTERS:
            within(at, lambda text: spellings.expression(fact, text), value)
        within(at, lambda text: expression(fact, text), value)
        return value
    if not value and operator != "=":
        raise BadValue("an empty value says nothing", "write a value, or use exists", at)
    if fact in FOLDED:
        return within(at, lambda text: spellings.host(operator, text), value.lower())
    if fact == "client":
        return str(within(at, addresses.network, value))
    if fact == "version":
        return _version(value, at)
    if fact == "method" and not _TOKEN.match(value):
        raise BadValue(f"not a method: {value!r}", "methods are words such as GET", at)
    check = _SPELLINGS.get(fact)
    return within(at, lambda text: check(operator, text), value) if check else value


_SPELLINGS = {
    "path": spellings.path, "uri": spellings.uri, "header": spellings.field, "cookie": spellings.cookie,
}  # fmt: skip
"""How the values of facts are spelled; that of a query parameter can be anything."""


def check_name(fact: str, name: str, at: int) -> None:
    """Refuse a name that no request can bring."""
    if fact in {"header", "cookie"} and not _TOKEN.match(name):
        raise BadValue(f"no {fact} is called {name!r}", "letters, digits and - _ . are usual", at)


def _version(value: str, at: int) -> str:
    number = value.upper().removeprefix("HTTP/")
    if number not in _VERSIONS:
        raise BadValue(f"unknown version {value}", "known: 1.0 1.1 2", at)
    return number
