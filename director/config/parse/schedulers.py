"""`scheduler =` as it is written: `wlc`, `sh port fallback`, `hash(cookie sid) else wlc`.

Names and flags come in as `SchedulerFacts` by name, made from the catalogue of plug-ins by the
caller; `BUILT_IN` is the plain list for tools that have none.  Flags are also taken in ipvsadm's
spelling (`sh-port,sh-fallback`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from director.config.parse.values import listed, name, within
from director.config.text import foreign
from director.config.text.messages import BadValue, suggest
from director.config.text.reader import Value
from director.config.text.sources import resolve
from director.model.pools import SchedulerSpec
from director.scheduling import builtin


@frozen
class SchedulerFacts:
    """What may stand behind a scheduler's name (compare `interfaces.ISchedulerPlugin`)."""

    flags: tuple[str, ...] = ()
    takes_argument: bool = False


BUILT_IN: Mapping[str, SchedulerFacts] = {
    one.name: SchedulerFacts(one.flags, one.takes_argument) for one in builtin.BUILT_IN
}
"""The schedulers that come with the director."""

_CHOICE = re.compile(r"\s*([A-Za-z0-9_-]+)\s*(\()?")
_NOT_IN_FLAG = re.compile(r"[^A-Za-z0-9_-]")
_ELSE = re.compile(r"(?:^|(?<=\s))else(?=\s|\Z)")
_ANY_FLAGS = frozenset({"flag-1", "flag-2", "flag-3"})
"""ipvsadm's names for the flags of any scheduler, by their place."""

_MOST = 4
"""Schedulers in one `else` chain."""


@frozen
class Written:
    """A scheduler as written and the offsets of its names, to be checked against the known ones."""

    scheduler: SchedulerSpec
    names: tuple[tuple[int, SchedulerSpec], ...]


def scheduler(text: str) -> Written:
    """The scheduler that `text` says; whether it exists is for `check_known`."""
    links: list[tuple[int, SchedulerSpec]] = []
    at = 0
    while True:
        if len(links) == _MOST:
            raise BadValue(
                f"more than {_MOST} schedulers in a row",
                "keep the first ones",
                len(text) - len(text[at:].lstrip()),
            )
        start, link, end = _link(text, at)
        links.append((start, link))
        if end == len(text):
            break
        at = end
    whole = links[-1][1]
    for _, link in reversed(links[:-1]):
        whole = SchedulerSpec(link.name, link.argument, link.flags, whole)
    return Written(whole, tuple(links))


def _link(text: str, at: int) -> tuple[int, SchedulerSpec, int]:
    """One scheduler of the chain: its offset, itself, and where the next one begins."""
    found = _CHOICE.match(text, at)
    if not found or found[1] == "else":
        start = len(text) - len(text[at:].lstrip())
        raise BadValue("the name of a scheduler is missing", "write one such as wlc", start)
    end = found.end()
    argument = ""
    if found[2]:
        close = text.find(")", end)
        if close < 0:
            raise BadValue("this parenthesis is never closed", "add )", end - 1)
        argument, end = " ".join(text[end:close].split()), close + 1
        if not argument:
            raise BadValue("nothing stands between the parentheses", "write hash(cookie NAME)", close)
    other = _ELSE.search(text, end)
    stop = other.start() if other else len(text)
    for offset, word in listed(text[end:stop]):
        bad = _NOT_IN_FLAG.search(word)
        if bad:
            raise BadValue(f"unexpected {word!r}", "write NAME, and its flags behind it", end + offset)
    flags = tuple(dict.fromkeys(_flag(found[1], word) for _, word in listed(text[end:stop])))
    after = other.end() if other else len(text)
    if other and not text[after:].strip():
        raise BadValue("a scheduler is missing behind else", "write one such as wlc", other.start())
    return found.start(1), SchedulerSpec(found[1], argument, flags), after


def _flag(scheduler_name: str, word: str) -> str:
    """`sh-port` behind `sh` is ipvsadm's spelling of `port`."""
    return word.removeprefix(f"{scheduler_name}-")


def check_known(written: Written, known: Mapping[str, SchedulerFacts], text: str) -> None:
    """Raises `BadValue` for a name, flag or argument that `known` does not have."""
    for at, link in written.names:
        facts = known.get(link.name)
        if facts is None:
            word = link.flags[0] if link.name == "balance" and link.flags else link.name
            raise BadValue(f"unknown scheduler {link.name}", _hint(word, known), at)
        if link.argument and not facts.takes_argument:
            raise BadValue(f"{link.name} takes no argument", f"write {link.name}", at)
        for flag in link.flags:
            if flag not in facts.flags and flag not in _ANY_FLAGS:
                allowed = f"flags of {link.name}: {' '.join(facts.flags)}" if facts.flags else "remove it"
                near = suggest(flag, facts.flags)
                allowed = near if near.startswith("did") else allowed
                place = text.find(flag, at + len(link.name))
                raise BadValue(f"{link.name} has no flag {flag}", allowed, max(place, at))


def _hint(word: str, known: Mapping[str, SchedulerFacts]) -> str:
    ours = foreign.scheduler(word)
    if ours:
        return f"write {ours}"
    near = suggest(word, list(known))
    return near if near.startswith("did") else "known: " + " ".join(sorted(known))


@frozen
class PythonClass:
    """`file.py:Class`."""

    path: str
    attribute: str


def python_class(value: Value) -> PythonClass:
    """`schedulers.py:Tenant`; the path is relative to the file that names it."""
    file, colon, attribute = value.text.rpartition(":")
    if not colon or not file or not attribute.isidentifier():
        raise BadValue("expected FILE.py:CLASS", "write the file and, behind a colon, the class in it")
    return PythonClass(resolve(value.file, file), attribute)


def check_name(text: str) -> str:
    """A name that `scheduler =` can say."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", within(0, name, text)) or text == "else":
        raise BadValue(f"not the name of a scheduler: {text!r}", "use letters, digits, _ and -")
    return text
