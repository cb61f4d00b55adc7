"""What `[drill:NAME]` says: its load, its steps, what is expected, and what ends it early.

Parsers for the tables of `schema.drills`; they raise `BadValue` at the word that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from director.config.parse import units
from director.config.parse.actions import fault_taken, request
from director.config.parse.faults import share
from director.config.parse.values import within, words
from director.config.text.messages import BadValue, suggest
from director.model.drills import DrillStep, DrillTerm, LoadLine

MOST_REQUESTS = 1000.0
"""Requests a second that a drill may send: it shares its process with what it tests."""
ALONE = ("baseline", "heal", "end", "reload")
"""Steps without names."""
OF_FAULTS = ("start", "stop")
OF_SERVERS = ("drain", "ready", "maint")
PHASES = ("baseline", "during", "after")
"""For which parts of a drill something can be expected."""

SHARES = ("answered", "ok", "5xx", "sticky", "flows")
TIMES = ("slowest", "p50", "p90", "p99", "detect", "page", "recover")
NUMBERS = ("twice", "retries", "requests", "hits", "moved")
METRICS = (*SHARES, *TIMES, *NUMBERS, "to", "by")
"""What can be expected."""
OF_ALL_TRAFFIC = ("5xx", "answered")
"""What is known of untagged requests: statuses are counted for everybody, times for nobody."""
TO_HALT = ("answered", "ok", "5xx", "slowest")

_ENTRY = re.compile(r"[^,\n]+")
_LOAD = re.compile(r"[,\n]\s*(?=[0-9])")
_OPERATOR = re.compile(r"\s*(>=|<=|<|>|=)\s*")


def _entries(text: str) -> Iterator[tuple[int, str]]:
    for entry in _ENTRY.finditer(text):
        bare = entry[0].strip()
        if bare:
            yield entry.start() + entry[0].index(bare[0]), bare


def load(text: str) -> tuple[LoadLine, ...]:
    """`20/s GET /, 5/s GET /images/a.png`."""
    found: list[LoadLine] = []
    at = 0
    for part in _LOAD.split(text):
        start = text.index(part, at)
        at = start + len(part)
        rate, _, rest = part.strip().partition(" ")
        number = within(start, units.rate, rate)
        method, uri = within(start + len(rate) + 1, request, rest.strip())
        found.append(LoadLine(number, method, uri))
    total = sum(line.rate for line in found)
    if not 0 < total <= MOST_REQUESTS:
        raise BadValue(f"{total:g} requests a second", f"write from more than 0/s to {MOST_REQUESTS:g}/s")
    return tuple(found)


def step(text: str) -> tuple[tuple[int, str, str], ...]:
    """`start a hangs, b refuses` as (offset, verb, name): the steps of one moment, a verb carried on."""
    found: list[tuple[int, str, str]] = []
    verb = ""
    for at, entry in _entries(text):
        word, _, rest = entry.partition(" ")
        if word in ALONE and not rest:
            found.append((at, word, ""))
            verb = ""
        elif word in (*OF_FAULTS, *OF_SERVERS) and rest.strip():
            verb = word
            found.append((at + entry.index(rest.strip()), verb, rest.strip()))
        elif verb:
            found.append((at, verb, entry))
        else:
            known = (*ALONE, *OF_FAULTS, *OF_SERVERS)
            hint = "write baseline, start FAULT, stop FAULT, heal, reload, drain POOL/SERVER or end"
            raise BadValue(f"not a step: {entry!r}", suggest(word, known) or hint, at)
    if not found:
        raise BadValue("nothing happens", "write baseline, start FAULT, heal or end")
    return tuple(found)


def steps_of(at: float, parsed: tuple[tuple[int, str, str], ...]) -> tuple[DrillStep, ...]:
    """The steps of one moment, those of one verb together."""
    made: dict[str, list[str]] = {}
    for _, verb, name in parsed:
        made.setdefault(verb, []).extend([name] if name else [])
    return tuple(DrillStep(at, verb, tuple(names)) for verb, names in made.items())


def expectations(text: str) -> tuple[tuple[int, DrillTerm], ...]:
    """`answered >= 99%, by page:sorry or web/c, slowest < 3s` as (offset, term)."""
    found = [(at, within(at, _term, entry)) for at, entry in _entries(text)]
    if not found:
        raise BadValue("nothing is expected", "write answered >= 99%, by POOL/SERVER, slowest < 3s, …")
    return tuple(found)


def halt(text: str) -> tuple[tuple[int, DrillTerm], ...]:
    """`untagged 5xx > 1%` as (offset, term)."""
    found = []
    for at, entry in _entries(text):
        rest = re.sub(r"\Auntagged\s+", "", entry)
        term = within(at + len(entry) - len(rest), _term, rest)
        known = OF_ALL_TRAFFIC if rest != entry else TO_HALT
        if term.metric not in known:
            raise BadValue(
                f"{term.metric} ends no drill", f"write one of {', '.join(known)}, as in 5xx > 1%", at
            )
        found.append((at, _untagged(term, entry) if rest != entry else term))
    if not found:
        raise BadValue("no reason", "write untagged 5xx > 1%")
    return tuple(found)


def _untagged(term: DrillTerm, text: str) -> DrillTerm:
    return DrillTerm(" ".join(text.split()), term.metric, term.operator, term.value, untagged=True)


def _term(text: str) -> DrillTerm:
    metric = words(text)[0][1]
    shown = " ".join(text.split())
    if metric == "by":
        return _by(text, shown)
    head, tail, at = text, "", 0
    operator = _OPERATOR.search(text)
    if operator:
        head, tail, at = text[: operator.start()], text[operator.end() :], operator.end()
    metric, _, name = head.strip().partition(" ")
    if metric not in METRICS:
        raise BadValue(f"{metric!r} cannot be expected", suggest(metric, METRICS) or _known())
    if metric == "to" and not _server(name):
        raise BadValue("to whom?", "write to POOL/SERVER = 0")
    if metric != "to" and name:
        raise BadValue(f"unexpected {name!r}", f"write {metric} >= VALUE", text.index(name))
    if not operator:
        raise BadValue(f"{metric} is compared with what?", f"write {_example(metric)}")
    value = within(at, _reader(metric), tail.strip())
    return DrillTerm(shown, metric, operator[1], value, (name,) if name else ())


def _known() -> str:
    return "known: " + ", ".join(METRICS)


def _example(metric: str) -> str:
    if metric in SHARES:
        return f"{metric} >= 99%"
    return f"{metric} < 3s" if metric in TIMES else f"{metric} = 0"


def _reader(metric: str) -> Callable[[str], float]:
    if metric in SHARES:
        return share
    return units.duration if metric in TIMES else _count


def _count(text: str) -> float:
    found = re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", text)
    if not found:
        raise BadValue(f"not a number: {text!r}", "write a number, as in twice = 0")
    return float(text)


def _server(text: str) -> bool:
    pool, slash, server = text.partition("/")
    return bool(pool and slash and server) and " " not in text


_WITHIN = re.compile(r"\s+within\s+(\S+)\Z")


def _by(text: str, shown: str) -> DrillTerm:
    """`by page:sorry or web/c`, perhaps with `within 15s`: a moment from which on one of them answers."""
    found = _WITHIN.search(text)
    seconds = None
    if found:
        seconds = within(found.start(1), units.duration, found[1])
        text = text[: found.start()]
    names = []
    position = 2
    for part in re.split(r"\s+or\s+", text[2:].strip()):
        at = text.find(part, position)
        position = at + len(part)
        names.append(within(max(at, 0), _answerer, part))
    return DrillTerm(shown, "by", "=", 1.0, tuple(names), seconds)


def _answerer(text: str) -> str:
    """`web/a`, or a step of the fault path in the words of a trace."""
    if not text:
        raise BadValue("by whom?", "write by POOL/SERVER, by page:NAME or both, with or between")
    if _server(text) and ":" not in text.partition("/")[0]:
        return text
    return fault_taken(text)
