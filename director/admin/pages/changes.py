"""Who changed what: each change with what it changed, before and after, and the way to take it back."""

from __future__ import annotations

import json
from typing import Any

from director.admin.pages import forms
from director.admin.pages.behind import behind
from director.admin.pages.figures import UNKNOWN, amount, clock
from director.admin.pages.frame import bare, page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

FIELD = (("What", "wide"), ("Setting", "brief"), ("Before", "broad"), ("After", "broad"))
MOST_FIELDS = 200
"""Settings of a change that are shown."""


def diff(sentences: list[str], changes: list[Json]) -> Child:
    """Changes in sentences, and on request each setting before and after."""
    said = el("ul", {"class": "diff"}, [el("li", None, one) for one in sentences])
    rows = fields(changes)
    if not rows:
        return said
    return said, el(
        "details",
        {"data-key": "fields"},
        el("summary", None, "Each setting, before and after"),
        table("Before and after", FIELD, rows[:MOST_FIELDS], ""),
        _more(len(rows) - MOST_FIELDS),
    )


def _more(count: int) -> Html | None:
    return el("p", {"class": "empty"}, f"… and {amount(count)} more; JSON has all.") if count > 0 else None


def fields(changes: list[Json]) -> list[Html]:
    """A row for each setting that differs."""
    rows = []
    for one in changes:
        before, after = one["before"], one["after"]
        names = [*(before or {}), *(key for key in after or {} if key not in (before or {}))]
        for name in names or [""]:
            cells = (one["what"], name or UNKNOWN, _value(before, name), _value(after, name))
            if not names or cells[2] != cells[3]:
                rows.append(row(FIELD, cells, key=f"{one['what']} {name}"))
    return rows


def _value(thing: Json | None, name: str) -> Child:
    if thing is None:
        return el("span", {"class": "dim"}, "not there")
    if name not in thing:
        return el("span", {"class": "dim"}, "default")
    return el("code", None, _written(thing[name]))


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:299] + "…"


def change(one: Json, back: list[str], why: str, viewer: Viewer) -> str:
    """The page of a change; `back` says what taking it back would change now, `why` why it cannot be."""
    rows = fields(one["changes"])
    none = "It is not remembered setting by setting." if one["diff"] else "It changed no setting."
    live = (
        el(
            "div",
            {"class": "head"},
            el("h1", None, f"Generation {one['number']}"),
            el("p", {"class": "facts"}, [el("span", None, text) for text in _facts(one)]),
            behind("The change", f"/api/v1/generations/{one['number']}", socket=viewer.socket),
        ),
        el("ul", {"class": "diff"}, [el("li", None, text) for text in one["diff"]]),
        el("section", None, table("Before and after", FIELD, rows[:MOST_FIELDS], none),
           _more(len(rows) - MOST_FIELDS)),
        _undo(one, back, why, viewer),
    )  # fmt: skip
    return page(f"Generation {one['number']}", live, viewer, "/events", fresh=False)


def _facts(one: Json) -> list[str]:
    return [clock(one["time"]), f"by {one['author']}", *([f"from {one['from']}"] if one["from"] else [])]


def _undo(one: Json, back: list[str], why: str, viewer: Viewer) -> Html:
    if why:
        return el("p", {"class": "dim"}, why)
    if not back:
        return el("p", {"class": "dim"}, "Taking it back would change nothing: it is not in force any more.")
    fields = {"do": "undo", "number": str(one["number"]), "seen": viewer.seen}
    return el(
        "section",
        None,
        el("h2", None, "Taking it back would now"),
        el("ul", {"class": "diff"}, [el("li", None, text) for text in back]),
        el("div", {"class": "buttons"}, forms.button(viewer, "Take it back", fields, css=""))
        if viewer.orders
        else None,
    )


def forgotten(number: str) -> str:
    """A generation that is not remembered any more."""
    return bare(
        "Not remembered",
        el("h1", None, "This change is not remembered"),
        el("p", None, "Only the last ones are kept. ", el("code", None, number[:40])),
    )
