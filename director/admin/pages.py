"""The pages: the overview and the sign-in, as HTML from the view model.

Pure.  `live` is the part that changes; `static/admin.js` fetches it every two seconds
from `/api/v1/stats` and puts it in place, so what scripts show and what the bare page
shows is made by the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from director.admin import tables
from director.admin.figures import UNKNOWN, ago, amount, clock, per_second, short, size
from director.admin.html import HOLE, Child, Html, around, el, join
from director.admin.views import Json

MARKS = {"ok": "✓", "warning": "!", "error": "✕"}


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


def home(view: Json, csrf: str) -> tuple[Html, Html]:
    """The overview page: what stands before its live part, and behind it."""
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
        el("main", {"id": "live", "tabindex": "-1"}, HOLE),
        _foot(),
    )
    title = f"{view['verdict']['headline']} · {view['name']}"
    return around(Html(document(title, body, csrf=csrf, script=True)))


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


def request(trace: Json, name: str) -> str:
    """How one request was decided, in sentences."""
    title = f"{trace['method']} {trace['host']}{trace['target']}"[:120]
    facts = (
        ("When", clock(trace["time"])),
        ("Client", trace["client"]),
        ("Service", trace["service"]),
        ("Status", str(trace["status"] or UNKNOWN)),
        ("Sent", size(trace["sent"])),
        ("Id", trace["id"]),
    )
    body = el(
        "main",
        {"class": "told"},
        el("p", None, el("a", {"href": "/"}, "← Overview")),
        el("h1", None, el("code", None, title)),
        el("ol", {"class": "steps"}, [el("li", None, part) for part in trace["story"]]),
        el(
            "section",
            {"class": "vitals", "aria-label": "The request"},
            el(
                "dl",
                None,
                [el("div", None, el("dt", None, one), el("dd", None, text)) for one, text in facts],
            ),
        ),
        el("p", None, el("a", {"class": "json", "href": f"/api/v1/requests/{trace['id']}"}, "JSON")),
    )
    return document(f"{title} · {name}", body)


def _fact(name: str, text: str) -> Html:
    return el("div", None, el("dt", None, name), el("dd", None, text))


def forgotten(identifier: str) -> str:
    """A request that is not remembered any more."""
    body = el(
        "main",
        {"class": "told"},
        el("p", None, el("a", {"href": "/"}, "← Overview")),
        el("h1", None, "This request is not remembered"),
        el("p", None, "Only the last ones are kept; [director] trace says how many. The id was ",
           el("code", None, identifier[:80]), "."),
    )  # fmt: skip
    return document("Not remembered · director", body)


def login(message: str = "") -> str:
    """The sign-in page."""
    form = el(
        "form",
        {"method": "post", "action": "/login", "class": "card"},
        el("h1", None, "Sign in to the director"),
        el("p", {"class": "alert", "role": "alert"}, message) if message else None,
        el("label", {"for": "user"}, "Name"),
        el("input", {"id": "user", "name": "user", "autocomplete": "username", "autofocus": True}),
        el("label", {"for": "password"}, "Password"),
        el(
            "input",
            {"id": "password", "name": "password", "type": "password", "autocomplete": "current-password"},
        ),
        el("p", {"class": "hint"}, "or"),
        el("label", {"for": "token"}, "Admin token"),
        el("input", {"id": "token", "name": "token", "type": "password", "autocomplete": "off"}),
        el("button", {"type": "submit"}, "Sign in"),
        el(
            "p",
            {"class": "hint"},
            "The director prints a link that signs in once when it starts; ",
            el("code", None, "director token link"),
            " gives another. The token is kept in ",
            el("code", None, "admin.token"),
            " in its state directory.",
        ),
    )
    return document("Sign in · director", el("main", {"class": "sign"}, form))


# --- the live part --------------------------------------------------------------------------


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
