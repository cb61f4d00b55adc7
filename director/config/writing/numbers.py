"""Durations and shares as texts that read back as the very same number."""

from __future__ import annotations

from director.config.parse import units


def duration(seconds: float) -> str:
    """The shortest way to say it, with a unit."""
    text = units.show_duration(seconds)
    if not seconds or (not text.endswith("us") and units.duration(text) == seconds):
        return text
    # Half a millisecond, a third of a second: what was read may have been either.
    texts = f"{_digits(seconds * 1000)}ms", f"{_digits(seconds)}s"
    return next((one for one in texts if units.duration(one) == seconds), texts[1])


def share(part: float) -> str:
    """A part of one, per cent."""
    return f"{_digits(part * 100)}%"


DIGITS = 14
"""What a number may be long, with its point, to be read (`units`); a float has no more that mean anything."""


def _digits(number: float) -> str:
    """Without an exponent and without zeros at the end."""
    places = max(0, DIGITS - len(str(int(number))))
    return f"{number:.{places}f}".rstrip("0").rstrip(".") if places else str(round(number))
