"""What a server, a pool or a service holds is written by the ledger's verbs; a data path writes none of it.

The names are taken from the live objects themselves.  What layers 4 and 7 own may be called the same, as
long as it is an object's own (`self.…`) or stands in `OTHERS`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from director.model.http import L7Service
from director.model.pools import Pool
from director.registry.counters import Histogram, Requests, Traffic, Zeroable
from director.registry.live import LivePool, LiveService, RealServer
from tests.gates.sources import PACKAGE, modules, shown, tree

DATA_PATHS = ("l4", "l7")
OTHERS = frozenset(
    {"config", "cut", "idle_since", "key", "name", "number", "pool", "port", "present", "state", "total"}
)
"""Words that flows, packets, listeners, idle connections and exchanges have of their own, too."""


def owned() -> frozenset[str]:
    """Every attribute of what lives in the registry."""
    slotted = {name for cls in (RealServer, Requests, Histogram, Traffic, Zeroable) for name in cls.__slots__}
    alive = {*vars(LivePool(Pool("web"))), *vars(LiveService("l7:www", L7Service("www", ())))}
    return frozenset(slotted | alive) - OTHERS


def written(target: ast.expr, names: frozenset[str]) -> Iterator[ast.Attribute]:
    """The attributes among `names`, not an object's own, that an assignment to `target` changes."""
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from written(one, names)
    elif isinstance(target, ast.Starred | ast.Subscript):
        yield from written(target.value, names)
    elif isinstance(target, ast.Attribute) and target.attr in names and ast.unparse(target.value) != "self":
        yield target


def offences(module: ast.Module, names: frozenset[str]) -> list[ast.Attribute]:
    """All writes in a module."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
            targets = [node.target]
        else:
            continue
        found += [one for target in targets for one in written(target, names)]
    return found


def test_a_data_path_writes_by_verbs_only() -> None:
    names = owned()
    found = [
        f"{shown(path)}:{one.lineno}: {ast.unparse(one)}"
        for path in modules()
        if path.relative_to(PACKAGE).parts[0] in DATA_PATHS
        for one in offences(tree(path), names)
    ]
    assert not found, "use a verb of director.registry.ledger"


def test_the_gate_sees_what_was_written_before_there_were_verbs() -> None:
    before = """
lease.server.requests.requests -= 1
exchange.lease.server.reachable = False
exchange.pool.queue_timeouts += 1
service.responses[status_class] += 1
server.latency, x = 1, 2
del server.weight
self.waiting += 1
cells[INPKTS] += 1
flow.state = 3
"""
    assert [one.attr for one in offences(ast.parse(before), owned())] == [
        "requests", "reachable", "queue_timeouts", "responses", "latency", "weight",
    ]  # fmt: skip
