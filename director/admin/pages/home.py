"""The overview: is anything wrong, since when, and what is being done; then services, pools, events.

`live` is also what `/api/v1/stats` gives to who accepts HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from director.admin.pages import tables
from director.admin.pages.figures import UNKNOWN, ago, amount, clock, per_second, short, size
from director.admin.pages.frame import Viewer, page
from director.admin.pages.html import HOLE, Html, around, el, join
from director.admin.views import Json

MARKS = {"ok": "✓", "warning": "!", "error": "✕"}


def home(view: Json, viewer: Viewer, *, wall: bool = False) -> tuple[Html, Html]:
    """The overview page: what stands before its live part, and behind it.

    `wall`: for a screen that people pass by.
    """
    css = "wall" if wall else ""
    return around(Html(page(view["verdict"]["headline"], HOLE, viewer, "/", css=css)))


def live(view: Json, pools: Iterable[Json]) -> Iterator[Html]:
    """All that changes: verdict, services, pools, events, fault answers; in pieces, for it may be long."""
    yield join((_injected(view), _verdict(view), _vitals(view), tables.services(view)))
    yield from tables.pools(pools)
    yield join((tables.faults(view), tables.events(view)))


def _injected(view: Json) -> Html | None:
    """What is broken on purpose: nobody shall look for its cause elsewhere."""
    found = view.get("injected")
    if not found:
        return None
    rows = [
        el(
            "li",
            None,
            el("b", None, one["name"]),
            f": {one['do']} on {', '.join(one['server'])}, {amount(one['hits'])} requests hit, "
            f"started by {one['author']}, ends by itself in {short(round(one['left']), 's')}",
        )
        for one in found
    ]
    title = "A fault is injected on purpose" if len(found) == 1 else "Faults are injected on purpose"
    return el(
        "section",
        {"class": "injected", "role": "alert", "aria-label": title, "data-key": "injected"},
        el("h2", None, title),
        el("ul", None, rows),
    )


def _verdict(view: Json) -> Html:
    verdict = view["verdict"]
    level = verdict["level"]
    mark = el("span", {"class": "mark", "aria-hidden": "true"}, MARKS[level])
    when = (
        el("p", {"class": "since"}, f"for {ago(verdict['for'])}, since {clock(verdict['since'])}")
        if verdict["since"]
        else None
    )
    if level == "ok":
        when = el("p", {"class": "since"}, _calm(view))
    rows = [_finding(one) for one in verdict["findings"]]
    if verdict["more"]:
        rows.append(el("li", {"class": "finding"}, f"… and {verdict['more']} more; see the pools."))
    return el(
        "section",
        {"class": f"verdict {level}", "aria-label": "Is anything wrong?", "data-key": "verdict"},
        el("div", {"class": "answer"}, mark, el("div", None, el("h1", None, verdict["headline"]), when)),
        el("ul", {"class": "findings"}, rows) if rows else None,
    )


def _calm(view: Json) -> str:
    servers, ready = view["servers"]["total"], view["servers"]["eligible"]
    bound = sum(one["bound"] for service in view["services"] for one in service["listeners"])
    addresses = f"{bound} address{'' if bound == 1 else 'es'}"
    return f"{addresses} listening, {ready} of {servers} servers take new work"


def _finding(one: Json) -> Html:
    when = f" {ago(one['for'])}" if one["since"] else None
    return el(
        "li",
        {"class": f"finding {one['level']}", "data-key": f"{one['at']} {one['level']}"},
        el(
            "p",
            None,
            el("b", None, one["at"]),
            " ",
            one["text"],
            el("time", {"datetime": one["since"], "title": clock(one["since"])}, when) if when else None,
        ),
        el("p", {"class": "doing"}, one["doing"]),
    )


def _vitals(view: Json) -> Html:
    process = view["process"]
    rates = [service["rate"] for service in view["services"] if service["rate"] is not None]
    of_fds = UNKNOWN if process["fds"] is None else f"{amount(process['fds'])} of {short(process['max_fds'])}"
    facts = (
        ("Requests", f"{per_second(sum(rates))}" if rates else UNKNOWN, "per second"),
        ("Up", ago(process["uptime"]), f"version {process['version']}"),
        ("Generation", str(view["generation"]), "of the configuration"),
        ("Memory", size(process["rss"]), "resident"),
        ("Descriptors", of_fds, "open"),
        ("Hold-ups", amount(process["stalls"]), f"worst {short(process['worst_stall'], 's')}"),
    )
    cells = [
        el("div", None, el("dt", None, name), el("dd", None, value, el("small", None, more)))
        for name, value, more in facts
    ]
    return el(
        "section",
        {"class": "vitals", "aria-label": "The process", "data-key": "vitals"},
        el("dl", None, cells),
    )
