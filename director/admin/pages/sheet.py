"""The sheet of a drill: how far it is, and what it came to, with the requests that show it."""

from __future__ import annotations

from urllib.parse import quote

from director.admin.pages import forms
from director.admin.pages.behind import behind
from director.admin.pages.faults import VERDICTS
from director.admin.pages.figures import UNKNOWN, amount, clock, lasting, short
from director.admin.pages.frame import bare, page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json
from director.fault.picture import svg

EXPECTED = (("Held", "brief"), ("In", "brief"), ("Expected", "broad"), ("Seen", "broad"))
PHASE = (
    ("Phase", ""),
    ("From", "num"),
    ("To", "num"),
    ("Requests", "num"),
    ("Answered", "num"),
    ("Good", "num"),
    ("Hit", "num"),
    ("Slowest", "num"),
    ("Answered by", "broad"),
)
HAPPENED = (("Second", "num"), ("What", ""))
ANSWERERS = 6
"""Who answered in a phase: so many are named."""


def run(told: Json, drill: Json | None, passed: float, viewer: Viewer) -> str:
    """The page of a run; `drill` is its plan while there is one, `passed` seconds since it began."""
    goes_on, verdict = told["running"], told.get("verdict")
    said = "RUNS" if goes_on else str(verdict).upper()
    live = (
        el(
            "div",
            {"class": "head"},
            el("h1", None, f"Drill {told['drill']} "),
            el("span", {"class": f"badge {'warn' if goes_on else VERDICTS.get(verdict, 'off')}"}, said),
            el("p", {"class": "facts"}, _facts(told)),
            behind("The run", f"/api/v1/drills/{quote(told['run'], safe='')}", socket=viewer.socket),
        ),
        _progress(told, drill, passed) if goes_on and drill else None,
        el("ul", {"class": "findings"}, [el("li", {"class": "finding error"}, why) for why in told["why"]])
        if told.get("why") and not goes_on
        else None,
        _seen(told) if "phases" in told else None,
        _again(told, drill, viewer) if viewer.orders and drill else None,
    )
    return page(f"Drill {told['drill']}: {said.lower()}", live, viewer, "/faults", fresh=goes_on)


def _facts(told: Json) -> list[Html]:
    texts = [clock(told["began"])]
    if "seed" in told:
        texts += [f"service {told['service']}", f"seed {told['seed']}"]
        texts += [", ".join(told["load"]) or "real traffic"]
    return [el("span", None, text) for text in texts]


def _progress(told: Json, drill: Json, passed: float) -> Html:
    length = drill["seconds"]
    label = f"{lasting(min(passed, length))} of {lasting(length)}"
    bar = el("progress", {"max": f"{length:g}", "value": f"{min(passed, length):.1f}"}, label)
    return el(
        "section",
        {"data-key": "progress"},
        el("p", None, bar, " ", label),
        el("ol", {"class": "steps"}, [_step(text, told.get("seconds", passed)) for text in drill["steps"]]),
    )


def _step(text: str, passed: float) -> Html:
    at = float(text.partition("s ")[0])
    return el("li", {"class": None if at <= passed else "dim"}, text, " ✓" if at <= passed else None)


def _seen(told: Json) -> list[Child]:
    expected = [_expected(one, goes_on=told["running"]) for one in told["expectations"]]
    phases = [_phase(one) for one in told["phases"] if one["from"] is not None]
    events = [row(HAPPENED, (f"{one['at']:.2f}", one["text"])) for one in told["events"]]
    return [
        el("section", {"data-key": "expected"},
           table("Expected", EXPECTED, expected, "Nothing was expected.")),
        el("section", {"class": "picture scroll", "data-key": "picture", "tabindex": "0", "role": "region",
                       "aria-label": "The picture"}, Html(svg(told))),
        el("section", {"data-key": "phases"}, table("Phases", PHASE, phases, "No phase began.")),
        [
            _stories(one)
            for one in told["expectations"]
            if not (one["held"] or told["running"]) and one["requests"]
        ],
        el("section", {"data-key": "events"}, el("h2", None, "What happened"),
           table("What happened", HAPPENED, events, "Nothing yet.")),
    ]  # fmt: skip


def _expected(one: Json, *, goes_on: bool) -> Html:
    held = one["held"]
    tone = "good" if held else "warn" if goes_on else "bad"
    said = ("holds so far" if held else "not yet") if goes_on else "held" if held else "broke"
    idle = el("small", None, "holds without the faults, too") if one["cannot_fail"] else None
    cells = (
        el("span", {"class": f"state {tone}"}, el("i", {"aria-hidden": "true"}), said),
        one["phase"],
        el("span", {"class": "name plain"}, el("code", None, one["text"]), idle),
        one["seen"],
    )  # fmt: skip
    return row(EXPECTED, cells, "bad" if tone == "bad" else "", key=f"{one['phase']} {one['text']}")


def _phase(one: Json) -> Html:
    by = [f"{who} {amount(count)}" for who, count in list(one["by"].items())[:ANSWERERS]]
    cells = (
        one["name"],
        f"{one['from']:.1f} s",
        f"{one['to']:.1f} s",
        *(amount(one[key]) for key in ("requests", "answered", "ok", "hits")),
        short(one["slowest"], "s"),
        ", ".join(by) or UNKNOWN,
    )
    return row(PHASE, cells, key=one["name"])


def _stories(one: Json) -> Html:
    shown = [
        el(
            "details",
            {"data-key": str(request["number"])},
            el("summary", None, f"#{request['number']} ", el("code", None, request["asked"])),
            el("ol", {"class": "steps"}, [el("li", None, part) for part in request["story"]]),
        )
        for request in one["requests"]
    ]
    return el("section", None, el("h2", None, f"Requests that broke: {one['text']}"), shown)


def _again(told: Json, drill: Json, viewer: Viewer) -> Html:
    if told["running"]:
        stop = forms.button(viewer, "Stop it now", {"do": "stop drill", "run": told["run"]}, css="")
        return el("div", {"class": "buttons"}, stop)
    fields = {"do": "run drill", "name": drill["name"], "seed": str(told.get("seed", ""))}
    return el(
        "div",
        {"class": "buttons"},
        forms.button(viewer, "Run it again with the same seed", fields),
        el("code", None, f"director drill run {drill['name']!r} --seed {told.get('seed', 0)}"),
    )


def forgotten(name: str) -> str:
    """A run that is not remembered any more."""
    return bare(
        "Not remembered",
        el("h1", None, "This run is not remembered"),
        el("p", None, "The last runs are kept until a restart; it was ", el("code", None, name[:80]), ". ",
           el("a", {"href": "/faults"}, "Faults and drills")),
    )  # fmt: skip
