r"""Regular expressions of users, on an engine whose time is linear in what a client sends (RE2, by pyre2).

A backtracking engine needs 26 seconds for `^/.*/.*/.*\.php$` and 8 kB of `/a`; RE2 walks the text once, with
a cost per character that grows with the size of the compiled expression.  So both are bounded: an expression
that is too large is refused when it is read, a text that is too long for its expression when it comes.

**The language** is what Python's `re` and RE2 have in common, with the meaning it has in `re`, in which rules
were written before: `translated` spells out what RE2 would read otherwise (`\Z`, `{,3}`, octal escapes, the
classes beyond ASCII) and refuses, at its column, what only a backtracking engine can do: looking ahead and
behind, references back, atomic groups, possessive repeats, conditions.

Called by `facts` while a condition is read, by `compile` and `shadowing`; whatever else lets users write an
expression calls it, too.
"""

from __future__ import annotations

import enum
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from typing import Protocol

import re2
from attrs import frozen

from director.caches import remember
from director.config.text.messages import BadValue

LONGEST = 1000
"""Characters of one expression."""
MOST_REPEATS = 1000
"""The largest number in `{…}` that RE2 knows."""
SMALLEST, LARGEST = 2**11, 2**15
"""Octets that RE2 may use for an expression: how its size is found out, and where it is refused.

RE2 does not tell how large an expression became, but refuses one that does not fit into what it may use."""
WORK = 2**25
"""Characters of a text times octets of its expression: 1 to 5 ms, were each the worst of its size."""
WORK_WITH_GROUPS = 2**23
"""The same where groups are to be found: then all ways through the expression are followed side by side."""


class TooLong(Exception):  # noqa: N818 - it says what was found, as ValueError does
    """Where an expression fits is so long that finding its groups would take too much time."""


class Letters(enum.Enum):
    r"""What a text can hold, which decides what `\w` and its like stand for."""

    ASCII = "ascii"
    LATIN = "latin"
    ANY = "any"


class Found(Protocol):
    """A match."""

    def __getitem__(self, group: int) -> str | None:
        """The text of a group, None when it took no part."""

    def start(self) -> int:
        """Where it begins."""

    def end(self) -> int:
        """Where it ends."""


class _Compiled(Protocol):
    groups: int
    groupindex: Mapping[str, int]
    search: Callable[[str], Found | None]
    contains: Callable[[str], bool]


class Expression:
    """A compiled expression.

    Attributes:
        groups: how many groups it has; `names` are the numbers of named ones.
        most: characters of text, in all, that may be looked at for one request; the caller heeds it.
        contains: whether a text has a match.
        direct: `search` of a text of at most `most_of_groups` characters.
        ends: it has a `$`, which also holds in front of a last line end.
    """

    __slots__ = ("_plain", "contains", "direct", "ends", "groups", "most", "most_of_groups", "names")

    def __init__(self, compiled: _Compiled, plain: _Compiled, size: int, *, ends: bool) -> None:
        self.direct: Callable[[str], Found | None] = compiled.search
        self._plain = plain
        self.contains = plain.contains
        self.groups = compiled.groups
        self.names = dict(compiled.groupindex)
        self.most = WORK // size
        self.most_of_groups = WORK_WITH_GROUPS // size
        self.ends = ends

    def search(self, text: str) -> Found | None:
        """The first match with its groups.  Raises TooLong.

        RE2 finds where a match begins and ends at the speed of `contains`; only within it, groups are sought.
        """
        if len(text) > self.most_of_groups:
            found = self._plain.search(text)
            if found is None:
                return None
            if found.end() - found.start() > self.most_of_groups:
                raise TooLong
        return self.direct(text)


@remember("regular_expressions", 1024)
def regex(text: str, *, fold: bool = False, letters: Letters = Letters.ASCII) -> Expression:
    """`text` compiled; `fold` ignores case.  Raises `BadValue`."""
    if len(text) > LONGEST:
        raise BadValue(f"longer than {LONGEST} characters", "split it into several terms with or", LONGEST)
    _check(text)
    reading = translated(text, letters)
    flags = "(?i)" if fold else ""
    size = _size(flags + reading.pattern)
    if size is None:
        raise BadValue("the regular expression is too large", "split it into several terms with or")
    plain = _compile(flags + reading.plain)
    return Expression(_compile(flags + reading.pattern), plain, size, ends=reading.ends)


def _check(text: str) -> None:
    """Refuse what is no expression; Python's reader says where."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except re.error as error:
        raise BadValue(f"not a regular expression: {error.msg}", "", error.pos or 0) from error
    except (OverflowError, RecursionError) as error:
        raise BadValue("the regular expression is too large") from error


def _compile(pattern: str, **limits: int) -> _Compiled:
    """Compiled by RE2 or not at all: pyre2 would fall back to `re` for what RE2 cannot do."""
    re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)
    # pyre2 keeps what it compiled by the pattern alone; here what it may use counts, too.
    re2.purge()
    compiled: _Compiled = re2.compile(pattern, **limits)
    return compiled


def _size(pattern: str) -> int | None:
    """Octets into which the compiled expression fits, a power of two; None when it is too large."""
    size = SMALLEST
    while size <= LARGEST:
        try:
            _compile(pattern, max_mem=size)
        except re2.error:
            size *= 2
        else:
            return size
    return None


# --- from one language to the other ------------------------------------------------------------


@frozen
class Translated:
    """An expression in RE2's words: with its groups, without them, and whether it has a `$`."""

    pattern: str
    plain: str
    ends: bool


def translated(text: str, letters: Letters) -> Translated:
    """A valid expression of `re` in RE2's words.  Raises BadValue at the offset of what it has none for."""
    reading = _Translation(text, letters)
    while reading.at < len(text):
        reading.step()
    plain = ("(?:" if one == "(" or one.startswith("(?P<") else one for one in reading.out)
    return Translated("".join(reading.out), "".join(plain), reading.ends)


_REPEAT = re.compile(r"(?:[*+?]|\{(?P<low>[0-9]*)(?P<comma>,?)(?P<high>[0-9]*)\})(?P<how>[?+]?)")
_GROUP = re.compile(
    r"\((?:\?(?:(?P<plain>:|P<[^>]*>)|(?P<flags>[a-zA-Z]*(?:-[a-zA-Z]+)?)(?P<end>[:)])|(?P<other>.{1,2})))?"
)
_OCTAL = re.compile(r"0[0-7]{0,2}|[0-3][0-7]{2}")
_CODE = re.compile(r"(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_NAMED = re.compile(r"N\{([^}]*)\}")
_OTHER_GROUPS = {
    "=": "looks ahead", "!": "looks ahead", "<=": "looks behind", "<!": "looks behind", ">": "is atomic",
    "P=": "refers back", "(": "is a condition",
}  # fmt: skip
_FLAGS = frozenset("ims-")
_ASCII_ONLY = "which takes time that a client decides"
_SIMPLER = "write several terms: FACT ~ … and not FACT ~ …"


class _Translation:
    """One run over an expression: `out` so far, `at` is the next character."""

    def __init__(self, text: str, letters: Letters) -> None:
        self.text = text
        self.letters = letters
        self.at = 0
        self.out: list[str] = []
        self.ends = False

    def step(self) -> None:
        """Take one piece."""
        letter = self.text[self.at]
        if letter == "\\":
            self.escape(inside=False)
        elif letter == "[":
            self.set()
        elif letter == "(":
            self.group()
        elif letter in "*+?{":
            self.repeat()
        else:
            self.ends = self.ends or letter == "$"
            self.out.append(letter)
            self.at += 1

    def refuse(self, what: str, hint: str = _SIMPLER) -> BadValue:
        return BadValue(f"{what}, {_ASCII_ONLY}", hint, self.at)

    def repeat(self) -> None:
        found = _REPEAT.match(self.text, self.at)
        if found is None or found[0].startswith("{}"):
            # A brace that repeats nothing stands for itself, and so does the one that closes it.
            self.out.append("\\{")
            self.at += 1
            return
        if found["how"] == "+":
            raise self.refuse(f"{found[0]} is possessive", f"write {found[0][:-1]}")
        if any(number and int(number) > MOST_REPEATS for number in (found["low"], found["high"])):
            raise BadValue(f"more than {MOST_REPEATS} repeats", "write * or +", self.at)
        if found["low"] is not None:
            low, comma, high = found["low"] or "0", found["comma"], found["high"]
            self.out.append(f"{{{low}{comma}{high}}}{found['how']}")
        else:
            self.out.append(found[0])
        self.at = found.end()

    def group(self) -> None:
        found = _GROUP.match(self.text, self.at)
        start = found[0] if found else "("
        if self.text.startswith("(?#", self.at):
            self.at = self.text.index(")", self.at) + 1
            return
        if found and found["other"]:
            rest = found["other"]
            what = _OTHER_GROUPS.get(rest) or _OTHER_GROUPS.get(rest[0]) or "is not known"
            raise self.refuse(f"(?{rest if rest in _OTHER_GROUPS else rest[0]} {what}")
        if found and found["end"] and not set(found["flags"]) <= _FLAGS:
            raise BadValue(f"unknown flags {found['flags']}", "known: i m s", self.at + 2)
        self.out.append(start)
        self.at += len(start)

    def set(self) -> None:
        """`[…]`; what RE2 would read as a class of POSIX is made of plain characters."""
        text = self.text
        self.at += 1
        self.out.append("[")
        if text.startswith("^", self.at):
            self.out.append("^")
            self.at += 1
        first = self.at
        while text[self.at] != "]" or self.at == first:
            letter = text[self.at]
            if letter == "\\":
                self.escape(inside=True)
                continue
            self.out.append("\\" + letter if letter in "[]&~|^" else letter)
            self.at += 1
        self.out.append("]")
        self.at += 1

    def escape(self, *, inside: bool) -> None:
        text, at = self.text, self.at + 1
        letter = text[at]
        octal, code, named = _OCTAL.match(text, at), _CODE.match(text, at), _NAMED.match(text, at)
        if letter in "dwsDWS":
            ranges = class_of(letter, self.letters)
            self.out.append(ranges if inside else f"[{ranges}]")
            self.at = at + 1
        elif octal:
            self.character(int(octal[0], 8), octal.end(), inside=inside)
        elif code:
            self.character(int(code[1] or code[2] or code[3], 16), code.end(), inside=inside)
        elif named:
            self.character(ord(unicodedata.lookup(named[1])), named.end(), inside=inside)
        elif letter in "123456789":
            raise self.refuse(f"\\{letter} refers back")
        elif letter.isalpha() and letter.isascii():
            # \A \b \B, and \a \f \n \r \t \v; a \b in a set is a backspace.
            self.out.append({"Z": "\\z", "b": "\\x08" if inside else "\\b"}.get(letter, "\\" + letter))
            self.at = at + 1
        else:
            self.character(ord(letter), at + 1, inside=inside)

    def character(self, code: int, end: int, *, inside: bool) -> None:
        """One character that stands for itself; pyre2 passes codes on in sets only."""
        self.out.append(f"\\x{{{code:x}}}" if inside else f"[\\x{{{code:x}}}]")
        self.at = end


@remember("character_classes", 32)
def class_of(letter: str, letters: Letters) -> str:
    r"""The ranges of a set that `\d \w \s` or one of their opposites stands for.

    As Python has them for what a fact can hold (RE2 knows ASCII alone).  Beyond ISO 8859-1, where decoded
    parameters alone go, every character but white space counts as a letter, and none as a digit: Unicode's
    tables would make expressions too large to be bounded.
    """
    known, spaces = re.compile("\\" + letter), re.compile(r"\s")
    end = {Letters.ASCII: 0x80, Letters.LATIN: 0x100, Letters.ANY: _LAST_SPACE + 2}[letters]
    beyond = {"w": False, "W": True, "s": True, "S": False}
    inside = {code for code in range(min(end, 0x100)) if known.match(chr(code))}
    for code in range(0x100, end):
        is_space = bool(spaces.match(chr(code)))
        if letter == "D" or beyond.get(letter) == is_space:
            inside.add(code)
    starts = sorted(code for code in inside if code - 1 not in inside)
    ends = sorted(code for code in inside if code + 1 not in inside)
    if letters is Letters.ANY and letter in "wDS":
        ends[-1] = _LAST_CHARACTER
    return "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in zip(starts, ends, strict=True))


_LAST_SPACE, _LAST_CHARACTER = 0x3000, 0x10FFFF
"""The last character that is white space to Unicode, and the last one."""
