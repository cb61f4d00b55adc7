"""What `do =` of `[fault:NAME]` says beyond the few first words, and toxiproxy's names for it.

`faults` reads the first word and asks here for those that it does not know.  Parsers take the text as it is
shown and the words behind the first, and take from these what is theirs; they raise `BadValue` at the word
that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address

from director.config.parse import units
from director.config.parse.values import one_of, within
from director.config.text.messages import BadValue
from director.model.drills import FaultAction

LONGEST_DELAY = 3600.0
WIDEST = 5.0
"""Largest sigma of a log-normal delay: at it one of a thousand takes five million times as long as half."""
MOST_TIMES = 1000.0
FLAPPING = "flapping"
TLS = ("expired", "wrong_name", "unknown_ca", "stall")
LIES = ("up", "down", FLAPPING)
NAMES = ("empty", FLAPPING)

Words = list[tuple[int, str]]


def next_word(rest: Words, kind: str, example: str) -> tuple[int, str]:
    """The next word, which has to be there."""
    if not rest:
        raise BadValue(f"{kind} what?", f"write {kind} {example}")
    return rest.pop(0)


def keyword(rest: Words, known: str) -> bool:
    """Take this word, which may be missing."""
    if not rest:
        return False
    at, word = rest.pop(0)
    within(at, lambda text: one_of(text, (known,)), word)
    return True


def pause(text: str) -> float:
    """A time that a fault lasts for one request."""
    found = units.duration(text)
    if found > LONGEST_DELAY:
        raise BadValue(f"{text} is out of range", "write a delay of an hour at most")
    return found


def positive(parser: Callable[[str], float]) -> Callable[[str], float]:
    """More than nothing."""

    def parse(text: str) -> float:
        found = parser(text)
        if found <= 0:
            raise BadValue("nothing would ever come", "write more than 0, or do = hang")
        return found

    return parse


# --- delays ---------------------------------------------------------------------------------


def delay(shown: str, rest: Words) -> FaultAction:
    """`delay 200ms`, `delay 200ms..400ms`, `delay lognormal 200ms 0.5`, `delay x3`."""
    at, word = next_word(rest, "delay", "200ms, delay 200ms..400ms, delay lognormal 200ms 0.5 or delay x3")
    if word == "lognormal":
        return _lognormal(shown, rest)
    if re.fullmatch(r"x[0-9].*", word):
        return FaultAction("delay", shown, times=within(at + 1, _times, word[1:]))
    first, dots, last = word.partition("..")
    low = within(at, pause, first)
    high = within(at + len(first) + 2, pause, last) if dots else low
    if high < low:
        raise BadValue(f"{word} runs backwards", f"write {last}..{first}", at)
    return FaultAction("delay", shown, low=low, high=high)


def _lognormal(shown: str, rest: Words) -> FaultAction:
    """Half of all take less than the time; the number says how wide the others are spread (sigma)."""
    at, word = next_word(rest, "delay lognormal", "200ms 0.5: the median, and how far it spreads")
    median = within(at, positive(pause), word)
    at, word = next_word(rest, f"delay lognormal {word}", "0.5")
    return FaultAction("delay", shown, low=median, high=median, sigma=within(at, _sigma, word))


def _sigma(text: str) -> float:
    found = _number(text)
    if not 0 < found <= WIDEST:
        raise BadValue(f"{text} is out of range", f"write a number above 0, up to {WIDEST:g}, as in 0.5")
    return found


def _times(text: str) -> float:
    found = _number(text)
    if not 0 < found <= MOST_TIMES:
        raise BadValue(f"{text} is out of range", f"write a factor up to {MOST_TIMES:g}, as in x3")
    return found


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text):
        raise BadValue(f"not a number: {text!r}", "write one as in 0.5")
    return float(text)


def _latency(shown: str, rest: Words) -> FaultAction:
    """toxiproxy's: a time, and jitter to both sides of it."""
    at, word = next_word(rest, "latency", "200ms, or latency 200ms jitter 50ms")
    middle, jitter = within(at, pause, word), 0.0
    if keyword(rest, "jitter"):
        at, word = next_word(rest, "jitter", "50ms")
        jitter = within(at, pause, word)
    return FaultAction("delay", shown, low=max(0.0, middle - jitter), high=middle + jitter)


# --- connections ----------------------------------------------------------------------------


def _down(shown: str, _: Words) -> FaultAction:
    return FaultAction("refuse", shown)


def _blackhole(shown: str, _: Words) -> FaultAction:
    return FaultAction("blackhole", shown)


def _timeout(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "timeout", "5s: nothing comes, and then the end")
    wait = within(at, pause, word)
    return FaultAction("hang", shown, low=wait, high=wait)


def _reset_peer(shown: str, rest: Words) -> FaultAction:
    wait = 0.0
    if rest:
        at, word = rest.pop(0)
        wait = within(at, pause, word)
    return FaultAction("reset", shown, low=wait, high=wait)


def _slow_close(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "slow_close", "1s: the end of the connection comes so much later")
    wait = within(at, pause, word)
    return FaultAction("slow_close", shown, low=wait, high=wait)


def _stops_reading(shown: str, rest: Words) -> FaultAction:
    size = 0
    if keyword(rest, "after"):
        at, word = next_word(rest, "stops_reading after", "64k")
        size = within(at, units.size, word)
    return FaultAction("stops_reading", shown, size=size)


# --- answers --------------------------------------------------------------------------------


def _limit_data(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "limit_data", "2k: the octets of the answer before the end")
    return FaultAction("close", shown, size=within(at, units.size, word))


def _slicer(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "slicer", "100 10ms: the octets of a piece, and the time between two")
    size, wait = within(at, positive(units.size), word), 0.0
    if rest:
        at, word = rest.pop(0)
        wait = within(at, pause, word)
    return FaultAction("slicer", shown, size=int(size), low=wait, high=wait)


def _wrong_length(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "wrong_length", "+100 or -100: what Content-Length says too much")
    found = re.fullmatch(r"([+-])([0-9].*)", word)
    if not found:
        raise BadValue(f"too much, or too little? {word!r}", f"write +{word} or -{word}", at)
    size = within(at + 1, units.size, found[2])
    if not size:
        raise BadValue("then it is right", "write more than 0", at)
    return FaultAction("wrong_length", shown, size=-size if found[1] == "-" else size)


def _interim(shown: str, rest: Words) -> FaultAction:
    status = 103
    if rest:
        at, word = rest.pop(0)
        status = within(at, _interim_status, word)
    return FaultAction("1xx", shown, size=status)


def _interim_status(text: str) -> int:
    found = units.count(text, 100, 199)
    if found == 101:
        raise BadValue("101 changes the protocol, it is the last answer", "write 100, 102 or 103")
    return found


def _late_trailers(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "late_trailers", "5s: the end of a body, with its trailers, comes so late")
    wait = within(at, pause, word)
    return FaultAction("late_trailers", shown, low=wait, high=wait)


# --- what surrounds them --------------------------------------------------------------------


def _tls(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "tls", "expired, wrong_name, unknown_ca or stall")
    return FaultAction("tls", shown, word=within(at, lambda text: one_of(text, TLS), word))


def _dns(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "dns", "empty, flapping, or old and an address: dns old 192.0.2.7")
    if word == "old":
        at, word = next_word(rest, "dns old", "192.0.2.7")
        return FaultAction("dns", shown, word=within(at, _address, word))
    return FaultAction("dns", shown, word=within(at, lambda text: one_of(text, (*NAMES, "old")), word))


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadValue(f"not an address: {text!r}", "write one without a port, as in 192.0.2.7") from None


def _lie(shown: str, rest: Words) -> FaultAction:
    at, word = next_word(rest, "lie", "up, down or flapping: what checks say, whatever the server does")
    return FaultAction("lie", shown, word=within(at, lambda text: one_of(text, LIES), word))


PARSERS: dict[str, Callable[[str, Words], FaultAction]] = {
    "blackhole": _blackhole,
    "stops_reading": _stops_reading,
    "wrong_length": _wrong_length,
    "1xx": _interim,
    "late_trailers": _late_trailers,
    "tls": _tls,
    "dns": _dns,
    "lie": _lie,
    "slow_close": _slow_close,
    "slicer": _slicer,
    "limit_data": _limit_data,
    "latency": _latency,
    "timeout": _timeout,
    "reset_peer": _reset_peer,
    "down": _down,
}
"""By the first word; the last seven, and `bandwidth`, are named as in toxiproxy."""
