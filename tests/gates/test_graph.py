"""Imports make no circles, no two modules have a public class of one name, and the picture is true."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.gates.graph import circles, floors, module_graph, page
from tests.gates.sources import PACKAGE, ROOT, modules, shown, tree

ROOT_FILES = 8
"""So many modules lie directly in `director/` at most: the rest has a room."""

MAP = ROOT / "docs" / "reference" / "rooms.md"


def test_circles_and_floors_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a", "d"}}
    assert circles(graph) == [["b", "c"]]
    assert floors(graph) == [["d"], ["b", "c"], ["a"], ["e"]]


def test_no_modules_import_each_other() -> None:
    """Also not for types only: who reads one would have to read them all."""
    assert circles(module_graph()) == [], "move what they share below them, or let one ask for a Protocol"


def test_few_files_lie_outside_of_rooms() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= ROOT_FILES, "give the new file a room"


def test_a_public_class_name_means_one_thing() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for one in tree(path).body:
            if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
                places[one.name].append(shown(path))
    twice = {name: found for name, found in sorted(places.items()) if len(found) > 1}
    assert not twice, "one of them wants another word"


def test_the_map_of_rooms_is_current() -> None:
    assert MAP.read_text("utf-8") == page(), "run `make docs-reference`"
