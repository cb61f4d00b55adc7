"""What happened, and who changed what: events beside the generations, each of which can be taken back.

Filters are links and a form, so that they work without a script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from director.admin.pages import forms
from director.admin.pages.figures import UNKNOWN, clock
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import event_table, head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

CHANGE = (
    ("Change", "brief"),
    ("When", "time"),
    ("Who", "wide"),
    ("From", "brief"),
    ("What", "broad"),
    ("", "brief"),
)
SENTENCES = 5
"""What a change did: so many sentences in the list, all of them on its own page."""
LEVELS = (("", "All"), ("warning", "Warnings and errors"), ("error", "Errors"))
SEVERITY = ("info", "warning", "error")


def severe(event: Json, least: str) -> bool:
    """Whether an event is of this level, or a graver one; what has another level counts as the least."""
    grave = {level: rank for rank, level in enumerate(SEVERITY)}
    return grave.get(event["level"], 0) >= grave.get(least, 0)


def by(change: Json, who: str) -> bool:
    """Whether somebody made a change, or it was made from there."""
    return not who or who.lower() in f"{change['author']} {change['from']}".lower()


def events(
    happened: Sequence[Json], changes: Sequence[Json], viewer: Viewer, asked: Mapping[str, str] | None = None
) -> str:
    """The page; `asked` are the filters that hold: `who` of changes, `level` of events."""
    held = {name: value for name, value in (asked or {}).items() if value and name in {"who", "level"}}
    rows = [_change(one, viewer) for one in changes]
    none = "Nobody of that name changed anything that is remembered." if "who" in held else "Nothing yet."
    live = (
        el(
            "section",
            {"data-key": "changes"},
            head("Changes", "/api/v1/generations", level="h1", sheet="changes.csv", socket=viewer.socket),
            _search(held),
            table("Changes", CHANGE, rows, none),
        ),
        el(
            "section",
            {"data-key": "events"},
            head(
                "Events", "/api/v1/events?limit=50", _levels(held), sheet="events.csv", socket=viewer.socket
            ),
            event_table(list(happened)),
        ),
    )
    return page("Events", live, viewer, "/events")


def _search(held: Mapping[str, str]) -> Html:
    keep = (
        [el("input", {"type": "hidden", "name": "level", "value": held["level"]})] if "level" in held else []
    )
    return el(
        "form",
        {"class": "search", "role": "search"},
        keep,
        forms.field("who", "Who, or from where", held.get("who", ""), "changes"),
        el("button", {"class": "quiet"}, "Show"),
    )


def _levels(held: Mapping[str, str]) -> Html:
    links = []
    for level, label in LEVELS:
        asked = {name: value for name, value in {**held, "level": level}.items() if value}
        where = "/events" + (f"?{urlencode(asked)}" if asked else "")
        current = "true" if level == held.get("level", "") else None
        links.append(el("a", {"href": where, "aria-current": current}, label))
    return el("nav", {"class": "filters", "aria-label": "Levels"}, links)


def _change(one: Json, viewer: Viewer) -> Html:
    undo: Child = None
    number = str(one["number"])
    if viewer.orders and one["undoable"]:
        undo = forms.button(viewer, "Undo", {"do": "undo", "number": number})
    where = f"/changes/{number}"
    said = [el("li", None, text) for text in one["diff"][:SENTENCES]]
    if len(one["diff"]) > SENTENCES:
        said.append(el("li", None, el("a", {"href": where}, f"and {len(one['diff']) - SENTENCES} more")))
    cells = (
        el("a", {"href": where, "aria-label": f"Generation {number} in detail"}, number),
        clock(one["time"]),
        one["author"],
        one["from"] or UNKNOWN,
        el("ul", {"class": "diff"}, said) if said else "nothing",
        undo,
    )
    return row(CHANGE, cells, key=number)
