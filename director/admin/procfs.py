"""`GET /api/v1/lvs/{table}`: the files of `/proc/net` that the kernel's IPVS has, in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from twisted.internet.defer import Deferred

from director.admin.answers import Answer, Refusal
from director.admin.control import Control, Soon
from director.registry import procfs
from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionPage, ConnectionQuery

PLAIN = "text/plain; charset=utf-8"
PAGE = 1000
"""Connections that are looked for in one turn."""


def answer(control: Control, name: str) -> Answer:
    """One of the files.  Raises Refusal for another name."""
    text = FILES.get(name)
    if text is None:
        raise Refusal(404, f"There is no such file; there are {', '.join(FILES)}", name[:40])
    return Answer(type=PLAIN, pieces=map(_encoded, text(control)))


def _encoded(piece: Soon[str]) -> Soon[bytes]:
    return piece.addCallback(str.encode) if isinstance(piece, Deferred) else piece.encode()


def _services(control: Control) -> Iterator[Soon[str]]:
    return procfs.services(control.snapshot())


def _connections(control: Control) -> Iterator[Soon[str]]:
    yield procfs.CONNECTIONS_HEAD
    after: int | None = None
    while True:
        # Another process may have the connections: the next page follows when this one came.
        came: list[ConnectionPage] = []
        yield _listed(control.connections(ConnectionQuery(PAGE, after, None, "", "")), came)
        after = came[0].more
        if after is None:
            return


def _listed(page: Soon[ConnectionPage], came: list[ConnectionPage]) -> Soon[str]:
    if isinstance(page, Deferred):
        return page.addCallback(_lines, came)
    return _lines(page, came)


def _lines(page: ConnectionPage, came: list[ConnectionPage]) -> str:
    came.append(page)
    return "".join(map(procfs.connection, page.entries))


def _stats(control: Control) -> Iterator[Soon[str]]:
    found = control.packets()
    yield procfs.stats(found.total if found is not None else TrafficFigures())


FILES: Mapping[str, Callable[[Control], Iterator[Soon[str]]]] = {
    "ip_vs": _services,
    "ip_vs_conn": _connections,
    "ip_vs_stats": _stats,
}
"""What each is made of."""
