"""The package keeps its shape."""

from __future__ import annotations

from tests.gates.graph import circles, floors
from tests.gates.sources import PACKAGE

ROOT_FILES = 8
"""So many modules lie directly in `director/` at most: the rest has a room."""


def test_circles_and_floors_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a", "d"}}
    assert circles(graph) == [["b", "c"]]
    assert floors(graph) == [["d"], ["b", "c"], ["a"], ["e"]]


def test_few_files_lie_outside_of_rooms() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= ROOT_FILES, "give the new file a room"
