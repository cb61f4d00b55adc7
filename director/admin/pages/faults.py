"""Faults and drills: what can be broken on purpose, what is broken now, and what rehearsals came to."""

from __future__ import annotations

from urllib.parse import quote

from director.admin.pages import forms
from director.admin.pages.figures import amount, clock, lasting
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

FAULT = (
    ("Fault", ""),
    ("Where", ""),
    ("Does", "wide"),
    ("To which requests", "wide"),
    ("Now", ""),
    ("Hit", "num"),
    ("", "broad"),
)
ALLOW = "[director]\ndrills = allowed"
FAULT_EXAMPLE = "[fault:a hangs]\nserver = web/a\ndo = hang\nhit = share 50%\nttl = 60s"
DRILL_EXAMPLE = (
    "[drill:a hangs]\nservice = www\nload = 20/s GET /\nstep 0s = baseline\nstep 5s = start a hangs\n"
    "step 20s = heal\nstep 30s = end\nexpect during = answered >= 99%"
)
VERDICTS = {"pass": "good", "fail": "bad", "void": "off", None: "warn"}
"""How a verdict looks; a run without one goes on."""


def faults(found: list[Json], drills: list[Json], viewer: Viewer, *, allowed: bool) -> str:
    """The page; `allowed` says whether this director lets anything be broken."""
    live = (
        None if allowed else _forbidden(),
        el(
            "section",
            {"data-key": "faults"},
            head("Faults", "/api/v1/faults", level="h1", table="faults", socket=viewer.socket),
            table("Faults", FAULT, [_fault(one, viewer, allowed) for one in found], _none("fault")),
            None if found else el("pre", {"class": "ini"}, FAULT_EXAMPLE),
        ),
        el(
            "section",
            {"data-key": "drills"},
            head("Drills", "/api/v1/drills", socket=viewer.socket),
            el("div", {"class": "cards broadly"}, [_drill(one, viewer, allowed) for one in drills])
            if drills
            else (el("p", {"class": "empty"}, _none("drill")), el("pre", {"class": "ini"}, DRILL_EXAMPLE)),
        ),
    )
    return page("Faults and drills", live, viewer, "/faults")


def _none(what: str) -> str:
    return f"The configuration names no {what}. Such a section does, after a reload:"


def _forbidden() -> Html:
    return el(
        "section",
        {"class": "banner hint-banner", "data-key": "forbidden"},
        el("p", None, "Nothing can be started here: drills are not allowed. To allow them write"),
        el("pre", None, ALLOW),
        el("p", None, "into the configuration, then ", el("a", {"href": "/config?look=1"}, "reload"), "."),
    )


def _fault(one: Json, viewer: Viewer, allowed: bool) -> Html:
    which = [one["when"] or "all", el("small", None, one["hit"]) if one["hit"] else None]
    checks = el("small", None, "health checks, too") if one["checks"] else None
    cells = (
        el("span", {"class": "name"}, one["name"]),
        ", ".join(one["server"]),
        el("code", None, one["do"]),
        el("span", {"class": "name plain"}, which, checks),
        _state(one),
        _hits(one) if one["active"] else "–",
        _orders(one, viewer) if allowed and viewer.orders else None,
    )
    return row(FAULT, cells, "bad" if one["active"] else "", key=one["name"])


def _hits(one: Json) -> Html:
    packets = el("small", None, f"{amount(one['packets'])} packets") if one["packets"] else None
    return el("span", {"class": "name plain"}, f"{amount(one['hits'])} of {amount(one['seen'])}", packets)


def _state(one: Json) -> Html:
    if not one["active"]:
        return el("span", {"class": "state off"}, el("i", {"aria-hidden": "true"}), "not injected")
    return el(
        "span",
        {"class": "state bad"},
        el("i", {"aria-hidden": "true"}),
        "injected, ends in ",
        forms.countdown(one["left"]),
        el("small", None, f"by {one['author']}, seed {one['seed']}"),
    )


def _orders(one: Json, viewer: Viewer) -> Child:
    name = one["name"]
    start = forms.form(
        viewer,
        {"do": "start fault", "name": name},
        forms.field("ttl", "for", lasting_words(one["ttl"]), name, size="5"),
        el("button", {"type": "submit", "class": "quiet"}, "Start anew" if one["active"] else "Start"),
    )
    stop = forms.button(viewer, "Stop", {"do": "stop fault", "fault": name}, css="")
    return el("div", {"class": "order-row"}, stop if one["active"] else None, start)


def lasting_words(seconds: float) -> str:
    """A duration as in the ini."""
    return f"{seconds:g}s"


def _drill(one: Json, viewer: Viewer, allowed: bool) -> Html:
    runs = [_run(run) for run in reversed(one["runs"][-5:])]
    return el(
        "article",
        {"class": "order", "data-key": one["name"]},
        el("h3", None, one["name"]),
        el(
            "p",
            {"class": "dim"},
            f"service {one['service']}, {lasting(one['seconds'])}, "
            f"load {', '.join(one['load']) or 'real traffic'}",
        ),
        el("ol", {"class": "plan"}, [el("li", None, step) for step in one["steps"]]),
        el("ul", {"class": "plan"}, [el("li", None, f"expects {text}") for text in one["expect"]]),
        _start(one, viewer) if allowed and viewer.orders and not one["running"] else None,
        el("ul", {"class": "runs"}, runs) if runs else el("p", {"class": "dim"}, "Not run yet."),
    )


def _run(run: Json) -> Html:
    said = (run["verdict"] or "runs").upper() if not run["running"] else "RUNS"
    tone = VERDICTS.get(run["verdict"], "off") if not run["running"] else "warn"
    return el(
        "li",
        {"data-key": run["run"]},
        el("span", {"class": f"badge {tone}"}, said),
        " ",
        el("a", {"href": f"/drills/{quote(run['run'], safe='')}"}, clock(run["began"])),
    )


def _start(one: Json, viewer: Viewer) -> Html:
    key = one["name"]
    return forms.form(
        viewer,
        {"do": "run drill", "name": key},
        forms.field("seed", "seed", "", key, size="7", placeholder="any", inputmode="numeric"),
        el(
            "label",
            {"class": "tick"},
            el("input", {"type": "checkbox", "name": "control", "value": "1"}),
            "once without the faults first",
        ),
        el("button", {"type": "submit"}, "Run"),
    )
