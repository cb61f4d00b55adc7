"""One request and how it was decided, in sentences."""

from __future__ import annotations

from director.admin.pages.figures import UNKNOWN, clock, size
from director.admin.pages.frame import bare, page
from director.admin.pages.html import el
from director.admin.pages.viewer import Viewer
from director.admin.views import Json


def request(trace: Json, viewer: Viewer) -> str:
    """Its steps in their order, and the facts."""
    title = f"{trace['method']} {trace['host']}{trace['target']}"[:120]
    facts = (
        ("When", clock(trace["time"])),
        ("Client", trace["client"]),
        ("Service", trace["service"]),
        ("Status", str(trace["status"] or UNKNOWN)),
        ("Sent", size(trace["sent"])),
        ("Id", trace["id"]),
    )
    live = (
        el("h1", None, el("code", None, title)),
        el("ol", {"class": "steps"}, [el("li", None, part) for part in trace["story"]]),
        el(
            "section",
            {"class": "vitals", "aria-label": "The request"},
            el(
                "dl",
                None,
                [el("div", None, el("dt", None, one), el("dd", None, text)) for one, text in facts],
            ),
        ),
        el(
            "p",
            None,
            el("a", {"class": "json", "href": f"/api/v1/requests/{trace['id']}"}, "JSON"),
            " ",
            el("code", None, f"director why {trace['id']}"),
        ),
    )
    return page(title, el("div", {"class": "told"}, live), viewer, "/requests")


def forgotten(identifier: str) -> str:
    """A request that is not remembered any more."""
    return bare(
        "Not remembered",
        el("h1", None, "This request is not remembered"),
        el("p", None, "Only the last ones are kept; [director] trace says how many. The id was ",
           el("code", None, identifier[:80]), "."),
    )  # fmt: skip
