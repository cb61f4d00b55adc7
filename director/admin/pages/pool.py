"""One pool: an hour of its figures, its servers with the evidence behind each verdict, and buttons for them.

Who may not operate sees no buttons; who came without a session (by a token) has no form to send.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from director.admin.pages import orders, tables
from director.admin.pages.frame import page
from director.admin.pages.html import Child, el
from director.admin.pages.orders import Others
from director.admin.pages.sparks import Hour, cards, nothing
from director.admin.pages.viewer import Viewer
from director.admin.views import Json


def pool(view: Json, others: Others, viewer: Viewer, hour: Hour = nothing) -> str:
    """The page of a pool; `others` are all of its servers together."""
    return page(f"Pool {view['name']}", _live(view, others, viewer, hour), viewer, "")


def _live(view: Json, others: Others, viewer: Viewer, hour: Hour) -> Child:
    name = view["name"]
    facts = tables.facts(view)
    return (
        tables.head(
            f"Pool {name}",
            f"/api/v1/pools/{quote(name, safe='')}",
            el("p", {"class": "facts" + ("" if view["eligible"] else " bad")}, facts),
            level="h1",
            table="servers",
            sheet=f"servers.csv?{urlencode({'pool': name})}",
            socket=viewer.socket,
        ),
        el("p", {"class": "alert"}, view["why_none"]) if not view["eligible"] and view["why_none"] else None,
        el(
            "section",
            {"class": "vitals", "aria-label": "The last hour", "data-key": "vitals"},
            cards(name, hour),
        ),
        el(
            "section",
            {"aria-label": "Servers", "data-key": "servers"},
            tables.server_table(view, hour),
            tables.more(view),
        ),
        el(
            "section",
            {"class": "cards", "aria-label": "Orders", "data-key": "orders"},
            [orders.card(one, others, viewer) for one in view["servers"]],
        )
        if viewer.orders
        else None,
    )
