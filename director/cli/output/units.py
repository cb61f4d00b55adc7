"""Rates, latencies and ages, short enough for a column."""

from __future__ import annotations

UNKNOWN = "-"


def rate(value: float | None) -> str:
    """Requests per second."""
    return UNKNOWN if value is None else f"{value:.1f}"


def duration(seconds: float | None) -> str:
    """A latency."""
    if seconds is None:
        return UNKNOWN
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def ago(seconds: float | None) -> str:
    """How long, in its largest unit."""
    if seconds is None:
        return UNKNOWN
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
