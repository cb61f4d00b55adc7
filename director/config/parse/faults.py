"""What `[fault:NAME]` says: which servers, what happens to their requests, and to which of them.

Parsers for the tables of `schema.drills`; they raise `BadValue` at the word that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from director.config.parse import fault_words, units
from director.config.parse.fault_words import Words, keyword, next_word, positive
from director.config.parse.values import listed, name, one_of, status, unique, within, words
from director.config.text.messages import BadValue
from director.model.drills import FaultAction, FaultHit

LAYER_7 = (
    "refuse", "reset", "hang", "delay", "status", "truncate", "garbage", "drip", "bandwidth", "close",
    *fault_words.PARSERS,
)  # fmt: skip
LAYER_4 = ("drop", "delay", "duplicate", "reorder", "corrupt", "rst", "unreachable", "mtu_hole")
KINDS = tuple(dict.fromkeys((*LAYER_7, *LAYER_4)))
"""What a fault can do."""
PLAIN = frozenset({"refuse", "hang", "rst", "unreachable"})
"""Words that stand alone."""
OF_PACKETS = frozenset({"drop", "duplicate", "reorder", "corrupt"})
"""Words that may name a share of a flow's packets."""
LEAST_MTU = 68
"""Octets that every link carries (RFC 791)."""


def servers(text: str) -> tuple[tuple[int, tuple[str, str]], ...]:
    """`web/a, web/b` or `pool web` as (offset, (pool, server)), the server "" for all of a pool."""
    found: list[tuple[int, tuple[str, str]]] = []
    of_pool = False
    for at, word in listed(text):
        if word == "pool" and not of_pool:
            of_pool = True
            continue
        pool, slash, server = word.partition("/")
        if of_pool:
            found.append((at, (within(at, name, word), "")))
        elif not (pool and slash and server):
            raise BadValue(f"not a server: {word!r}", "write POOL/SERVER, as in web/a, or pool NAME", at)
        else:
            found.append((at, (pool, server)))
        of_pool = False
    if of_pool:
        raise BadValue("pool what?", "write pool NAME", len(text))
    unique(found)
    return tuple(found)


def action(text: str) -> FaultAction:
    """`reset after 2k`, `delay 200ms..400ms`, `status 503 retry_after 5s`, and so on."""
    (at, kind), *rest = words(text) or [(0, "")]
    within(at, lambda word: one_of(word, KINDS), kind)
    shown = " ".join(word for _, word in words(text))
    if kind in PLAIN:
        made = FaultAction(kind, shown)
    elif kind in OF_PACKETS:
        made = FaultAction(kind, shown, share=_share(rest.pop(0)) if rest else 1.0)
    else:
        made = _WITH_VALUE[kind](shown, rest)
    if rest:
        raise BadValue(f"unexpected {rest[0][1]!r}", f"{kind} ends before it", rest[0][0])
    return made


def _after(kind: str) -> Callable[[str, Words], FaultAction]:
    """`reset`, `reset after 2k`."""

    def parse(shown: str, rest: Words) -> FaultAction:
        size = None
        if keyword(rest, "after"):
            at, word = next_word(rest, f"{kind} after", "2k")
            size = within(at, units.size, word)
        return FaultAction(kind, shown, size=size)

    return parse


def _garbage(shown: str, rest: Words) -> FaultAction:
    return FaultAction("garbage", shown, word="chunk" if keyword(rest, "chunk") else "")


def _status(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "status", "503")
    number = within(at, lambda text: status(text, 200), word)
    after = None
    if keyword(rest, "retry_after"):
        at, word = next_word(rest, "retry_after", "5s")
        after = within(at, units.duration, word)
    return FaultAction("status", shown, size=number, retry_after=after)


def _truncate(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "truncate", "2k: the octets of the body that come")
    return FaultAction("truncate", shown, size=within(at, units.size, word))


def _drip(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "drip", "100/s")
    return FaultAction("drip", shown, rate=within(at, positive(units.rate), word))


def _bandwidth(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "bandwidth", "10k: octets a second")
    text = word.removesuffix("/s")
    return FaultAction("bandwidth", shown, rate=within(at, positive(units.size), text))


def _mtu_hole(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "mtu_hole", "1300: the octets of the largest IP packet that passes")
    return FaultAction("mtu_hole", shown, size=within(at, _mtu, word))


def _mtu(text: str) -> int:
    found = units.size(text)
    if not LEAST_MTU <= found <= 0xFFFF:
        raise BadValue(f"{text} is no MTU", f"write a number from {LEAST_MTU} to 65535")
    return found


_WITH_VALUE: dict[str, Callable[[str, Words], FaultAction]] = {
    **fault_words.PARSERS,
    "reset": _after("reset"),
    "close": _after("close"),
    "garbage": _garbage,
    "delay": fault_words.delay,
    "status": _status,
    "truncate": _truncate,
    "drip": _drip,
    "bandwidth": _bandwidth,
    "mtu_hole": _mtu_hole,
}


def _share(word: tuple[int, str]) -> float:
    return within(word[0], share, word[1])


def share(text: str) -> float:
    """`50%` as 0.5."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%", text)
    if not found or not 0 <= float(found[1]) <= 100:
        raise BadValue(f"not a share: {text!r}", "write a number from 0 to 100 and %, as in 50%")
    # Rounded, because 99.9 / 100 is a little more than 999 / 1000.
    return round(float(found[1]) / 100, 9)


_RULES = ("first", "every", "share", "max")


def hit(text: str) -> FaultHit:
    """`share 50% max 200`: `first N`, `every N`, `share N%` and `max N`, together as wanted."""
    found = listed(text)
    given: dict[str, float] = {}
    while found:
        at, word = found.pop(0)
        within(at, lambda text: one_of(text, _RULES), word)
        if word in given:
            raise BadValue(f"{word} is given twice", "remove one of the two", at)
        if not found:
            raise BadValue(f"{word} what?", "write share 50%" if word == "share" else f"write {word} 10", at)
        at, value = found.pop(0)
        given[word] = within(at, share if word == "share" else _number, value)
    first, most = given.get("first"), given.get("max")
    return FaultHit(
        first=None if first is None else int(first),
        every=int(given.get("every", 1)),
        share=given.get("share", 1.0),
        most=None if most is None else int(most),
        text=" ".join(text.replace(",", " ").split()),
    )


def _number(text: str) -> int:
    return units.count(re.sub(r"(?<=[0-9])(?:st|nd|rd|th)\Z", "", text), 1)
