"""The last requests; each leads to its story.  Filters are links, so that they work without a script."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from director.admin.pages import forms
from director.admin.pages.figures import UNKNOWN, of_day, short, size
from director.admin.pages.frame import page
from director.admin.pages.html import Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

REQUEST = (
    ("When", "moment"),
    ("Request", "broad"),
    ("Client", "brief"),
    ("Went to", "wide"),
    ("Status", "num"),
    ("Took", "num"),
    ("Sent", "num"),
    ("Outcome", "wide"),
)
KINDS = (("", "All"), ("fault", "Fault path"), ("5xx", "5xx"), ("failed", "Failed tries"))
"""What the filter `show` means, and its link."""
NAMES = ("service", "rule", "pool", "server")


def wanted(trace: Json, asked: Mapping[str, str]) -> bool:
    """Whether a filter lets a request through: `show` (`KINDS`), and exact service, pool, server, rule."""
    show = asked.get("show", "")
    if show == "fault" and not trace["fault"]:
        return False
    if show == "5xx" and trace["status"] < 500:
        return False
    if show == "failed" and not trace["tries"]:
        return False
    return all(not asked.get(name) or asked[name].strip() in _names(trace, name) for name in NAMES)


def _names(trace: Json, kind: str) -> tuple[str, str]:
    """A rule is known by its number, too, a server with its pool, a service with its layer."""
    name = str(trace[kind])
    if kind == "rule":
        return name, name.partition(" ")[0]
    before = {"server": f"{trace['pool']}/", "service": "l7:"}.get(kind, "")
    return name, before + name


def requests(found: list[Json], asked: Mapping[str, str], viewer: Viewer) -> str:
    """The page; `asked` are the filters that hold."""
    rows = [_request(one) for one in found]
    shown = table("Requests", REQUEST, rows, "No request that is remembered fits.")
    live = el(
        "section",
        {"data-key": "requests"},
        head(
            "Requests",
            "/api/v1/requests",
            _filters(asked),
            level="h1",
            sheet="requests.csv" + (f"?{urlencode(asked)}" if asked else ""),
            socket=viewer.socket,
        ),
        _search(asked),
        shown,
    )
    return page("Requests", live, viewer, "/requests")


def _search(asked: Mapping[str, str]) -> Html:
    """The filters that take a name."""
    fields = [
        forms.field(name, name.capitalize(), asked.get(name, ""), "requests", size="12") for name in NAMES
    ]
    show = asked.get("show", "")
    keep = el("input", {"type": "hidden", "name": "show", "value": show}) if show else None
    button = el("button", {"class": "quiet"}, "Show")
    what_if = el("a", {"class": "button", "href": "/why"}, "What would become of …")
    return el("form", {"class": "search", "role": "search"}, keep, fields, button, what_if)


def _filters(asked: Mapping[str, str]) -> Html:
    now = asked.get("show", "")
    rest = {name: value for name, value in asked.items() if name != "show" and value}
    links = []
    for show, label in KINDS:
        query = urlencode({**rest, **({"show": show} if show else {})})
        where = "/requests" + (f"?{query}" if query else "")
        links.append(el("a", {"href": where, "aria-current": "true" if show == now else None}, label))
    held = [
        el("a", {"class": "held", "href": "/requests?" + urlencode({**asked, name: ""})}, f"{name} {value} ✕")
        for name, value in rest.items()
    ]
    return el("nav", {"class": "filters", "aria-label": "Filters"}, links, held)


def _request(one: Json) -> Html:
    where = " → ".join(part for part in (one["rule"], one["pool"], one["server"]) if part)
    tone = "bad" if one["status"] >= 500 else "warn" if one["fault"] or one["tries"] else ""
    cells = (
        el("a", {"href": f"/requests/{quote(one['id'], safe='')}"}, of_day(one["time"])),
        el("code", None, f"{one['method']} {one['host']}{one['target']}"[:200]),
        one["client"],
        where or UNKNOWN,
        str(one["status"] or UNKNOWN),
        short(one["times"]["total"], "s"),
        size(one["sent"]),
        f"fault: {one['fault']}" if one["fault"] else one["outcome"],
    )
    return row(REQUEST, cells, tone, key=one["id"])
