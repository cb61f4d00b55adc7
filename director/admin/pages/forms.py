"""Buttons: small forms that work without a script, each with the token of the session that it came from."""

from __future__ import annotations

from director.admin.pages.frame import Viewer
from director.admin.pages.html import Child, Html, el


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
