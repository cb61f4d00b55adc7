"""Tables as comma-separated values (RFC 4180), safe to be opened in a spreadsheet.

Pure.  A text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a
carriage return) gets an apostrophe before it, for paths and header fields come from strangers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any

from director.admin.views import CLASSES, Json

MOST_ROWS = 10_000
"""Of one file; the API pages through more."""
FORMULAS = ("=", "+", "-", "@", "\t", "\r")

_ANSWERS = tuple(f"responses.{name}" for name in CLASSES)
_FIGURES = ("requests", *_ANSWERS, "errors", "latency.p50", "latency.p99")

COLUMNS: dict[str, tuple[str, ...]] = {
    "services": ("key", "protocol", "listen", "pool", "rules", "rate", *_FIGURES),
    "servers": (
        "pool", "name", "address", "status", "state", "health", "since", "weight", "max", "min", "backup",
        "active", "inactive", "load", "rate", *_FIGURES,
    ),
    "rules": ("number", "title", "service", "when", "action", "rate", *_FIGURES),
    "requests": (
        "id", "time", "service", "client", "method", "host", "target", "rule", "pool", "server", "status",
        "outcome", "fault", "tries", "times.connect", "times.first_byte", "times.total", "received", "sent",
    ),
    "connections": (
        "id", "service", "protocol", "client", "virtual", "server", "target", "state", "expires", "template",
    ),
    "checks": ("check", "address", "verdict", "since", "evidence", "seconds"),
    "changes": ("number", "time", "author", "from", "diff"),
    "events": ("id", "time", "level", "text"),
}  # fmt: skip
"""The columns of each table, as keys of the view that a row is made of; a dot leads into an object."""


def sheet(table: str, rows: Iterable[Json]) -> Iterator[bytes]:
    """A table with a head, a row a piece; of very many rows the first."""
    columns = COLUMNS[table]
    yield line(columns)
    for row in islice(rows, MOST_ROWS):
        yield line([_found(row, column) for column in columns])


def line(cells: Sequence[Any]) -> bytes:
    """One row."""
    text = StringIO()
    csv.writer(text).writerow([guarded(plain(one)) for one in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _found(row: Json, column: str) -> Any:
    first, *rest = column.split(".")
    value: Any = row[first]
    for key in rest:
        value = value.get(key)
    return value


def plain(value: Any) -> str | int | float:
    """One cell: what is not known is empty, lists and objects are joined."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | str):
        return value
    if isinstance(value, dict):
        return "; ".join(f"{key} {part}" for key, part in value.items())
    return "; ".join(" ".join(map(str, one)) if isinstance(one, list | tuple) else str(one) for one in value)


def guarded(cell: str | float) -> str | float:
    """Text that cannot be taken for a formula; numbers are numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
