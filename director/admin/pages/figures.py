"""Numbers for people: short, with a unit, and a dash for what is not known.

Pure; used by `pages`.
"""

from __future__ import annotations

from datetime import UTC, datetime

UNKNOWN = "\N{EN DASH}"
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def amount(value: float | None) -> str:
    """A count with thin spaces between thousands."""
    return UNKNOWN if value is None else f"{int(value):,}".replace(",", "\u202f")


def counted(value: int, noun: str) -> str:
    """So many of them, as one says it."""
    return f"{amount(value)} {noun}" + ("" if value == 1 else "s")


def per_second(value: float | None) -> str:
    """A rate: one digit behind the point below ten."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < 10 else amount(round(value))


def size(value: int | None) -> str:
    """Bytes in the largest unit that leaves at least one."""
    if value is None:
        return UNKNOWN
    number, unit = float(value), SIZES[0]
    for unit in SIZES:
        if number < 1024 or unit == SIZES[-1]:
            break
        number /= 1024
    return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"


def short(value: float | None, unit: str = "") -> str:
    """A number; with unit `s`, a duration in ms below one second."""
    if value is None:
        return UNKNOWN
    if unit != "s":
        return amount(value)
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def ago(seconds: float | None) -> str:
    """How long, in its two largest units."""
    if seconds is None:
        return UNKNOWN
    whole = int(seconds)
    units = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    first = next((index for index, (number, _) in enumerate(units) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in units[first : first + 2] if number) or "0 s"


def lasting(seconds: float) -> str:
    """A time that runs out, in whole seconds as a clock shows them: 42 s, 3:05, 1:00:00."""
    whole = int(seconds + 0.999)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def of_day(stamp: str) -> str:
    """The same without the day, to the tenth of a second: of what happened just now."""
    moment = datetime.fromisoformat(stamp)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 100_000}"


def stamped(time: float) -> str:
    """Seconds since the epoch as `clock` shows them."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(stamp: str | None) -> str:
    """An ISO 8601 time in UTC as date and time of day."""
    if stamp is None:
        return UNKNOWN
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M:%S UTC")
