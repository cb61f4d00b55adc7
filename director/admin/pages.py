"""The pages: the overview and the sign-in, as HTML from the view model.

Pure.  `live` is the part that changes; `static/admin.js` fetches it every two seconds
from `/api/v1/stats` and puts it in place, so what scripts show and what the bare page
shows is made by the same code.
"""

from __future__ import annotations

from director.admin.figures import UNKNOWN, ago, amount, clock, per_second, short, size
from director.admin.html import Child, Html, el, join
from director.admin.views import CLASSES, Json

MARKS = {"ok": "✓", "warning": "!", "error": "✕"}
LEVEL_WORDS = {"ok": "All is well", "warning": "Warning", "error": "Error"}
STATUS_TONE = {
    "up": "good",
    "down": "bad",
    "full": "warn",
    "maintenance": "off",
    "quiesced": "off",
    "drained": "off",
    "standby": "off",
}


def document(title: str, body: Child, *, csrf: str = "", script: bool = False) -> str:
    """A whole page around `body`."""
    head = el(
        "head",
        None,
        el("meta", {"charset": "utf-8"}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("meta", {"name": "csrf", "content": csrf}) if csrf else None,
        el("title", None, title),
        el("link", {"rel": "icon", "href": "/static/icon.svg", "type": "image/svg+xml"}),
        el("link", {"rel": "stylesheet", "href": "/static/admin.css"}),
        el("script", {"src": "/static/admin.js", "defer": True}) if script else None,
    )
    return "<!DOCTYPE html>\n" + el("html", {"lang": "en"}, head, el("body", None, body))


def home(view: Json, csrf: str) -> str:
    """The overview page."""
    out = el(
        "form",
        {"method": "post", "action": "/logout", "class": "out"},
        el("input", {"type": "hidden", "name": "csrf", "value": csrf}),
        el("button", {"type": "submit", "class": "quiet"}, "Sign out"),
    )
    body = (
        el("a", {"class": "skip", "href": "#live"}, "Skip to the figures"),
        el(
            "header",
            {"class": "top"},
            el("p", {"class": "brand"}, "director ", el("b", None, view["name"])),
            el("p", {"id": "pulse", "class": "pulse", "role": "status"}),
            out if csrf else None,
        ),
        el("main", {"id": "live", "tabindex": "-1"}, Html(live(view))),
        _foot(),
    )
    return document(f"{view['verdict']['headline']} · {view['name']}", body, csrf=csrf, script=True)


def _foot() -> Html:
    links = [
        ("/metrics", "Metrics"),
        ("/openapi.json", "API"),
        ("/api/v1/config", "Configuration"),
        ("/api/v1/requests", "Requests"),
        ("/api/v1/generations", "Changes"),
    ]
    return el(
        "footer", None, el("nav", {"aria-label": "Data"}, [el("a", {"href": to}, name) for to, name in links])
    )


def login(message: str = "") -> str:
    """The sign-in page."""
    form = el(
        "form",
        {"method": "post", "action": "/login", "class": "card"},
        el("h1", None, "Sign in to the director"),
        el("p", {"class": "alert", "role": "alert"}, message) if message else None,
        el("label", {"for": "token"}, "Admin token"),
        el(
            "input",
            {
                "id": "token",
                "name": "token",
                "type": "password",
                "autocomplete": "current-password",
                "required": True,
                "autofocus": True,
            },
        ),
        el("button", {"type": "submit"}, "Sign in"),
        el(
            "p",
            {"class": "hint"},
            "The director prints a link that signs in when it starts. The token is in ",
            el("code", None, "admin.token"),
            " in its state directory.",
        ),
    )
    return document("Sign in · director", el("main", {"class": "sign"}, form))


# --- the live part --------------------------------------------------------------------------


def live(view: Json) -> str:
    """All that changes: verdict, services, pools, events, fault answers."""
    return join((_verdict(view), _vitals(view), _services(view), _pools(view), _faults(view), _events(view)))


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
        {"class": f"verdict {level}", "aria-label": "Is anything wrong?"},
        el("div", {"class": "answer"}, mark, el("div", None, el("h1", None, verdict["headline"]), when)),
        el("ul", {"class": "findings"}, rows) if rows else None,
    )


def _calm(view: Json) -> str:
    servers = sum(pool["total"] for pool in view["pools"])
    ready = sum(pool["eligible"] for pool in view["pools"])
    bound = sum(one["bound"] for service in view["services"] for one in service["listeners"])
    return f"{bound} addresses listening, {ready} of {servers} servers take new work"


def _finding(one: Json) -> Html:
    when = f" {ago(one['for'])}" if one["since"] else None
    return el(
        "li",
        {"class": f"finding {one['level']}"},
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
    return el("section", {"class": "vitals", "aria-label": "The process"}, el("dl", None, cells))


def _table(caption: str, columns: tuple[tuple[str, str], ...], rows: list[Html], empty: str) -> Html:
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


def _row(columns: tuple[tuple[str, str], ...], cells: tuple[Child, ...], tone: str = "") -> Html:
    """One row; the first cell is its header."""
    made = []
    for index, ((name, kind), cell) in enumerate(zip(columns, cells, strict=True)):
        tag, role = ("th", "rowheader") if index == 0 else ("td", "cell")
        scope = "row" if index == 0 else None
        made.append(el(tag, {"role": role, "scope": scope, "class": kind or None, "data-label": name}, cell))
    return el("tr", {"role": "row", "class": tone or None}, made)


def _head(title: str, api: str, *more: Child) -> Html:
    link = el("a", {"class": "json", "href": api, "aria-label": f"{title} as JSON"}, "JSON")
    return el("div", {"class": "head"}, el("h2", None, title), more, link)


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


def _services(view: Json) -> Html:
    rows = [_service(one) for one in view["services"]]
    table = _table(
        "Services", SERVICE, rows, "No service is configured yet: add an [l7:NAME] section and reload."
    )
    return el("section", None, _head("Services", "/api/v1/services"), table)


def _service(one: Json) -> Html:
    places = [
        el(
            "span",
            {"class": "place" if place["bound"] else "place bad"},
            place["address"],
            None if place["bound"] else " ✕ not bound",
        )
        for place in one["listeners"]
    ]
    rules = f"{one['rules']} rule{'s' if one['rules'] != 1 else ''}, then " if one["rules"] else ""
    cells = (
        el("span", {"class": "name"}, one["name"], el("small", None, f"{one['layer']} {one['protocol']}")),
        places or [el("span", {"class": "place"}, text) for text in one["listen"]],
        f"{rules}{one['pool'] or 'the fault path'}",
        per_second(one["rate"]),
        amount(one["requests"]),
        answers(one["responses"]),
        errors(one["errors"]),
        short(one["latency"]["p50"], "s"),
        short(one["latency"]["p99"], "s"),
    )
    return _row(SERVICE, cells)


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


def _pools(view: Json) -> Html:
    pools = [_pool(one) for one in view["pools"]]
    empty = el("p", {"class": "empty"}, "No pool is configured yet: add a [pool:NAME] section and reload.")
    return el("section", None, _head("Pools", "/api/v1/pools"), pools or empty)


def _pool(pool: Json) -> Html:
    queue = pool["queue"]
    facts = [f"{pool['eligible']} of {pool['total']} take new work", pool["scheduler"]]
    facts += [f"cookie {pool['persist']}"] if pool["persist"] else []
    facts += [f"{queue['waiting']} of {queue['length']} waiting"] if queue["length"] else []
    facts += [f"used by {', '.join(pool['used_by'])}"] if pool["used_by"] else ["not used"]
    tone = "" if pool["eligible"] else " bad"
    rows = [_server(server) for server in pool["servers"]]
    more = (
        el("p", {"class": "empty"}, f"… and {amount(pool['more'])} more; JSON has all.")
        if pool["more"]
        else None
    )
    api = f"/api/v1/pools/{pool['name']}"
    head = el(
        "div",
        {"class": "head"},
        el("h3", None, pool["name"]),
        el("p", {"class": f"facts{tone}"}, [el("span", None, fact) for fact in facts]),
        el("a", {"class": "json", "href": api, "aria-label": f"Pool {pool['name']} as JSON"}, "JSON"),
    )
    table = _table(f"Servers of {pool['name']}", SERVER, rows, "This pool has no servers.")
    return el("article", {"class": "pool"}, head, table, more)


def _server(one: Json) -> Html:
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
        el("span", {"class": "name"}, one["name"], badges, el("small", None, one["address"])),
        el(
            "span",
            {"class": f"state {tone}"},
            el("i", {"aria-hidden": "true"}),
            one["status"],
            el("small", None, ago(one["for"])),
        ),
        _evidence(one),
        amount(one["weight"]),
        el("span", {"class": "load"}, f"{amount(one['load'])}{limit}", meter),
        per_second(one["rate"]),
        answers(one["responses"]),
        errors(one["errors"]),
        short(one["latency"]["p50"], "s"),
        short(one["latency"]["p99"], "s"),
    )
    return _row(SERVER, cells, tone)


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
    ("When", ""),
    ("Service", ""),
    ("Request", "wide"),
    ("Answered by", ""),
    ("Status", "num"),
    ("Why", "wide"),
)


def _faults(view: Json) -> Html:
    rows = [
        _row(
            FAULT,
            (
                el("a", {"href": f"/api/v1/requests/{one['id']}"}, clock(one["time"])),
                one["service"],
                el("code", None, f"{one['method']} {one['host']}{one['target']}"[:120]),
                one["fault"],
                str(one["status"]),
                "; ".join(one["story"]),
            ),
        )
        for one in view["faults"]
    ]
    table = _table("Fault answers", FAULT, rows, "No request needed the fault path lately.")
    return el("section", None, _head("Fault answers", "/api/v1/requests"), table)


EVENT = (("When", ""), ("Level", ""), ("What", "wide"))


def _events(view: Json) -> Html:
    rows = [
        _row(
            EVENT,
            (clock(one["time"]), el("span", {"class": f"level {one['level']}"}, one["level"]), one["text"]),
        )
        for one in view["events"]
    ]
    table = _table("Events", EVENT, rows, "Nothing happened since the start.")
    return el("section", None, el("div", {"class": "head"}, el("h2", None, "Events")), table)
