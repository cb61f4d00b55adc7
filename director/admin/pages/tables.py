"""Tables: how one is made, and those of the overview, of which other pages show some, too.

On a phone each row becomes a card (`static/admin.css`); the roles
keep the meaning of a table for those who listen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from director.admin.explanation import tried
from director.admin.pages import forms
from director.admin.pages.behind import SOCKET, behind
from director.admin.pages.figures import UNKNOWN, ago, amount, clock, per_second, short
from director.admin.pages.html import HOLE, Child, Html, around, el
from director.admin.pages.sparks import Hour, nothing, spark
from director.admin.views import CLASSES, Json

STATUS_TONE = {
    "up": "good",
    "down": "bad",
    "full": "warn",
    "maintenance": "off",
    "quiesced": "off",
    "drained": "off",
    "standby": "off",
}


def table(caption: str, columns: tuple[tuple[str, str], ...], rows: list[Html], empty: str) -> Html:
    """A table that becomes a list of cards on a phone; roles keep its meaning there."""
    if not rows:
        return el("p", {"class": "empty"}, empty)
    heads = [
        el("th", {"scope": "col", "role": "columnheader", "class": kind or None}, name)
        for name, kind in columns
    ]
    return el(
        "div",
        {"class": "scroll", "role": "region", "aria-label": caption, "tabindex": "0"},
        el(
            "table",
            {"role": "table", "aria-label": caption},
            el("thead", {"role": "rowgroup"}, el("tr", {"role": "row"}, heads)),
            el("tbody", {"role": "rowgroup"}, rows),
        ),
    )


def row(
    columns: tuple[tuple[str, str], ...], cells: tuple[Child, ...], tone: str = "", key: str = ""
) -> Html:
    """One row; the first cell is its header.  `key` says what the row is about, wherever it stands."""
    made = []
    for index, ((name, kind), cell) in enumerate(zip(columns, cells, strict=True)):
        tag, role = ("th", "rowheader") if index == 0 else ("td", "cell")
        scope = "row" if index == 0 else None
        made.append(el(tag, {"role": role, "scope": scope, "class": kind or None, "data-label": name}, cell))
    return el("tr", {"role": "row", "class": tone or None, "data-key": key or None}, made)


def head(
    title: str,
    api: str,
    *more: Child,
    level: str = "h2",
    form: str = "JSON",
    table: str = "",
    sheet: str = "",
    socket: str = SOCKET,
) -> Html:
    """A heading with what belongs beside it, and what stands behind the figures (`behind`)."""
    data = behind(title, api, form=form, table=table, sheet=sheet, socket=socket)
    return el("div", {"class": "head"}, el(level, None, title), more, data)


SERVICE = (
    ("Service", ""),
    ("Listens on", ""),
    ("Sends to", ""),
    ("Requests/s", "num"),
    ("Requests", "num"),
    ("Answers", "wide"),
    ("Errors", "num"),
    ("p50", "num"),
    ("p99", "num"),
)


def services(view: Json, hour: Hour = nothing, socket: str = SOCKET) -> Html:
    """Services with listeners, rate and errors."""
    found = view["services"]
    rows = [_service(one, hour if place < DRAWN else nothing) for place, one in enumerate(found)]
    shown = table(
        "Services", SERVICE, rows, "No service is configured yet: add an [l7:NAME] section and reload."
    )
    top = head("Services", "/api/v1/services", table="services", sheet="services.csv", socket=socket)
    return el("section", {"data-key": "services"}, top, shown)


def _service(one: Json, hour: Hour) -> Html:
    places = [
        el(
            "span",
            {"class": "place" if place["bound"] else "place bad"},
            place["address"],
            None if place["bound"] else " ✕ not bound",
        )
        for place in one["listeners"]
    ]
    stopped = None if one.get("start", True) else " stopped"
    rules = f"{one['rules']} rule{'s' if one['rules'] != 1 else ''}, then " if one["rules"] else ""
    cells = (
        el("span", {"class": "name"}, one["name"], el("small", None, f"{one['layer']} {one['protocol']}")),
        places or [el("span", {"class": "place"}, text, stopped) for text in one["listen"]],
        f"{rules}{one['pool'] or 'the fault path'}",
        _rate(one["key"], one["rate"], hour),
        amount(one["traffic"]["conns"] if one["layer"] == "l4" else one["requests"]),
        answers(one["responses"]),
        errors(one["errors"]),
        short(one["latency"]["p50"], "s"),
        short(one["latency"]["p99"], "s"),
    )
    return row(SERVICE, cells, key=one["key"])


def answers(responses: dict[str, int]) -> Child:
    """Responses by class: a bar for the eye, numbers for the rest."""
    total = sum(responses.values())
    if not total:
        return UNKNOWN
    bars, left = [], 0.0
    for name in CLASSES:
        width = responses[name] * 100 / total
        if width:
            bars.append(
                el(
                    "rect",
                    {
                        "class": f"c{name[0]}",
                        "x": f"{left:.2f}",
                        "y": "0",
                        "height": "6",
                        "width": f"{max(width, 0.8):.2f}",
                    },
                )
            )
        left += width
    svg = el(
        "svg",
        {"viewBox": "0 0 100 6", "preserveAspectRatio": "none", "class": "bar", "aria-hidden": "true"},
        bars,
    )
    words = [
        el("span", {"class": f"c{name[0]}"}, f"{name} {amount(responses[name])}")
        for name in CLASSES
        if responses[name]
    ]
    return el("span", {"class": "answers"}, svg, el("span", {"class": "classes"}, words))


def errors(found: dict[str, int]) -> Child:
    """Errors with their causes on request."""
    if not found:
        return "0"
    causes = ", ".join(f"{cause} {number}" for cause, number in found.items())
    return el("span", {"class": "errors"}, amount(sum(found.values())), el("small", None, causes))


SERVER = (
    ("Server", ""),
    ("State", ""),
    ("Evidence", "wide"),
    ("Weight", "num"),
    ("Load", "num"),
    ("Requests/s", "num"),
    ("Answers", "wide"),
    ("Errors", "num"),
    ("p50", "num"),
    ("p99", "num"),
)


def _rate(of: str, now: float | None, hour: Hour) -> Child:
    """Requests per second, over their hour."""
    return el("span", {"class": "load"}, per_second(now), spark(hour(of, "rate"), "Requests/s", per_second))


DRAWN = 100
"""Services, and pools, with a small line in the overview; of more the rest has figures alone."""


def pools(found: Iterable[Json], hour: Hour = nothing, socket: str = SOCKET) -> Iterator[Html]:
    """Pools, each with a table of its servers and a piece of its own: there may be many."""
    top = head("Pools", "/api/v1/pools", table="servers", sheet="servers.csv", socket=socket)
    before, after = around(el("section", {"data-key": "pools"}, top, HOLE))
    yield before
    empty = True
    for number, one in enumerate(found):
        yield _pool(one, hour if number < DRAWN else nothing)
        empty = False
    if empty:
        text = "No pool is configured yet: add a [pool:NAME] section and reload."
        yield el("p", {"class": "empty"}, text)
    yield after


def facts(pool: Json) -> list[Html]:
    """A pool in a line."""
    queue = pool["queue"]
    texts = [f"{pool['eligible']} of {pool['total']} take new work", pool["scheduler"]]
    texts += pool["replaced"]
    texts += [f"cookie {pool['persist']}"] if pool["persist"] else []
    texts += [f"{queue['waiting']} of {queue['length']} waiting"] if queue["length"] else []
    texts += [f"used by {', '.join(pool['used_by'])}"] if pool["used_by"] else ["not used"]
    return [el("span", None, text) for text in texts]


def server_table(pool: Json, hour: Hour = nothing) -> Html:
    """The servers of a pool."""
    rows = [_server(server, hour) for server in pool["servers"]]
    return table(f"Servers of {pool['name']}", SERVER, rows, "This pool has no servers.")


def server_page(one: Json) -> str:
    """Where a server has its page."""
    return f"/pools/{quote(one['pool'], safe='')}/{quote(one['name'], safe='')}"


def more(pool: Json) -> Html | None:
    """How many servers of a pool are not shown."""
    if not pool["more"]:
        return None
    return el("p", {"class": "empty"}, f"… and {amount(pool['more'])} more; JSON has all.")


def calm(pool: Json) -> bool:
    """Nothing is wrong with a pool, nobody was ordered away, nobody waits: it needs no more than a line."""
    fine = all(one["status"] in {"up", "standby"} and not one["note"] for one in pool["servers"])
    return bool(fine and (pool["servers"] or not pool["total"]) and pool["eligible"] and not pool["panic"]
                and not pool["replaced"] and not pool["queue"]["waiting"])  # fmt: skip


def _pool(pool: Json, hour: Hour) -> Html:
    name = pool["name"]
    tone = "" if pool["eligible"] else " bad"
    quiet = calm(pool)
    rates = [one["rate"] for one in pool["servers"] if one["rate"] is not None]
    top = el(
        "div",
        {"class": "head"},
        el("h3", None, el("a", {"href": f"/pools/{name}"}, name)),
        el("p", {"class": f"facts{tone}"}, facts(pool)),
        el("span", {"class": "drawn"}, spark(hour(name, "rate"), f"Requests/s of {name}", per_second),
           f"{per_second(sum(rates))}/s" if rates and not pool["more"] else None),
    )  # fmt: skip
    return el(
        "article",
        {"class": "pool", "data-key": name},
        top,
        el(
            "details",
            {"open": not quiet, "data-fold": "calm" if quiet else "open", "data-key": "servers"},
            el("summary", {"aria-label": f"Servers of {name}"}, "Servers"),
            server_table(pool),
            more(pool),
        ),
    )


def _server(one: Json, hour: Hour) -> Html:
    tone = STATUS_TONE.get(one["status"], "warn")
    limit = f" / {amount(one['max'])}" if one["max"] else ""
    meter = (
        el(
            "meter",
            {
                "min": 0,
                "max": one["max"],
                "value": min(one["load"], one["max"]),
                "high": one["max"] * 3 // 4,
                "aria-label": "load of max",
            },
        )
        if one["max"]
        else None
    )
    badges = [el("small", None, "backup")] if one["backup"] else []
    cells = (
        el(
            "span",
            {"class": "name"},
            el("a", {"href": server_page(one)}, one["name"]),
            badges,
            el("small", None, one["address"]),
        ),
        el(
            "span",
            {"class": f"state {tone}"},
            el("i", {"aria-hidden": "true"}),
            one["status"],
            el("small", None, ago(one["for"])),
            el("small", None, one["note"]) if one["note"] else None,
            forms.empties(one),
        ),
        _evidence(one),
        amount(one["weight"]),
        el("span", {"class": "load"}, f"{amount(one['load'])}{limit}", meter),
        _rate(f"{one['pool']}/{one['name']}", one["rate"], hour),
        answers(one["responses"]),
        errors(one["errors"]),
        short(one["latency"]["p50"], "s"),
        short(one["latency"]["p99"], "s"),
    )
    return row(SERVER, cells, tone, key=f"{one['pool']}/{one['name']}")


def _evidence(one: Json) -> Child:
    if not one["checks"]:
        return el(
            "span", {"class": "dim"}, "no check" if one["health"] == "unchecked" else "first check is running"
        )
    return [_check(check) for check in one["checks"]]


def _check(check: Json) -> Html:
    dots = el(
        "span",
        {
            "class": "dots",
            "role": "img",
            "aria-label": f"{sum(check['last'])} of the last {len(check['last'])} checks passed",
        },
        [el("i", {"class": "good" if good else "bad"}) for good in check["last"]],
    )
    return el(
        "span", {"class": "evidence"}, dots, f"{check['check']}: {check['evidence'] or check['verdict']}"
    )


FAULT = (
    ("When", "time"),
    ("Service", "brief"),
    ("Request", "wide"),
    ("Answered by", "wide"),
    ("Status", "num"),
    ("Why", ""),
)


def faults(view: Json, socket: str = SOCKET) -> Html:
    """Requests that the fault path answered."""
    rows = [
        row(
            FAULT,
            (
                el("a", {"href": f"/requests/{one['id']}"}, clock(one["time"])),
                one["service"],
                el("code", None, f"{one['method']} {one['host']}{one['target']}"[:120]),
                one["fault"],
                str(one["status"]),
                "; ".join(tried(one["tries"])),
            ),
            key=one["id"],
        )
        for one in view["faults"]
    ]
    shown = table("Fault answers", FAULT, rows, "No request needed the fault path lately.")
    api = "/api/v1/requests?outcome=fault"
    top = head("Fault answers", api, sheet="requests.csv?show=fault", socket=socket)
    return el("section", {"data-key": "faults"}, top, shown)


EVENT = (("When", "time"), ("Level", "brief"), ("What", ""))


EVENTS_SHOWN = 8
"""Of the overview; the page of events has more."""


def events(view: Json) -> Html:
    """The last events."""
    top = el("div", {"class": "head"}, el("h2", None, el("a", {"href": "/events"}, "Events")))
    return el("section", {"data-key": "events"}, top, event_table(view["events"][:EVENTS_SHOWN]))


def event_table(found: list[Json]) -> Html:
    """Events, newest first."""
    rows = [
        row(
            EVENT,
            (clock(one["time"]), el("span", {"class": f"level {one['level']}"}, one["level"]), one["text"]),
            key=f"{one['id']} {one['time']}",
        )
        for one in found
    ]
    return table("Events", EVENT, rows, "Nothing happened since the start.")
