"""The tables of the pages as files of comma-separated values, in pieces: there may be ten thousand rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from attrs import asdict, evolve
from twisted.internet.defer import Deferred

from director.admin import audit, views
from director.admin.answers import Answer, Refusal
from director.admin.api import Api, Call
from director.admin.control import Control
from director.admin.pages import requests
from director.admin.paging import LARGEST
from director.admin.spreadsheet import COLUMNS, MOST_ROWS, sheet
from director.registry.reports import ConnectionPage, ConnectionQuery

TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"


class Downloads:
    """All of them, by the names of `spreadsheet.COLUMNS`."""

    def __init__(self, api: Api, control: Control) -> None:
        self._api = api
        self._control = control

    def download(self, call: Call) -> Answer | Deferred[Answer]:
        """One table."""
        name = call.path["sheet"].removesuffix(SUFFIX)
        if name not in COLUMNS:
            raise Refusal(404, f"There is no such table; there are: {', '.join(COLUMNS)}", name[:40])
        if name == "connections":
            found = self._control.connections(ConnectionQuery(LARGEST))
            return found.addCallback(_listed) if isinstance(found, Deferred) else _listed(found)
        rows = cast("Callable[[Call], Iterable[views.Json]]", getattr(self, f"_{name}"))
        return _file(name, rows(call))

    def _services(self, _call: Call) -> Iterator[views.Json]:
        context = self._api.context()
        return (views.service_view(one, context) for one in context.seen.services.values())

    def _servers(self, call: Call) -> Iterator[views.Json]:
        # Evidence is a table of its own, and would be looked through for each of ten thousand servers.
        context, wanted = evolve(self._api.context(), evidence=()), call.query.get("pool")
        for pool in context.seen.pools.values():
            if not wanted or pool.name == wanted:
                yield from (views.server_view(one, context) for one in pool.servers)

    def _rules(self, _call: Call) -> Iterator[views.Json]:
        context = self._api.context()
        rules = sorted(context.seen.configuration.rules, key=lambda one: one.number)
        return (views.rule_view(one, context) for one in rules)

    def _requests(self, call: Call) -> Iterator[views.Json]:
        seen = self._control.snapshot()
        found = self._control.traces(MOST_ROWS)
        return (views.trace_view(one, seen) for one in found if requests.wanted(dict(one), call.query))

    def _checks(self, _call: Call) -> Iterator[views.Json]:
        moment = self._control.moment()
        return (views.check_view(one, moment) for one in self._control.checks())

    def _changes(self, _call: Call) -> Iterator[views.Json]:
        seen = self._control.snapshot()
        secrets = audit.secrets_of(seen)
        return (audit.generation_view(one, secrets) for one in reversed(seen.generations))

    def _events(self, _call: Call) -> Iterator[views.Json]:
        return (views.event_view(one) for one in self._control.events(MOST_ROWS))


def _listed(found: ConnectionPage) -> Answer:
    return _file("connections", (asdict(one) for one in found.entries))


def _file(name: str, rows: Iterable[views.Json]) -> Answer:
    header = ("Content-Disposition", f'attachment; filename="{name}{SUFFIX}"')
    return Answer(type=TYPE, headers=(header,), pieces=sheet(name, rows))
