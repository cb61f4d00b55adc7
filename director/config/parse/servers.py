"""What the lines of `[pool:NAME]` say: servers, persistence, retries, queues.

Parsers for the tables of `schema.pools`; each takes a `Value`, returns values of the model and raises
`BadValue` at the word that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from director.config.parse import units
from director.config.parse.addresses import address
from director.config.parse.values import field_name, listed, local_path, one_of, status, within, words
from director.config.text.messages import BadValue, suggest
from director.config.text.reader import Value
from director.model.pools import Address, CookiePersistence, Forward, Queue, Retry, Server, Tunnel

_ATTRIBUTES = ("weight=", "max=", "min=", "backup", "forward=", "tunnel=")
_LINE = "a server is ADDRESS:PORT with any of weight= max= min= backup forward= tunnel= behind"
_RETRY_WORDS = frozenset({"connect", "empty", "timeout"})
_MOST_TRIES = 10
_MOST_QUEUED = 1_000_000


def server(value: Value) -> Server:
    """`10.0.0.11:8080 weight=2 max=200 min=50 backup forward=dr tunnel=gue:6080`; its name comes later."""
    found = words(value.text)
    if not found:
        raise BadValue("the address is missing", _LINE)
    at, text = found[0]
    where = within(at, _place, text)
    settings: dict[str, object] = {}
    places: dict[str, int] = {}
    for at, word in found[1:]:
        key, equals, rest = word.partition("=")
        if key + equals not in _ATTRIBUTES:
            raise BadValue(f"unknown: {word!r}", _attribute_hint(word), at)
        if key in settings:
            raise BadValue(f"{key} is given twice", "remove one of the two", at)
        settings[key] = True if not equals else within(at + len(key) + 1, _PARSERS[key], rest)
        places[key] = at
    _check_thresholds(settings, places)
    return Server("", local_path(value, where), **settings)  # type: ignore[arg-type]


def _place(text: str) -> Address:
    """Where a server is: an address that can be connected to; LVS writes `:0` for one without a port."""
    found = address(text, lowest=0, port_needed=False)
    if not (found.host or found.path or found.endpoint):
        raise BadValue("the server's host is missing", f"write 127.0.0.1{text} for one on this machine")
    return found


def _attribute_hint(word: str) -> str:
    key = word.partition("=")[0]
    near = suggest(key, [name.removesuffix("=") for name in _ATTRIBUTES])
    return near if near.startswith("did") else _LINE


def _check_thresholds(settings: dict[str, object], places: dict[str, int]) -> None:
    """IPVS refuses a lower bound above the upper one, so one without an upper one too (B.3)."""
    low, high = settings.get("min", 0), settings.get("max", 0)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        shown = f"max={high}" if "max" in settings else "max, which is not set"
        raise BadValue(f"min={low} is larger than {shown}", "write a max of at least min", places["min"])


def forward(text: str) -> Forward:
    """`nat`, `dr`, `tun` or `local`."""
    return Forward(one_of(text, [method.value for method in Forward]))


def tunnel(text: str) -> Tunnel:
    """`ipip`, `gre[,csum]`, `gue:PORT[,csum|,remcsum]` with the rules of `lvs-semantics` I.1."""
    start, _, checksum = text.partition(",")
    kind, colon, port = start.partition(":")
    one_of(kind, ("ipip", "gre", "gue"))
    checksum = {"": "none", "nocsum": "none"}.get(checksum, checksum)
    if checksum not in {"none", "csum", "remcsum"}:
        raise BadValue(f"unknown tunnel option {checksum!r}", "known: nocsum csum remcsum", len(start) + 1)
    if kind == "gue":
        if not colon:
            raise BadValue("gue needs its UDP port", "write tunnel=gue:6080")
        return Tunnel(kind, within(len(kind) + 1, lambda word: units.count(word, 1, 65535), port), checksum)
    if colon:
        raise BadValue(f"{kind} has no port", f"write tunnel={kind}", len(kind))
    if (kind == "ipip" and checksum != "none") or checksum == "remcsum":
        raise BadValue(f"{kind} has no {checksum}", f"write tunnel={kind}", len(start) + 1)
    return Tunnel(kind, 0, checksum)


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "weight": units.count,
    "max": units.count,
    "min": units.count,
    "forward": forward,
    "tunnel": tunnel,
}


_COOKIE_WORDS = frozenset({"follow", "httponly", "secure", "samesite="})


def persistence(text: str) -> CookiePersistence:
    """`cookie NAME insert [follow] [httponly] [secure] [samesite=lax|strict|none]`."""
    form = "write cookie NAME insert, with any of follow httponly secure samesite=lax behind"
    found = words(text)
    if found[0][1] != "cookie":
        raise BadValue(f"unknown kind of persistence {found[0][1]!r}", form)
    if len(found) < 3 or found[2][1] != "insert":
        raise BadValue("expected cookie NAME insert", form, found[min(2, len(found) - 1)][0])
    name = within(found[1][0], field_name, found[1][1])
    flags: dict[str, str] = {}
    for at, word in found[3:]:
        key, equals, rest = word.partition("=")
        if key in flags or key + equals not in _COOKIE_WORDS:
            near = suggest(key, [one.rstrip("=") for one in sorted(_COOKIE_WORDS)])
            known = key in flags or key + equals in _COOKIE_WORDS
            text = f"{key} is given twice" if known else f"unknown: {word!r}"
            raise BadValue(text, near if near.startswith("did") and not known else form, at)
        flags[key] = (
            within(at + 9, lambda text: one_of(text, ("lax", "strict", "none")), rest) if equals else ""
        )
    if flags.get("samesite") == "none" and "secure" not in flags:
        raise BadValue(
            "samesite=none without secure", "browsers drop such a cookie; add secure", found[-1][0]
        )
    samesite = flags.get("samesite", "")
    return CookiePersistence(name, "httponly" in flags, "secure" in flags, samesite, "follow" in flags)


def retry(text: str) -> Retry:
    """`connect, empty, timeout, 503; tries 2`, or `off`."""
    if text == "off":
        return Retry(frozenset(), frozenset(), 0)
    causes, semicolon, rest = text.partition(";")
    on, statuses = set(), set()
    for at, word in listed(causes):
        if word in _RETRY_WORDS:
            on.add(word)
        elif word.isdigit():
            statuses.add(within(at, lambda text: status(text, 400), word))
        else:
            near = suggest(word, sorted(_RETRY_WORDS))
            known = (
                near if near.startswith("did") else "known: connect empty timeout, and statuses such as 503"
            )
            hint = "put a semicolon before it: ; tries 2" if word == "tries" else known
            raise BadValue(f"unknown cause {word!r}", hint, at)
    if not on and not statuses:
        raise BadValue("no cause to try again", "write connect, empty; tries 2, or off")
    tries = 2
    if semicolon:
        found = re.fullmatch(r"\s*tries\s+(\S+)\s*", rest)
        if not found:
            raise BadValue("expected tries N", "write ; tries 2 behind the causes", len(causes) + 1)
        at = len(causes) + 1 + found.start(1)
        tries = within(at, lambda text: units.count(text, 1, _MOST_TRIES), found[1])
    return Retry(frozenset(on), frozenset(statuses), tries)


def queue(text: str) -> Queue:
    """`100 for 5s`, or `off`."""
    if text == "off":
        return Queue(0)
    found = re.fullmatch(r"(\S+)(?:\s+for\s+(\S+))?", text)
    if not found:
        raise BadValue("expected LENGTH for TIME", "write 100 for 5s, or off")
    length = units.count(found[1], 0, _MOST_QUEUED)
    if not found[2]:
        raise BadValue("how long may a request wait?", f"write {found[1]} for 5s", len(text))
    return Queue(length, within(found.start(2), units.duration, found[2]))
