"""The rules of all services in the order in which they are tried, with what each has caught."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from director.admin.pages.figures import ago, amount, per_second, short
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


def rules(
    found: list[Json],
    viewer: Viewer,
    hidden: Mapping[str, str] | None = None,
    hit: Mapping[str, float] | None = None,
) -> str:
    """The page.

    Args:
        hidden: of a rule which other takes all that it could.
        hit: how many seconds ago it matched, as far as requests are remembered.
    """
    rows = [_rule(one, (hidden or {}).get(one["name"], ""), (hit or {}).get(one["name"])) for one in found]
    shown = table("Rules", RULE, rows, "No rules: every request goes to the pool of its service.")
    top = head("Rules", "/api/v1/rules", level="h1", table="rules", sheet="rules.csv", socket=viewer.socket)
    live = el("section", {"data-key": "rules"}, top, shown)
    return page("Rules", live, viewer, "/rules")


def _rule(one: Json, hidden: str, hit: float | None) -> Html:
    last = "" if hit is None else f"last {ago(hit)} ago"
    said = last if one["requests"] else "never matched"
    where = f"/requests?{urlencode({'rule': one['name']})}"
    by = el("small", {"class": "level warning"}, f"never can: {hidden} takes all of it") if hidden else None
    cells = (
        el("span", {"class": "name"}, str(one["number"]), el("small", None, one["title"])),
        one["service"],
        el("span", {"class": "name plain"}, el("code", None, one["when"] or "always"), by),
        el("code", None, one["action"]),
        per_second(one["rate"]),
        el(
            "span",
            {"class": "errors"},
            el("a", {"href": where}, amount(one["requests"])),
            el("small", None, said) if said else None,
        ),
        answers(one["responses"]),
        short(one["latency"]["p99"], "s"),
    )
    return row(RULE, cells, "warn" if hidden else "", key=one["name"])
