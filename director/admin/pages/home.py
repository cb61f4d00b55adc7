"""The overview: is anything wrong, since when, and what is being done; then services, pools, events.

`live` is also what `/api/v1/stats` gives to who accepts HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from director.admin.chronicle import WHOLE
from director.admin.overview import ENDS_SOON
from director.admin.pages import tables
from director.admin.pages.behind import SOCKET, behind
from director.admin.pages.figures import UNKNOWN, ago, amount, clock, counted, short, size
from director.admin.pages.frame import page
from director.admin.pages.html import HOLE, Html, around, el, join
from director.admin.pages.sparks import Hour, cards, nothing
from director.admin.pages.tables import row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

MARKS = {"ok": "✓", "warning": "!", "error": "✕"}


def home(view: Json, viewer: Viewer) -> tuple[Html, Html]:
    """The overview page: what stands before its live part, and behind it."""
    return around(Html(page(view["verdict"]["headline"], HOLE, viewer, "/")))


def live(view: Json, pools: Iterable[Json], hour: Hour = nothing, socket: str = SOCKET) -> Iterator[Html]:
    """All that changes: verdict, services, pools, events, fault answers; in pieces, for it may be long."""
    yield join((_verdict(view), _vitals(hour, socket), tables.services(view, hour, socket)))
    yield from tables.pools(pools, hour, socket)
    yield join((tables.faults(view, socket), tables.events(view), _certificates(view), _process(view)))


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


def _vitals(hour: Hour, socket: str) -> Html:
    return el(
        "section",
        {"class": "vitals", "aria-label": "The last hour", "data-key": "vitals"},
        cards(WHOLE, hour),
        behind("The last hour", "/api/v1/history?of=*", table="vitals", socket=socket),
    )


CERTIFICATE = (("Certificate", "wide"), ("Lasts", ""))


def _certificates(view: Json) -> Html | None:
    """How long they last, the one that ends first at the top; nothing where there is none."""
    rows = [
        row(CERTIFICATE, (one["name"], ago(one["left"]) if one["left"] > 0 else "has ended"),
            "bad" if one["left"] <= 0 else "warn" if one["left"] < ENDS_SOON else "", key=one["name"])
        for one in view["certificates"]
    ]  # fmt: skip
    shown = table("Certificates", CERTIFICATE, rows, "")
    top = el("div", {"class": "head"}, el("h2", None, "Certificates"))
    return el("section", {"data-key": "certificates"}, top, shown) if rows else None


def _process(view: Json) -> Html:
    """The program itself, in a line: nothing to look at while all is well."""
    process = view["process"]
    of_fds = UNKNOWN if process["fds"] is None else f"{amount(process['fds'])} of {short(process['max_fds'])}"
    facts = (
        f"version {process['version']}",
        f"up for {ago(process['uptime'])}",
        f"generation {view['generation']}",
        f"{size(process['rss'])} of memory",
        f"{of_fds} descriptors",
        f"{counted(process['stalls'], 'hold-up')}, the worst {short(process['worst_stall'], 's')}",
    )
    return el(
        "section",
        {"aria-label": "The process", "data-key": "process"},
        el("p", {"class": "facts"}, [el("span", None, one) for one in facts]),
    )
