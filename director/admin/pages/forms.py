"""Buttons: small forms that work without a script, each with the token of the session that it came from."""

from __future__ import annotations

from director.admin.pages.figures import lasting
from director.admin.pages.html import Child, Html, el
from director.admin.pages.viewer import Viewer
from director.admin.views import Json


def button(viewer: Viewer, label: str, fields: dict[str, str], *, css: str = "quiet") -> Html:
    """One order; `fields` say what is wanted (`acts`)."""
    return form(viewer, fields, el("button", {"type": "submit", "class": css or None}, label))


def form(viewer: Viewer, fields: dict[str, str], *children: Child) -> Html:
    """An order with fields that somebody fills in."""
    hidden = {"csrf": viewer.csrf, **fields}
    return el(
        "form",
        {"method": "post", "action": "/act", "class": "act"},
        [el("input", {"type": "hidden", "name": name, "value": value}) for name, value in hidden.items()],
        children,
    )


def field(name: str, label: str, value: str, key: str, **more: str) -> tuple[Html, Html]:
    """A line to fill in with its label; `key` tells it from others of that name on the page."""
    number = f"{name}-{key}"
    return (
        el("label", {"for": number}, label),
        el("input", {"id": number, "name": name, "value": value, "autocomplete": "off", **more}),
    )


def empties(server: Json) -> Html | None:
    """When a server that was ordered away will be empty, as far as one can tell."""
    if server["state"] == "ready" or server["empty"]:
        return None
    if server["empties_in"] is None:
        return el("small", None, "nothing of it has ended yet")
    return el("small", None, "empty in about ", countdown(server["empties_in"]))


def countdown(seconds: float) -> Html:
    """A time that runs out; a script counts on between two looks."""
    return el("b", {"class": "left", "data-left": f"{seconds:.1f}"}, lasting(seconds))
