"""What may be the name of a section or a server, and where a name breaks off.

A name stands in log fields (`pool=web`), in `POOL/SERVER`, in addresses of the API and in labels, unquoted:
what could end a field, hide in it or turn its direction is refused.  Titles of rules follow the number and
are names, too; titles of tests are sentences, and need only be fit for a terminal.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import frozen

_LETTERS = re.compile(r"[A-Za-z0-9_.-]*")
_WIDER = re.compile(r"[A-Za-z0-9_.@*+-]*")
"""Of users and certificates, which are named like mail addresses and hosts."""
_NUMBER = re.compile(r"[0-9]+ ?")
_WIDER_KINDS = frozenset({"user", "cert"})
_SENTENCES = frozenset({"test"})


@frozen
class Misnamed:
    """What is wrong with a name: at which character, and what is to be done."""

    offset: int
    message: str
    hint: str


def misnamed(kind: str, name: str) -> Misnamed | None:
    """What is wrong with the `name` of a section of this `kind` (or `server`), None when it is fit."""
    if kind in _SENTENCES:
        at = next((at for at, one in enumerate(name) if unfit(one)), len(name))
    elif kind == "rule":
        number = _NUMBER.match(name)
        start = number.end() if number else 0
        at = _end(_LETTERS, name, start)
    else:
        at = _end(_WIDER if kind in _WIDER_KINDS else _LETTERS, name, 0)
    if not name:
        return Misnamed(0, "the name is missing", _hint(kind))
    if at == len(name):
        return None
    return Misnamed(at, f"{shown(name[at])} cannot stand in a name", _hint(kind))


def _end(allowed: re.Pattern[str], name: str, start: int) -> int:
    """Where the allowed part ends; a name that begins with `.` or `-` would be a path or an option."""
    if name[start : start + 1] in {".", "-"}:
        return start
    found = allowed.match(name, start)
    return found.end() if found else start


def _hint(kind: str) -> str:
    if kind in _SENTENCES:
        return "a title holds printable characters only"
    if kind == "rule":
        return "a title has letters, digits and . _ - behind its number; join its words with -"
    return "a name has letters, digits and . _ -, a letter or digit first"


def unfit(character: str) -> bool:
    """Whether a character shows nothing, turns the direction or ends a line (Unicode C*, Zl, Zp)."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shown(character: str) -> str:
    """A character for a message: by its number when it would not be seen."""
    if character == " ":
        return "a space"
    return f"U+{ord(character):04X}" if unfit(character) or not character.isascii() else repr(character)
