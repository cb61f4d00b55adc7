"""Who can choose a server, how, and for whom each does: those that are built in, and the user's own."""

from __future__ import annotations

from director.admin.pages.figures import UNKNOWN, short
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

SCHEDULER = (("Scheduler", "wide"), ("How it chooses", ""), ("For", "wide"), ("From", "wide"))


def schedulers(found: list[Json], viewer: Viewer) -> str:
    """The page; those that choose for somebody stand first."""
    rows = [_scheduler(one) for one in sorted(found, key=lambda one: not one["used_by"])]
    live = el(
        "section",
        {"data-key": "schedulers"},
        head("Schedulers", "/api/v1/schedulers", level="h1", socket=viewer.socket),
        table("Schedulers", SCHEDULER, rows, "There is none."),
    )
    return page("Schedulers", live, viewer, "/schedulers")


def _scheduler(one: Json) -> Html:
    own = one["own"]
    origin: Child = "built in"
    if own:
        budget = el("small", None, f"may take {short(own['budget'], 's')} a choice")
        origin = el("span", {"class": "name plain"}, el("code", None, own["file"]), budget)
    cells = (
        el("span", {"class": "name"}, one["scheduler"]),
        one["text"] or UNKNOWN,
        ", ".join(one["used_by"]) or el("span", {"class": "dim"}, "nobody"),
        origin,
    )
    return row(SCHEDULER, cells, key=one["scheduler"])
