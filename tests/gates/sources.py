"""What the gates look at: the files of the program, parsed once, and the lines that count."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "director"
PLUGINS = ROOT / "twisted" / "plugins"
UNIT = ROOT / "tests" / "unit"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def shown(path: Path) -> str:
    """`path` as a reader of a failure wants it: from the root of the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> list[Function]:
    """Every function and method of a file, nested ones too."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def docstring_lines(node: Documented) -> int:
    """How many lines of `node` are its own docstring."""
    first = node.body[0] if node.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return 0
    if not isinstance(first.value.value, str):
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def function_length(node: Function) -> int:
    """Lines of a function, from `def` to its end, docstrings excluded."""
    inner = [each for each in ast.walk(node) if isinstance(each, Documented)]
    return (node.end_lineno or node.lineno) - node.lineno + 1 - sum(map(docstring_lines, inner))


def file_length(path: Path) -> int:
    """Lines of a file, docstrings excluded."""
    inner = [each for each in ast.walk(tree(path)) if isinstance(each, Documented)]
    return len(path.read_text(encoding="utf-8").splitlines()) - sum(map(docstring_lines, inner))
