"""The buttons of a server: ready, drain, maintenance, look now; and its weight, with what that brings."""

from __future__ import annotations

from attrs import frozen

from director.admin.pages import forms
from director.admin.pages.figures import UNKNOWN, per_second
from director.admin.pages.html import Child, Html, el
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

STATES = (("ready", "Ready"), ("drain", "Drain"), ("maint", "Maintenance"))
"""The states of a server, and what the button says that orders it."""
UNSHARED = {
    **dict.fromkeys(("rr", "lc", "dh"), "{} heeds only whether it is 0"),
    "fo": "the highest weight takes all",
    "ovf": "the highest weight takes all until it is full",
}
"""Schedulers for which a weight is no share, and what it is."""


@frozen
class Others:
    """What a pool's servers do together, for the forecast of one's share.

    Attributes:
        weights: the sum of those that take new work.
        rate: new work of the pool per second, None when not known.
        scheduler: its name.
    """

    weights: int = 0
    rate: float | None = None
    scheduler: str = ""


def card(one: Json, pool: Others, viewer: Viewer) -> Html:
    """The buttons and the weight of one server."""
    fields = {"pool": one["pool"], "server": one["name"]}
    buttons = [
        forms.button(viewer, label, {**fields, "do": "state", "value": state})
        for state, label in STATES
        if state != one["state"]
    ]
    look = forms.button(viewer, "Check now", {**fields, "do": "check"}) if one["checks"] else None
    return el(
        "article",
        {"class": "order", "data-key": one["name"]},
        el("h3", None, one["name"]),
        el("p", {"class": "dim"}, _now(one)),
        el("div", {"class": "buttons"}, buttons, look),
        _weight(one, pool, viewer),
    )


def _weight(one: Json, pool: Others, viewer: Viewer) -> Html:
    others = pool.weights - (one["weight"] if one["eligible"] else 0)
    label = f"weight-{one['name']}"
    rate = "" if pool.rate is None else f"{pool.rate:.3g}"
    unshared = UNSHARED.get(pool.scheduler, "").format(pool.scheduler)
    return forms.form(
        viewer,
        {"pool": one["pool"], "server": one["name"], "do": "weight"},
        el("label", {"for": label}, "Weight"),
        el(
            "input",
            {
                "id": label,
                "name": "value",
                "type": "number",
                "min": "0",
                "max": "65535",
                "value": str(one["weight"]),
                "data-others": None if unshared else str(others),
                "data-rate": rate or None,
                "required": True,
            },
        ),
        el(
            "output",
            {"for": label, "class": "dim"},
            unshared
            or share(one["weight"], others, pool.rate) + ("" if one["eligible"] else ", once it takes some"),
        ),
        el("button", {"type": "submit", "class": "quiet"}, "Set"),
    )


def share(weight: int, others: int, rate: float | None = None) -> str:
    """What part of new work a weight brings beside the weights of the `others` that take some."""
    if not weight + others:
        return "nobody takes work"
    part = weight / (weight + others)
    about = f", about {per_second(part * rate)}/s" if rate else ""
    return f"{part * 100:.0f} % of new work{about}"


def _now(one: Json) -> Child:
    if one["state"] != "ready":
        if one["empty"]:
            return f"{one['status']}: nothing is left on it, it can be stopped"
        return one["status"], forms.empties(one)
    rate = per_second(one["rate"]) if one["rate"] is not None else UNKNOWN
    return f"{one['status']}, {rate} requests/s"
