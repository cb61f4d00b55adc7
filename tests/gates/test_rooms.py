"""The rooms of the package: what an `__init__.py` holds, and where there must be none."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.gates.sources import PLUGINS, UNIT, docstring_lines, modules, shown, tree

# Nothing of a test of a pure room waits, pretends or starts a reactor.
UNWANTED = frozenset({"unittest.mock", "mock", "time.sleep", "twisted.internet.reactor"})
SHELLS = frozenset({"io", "admin", "cli", "demo", "test_service.py", "test_tap.py", "test_plugins.py"})


def test_twisted_keeps_its_own_package() -> None:
    """One in `twisted/` would shadow Twisted; one in `twisted/plugins/` would hide every plug-in."""
    assert not (PLUGINS.parent / "__init__.py").exists()
    assert not (PLUGINS / "__init__.py").exists()


def test_each_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in modules()}
    missing = [shown(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()]
    assert not missing, "add an __init__.py with a docstring"


def test_an_init_holds_a_docstring_and_nothing_else() -> None:
    crowded = [
        shown(path)
        for path in modules()
        if path.name == "__init__.py" and (len(tree(path).body) != 1 or not docstring_lines(tree(path)))
    ]
    assert not crowded, "move the code to a module with a name"


def test_the_docstring_of_a_room_is_its_map() -> None:
    """A newcomer reads it and can say where each file belongs."""
    unmapped = [
        f"{shown(path.parent)}: {name}"
        for path in modules()
        if path.name == "__init__.py"
        for name in contents(path.parent)
        if f"`{name}`" not in (ast.get_docstring(tree(path)) or "")
    ]
    assert not unmapped, "name the file in the docstring of its package, with what it is for"


def contents(room: Path) -> list[str]:
    """The modules of a room."""
    return sorted(path.stem for path in room.glob("*.py") if path.stem != "__init__")


def test_imports_are_absolute() -> None:
    relative = [
        f"{shown(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_unit_tests_of_pure_rooms_neither_wait_nor_pretend() -> None:
    found = []
    for path in sorted(UNIT.rglob("*.py")):
        if SHELLS & set(path.relative_to(UNIT).parts):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                named = {alias.name for alias in node.names}
            else:
                continue
            found += [f"{shown(path)}:{node.lineno}: {name}" for name in sorted(named & UNWANTED)]
    assert not found, "give the code a value instead"
