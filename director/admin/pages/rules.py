"""The rules of all services in the order in which they are tried, with what each has caught."""

from __future__ import annotations

from director.admin.pages.figures import amount, per_second, short
from director.admin.pages.frame import page
from director.admin.pages.html import Html, el
from director.admin.pages.tables import answers, head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

RULE = (
    ("Rule", "brief"),
    ("Service", "brief"),
    ("When", "broad"),
    ("Then", "wide"),
    ("Hits/s", "num"),
    ("Hits", "num"),
    ("Answers", "wide"),
    ("p99", "num"),
)


def rules(found: list[Json], viewer: Viewer) -> str:
    """The page."""
    rows = [_rule(one) for one in found]
    shown = table("Rules", RULE, rows, "No rules: every request goes to the pool of its service.")
    live = el("section", {"data-key": "rules"}, head("Rules", "/api/v1/rules", level="h1"), shown)
    return page("Rules", live, viewer, "/rules")


def _rule(one: Json) -> Html:
    cells = (
        el("span", {"class": "name"}, str(one["number"]), el("small", None, one["title"])),
        one["service"],
        el("code", None, one["when"] or "always"),
        el("code", None, one["action"]),
        per_second(one["rate"]),
        amount(one["requests"]),
        answers(one["responses"]),
        short(one["latency"]["p99"], "s"),
    )
    return row(RULE, cells, key=one["name"])
