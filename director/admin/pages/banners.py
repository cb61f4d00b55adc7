"""What stands above every page while it lasts: faults that are injected, a drill, a reload that waits.

Nobody shall look for a cause elsewhere, and nobody shall miss that time runs out.  Who listens to the page is
told the heads alone: what counts down beside them would be told every second.
"""

from __future__ import annotations

from urllib.parse import quote

from director.admin.pages import forms
from director.admin.pages.figures import counted
from director.admin.pages.html import Child, Html, el
from director.admin.pages.viewer import Viewer
from director.admin.views import Json


def banners(viewer: Viewer) -> list[Child]:
    """Those of now, the one whose time runs out first of all."""
    found = viewer.notices
    return [
        _waiting(found.waiting, viewer) if found.waiting else None,
        _injected(found.injected, viewer) if found.injected else None,
        _drill(found.drill, viewer) if found.drill else None,
    ]


def _waiting(one: Json, viewer: Viewer) -> Html:
    buttons = (
        forms.button(viewer, "Keep it", {"do": "confirm"}, css="keep"),
        forms.button(viewer, "Take it back now", {"do": "take back", "number": str(one["generation"])}),
    )
    guard = f", or when {one['guard']}" if one["guard"] != "off" else ""
    return el(
        "section",
        {"class": "banner waits", "aria-label": "A reload waits", "data-key": "waiting"},
        el("h2", {"role": "status"}, f"Generation {one['generation']} is on trial"),
        el(
            "p",
            None,
            "It is undone by itself in ",
            forms.countdown(one["seconds"]),
            f"{guard}, unless somebody confirms it. Reloaded by {one['author']}.",
        ),
        el("div", {"class": "buttons"}, buttons) if viewer.rules else None,
    )


def _injected(found: tuple[Json, ...], viewer: Viewer) -> Html:
    title = "A fault is injected on purpose" if len(found) == 1 else "Faults are injected on purpose"
    return el(
        "section",
        {"class": "banner injected", "aria-label": title, "data-key": "injected"},
        el("h2", {"role": "alert"}, title),
        el("ul", None, [_fault(one, viewer) for one in found]),
    )


def _fault(one: Json, viewer: Viewer) -> Html:
    return el(
        "li",
        {"data-key": one["name"]},
        el(
            "span",
            None,
            el("a", {"href": "/faults"}, el("b", None, one["name"])),
            f": {one['do']} on {', '.join(one['server'])}, {_met(one)} hit, "
            f"started by {one['author']}, ends by itself in ",
            forms.countdown(one["left"]),
        ),
        forms.button(viewer, "Stop it", {"do": "stop fault", "fault": one["name"]})
        if viewer.orders
        else None,
    )


def _met(one: Json) -> str:
    """Requests; of layer 4 flows, and packets of theirs."""
    if not one["packets"]:
        return counted(one["hits"], "request")
    return f"{counted(one['hits'], 'flow')}, {counted(one['packets'], 'packet')}"


def _drill(one: Json, viewer: Viewer) -> Html:
    stop = forms.button(viewer, "Stop it", {"do": "stop drill", "run": one["run"]})
    return el(
        "section",
        {"class": "banner drill", "aria-label": "A drill runs", "data-key": "drill"},
        el(
            "p",
            {"role": "status"},
            "The drill ",
            el("a", {"href": f"/drills/{quote(one['run'], safe='')}"}, el("b", None, one["drill"])),
            " runs: what breaks may be its doing.",
        ),
        stop if viewer.orders else None,
    )
