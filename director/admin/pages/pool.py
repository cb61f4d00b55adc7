"""One pool: its servers with live figures, the evidence behind each verdict, and buttons to order them.

Who may not operate sees no buttons; who came without a session (by a token) has no form to send.
"""

from __future__ import annotations

from director.admin.pages import forms, tables
from director.admin.pages.figures import UNKNOWN, amount, per_second
from director.admin.pages.frame import Viewer, page
from director.admin.pages.html import Child, Html, el
from director.admin.views import Json

ORDERS = (("ready", "Ready"), ("drain", "Drain"), ("maint", "Maintenance"))
"""The states of a server, and what the button says that orders it."""


def pool(view: Json, weights: int, viewer: Viewer) -> str:
    """The page of a pool; `weights` is the sum of all of its servers that take new work."""
    return page(f"Pool {view['name']}", _live(view, weights, viewer), viewer, "")


def _live(view: Json, weights: int, viewer: Viewer) -> Child:
    name = view["name"]
    cards = [_server(one, weights, viewer) for one in view["servers"]]
    facts = tables.facts(view)
    return (
        el(
            "div",
            {"class": "head"},
            el("h1", None, f"Pool {name}"),
            el("p", {"class": "facts" + ("" if view["eligible"] else " bad")}, facts),
            el("a", {"class": "json", "href": f"/api/v1/pools/{name}"}, "JSON"),
        ),
        el("p", {"class": "alert"}, view["why_none"]) if not view["eligible"] and view["why_none"] else None,
        el(
            "section",
            {"aria-label": "Servers", "data-key": "servers"},
            tables.server_table(view),
            tables.more(view),
        ),
        el("section", {"class": "cards", "aria-label": "Orders", "data-key": "orders"}, cards)
        if viewer.operates and viewer.csrf
        else None,
        el(
            "p",
            {"class": "hint"},
            el("code", None, f"curl --unix-socket var/control.sock http://director/api/v1/pools/{name}"),
        ),
    )


def _server(one: Json, weights: int, viewer: Viewer) -> Html:
    fields = {"pool": one["pool"], "server": one["name"]}
    buttons = [
        forms.button(viewer, label, {**fields, "do": "state", "value": state})
        for state, label in ORDERS
        if state != one["state"]
    ]
    others = weights - (one["weight"] if one["eligible"] else 0)
    label = f"weight-{one['name']}"
    weight = forms.form(
        viewer,
        {**fields, "do": "weight"},
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
                "data-others": str(others),
                "required": True,
            },
        ),
        el("output", {"for": label, "class": "dim"}, share(one["weight"], others)),
        el("button", {"type": "submit", "class": "quiet"}, "Set"),
    )
    return el(
        "article",
        {"class": "order", "data-key": one["name"]},
        el("h3", None, one["name"]),
        el("p", {"class": "dim"}, _now(one)),
        el("div", {"class": "buttons"}, buttons),
        weight,
    )


def share(weight: int, others: int) -> str:
    """What part of new work a weight brings beside the weights of the `others` that take some."""
    return f"{weight * 100 / (weight + others):.0f} % of new work" if weight + others else "nobody takes work"


def _now(one: Json) -> str:
    if one["state"] == "drain" and not one["empty"]:
        return f"empties: {amount(one['load'])} left"
    rate = per_second(one["rate"]) if one["rate"] is not None else UNKNOWN
    return f"{one['status']}, {rate} requests/s"
