"""The flows of layer 4, newest first: who talks to which server by which service, and how long it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from director.admin.pages.figures import amount, short, size
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

CONNECTION = (
    ("Client", "wide"),
    ("Virtual", "wide"),
    ("Server", "wide"),
    ("Protocol", "brief"),
    ("State", "brief"),
    ("Expires", "num"),
)
FILTERS = ("client", "service", "server")


def connections(found: list[Json], whole: Json, asked: Mapping[str, str], more: str, viewer: Viewer) -> str:
    """The page: `whole` are the figures of layer 4, `more` the id behind which there are older ones."""
    rows = [_connection(one) for one in found]
    empty = "No flow fits." if whole["running"] else "Layer 4 does not run: there is no [l4:NAME] service."
    shown = table("Connections", CONNECTION, rows, empty)
    older = el("p", None, el("a", {"href": f"/connections?{urlencode({**asked, 'after': more})}"}, "Older →"))
    live = (
        el(
            "section",
            {"data-key": "connections"},
            head(
                "Layer-4 connections",
                "/api/v1/connections",
                _facts(whole),
                level="h1",
                table="connections",
                sheet="connections.csv",
                socket=viewer.socket,
            ),
            _search(asked),
            shown,
            older if more else None,
        ),
    )
    return page("Connections", live, viewer, "/connections")


def _facts(whole: Json) -> Child:
    rates = whole["traffic"]["rates"]
    texts = (
        f"{amount(whole['flows'])} flows",
        f"{amount(rates['conns'])} new/s",
        f"{amount(rates['inpkts'])} packets/s in",
        f"{amount(rates['outpkts'])} out",
        f"{size(rates['inbytes'])}/s in",
        f"{size(rates['outbytes'])}/s out",
    )
    return (
        el("p", {"class": "facts"}, [el("span", None, text) for text in texts]) if whole["running"] else None
    )


def _search(asked: Mapping[str, str]) -> Html:
    fields: list[Child] = []
    for name in FILTERS:
        fields.append(el("label", {"for": name}, name.capitalize()))
        fields.append(el("input", {"id": name, "name": name, "value": asked.get(name, "")}))
    return el("form", {"class": "search", "role": "search"}, fields, el("button", {"class": "quiet"}, "Show"))


def _connection(one: Json) -> Html:
    cells = (
        one["client"],
        one["virtual"],
        el("span", {"class": "name"}, one["server"] or one["target"], el("small", None, one["service"])),
        one["protocol"],
        "template" if one["template"] else one["state"],
        short(one["expires"], "s"),
    )
    return row(CONNECTION, cells, key=str(one["id"]))
