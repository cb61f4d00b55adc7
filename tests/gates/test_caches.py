"""Every cache is counted under a name of its own."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tests.gates.sources import modules, shown, tree

MAKERS = frozenset({"remember", "memo"})


def test_all_caches_are_made_in_one_place() -> None:
    bare = [
        f"{shown(path)}:{node.lineno}"
        for path in modules()
        if path.name != "caches.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        and node.module == "functools"
        and {"cache", "lru_cache", "cached_property"} & {alias.name for alias in node.names}
    ]
    assert not bare, "use director.caches.remember, so that it has figures"


def test_no_two_caches_have_one_name() -> None:
    names = Counter(given())
    assert len(names) > 10
    assert [name for name, count in names.items() if count > 1] == []


def given() -> Iterator[str]:
    """The names that caches are made with."""
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)
