"""Arguments read as popt reads them, by a table of options.

A short option may stand in a cluster (`-Ln`), its argument behind it (`-w5`, `-w=5`) or next to it; a long
one takes `--name VALUE` or `--name=VALUE`.  An optional argument is the next word unless that begins with
`-`.
Source: popt(3); observed with ipvsadm 1.31.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen


class Takes(enum.Enum):
    """Does an option take an argument?"""

    NOTHING = 0
    VALUE = 1
    PERHAPS = 2


@frozen
class Option:
    """One option: `short` without its dash ('' when it has none), `long` without its dashes."""

    short: str
    long: str
    takes: Takes = Takes.NOTHING


@frozen
class Met:
    """An option as it was met: `word` is how it was written."""

    option: Option
    value: str | None
    word: str


class BadOptionError(Exception):
    """The tool would end with this text; `code` is its exit status."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def read(options: Sequence[Option], words: Sequence[str], leftover: list[str]) -> Iterator[Met]:
    """The options of `words`, one by one; what is none goes to `leftover`.

    Raises BadOptionError (255) at the first word that cannot be read; those before it were handed out.
    """
    short = {one.short: one for one in options if one.short}
    long = {one.long: one for one in options}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            leftover += rest
            return
        if word.startswith("--"):
            yield _long(long, word, rest)
        elif word.startswith("-") and word != "-":
            yield from _cluster(short, word, rest)
        else:
            leftover.append(word)


def _long(known: Mapping[str, Option], word: str, rest: list[str]) -> Met:
    name, equals, value = word[2:].partition("=")
    option = known.get(name)
    if option is None:
        raise BadOptionError(f"{word}: unknown option", 255)
    if option.takes is Takes.NOTHING:
        if equals:
            raise BadOptionError(f"{word}: option does not take an argument", 255)
        return Met(option, None, word)
    return Met(option, value if equals else _next(option, word, rest), word)


def _cluster(known: Mapping[str, Option], word: str, rest: list[str]) -> Iterator[Met]:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        option = known.get(letter)
        if option is None:
            raise BadOptionError(f"-{letter}: unknown option", 255)
        if option.takes is Takes.NOTHING:
            yield Met(option, None, f"-{letter}")
            continue
        value = letters.removeprefix("=") if letters else _next(option, f"-{letter}", rest)
        yield Met(option, value, f"-{letter}")
        return


def _next(option: Option, word: str, rest: list[str]) -> str | None:
    if option.takes is Takes.PERHAPS and (not rest or rest[0].startswith("-")):
        return None
    if not rest:
        raise BadOptionError(f"{word}: missing argument", 255)
    return rest.pop(0)
