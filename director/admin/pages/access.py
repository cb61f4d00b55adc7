"""Who is signed in, and which API tokens there are: each can be ended by who may."""

from __future__ import annotations

from director.admin.pages import forms
from director.admin.pages.figures import UNKNOWN, clock
from director.admin.pages.frame import page
from director.admin.pages.html import Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

SESSION = (
    ("Who", ""),
    ("Role", "brief"),
    ("From", ""),
    ("Since", "time"),
    ("Last used", "time"),
    ("", "brief"),
)
TOKEN = (
    ("Whose", ""),
    ("Role", "brief"),
    ("What for", ""),
    ("Made", "time"),
    ("Ends", "time"),
    ("", "brief"),
)


def access(sessions: list[Json], tokens: list[Json] | None, viewer: Viewer) -> str:
    """The page; `tokens` is None for who may not see them."""
    rows = [
        row(
            SESSION,
            (
                el("span", {"class": "name"}, one["user"] or "the admin's token",
                   el("small", None, "this one") if one["current"] else None),
                one["role"],
                one["from"],
                clock(one["opened"]),
                clock(one["used"]),
                forms.button(viewer, "End", {"do": "end session", "id": one["id"]}) if viewer.csrf else None,
            ),
            key=one["id"],
        )
        for one in sessions
    ]  # fmt: skip
    live = (
        el(
            "section",
            {"data-key": "sessions"},
            head("Signed in", "/api/v1/sessions", level="h1", socket=viewer.socket),
            table("Sessions", SESSION, rows, "Nobody is."),
        ),
        None if tokens is None else _tokens(tokens, viewer),
    )
    return page("Access", live, viewer, "/access")


def _tokens(found: list[Json], viewer: Viewer) -> Html:
    rows = [
        row(
            TOKEN,
            (
                el("span", {"class": "name"}, one["user"]),
                one["role"],
                one["note"] or UNKNOWN,
                clock(one["made"]),
                clock(one["expires"]) if one["expires"] else "with its user",
                forms.button(viewer, "End", {"do": "end token", "id": one["id"]}) if viewer.rules else None,
            ),
            key=one["id"],
        )
        for one in found
    ]
    none = "There are none; POST /api/v1/tokens makes one."
    return el(
        "section",
        {"data-key": "tokens"},
        head("API tokens", "/api/v1/tokens", socket=viewer.socket),
        table("API tokens", TOKEN, rows, none),
    )
