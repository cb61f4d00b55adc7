"""Small parsers that many keys share: words, lists, switches, names, paths, header fields.

A parser takes a `Value` and returns what the model wants, or raises `BadValue` with the offset of
the mistake.  Used by the tables in `schema`; knows no section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from attrs import frozen

from director.config.parse import addresses, units
from director.config.text.messages import BadValue, suggest
from director.config.text.reader import Value
from director.config.text.sources import resolve
from director.model.pools import Address, Network

T = TypeVar("T")
Parser = Callable[[Value], object]

_WORD = re.compile(r"\S+")
_LISTED = re.compile(r"[^\s,]+")
_NAME = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.*-]*\Z")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
LONGEST_NAME, LONGEST_TITLE = 128, 256
"""Characters of a section's name, and of a rule's or test's title: they are repeated in each log line."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_SWITCH = {
    "yes": True,
    "on": True,
    "true": True,
    "1": True,
    "no": False,
    "off": False,
    "false": False,
    "0": False,
}


def words(text: str) -> list[tuple[int, str]]:
    """(offset, word) for each run without white space."""
    return [(found.start(), found[0]) for found in _WORD.finditer(text)]


def listed(text: str) -> list[tuple[int, str]]:
    """(offset, word) of a list: commas or white space between."""
    return [(found.start(), found[0]) for found in _LISTED.finditer(text)]


def within(offset: int, parser: Callable[[str], T], text: str) -> T:
    """`parser(text)`, where `text` stands at `offset` of the value: its mistakes are shown there."""
    try:
        return parser(text)
    except BadValue as bad:
        bad.start += offset
        raise


def on_text(parser: Callable[[str], object]) -> Callable[[Value], object]:
    """A parser of texts as a parser of values; an empty text is refused."""

    def parse(value: Value) -> object:
        if not value.text:
            raise BadValue("a value is missing", "write one behind the =, or remove the line")
        return parser(value.text)

    return parse


def choice(*known: str) -> Parser:
    """One of `known`."""
    return on_text(lambda text: one_of(text, known))


def one_of(text: str, known: Iterable[str]) -> str:
    """`text` when it is one of `known`."""
    names = list(known)
    if text not in names:
        raise BadValue(f"{text!r} is none of: {', '.join(names)}", suggest(text, names))
    return text


def switch(text: str) -> bool:
    """`yes` or `no`."""
    if text.lower() not in _SWITCH:
        raise BadValue(f"{text!r} is neither yes nor no", "write yes or no")
    return _SWITCH[text.lower()]


def name(text: str) -> str:
    """The name of a pool, page, check, … ."""
    if not _NAME.match(text):
        raise BadValue(f"not a name: {text!r}", "a name has letters, digits and . _ -")
    return text


def section_name(text: str, *, wildcard: bool = False) -> str:
    """What stands behind the colon of a section: a name; only a certificate's may be a wildcard."""
    bad = _NOT_IN_NAME.search(text.replace("*", "w") if wildcard else text)
    if bad:
        raise BadValue(f"{_shown(bad[0])} in a name", "a name has letters, digits and . _ -", bad.start())
    if len(text) > LONGEST_NAME:
        raise BadValue(f"a name of {len(text)} characters", f"write at most {LONGEST_NAME}", LONGEST_NAME)
    if text[0] in ".-":
        raise BadValue(f"a name begins with {text[0]}", "begin with a letter, a digit or _")
    return text


def title(text: str) -> str:
    """What stands behind the colon of a rule or a test: one line of text that shows all that it holds."""
    for at, letter in enumerate(text):
        if not letter.isprintable():
            raise BadValue(f"{_shown(letter)} in a title", "delete it; titles are printed in logs", at)
    if len(text) > LONGEST_TITLE:
        raise BadValue(f"a title of {len(text)} characters", f"write at most {LONGEST_TITLE}", LONGEST_TITLE)
    return text


def _shown(letter: str) -> str:
    """A character, or what it is called when it would not show or would turn the line around."""
    return repr(letter) if letter.isprintable() else f"U+{ord(letter):04X}"


def names(text: str) -> tuple[str, ...]:
    """A list of names, none twice."""
    return unique([(at, within(at, name, word)) for at, word in listed(text)])


def unique(found: list[tuple[int, T]]) -> tuple[T, ...]:
    """The values of (offset, value), refused when one comes twice or there is none."""
    seen: set[T] = set()
    for at, one in found:
        if one in seen:
            raise BadValue(f"{one} is named twice", "remove one of the two", at)
        seen.add(one)
    if not found:
        raise BadValue("the list is empty", "name at least one")
    return tuple(one for _, one in found)


def networks(text: str) -> tuple[Network, ...]:
    """A list of networks."""
    return unique([(at, within(at, addresses.network, word)) for at, word in listed(text)])


@frozen
class Listeners:
    """Addresses to listen on, and those of them that carry the word `tls`."""

    addresses: tuple[Address, ...]
    tls: tuple[Address, ...] = ()


def addresses_of(listen: Address | Listeners | None) -> tuple[Address, ...]:
    """The addresses of a `listen`, which may be one or many, or broken."""
    if listen is None:
        return ()
    return (listen,) if isinstance(listen, Address) else listen.addresses


def listeners(value: Value) -> Listeners:
    """A list of addresses to listen on, each perhaps with the word `tls`; port 0 = any free port."""
    found, tls = [], []
    for entry in re.finditer(r"[^,\n]+", value.text):
        text = entry[0].strip()
        at = entry.start() + len(entry[0]) - len(entry[0].lstrip())
        plain = re.sub(r"\s+tls$", "", text)
        if text:
            found.append((at, within(at, _listener(value), plain)))
            tls += [found[-1][1]] if plain != text else []
    return Listeners(unique(found), tuple(tls))


def listener(value: Value) -> Address:
    """One address to listen on."""
    return within(0, _listener(value), value.text)


def _listener(value: Value) -> Callable[[str], Address]:
    def parse(text: str) -> Address:
        space = re.search(r"\s", text)
        if space:
            raise BadValue("a space inside an address", "put a comma between two addresses", space.start())
        return local_path(value, addresses.address(text, lowest=0))

    return parse


def local_path(value: Value, found: Address) -> Address:
    """`found` with a relative unix path made relative to the file that names it."""
    return Address(path=resolve(value.file, found.path)) if found.path else found


def path(value: Value) -> str:
    """A path, relative to the file that names it."""
    if not value.text:
        raise BadValue("a path is missing", "write one behind the =")
    if "\n" in value.text:
        raise BadValue("a path is one line", "remove the line below it", value.text.index("\n") + 1)
    return resolve(value.file, value.text)


def field_name(text: str) -> str:
    """The name of a header field or cookie: a token of RFC 9110 5.6.2."""
    if not _TOKEN.match(text):
        raise BadValue(f"not a header name: {text!r}", "letters, digits and - _ . ! # $ % & ' * + ^ ` | ~")
    return text


def fields(text: str) -> tuple[tuple[str, str], ...]:
    """Header fields, one `Name: value` on each line."""
    found = []
    at = 0
    for line in text.split("\n"):
        first, colon, rest = line.partition(":")
        if not colon:
            raise BadValue(f"not a header field: {line!r}", "write Name: value, one on each line", at)
        found.append((within(at, field_name, first.strip()), rest.strip()))
        at += len(line) + 1
    return tuple(found)


def status(text: str, low: int = 100, high: int = 599) -> int:
    """An HTTP status."""
    if not re.fullmatch(r"[0-9]{3}", text) or not low <= int(text) <= high:
        raise BadValue(f"not a status: {text!r}", f"a status is a number from {low} to {high}")
    return int(text)


def count(low: int = 0, high: int = 2**31 - 1) -> Parser:
    """A whole number within bounds."""
    return on_text(lambda text: units.count(text, low, high))


def duration(low: float = 0.001, high: float = units.LONGEST) -> Parser:
    """A duration within bounds, in seconds."""

    def parse(text: str) -> float:
        found = units.duration(text, micro=0 < low < 0.001)
        if not low <= found <= high:
            bounds = f"{units.show_duration(low)} to {units.show_duration(high)}"
            raise BadValue(f"{text} is out of range", f"write a duration from {bounds}")
        return found

    return on_text(parse)


def size(low: int, high: int) -> Parser:
    """A size within bounds, in bytes; 0 passes when `low` is 0."""

    def parse(text: str) -> int:
        found = units.size(text)
        if not low <= found <= high:
            raise BadValue(f"{text} is out of range", f"write a size from {low} to {high} bytes")
        return found

    return on_text(parse)


PATH = path
SWITCH = on_text(switch)
NAME = on_text(name)
NAMES = on_text(names)
NETWORKS = on_text(networks)
FIELDS = on_text(fields)
