"""The routes that look for something: filters, pages, and the figures of the last hour."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict
from twisted.internet.defer import Deferred

from director.admin import views
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call, Tags, connection_query, limit
from director.admin.chronicle import SLOTS, STEP, HourBook
from director.admin.control import Control, TraceRecord
from director.admin.explanation import OUTCOMES
from director.admin.paging import following
from director.admin.views import Json
from director.config.parse import units
from director.config.text.messages import BadValue
from director.registry.reports import ConnectionPage

SEARCHED = 1000
"""Requests that are searched, the last ones."""
MOST_SERIES = 100
"""Things that one question for history may name."""
KNOWN_OUTCOMES = ("ok", "fault", *OUTCOMES)
PLACES = (("services/", ""), ("pools/", "/servers"))
"""How places of the API name what is short elsewhere: `pools/web/servers/a` is `web/a`."""


class Searches:
    """All of them."""

    def __init__(self, control: Control, chronicle: HourBook) -> None:
        self._control = control
        self._chronicle = chronicle
        self._tags = Tags(control)

    # -- requests and connections --

    def requests(self, call: Call) -> Answer:
        """Newest first, with the way to the rest (RFC 8288)."""
        fits = _wanted(call)
        most, after = limit(call), call.query.get("after", "")
        records: Sequence[TraceRecord] = self._control.traces(SEARCHED)
        if call.query.get("outcome") == "fault":
            known = {one["id"] for one in records}
            records = [*records, *(one for one in self._control.faults(SEARCHED) if one["id"] not in known)]
        if after:
            places = [place for place, one in enumerate(records) if one["id"] == after]
            records = records[places[0] + 1 :] if places else []
        found = [one for one in records if fits(one)]
        seen = self._control.snapshot()
        headers = (
            following(call.query, "/api/v1/requests", found[most - 1]["id"]) if len(found) > most else ()
        )
        return as_json([views.trace_view(one, seen) for one in found[:most]], headers=headers)

    def connections(self, call: Call) -> Answer | Deferred[Answer]:
        """Newest first, with the way to the rest (RFC 8288)."""
        page = self._control.connections(connection_query(call))
        return page.addCallback(_listed, call) if isinstance(page, Deferred) else _listed(page, call)

    # -- checks and schedulers --

    def checks(self, call: Call) -> Answer:
        """Evidence by check and address."""
        moment = self._control.moment()
        return as_json([views.check_view(one, moment) for one in self._control.checks()])

    def schedulers(self, call: Call) -> Answer:
        """Which scheduler picks for whom, the user's own from files, and those that nobody uses."""
        seen = self._control.snapshot()
        used: dict[str, list[str]] = {}
        for pool in seen.pools.values():
            used.setdefault(str(pool.config.scheduler), []).append(f"pool {pool.name}")
        for service in seen.configuration.l4:
            if service.scheduler:
                used.setdefault(str(service.scheduler), []).append(f"l4:{service.name}")
        own = {one.name: {"file": f"{one.path}:{one.attribute}", "budget": one.budget}
               for one in seen.configuration.schedulers}  # fmt: skip
        texts = dict(self._control.schedulers())
        names = {name: name.split()[0].partition("(")[0] for name in used}
        for name in (*texts, *own):
            if name not in names.values():
                names[name] = name
                used[name] = []
        found = [{"scheduler": name, "text": texts.get(names[name], ""), "used_by": users,
                  "own": own.get(names[name])} for name, users in sorted(used.items())]  # fmt: skip
        return as_json(found, headers=self._tags.headers(seen.generation))

    # -- history --

    def history(self, call: Call) -> Answer:
        """Series for graphs; without `of`, what can be asked for."""
        time, span = self._control.moment().time, _span(call)
        slots = self._chronicle.slots(time, span)
        told: Json = {
            "start": views.stamp(slots[0] * STEP),
            "step": STEP,
            "span": len(slots) * STEP,
        }
        if not call.query.get("of"):
            return as_json({**told, "of": self._chronicle.names(), "series": {}})
        names = [_short(name.strip()) for name in call.query["of"].split(",")]
        if len(names) > MOST_SERIES:
            raise Refusal(400, f"at most {MOST_SERIES} things may be asked for at once", "of")
        series: dict[str, Any] = {}
        for name in names:
            found = self._chronicle.series(name, time, span)
            if found is None:
                raise Refusal(404, self._unknown(name), name[:80])
            series[name] = found
        return as_json({**told, "of": names, "series": series})

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._chronicle.names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "without of= the answer lists what there is"
        return f"There is no history of that, or not yet; {hint}"


def _short(name: str) -> str:
    for begin, middle in PLACES:
        if name.startswith(begin):
            return name.removeprefix(begin).replace(f"{middle}/", "/") if middle else name.removeprefix(begin)
    return name


def _span(call: Call) -> float:
    """`?span=`, an hour when not given.  Raises Refusal."""
    text = call.query.get("span", "1h")
    try:
        span = units.duration(text)
    except BadValue as error:
        raise Refusal(400, f"span is a duration up to 1h, such as 10m: {error}", "span") from error
    if not 0 < span <= SLOTS * STEP:
        raise Refusal(400, "span is a duration up to 1h, such as 10m", "span")
    return span


def _listed(page: ConnectionPage, call: Call) -> Answer:
    headers = following(call.query, "/api/v1/connections", page.more) if page.more is not None else ()
    return as_json([asdict(one) for one in page.entries], headers=headers)


def _wanted(call: Call) -> Callable[[TraceRecord], bool]:
    """Whether a request fits all that the query says.  Raises Refusal for what no request can have."""
    query = call.query
    outcome = query.get("outcome", "")
    if outcome and outcome not in KNOWN_OUTCOMES:
        raise Refusal(400, f"no outcome is called so; there are: {', '.join(KNOWN_OUTCOMES)}", "outcome")
    status = query.get("status", "")
    classes = len(status) == 3 and status[0] in "12345" and (status[1:] == "xx" or status.isdigit())
    if status and not classes:
        raise Refusal(400, "status is a number such as 503, or a class such as 5xx", "status")
    tests: list[Callable[[TraceRecord], bool]] = []
    if outcome:
        tests.append(lambda one: one["outcome"] == outcome or (outcome == "fault" and bool(one["fault"])))
    if status:
        text = status.removesuffix("xx")
        tests.append(lambda one: str(one["status"]).startswith(text))
    tests += [_named(key, query[key]) for key in ("pool", "rule", "service", "server") if query.get(key)]
    return lambda one: all(test(one) for test in tests)


def _named(key: str, wanted: str) -> Callable[[TraceRecord], bool]:
    if key == "service":
        name = wanted.removeprefix("l7:")
        return lambda one: bool(one["service"] == name)
    if key == "rule":
        return lambda one: wanted in {one["rule"], str(one["rule"]).partition(" ")[0]}
    if key == "server":
        return lambda one: any(wanted in _names(one["pool"], name) for name in _servers(one))
    return lambda one: bool(one[key] == wanted)


def _servers(one: Mapping[str, Any]) -> Iterable[str]:
    """Who answered, and who was tried before."""
    return (one["server"], *(name for name, _ in one["tries"]))


def _names(pool: str, server: str) -> tuple[str, ...]:
    return (server, f"{pool}/{server}") if "/" not in server else (server, server.partition("/")[2])
