"""What happened, and who changed what: events beside the generations, each of which can be taken back."""

from __future__ import annotations

from director.admin.pages import forms
from director.admin.pages.figures import clock
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import event_table, head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

CHANGE = (("Generation", "brief"), ("When", "time"), ("Who", "wide"), ("What", "broad"), ("", "brief"))


def events(happened: list[Json], changes: list[Json], viewer: Viewer) -> str:
    """The page."""
    rows = [_change(one, viewer) for one in changes]
    live = (
        el(
            "section",
            {"data-key": "changes"},
            head("Changes", "/api/v1/generations", level="h1"),
            table("Changes", CHANGE, rows, "Nothing was changed yet."),
        ),
        el(
            "section",
            {"data-key": "events"},
            head("Events", "/api/v1/events?limit=50"),
            event_table(happened),
        ),
    )
    return page("Events", live, viewer, "/events")


def _change(one: Json, viewer: Viewer) -> Html:
    undo: Child = None
    if viewer.operates and viewer.csrf and one["undoable"]:
        fields = {"do": "undo", "number": str(one["number"])}
        undo = forms.button(viewer, "Undo", fields)
    said = el("ul", {"class": "diff"}, [el("li", None, text) for text in one["diff"]])
    cells = (str(one["number"]), clock(one["time"]), one["author"], said if one["diff"] else "nothing", undo)
    return row(CHANGE, cells, key=str(one["number"]))
