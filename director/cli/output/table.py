"""Aligned columns of a known width, and text that cannot steer a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

WIDTH = 80
UNBOUNDED = 10_000
"""Columns of a wide table: nothing is wrapped."""
CLEAR = "\x1b[H\x1b[2J"
"""Puts a terminal's cursor to the top and clears it (ECMA-48 CUP, ED)."""
GAP = "  "
NUMBER = re.compile(r"-?[0-9][0-9.,]*( ms| s)?|-")


def clean(text: object) -> str:
    """Text that cannot steer a terminal: control characters are shown as escapes."""
    return "".join(one if unicodedata.category(one)[0] != "C" else f"\\x{ord(one):02x}" for one in str(text))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], width: int = WIDTH) -> str:
    """Aligned columns, numbers to the right; the last column is wrapped into the width."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    columns = range(len(heads))
    widths = [max(len(heads[index]), *(len(row[index]) for row in cells)) for index in columns]
    right = [all(NUMBER.fullmatch(row[index]) for row in cells) for index in columns]
    left = sum(widths[:-1]) + len(GAP) * (len(heads) - 1)
    room = max(width - left, len(heads[-1]), 12)
    lines = [_line(heads, widths, right)]
    for row in cells:
        first, *more = wrap(row[-1], room)
        lines.append(_line([*row[:-1], first], widths, right))
        lines += [" " * left + one for one in more]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return GAP.join(
        cell.rjust(size) if number else cell.ljust(size)
        for cell, size, number in zip(cells, widths, right, strict=True)
    )


def wrap(text: str, room: int) -> list[str]:
    """Text in lines of at most `room` characters, broken at spaces where there are some."""
    lines, rest = [], text
    while len(rest) > room:
        at = rest.rfind(" ", 0, room + 1)
        at = at if at > 0 else room
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    return [*lines, rest]
