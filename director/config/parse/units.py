"""Numbers with units: durations, sizes, rates, counts.

A bare number where a unit is needed is refused with the two readings it may have.  Parsers take the
text and return plain numbers (seconds, bytes, per second); they raise `BadValue`.
"""

from __future__ import annotations

import re

from director.config.text.messages import BadValue
from director.model.pools import LARGEST_COUNT

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PER_SECOND = {"us": 1e6, "ms": 1e3}
_BYTES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]+)([bkmgBKMG]?)[bB]?\Z")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)/(ms|s|m|h|d)\Z")
_COUNT = re.compile(r"[0-9]+\Z")
_DIGITS = 15
"""Longest run of digits that is read: enough for nanoseconds of a century and for terabytes."""

LONGEST = 10 * 365 * 86400.0
"""Ten years: a duration beyond it is a slip."""


def duration(text: str, *, micro: bool = False) -> float:
    """`1h30m`, `250ms`, `2s` as seconds; `0` needs no unit.  `micro` also allows `us`."""
    if text == "0":
        return 0.0
    if _NUMBER.match(text):
        small = "us" if micro else "ms"
        raise BadValue(f"{text} has no unit: write {text}s or {text}{small}")
    total, at, last = 0.0, 0, float("inf")
    for part in _PART.finditer(text):
        number, unit = part.groups()
        size = _SECONDS[unit] if unit in _SECONDS else 1 / _PER_SECOND[unit]
        if part.start() != at or len(number) > _DIGITS or size >= last or (unit == "us" and not micro):
            break
        total, at, last = total + _in_seconds(number, unit), part.end(), size
    if at != len(text) or not text:
        raise BadValue(f"not a duration: {text!r}", "write a number and a unit: ms s m h d, as in 1h30m", at)
    if total > LONGEST:
        raise BadValue("longer than ten years", "is the unit right? ms s m h d")
    return total


def _in_seconds(number: str, unit: str) -> float:
    """Divided where the unit is a fraction, so that 50us is the same float as 50e-6."""
    return float(number) * _SECONDS[unit] if unit in _SECONDS else float(number) / _PER_SECOND[unit]


def size(text: str) -> int:
    """`16k`, `1m`, `4096` as bytes; k m g are powers of 1024."""
    found = _SIZE.match(text)
    if not found or len(text) > _DIGITS:
        raise BadValue(f"not a size: {text!r}", "write a number of bytes, or with k, m or g, as in 16k")
    return int(found[1]) * _BYTES[found[2].lower()]


def rate(text: str) -> float:
    """`100/s` as a number per second."""
    if _NUMBER.match(text):
        raise BadValue(f"{text} per what? write {text}/s or {text}/m")
    found = _RATE.match(text)
    if not found or len(found[1]) > _DIGITS:
        raise BadValue(f"not a rate: {text!r}", "write a number per unit of time, as in 100/s")
    return float(found[1]) / _in_seconds("1", found[2])


def count(text: str, low: int = 0, high: int = LARGEST_COUNT) -> int:
    """A whole number within `low` and `high`, both included."""
    if not _COUNT.match(text) or len(text) > _DIGITS:
        raise BadValue(f"not a whole number: {text!r}", f"write a number from {low} to {high}")
    number = int(text)
    if not low <= number <= high:
        raise BadValue(f"{text} is out of range", f"write a number from {low} to {high}")
    return number


def show_duration(seconds: float) -> str:
    """Seconds as the shortest duration that reads back the same: 5400.0 -> `1h30m`."""
    if seconds and seconds < 1:
        micro = round(seconds * _PER_SECOND["us"])
        return f"{micro // 1000}ms" if micro % 1000 == 0 else f"{micro}us"
    rest = round(seconds * 1000)
    text = ""
    for unit, length in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        number, rest = divmod(rest, length)
        text += f"{number}{unit}" if number else ""
    return text or "0"
