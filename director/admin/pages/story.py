"""One request and how it was decided, in sentences."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from director.admin.pages.behind import behind
from director.admin.pages.figures import UNKNOWN, clock, short, size
from director.admin.pages.frame import bare, page
from director.admin.pages.html import Child, el
from director.admin.pages.tables import server_page
from director.admin.pages.viewer import Viewer
from director.admin.views import Json


def request(trace: Json, viewer: Viewer) -> str:
    """Its steps in their order, and the facts."""
    title = f"{trace['method']} {trace['host']}{trace['target']}"[:120]
    times = trace["times"]
    facts: tuple[tuple[str, Child], ...] = (
        ("When", clock(trace["time"])),
        ("Client", trace["client"]),
        ("Service", trace["service"]),
        ("Status", str(trace["status"] or UNKNOWN)),
        ("Rule", _rule(trace["rule"])),
        ("Server", _server(trace)),
        ("Sent", size(trace["sent"])),
        ("Received", size(trace["received"])),
        ("Connected after", short(times.get("connect"), "s")),
        ("First octet after", short(times.get("first_byte"), "s")),
        ("Done after", short(times.get("total"), "s")),
        ("Id", trace["id"]),
    )
    data = behind("The request", f"/api/v1/requests/{quote(trace['id'], safe='')}", socket=viewer.socket)
    live = (
        el("div", {"class": "head"}, el("h1", None, el("code", None, title)), data),
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
        el("p", {"class": "hint"}, el("code", None, f"director why {trace['id']}")),
    )
    return page(title, el("div", {"class": "told"}, live), viewer, "/requests", fresh=False)


def _rule(name: str) -> Child:
    """The way to the other requests that it caught."""
    return el("a", {"href": f"/requests?{urlencode({'rule': name})}"}, name) if name else "none fits"


def _server(trace: Json) -> Child:
    """The way to the server that answered."""
    if trace["fault"] or not trace["server"]:
        return f"fault: {trace['fault']}" if trace["fault"] else UNKNOWN
    where = {"pool": trace["pool"], "name": trace["server"]}
    return el("a", {"href": server_page(where)}, f"{trace['pool']}/{trace['server']}")


def forgotten(identifier: str) -> str:
    """A request that is not remembered any more."""
    return bare(
        "Not remembered",
        el("h1", None, "This request is not remembered"),
        el("p", None, "Only the last ones are kept; [director] trace says how many. The id was ",
           el("code", None, identifier[:80]), "."),
    )  # fmt: skip
