"""Every row of the feature table of layer 4 is tried by the real program on a real wire.

The rows are V1 to V65 of the LVS reference; a wire test names those it tries in its docstring.
"""

from __future__ import annotations

import ast
import re

from tests.gates.sources import ROOT, functions

WIRE = ROOT / "tests" / "integration" / "l4"
ROWS = frozenset(range(1, 66))
TABLE = frozenset(range(1, 82))
"""Those behind V65 belong to `ipvsadm` and to the synchronisation of flows."""


def rows(text: str) -> set[int]:
    """The rows a docstring names: `V8`, `V9, V10`, `V9 to V11`."""
    found = {int(number) for number in re.findall(r"\bV(\d+)\b", text)}
    for first, last in re.findall(r"\bV(\d+) to V(\d+)\b", text):
        found |= set(range(int(first), int(last) + 1))
    return found


def test_ranges_are_read() -> None:
    assert rows("V8, V9 to V11: what V3 says; IPV6") == {3, 8, 9, 10, 11}


def test_every_row_has_a_test_on_the_wire() -> None:
    named = {
        row
        for path in WIRE.glob("test_*.py")
        for test in functions(path)
        if test.name.startswith("test_")
        for row in rows(ast.get_docstring(test) or "")
    }
    assert not ROWS - named, "no wire test names these rows of the table"
    assert not named - TABLE, "the table has no such rows"
