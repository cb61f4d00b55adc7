"""The steps of changes: the live registry has them all, and changes use no other."""

from __future__ import annotations

import ast
import inspect

from director.registry import changes
from director.registry.primitives import Primitives
from director.registry.registry import Registry

STEPS = {name for name in vars(Primitives) if not name.startswith("_")}


def test_the_registry_has_every_step_with_the_same_parameters() -> None:
    for name in STEPS:
        wanted = list(inspect.signature(getattr(Primitives, name)).parameters)
        assert list(inspect.signature(getattr(Registry, name)).parameters) == wanted, name


def test_changes_use_every_step_and_no_other() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(changes)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "registry"
    }
    assert used == STEPS
