"""One server: an hour of its figures, how its verdict came about, and its buttons."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from director.admin.pages import orders, tables
from director.admin.pages.behind import behind
from director.admin.pages.figures import UNKNOWN, ago, counted, short, stamped
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.sparks import Hour, cards
from director.admin.pages.tables import row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

PROBE = (("When", "time"), ("Found", "brief"), ("Said", "broad"), ("Took", "num"), ("Seen", "broad"))
TURN = (
    ("When", "time"),
    ("Verdict", "wide"),
    ("Because", "broad"),
    ("After", "brief"),
    ("It had lasted", "num"),
)
EJECTION = (("When", "time"), ("Because", "broad"), ("For", "num"), ("Until", "time"))
PROBES_SHOWN = 10


def server(view: Json, evidence: Json, others: orders.Others, hour: Hour, viewer: Viewer) -> str:
    """The page; `evidence` as `/api/v1/checks/POOL/SERVER` gives it."""
    name = f"{view['pool']}/{view['name']}"
    api = f"/api/v1/pools/{quote(view['pool'], safe='')}/servers/{quote(view['name'], safe='')}"
    title = el("a", {"href": f"/pools/{quote(view['pool'], safe='')}"}, view["pool"])
    lately = urlencode({"pool": view["pool"], "server": view["name"]})
    live = (
        el(
            "div",
            {"class": "head"},
            el("h1", None, title, " / ", view["name"]),
            el("p", {"class": "facts"}, el("span", None, view["address"]),
               el("span", None, "backup") if view["backup"] else None,
               el("span", None, el("a", {"href": f"/requests?{lately}"}, "its last requests"))),
            behind("The server", api, table="servers", socket=viewer.socket),
        ),
        el("section", {"class": "vitals", "aria-label": "The last hour", "data-key": "vitals"},
           cards(name, hour)),
        el(
            "section",
            {"data-key": "server"},
            tables.server_table({"name": view["pool"], "servers": [view]}, hour),
            el("div", {"class": "cards"}, orders.card(view, others, viewer)) if viewer.orders else None,
        ),
        [_check(one) for one in evidence["checks"]] or _unchecked(),
        _traffic(evidence["traffic"]),
        el("p", {"class": "hint"}, el("code", None, f"director show checks {name}")),
    )  # fmt: skip
    return page(f"Server {name}", live, viewer, "")


def _unchecked() -> Html:
    return el("p", {"class": "empty"}, "No check looks at it: it counts as up whatever it does.")


def _check(one: Json) -> Html:
    facts = [
        f"{one['verdict']} for {ago(one['for'])}",
        f"{one['against']} of {one['needed']} against it" if one["against"] else "",
        f"next look in {short(one['next_in'], 's')}" if one["next_in"] is not None else "",
        f"{counted(one['flaps']['flaps'], 'flap')} remembered",
        *(hint["text"] for hint in one["what_if"] if hint["more"]),
    ]
    turns = [_turn(each) for each in reversed(one["transitions"])]
    probes = [_probe(each) for each in one["results"][: -PROBES_SHOWN - 1 : -1]]
    return el(
        "section",
        {"data-key": f"check {one['check']}"},
        el(
            "div",
            {"class": "head"},
            el("h2", None, f"Check {one['check']}"),
            el("p", {"class": "facts"}, [el("span", None, text) for text in facts if text]),
        ),
        table(f"Changes of the verdict of {one['check']}", TURN, turns, "Its verdict never changed."),
        el("h3", {"class": "under"}, "The last probes"),
        table(f"Probes of {one['check']}", PROBE, probes, "The first probe is under way."),
    )


def _turn(one: Json) -> Html:
    cells = (
        stamped(one["time"]),
        f"{one['from']} → {one['to']}",
        one["reason"],
        f"{one['count']} of {one['needed']}",
        ago(one["lasted"]),
    )
    return row(TURN, cells, "bad" if one["to"] == "down" else "", key=f"{one['time']}")


def _probe(one: Json) -> Html:
    tone = {"passed": "good", "failed": "bad"}.get(one["result"], "off")
    phases = ", ".join(f"{name} {short(at, 's')}" for name, at in one["phases"].items())
    cells: tuple[Child, ...] = (
        stamped(one["time"]),
        el("span", {"class": f"state {tone}"}, el("i", {"aria-hidden": "true"}), one["result"]),
        el("span", {"class": "name plain"}, one["reason"], el("small", None, phases) if phases else None),
        short(one["seconds"], "s"),
        el("code", None, one["seen"][:200]) if one["seen"] else UNKNOWN,
    )
    return row(PROBE, cells, key=f"{one['time']}")


def _traffic(found: Json) -> Html | None:
    """Times at which real work said that it was ill."""
    if not found["ejections"]:
        return None
    rows = [
        row(
            EJECTION,
            (
                stamped(one["time"]),
                one["reason"],
                short(one["seconds"], "s"),
                stamped(one["ended"] or one["until"]),
            ),
            key=f"{one['time']}",
        )
        for one in reversed(found["ejections"])
    ]
    return el(
        "section",
        {"data-key": "ejections"},
        el("h2", None, "Ejected for its traffic"),
        table("Ejections", EJECTION, rows, ""),
    )
