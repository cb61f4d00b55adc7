"""`GET /api/v1/lvs/{table}`: the files of `/proc/net` that the kernel's IPVS has, in pieces."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import cast

from attrs import evolve
from twisted.internet.defer import Deferred, inlineCallbacks

from director.admin.answers import Answer, Refusal
from director.admin.control import Control
from director.registry import procfs
from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionEntry, ConnectionPage, ConnectionQuery

Line = Callable[[ConnectionEntry], str]
PLAIN = "text/plain; charset=utf-8"
PAGE = 1000
"""Connections that are looked for in one turn."""
FIRST = ConnectionQuery(PAGE, None, None, "", "")


def answer(control: Control, name: str) -> Answer | Deferred[Answer]:
    """One of the files.  Raises Refusal for another name."""
    if name in LISTS:
        return _listed(control, *LISTS[name])
    text = FILES.get(name)
    if text is None:
        raise Refusal(404, f"There is no such file; there are {', '.join((*FILES, *LISTS))}", name[:40])
    return _told(text(control))


def _listed(control: Control, head: str, line: Line) -> Answer | Deferred[Answer]:
    """Flows, from this process or from that of layer 4."""
    first = control.connections(FIRST)
    if isinstance(first, Deferred):
        return _gathered(control, first, head, line)
    return _told(_connections(control, head, line))


def _told(pieces: Iterable[str]) -> Answer:
    return Answer(type=PLAIN, pieces=(piece.encode() for piece in pieces))


@inlineCallbacks
def _gathered(
    control: Control, page: Deferred[ConnectionPage], head: str, line: Line
) -> Generator[Deferred[ConnectionPage], ConnectionPage, Answer]:
    """The flows of a layer 4 that is another process: asked for page by page, then told."""
    pieces = [head]
    while True:
        found = yield page
        pieces.append("".join(map(line, found.entries)))
        if found.more is None:
            return _told(pieces)
        page = cast("Deferred[ConnectionPage]", control.connections(evolve(FIRST, after=found.more)))


def _services(control: Control) -> Iterator[str]:
    return procfs.services(control.snapshot())


def _connections(control: Control, head: str, line: Line) -> Iterator[str]:
    """Of this process: page by page as the reader takes them."""
    yield head
    after: int | None = None
    while True:
        page = cast("ConnectionPage", control.connections(evolve(FIRST, after=after)))
        yield "".join(map(line, page.entries))
        if page.more is None:
            return
        after = page.more


def _stats(control: Control) -> Iterator[str]:
    found = control.packets()
    yield procfs.stats(found.total if found is not None else TrafficFigures())


FILES: Mapping[str, Callable[[Control], Iterator[str]]] = {
    "ip_vs": _services,
    "ip_vs_stats": _stats,
}
"""What each is made of."""
LISTS: Mapping[str, tuple[str, Line]] = {
    "ip_vs_conn": (procfs.CONNECTIONS_HEAD, procfs.connection),
    "ip_vs_conn_sync": (procfs.ORIGINS_HEAD, procfs.origin),
}
"""Those with a line for each flow: the heading, and what makes a line."""
