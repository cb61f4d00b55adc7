"""Names are the field's words.

The words below say nothing about the thing they name; LVS and HTTP have better ones.  `engine` is the
one exception: it is a configuration key of layer 4.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.gates.sources import PACKAGE, modules, shown, tree

EMPTY_WORDS = frozenset(
    {"handler", "manager", "engine", "processor", "component", "util", "utils", "helper", "common"}
)
ENGINE_ROOMS = frozenset({"l4", "config"})


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in lower case, plural and singular."""
    parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    return parts | {part.removesuffix("s") for part in parts}


def names(path: Path) -> list[str]:
    """The names a file gives: its own, its folders', and those of its classes and functions."""
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [*inside, *(node.name for node in ast.walk(tree(path)) if isinstance(node, kinds))]


def test_words_are_told_apart() -> None:
    assert words("TLSHandlers") == {"tls", "tl", "handlers", "handler"}
    assert words("choose_server") == {"choose", "server"}


def test_no_name_is_an_empty_word() -> None:
    found = []
    for path in modules():
        allowed = {"engine"} if path.relative_to(PACKAGE).parts[0] in ENGINE_ROOMS else set()
        found += [f"{shown(path)}: {name}" for name in names(path) if words(name) & EMPTY_WORDS - allowed]
    assert not found, "call these by what they are"
