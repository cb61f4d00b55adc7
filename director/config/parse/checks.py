"""What the lines of `[check:NAME]` say: requests, what is expected, scripts, questions.

Parsers for the tables of `schema.pools`; they raise `BadValue` at the word that is wrong.
"""

from __future__ import annotations

import re
import shlex

from attrs import evolve, field, frozen

from director.conditions.facts import expression
from director.config.parse import units
from director.config.parse.addresses import address
from director.config.parse.values import field_name, listed, status, unique, within
from director.config.text.messages import BadValue, suggest
from director.config.text.reader import Value
from director.config.text.sources import resolve
from director.model.conditions import Term
from director.model.pools import Eject, ScriptStep

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SPOKEN = {"r": b"\r", "n": b"\n", "t": b"\t", ";": b";", "\\": b"\\"}
_STEP = re.compile(r"\s*(?:(send|expect)\s+)?((?:\\.|[^;\\])*)(;|\Z)", re.DOTALL)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_TYPES = ("A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "SRV")
_MOST = 1024
"""Octets of a datagram or of one step; a check is a small question."""


def octets(text: str, at: int = 0) -> bytes:
    r"""A text with `\r`, `\n`, `\t`, `\;`, `\\` and `\xHH` as octets."""
    made = b""
    position = 0
    for found in _ESCAPE.finditer(text):
        made += text[position : found.start()].encode()
        if found[1]:
            made += bytes([int(found[1], 16)])
        elif found[2] in _SPOKEN:
            made += _SPOKEN[found[2]]
        else:
            hint = r"use \r \n \t \; \\ or \x and two digits, as in \x00"
            raise BadValue(f"{found[0]!r} stands for no octet", hint, at + found.start())
        position = found.end()
    made += text[position:].encode()
    if not made:
        raise BadValue("nothing is said", "write the text that shall be sent", at)
    if len(made) > _MOST:
        raise BadValue(f"{len(made)} octets are more than {_MOST}", "ask a shorter question", at)
    return made


def script(text: str) -> tuple[ScriptStep, ...]:
    r"""`expect 220; send QUIT\r\n` as steps; a `;` in a text is written `\;`."""
    steps = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise BadValue("a backslash ends the text", r"write \\ for one backslash", len(text) - 1)
        if found[1] is None:
            raise BadValue("a step begins with send or expect", "write send TEXT; expect TEXT", position)
        steps.append(ScriptStep(found[1] == "send", octets(found[2].rstrip(" \t"), found.start(2))))
        position = found.end()
    if not steps:
        raise BadValue("a script has steps", "write send TEXT; expect TEXT")
    return tuple(steps)


def command(value: Value) -> tuple[str, ...]:
    """`/path/to/check a "b c"` as a program and its arguments; no shell looks at it.

    A path is relative to the file that names it; a bare name is searched in the usual folders.
    """
    try:
        found = shlex.split(value.text)
    except ValueError as error:
        raise BadValue(f"not a command: {error}", 'close the quote with "') from error
    if not found:
        raise BadValue("a program is missing", "write its path, and arguments behind it")
    if "/" in found[0]:
        found[0] = resolve(value.file, found[0])
    return tuple(found)


def first(text: str) -> tuple[bool | None, int]:
    """`up`, `down` or `after N` as (what a new server counts as, how many results decide)."""
    if text in {"up", "down"}:
        return text == "up", 1
    found = re.fullmatch(r"after\s+(\S+)", text)
    if found is None:
        raise BadValue(f"not up, down or after N: {text!r}", "write after 1, up or down")
    return None, within(found.start(1), lambda number: units.count(number, 1, 1000), found[1])


def question(text: str) -> tuple[str, str]:
    """`A www.example.org` as (type, name)."""
    kind, _, name = text.partition(" ")
    if kind not in _TYPES:
        raise BadValue(
            f"{kind!r} is no type of record", suggest(kind, _TYPES) or f"one of {', '.join(_TYPES)}"
        )
    name = name.strip()
    labels = name.removesuffix(".").split(".")
    if not name or len(name) > 253 or (name != "." and not all(map(_LABEL.match, labels))):
        raise BadValue(f"not a name: {name!r}", f"write {kind} www.example.org", len(kind) + 1 if name else 0)
    return kind, name


def probe(text: str) -> tuple[str, str]:
    """`GET /healthz` as (method, target)."""
    found = re.fullmatch(r"([A-Z]+)\s+(\S+)", text)
    if not found:
        hint = f"write GET {text}" if text.startswith("/") else "write METHOD PATH, as in GET /healthz"
        raise BadValue("expected METHOD PATH", hint)
    if found[2][0] != "/" and found[2] != "*":
        raise BadValue("a path begins with /", f"write /{found[2]}", found.start(2))
    if not found[2].isascii():
        raise BadValue("the path is not ASCII", "write other characters as %XX", found.start(2))
    return found[1], found[2]


def service(text: str) -> str:
    """`health` for the server as a whole, or the name of a service, as gRPC writes them."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,126}", text):
        raise BadValue(f"not a service: {text!r}", "write health, or a name such as shop.v1.Cart")
    return "" if text == "health" else text


def host(text: str) -> str:
    """An address or a name without a port, which is probed in place of the server's."""
    found = address(text, port_needed=False)
    if found.port or not found.host:
        raise BadValue("only a host", "write the port as port = NUMBER, on a line of its own")
    return found.host


@frozen
class Chosen:
    """The checks of a pool, each with its place in the text, and how many of them must hold; 0 = all."""

    words: tuple[tuple[int, str], ...]
    needed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Which checks."""
        return tuple(name for _, name in self.words)


_COMBINED = re.compile(r"(?:(any|all)|(\d+)\s+of)\s+(?=[^\s,])")


def chosen(text: str) -> Chosen:
    """`one, two` (all of them), `any one, two`, or `2 of one, two, three`."""
    found = _COMBINED.match(text)
    start = found.end() if found else 0
    words = [(start + at, word) for at, word in listed(text[start:])]
    unique(words)
    if found is None or found[1] == "all":
        return Chosen(tuple(words))
    needed = 1 if found[1] else int(found[2])
    if not 0 < needed <= len(words):
        hint = f"write a number from 1 to {len(words)}, or name more checks"
        raise BadValue(f"{needed} of {len(words)} cannot hold", hint)
    return Chosen(tuple(words), needed % len(words))


EJECTING = ("5xx", "connect", "empty", "timeout", "reset", "rate", "latency")
"""What real traffic can hold against a server."""
_EJECT = {"after": "a number", "for": "a time", "max": "a share"}


def eject(text: str) -> Eject | None:
    """`5xx, connect, empty; after 5; for 30s; max 50%`, or `off`."""
    if text == "off":
        return None
    causes, _, rest = text.partition(";")
    words = listed(causes)
    unique(words)
    for at, word in words:
        if word not in EJECTING:
            hint = "put a semicolon before it" if word.split()[0] in _EJECT else suggest(word, EJECTING)
            raise BadValue(f"unknown cause {word!r}", hint or f"known: {' '.join(EJECTING)}", at)
    at = len(causes) + 1
    settings: dict[str, str] = {}
    where: dict[str, int] = {}
    for clause in rest.split(";") if rest.strip() else ():
        form = re.fullmatch(r"\s*(after|for|max)\s+(\S+)\s*", clause)
        if form is None or form[1] in settings:
            raise BadValue("expected after N, for TIME or max N%", "write each once, with ; between", at)
        settings[form[1]], where[form[1]] = form[2], at + form.start(2)
        at += len(clause) + 1
    most = within(where.get("max", 0), share, settings.get("max", "50%"))
    return Eject(
        frozenset(word for _, word in words),
        within(where.get("after", 0), lambda said: units.count(said, 1, 10_000), settings.get("after", "5")),
        within(where.get("for", 0), units.duration, settings.get("for", "30s")),
        most,
    )


def panic(text: str) -> float:
    """`30%`, or `off`."""
    return 0.0 if text == "off" else share(text)


def share(text: str) -> float:
    """`30%` as a part of one."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
    if found is None or float(found[1]) > 100:
        raise BadValue(f"not a share: {text!r}", "write a number from 0 to 100 with %, as in 30%")
    return float(found[1]) / 100


@frozen
class Expected:
    """What an answer must be: one of the statuses, all of the terms, a certificate for so many days yet.

    `about` are the words that were written, each with its place.
    """

    statuses: tuple[tuple[int, int], ...]
    terms: tuple[Term, ...]
    days: float | None = None
    about: tuple[tuple[str, int], ...] = field(default=(), eq=False)


ANY_GOOD = ((200, 399),)
"""Statuses that are expected when only other terms are written."""
_EXPECT = re.compile(
    r"""\s*(?:(status)\b(?:\s*(?:=|in\b))?|(days)\b|(?:(body|answer)|header\s+([!#$%&'*+.^_`|~0-9A-Za-z-]+))\s*"""
    r"""(?:(\^=|\$=|\*=|=|~|in\b)\s*|(exists)\b))"""
)
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*|([^,"]*)')
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*')
_STATUS = re.compile(r"[\s,]*(?!(?:status|body|header|days|answer)\b)([^\s,]+)")
_DAYS = re.compile(r"\s*(?:>=?\s*)?([0-9]{1,5}(?:\.[0-9]+)?)d?\s*")


def expected(text: str) -> Expected:
    """`status 200-299, 304, body ~ ^all.good, header X-State = ready`: terms that must all hold.

    A value with a comma stands in double quotes.
    """
    statuses: list[tuple[int, int]] = []
    terms: list[Term] = []
    about: list[tuple[str, int]] = []
    days: float | None = None
    at = 0
    while at < len(text):
        found = _EXPECT.match(text, at)
        if found is None:
            hint = "write status 200-299, header NAME = VALUE, body *= VALUE, days > N or answer = VALUE"
            raise BadValue("expected status, header, body, days or answer", hint, at)
        about.append((found[1] or found[2] or found[3] or "header", at))
        if found[1]:
            at = _statuses(text, found.end(), statuses)
        elif found[2]:
            number = _DAYS.match(text, found.end())
            if number is None:
                raise BadValue("days take a number", "write days > 14", found.end())
            days, at = float(number[1]), number.end()
        else:
            at = _term(text, found, terms)
        at = _comma(text, at)
    if not text.strip():
        raise BadValue("nothing is expected", "write status 200-299")
    return Expected(tuple(statuses) or ANY_GOOD, tuple(terms), days, tuple(about))


def _statuses(text: str, at: int, ranges: list[tuple[int, int]]) -> int:
    """Statuses and ranges up to the next term; returns where they end."""
    begun, before = at, len(ranges)
    while found := _STATUS.match(text, at):
        start, word = found.start(1), found[1]
        first, dash, last = word.partition("-")
        if re.fullmatch(r"[1-5]xx", word):
            ranges.append((int(word[0]) * 100, int(word[0]) * 100 + 99))
            at = found.end()
            continue
        low = within(start, status, first)
        high = within(start + len(first) + 1, status, last) if dash else low
        if low > high:
            raise BadValue(f"{word} runs backwards", f"write {high}-{low}", start)
        ranges.append((low, high))
        at = found.end()
    if len(ranges) == before:
        raise BadValue("no status is expected", "write status 200-299", begun)
    return at


def _term(text: str, found: re.Match[str], terms: list[Term]) -> int:
    """The value of a term; returns where it ends."""
    fact, name = found[3] or "header", (found[4] or "").lower()
    operator = found[5] or found[6]
    if operator == "exists":
        if fact != "header":
            raise BadValue(f"every answer has one: {fact}", "compare it", found.start(6))
        terms.append(Term(fact, name, operator))
        return found.end()
    if operator == "in":
        return _several(text, found.end(), Term(fact, name, operator), terms)
    value = _VALUE.match(text, found.end())
    if value is None:
        raise BadValue("this quote is never closed", 'add "', found.end())
    said = value[2].strip() if value[1] is None else re.sub(r"\\(.)", r"\1", value[1])
    start = found.end() + (value[1] is not None)
    if not said:
        raise BadValue(f"a value is missing behind {operator}", f"write {fact} {operator} VALUE", start)
    if operator == "~":
        within(start, lambda written: expression("header" if fact == "answer" else fact, written), said)
    terms.append(Term(fact, name, operator, (said,)))
    return value.end()


def _several(text: str, at: int, term: Term, terms: list[Term]) -> int:
    """The values of `in`, with white space between; returns where they end."""
    values = []
    while found := _WORD.match(text, at):
        values.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        at = found.end()
    if not values:
        raise BadValue("a value is missing behind in", f"write {term.fact} in VALUE VALUE", at)
    terms.append(evolve(term, values=tuple(values)))
    return at


def _comma(text: str, at: int) -> int:
    """Where the next term begins."""
    found = re.compile(r"\s*(?:,\s*|\Z)").match(text, at)
    if found is None:
        raise BadValue("a comma is missing", 'a value with commas or quotes stands in "quotes"', at)
    return found.end()


def check_host(text: str) -> str:
    """The Host field of a probe: a name, with or without port."""
    address(text, port_needed=False)
    return text


_OWN_FIELDS = ("host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer")


def header(text: str) -> str:
    """The value of a field of a probe's request (RFC 9110 5.5): printable, in ASCII."""
    for at, letter in enumerate(text):
        if not " " <= letter <= "~":
            raise BadValue(f"{letter!r} cannot stand in a header field", "use printable ASCII", at)
    return text


def header_name(text: str) -> str:
    """The name of one, which is not what the probe itself has to say."""
    if field_name(text).lower() in _OWN_FIELDS:
        raise BadValue(f"{text} is the check's own", "remove it; host = NAME sets Host")
    return text
