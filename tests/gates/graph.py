"""Who imports whom, read from the code: modules, rooms, floors, circles.

Every import counts, also those for types only and those inside functions: what a reader has to know to
understand a module does not depend on when Python reads it.  A *room* is a folder of the package, one level
below its floor at most (`l7/proxy`, `l4/io`); files that lie directly in `director/` are rooms of their own.

`python -m tests.gates.graph` prints the page `docs/reference/rooms.md` (`make docs-reference` writes it).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from tests.gates.sources import PACKAGE, modules, tree

Graph = dict[str, set[str]]
"""Each node with the nodes it imports."""

DEPTH = 2
"""Folders below `director/` that make a room: deeper ones belong to it."""

BEFORE = "43 rooms, 12 floors, 181 arrows, 5 circles"
"""What the layout of before had (commit 78c3f1d), counted by this script."""


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def known() -> frozenset[str]:
    """All modules and packages of the program."""
    return frozenset(dotted(path) for path in modules())


def module_graph() -> Graph:
    """Modules and the modules they import."""
    return {dotted(path): imported(path) - {dotted(path)} for path in modules()}


def imported(path: Path) -> set[str]:
    """The modules of the program that a file imports, at any place in it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known() else node.module)
    return found & known()


def room_of(module: str) -> str:
    """The room that a module lies in."""
    parts = module.split(".")[1:]
    folders = parts if module in packages() else parts[:-1]
    return "/".join(folders[:DEPTH]) or ".".join(parts)


@cache
def packages() -> frozenset[str]:
    """Those modules that are folders."""
    return frozenset(dotted(path) for path in modules() if path.name == "__init__.py")


def room_graph(graph: Mapping[str, Iterable[str]]) -> Graph:
    """Rooms and the rooms they import."""
    found: Graph = {}
    for module, others in graph.items():
        room = found.setdefault(room_of(module), set())
        room |= {room_of(other) for other in others} - {room_of(module), ""}
    found.pop("", None)
    return found


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Sets of nodes that all reach each other (Tarjan 1972), largest first."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            ring = [stack.pop()]
            while ring[-1] != node:
                ring.append(stack.pop())
            if len(ring) > 1:
                found.append(sorted(ring))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(found, key=len, reverse=True)


def floors(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Nodes by their height above those that import nothing; a circle stands on one floor."""
    ring_of = {node: ring[0] for ring in circles(graph) for node in ring}
    flat: Graph = {}
    for node, others in graph.items():
        mine = ring_of.get(node, node)
        flat.setdefault(mine, set()).update({ring_of.get(one, one) for one in others} - {mine})

    @cache
    def height(node: str) -> int:
        return 1 + max(map(height, flat.get(node, ())), default=-1)

    found: dict[int, list[str]] = {}
    for node in sorted(graph):
        found.setdefault(height(ring_of.get(node, node)), []).append(node)
    return [found[level] for level in sorted(found)]


def page() -> str:
    """The documentation's page about rooms, floors and arrows."""
    graph = module_graph()
    rooms = room_graph(graph)
    levels = floors(rooms)
    arrows = sum(map(len, rooms.values()))
    rings = circles(graph)
    lines = [
        "# Rooms and floors",
        "",
        "Made from the code by `make docs-reference`; imports for types only and inside functions count.",
        "",
        (
            f"{len(graph)} modules in {len(rooms)} rooms on {len(levels)} floors, "
            f"{arrows} arrows between rooms, {len(rings)} circles of modules."
        ),
        f"Before the rooms were put in order: {BEFORE}.",
        "",
        "An arrow leads from a room to one that it imports.  Rooms of one floor do not know each other;",
        "arrows that skip a floor are left out of the picture, not of the table.",
        "",
        "```mermaid",
        "flowchart TB",
    ]
    for number, level in reversed(list(enumerate(levels))):
        lines.append(f'    subgraph f{number}["floor {number}"]')
        lines += [f'        {node(room)}["{room}"]' for room in level]
        lines.append("    end")
    at = {room: number for number, level in enumerate(levels) for room in level}
    lines += [
        f"    {node(room)} --> {node(other)}"
        for room in sorted(rooms)
        for other in sorted(rooms[room])
        if at[room] - at[other] <= 1
    ]
    lines += ["```", "", "| floor | room | imports |", "|---|---|---|"]
    for number, level in reversed(list(enumerate(levels))):
        lines += [
            f"| {number} | `{room}` | {' '.join(f'`{one}`' for one in sorted(rooms[room]))} |"
            for room in level
        ]
    return "\n".join(lines) + "\n"


def node(room: str) -> str:
    """The name of a room in the picture's language."""
    return room.replace("/", "_")


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - its output is the page
