"""`GET /api/v1/lvs/{table}`: the files of `/proc/net` that the kernel's IPVS has, in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from director.admin.answers import Answer, Refusal
from director.admin.control import Control
from director.registry import procfs
from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionQuery

PLAIN = "text/plain; charset=utf-8"
PAGE = 1000
"""Connections that are looked for in one turn."""


def answer(control: Control, name: str) -> Answer:
    """One of the files.  Raises Refusal for another name."""
    text = FILES.get(name)
    if text is None:
        raise Refusal(404, f"There is no such file; there are {', '.join(FILES)}", name[:40])
    return Answer(type=PLAIN, pieces=(piece.encode() for piece in text(control)))


def _services(control: Control) -> Iterator[str]:
    return procfs.services(control.snapshot())


def _connections(control: Control) -> Iterator[str]:
    yield procfs.CONNECTIONS_HEAD
    after: int | None = None
    while True:
        page = control.connections(ConnectionQuery(PAGE, after, None, "", ""))
        yield "".join(map(procfs.connection, page.entries))
        if page.more is None:
            return
        after = page.more


def _stats(control: Control) -> Iterator[str]:
    found = control.packets()
    yield procfs.stats(found.total if found is not None else TrafficFigures())


FILES: Mapping[str, Callable[[Control], Iterator[str]]] = {
    "ip_vs": _services,
    "ip_vs_conn": _connections,
    "ip_vs_stats": _stats,
}
"""What each is made of."""
