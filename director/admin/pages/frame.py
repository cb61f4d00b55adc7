"""The frame of all pages: the head of the document, the way to the others, what stays when figures change.

`static/admin.js` fetches the page it stands on every two seconds, and at once when something happened, and
puts what changed below `#live` in place: so what scripts show and what the bare page shows is made by the
same code.
"""

from __future__ import annotations

from director.admin.pages.banners import banners
from director.admin.pages.html import Child, Html, el
from director.admin.pages.viewer import Viewer

PLACES = (
    ("/", "Overview"),
    ("/wiring", "Wiring"),
    ("/rules", "Rules"),
    ("/requests", "Requests"),
    ("/connections", "Connections"),
    ("/events", "Events"),
    ("/faults", "Faults"),
    ("/config", "Configuration"),
)
DATA = (
    ("/schedulers", "Schedulers"),
    ("/metrics", "Metrics"),
    ("/openapi.json", "API"),
    ("/api/v1/config", "Merged ini"),
)


def document(title: str, body: Child, *, csrf: str = "", script: bool = False, css: str = "") -> str:
    """A whole document around `body`; `csrf` is for scripts that send orders."""
    head = el(
        "head",
        None,
        el("meta", {"charset": "utf-8"}),
        el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        el("meta", {"name": "color-scheme", "content": "light dark"}),
        el("meta", {"name": "csrf", "content": csrf}) if csrf else None,
        el("title", None, title),
        el("link", {"rel": "icon", "href": "/static/icon.svg", "type": "image/svg+xml"}),
        el("link", {"rel": "stylesheet", "href": "/static/admin.css"}),
        el("script", {"src": "/static/admin.js", "defer": True}) if script else None,
    )
    return "<!DOCTYPE html>\n" + el("html", {"lang": "en"}, head, el("body", {"class": css or None}, body))


def page(title: str, live: Child, viewer: Viewer, here: str, *, fresh: bool = True) -> str:
    """A page of the admin: `live` is what changes, `here` the place it belongs to.

    `fresh` is False for what costs too much to be looked at every two seconds, or does not change any more;
    the script then only asks whether the director is there.
    """
    body = (
        el("a", {"class": "skip", "href": "#live"}, "Skip to the content"),
        el(
            "header",
            {"class": "top"},
            el("p", {"class": "brand"}, "director ", el("b", None, viewer.name)),
            _ways(here),
            el("p", {"id": "pulse", "class": "pulse", "role": "status"}),
            _out(viewer) if viewer.csrf else None,
        ),
        el("main", {"id": "live", "tabindex": "-1", "data-still": not fresh}, banners(viewer), live),
        el(
            "footer",
            None,
            el("nav", {"aria-label": "Data"}, [el("a", {"href": to}, name) for to, name in DATA]),
        ),
    )
    css = "wall" if viewer.wall else ""
    return document(f"{title} · {viewer.name}", body, csrf=viewer.csrf, script=True, css=css)


def _ways(here: str) -> Html:
    return el(
        "nav",
        {"class": "ways", "aria-label": "Pages"},
        [el("a", {"href": to, "aria-current": "page" if to == here else None}, name) for to, name in PLACES],
    )


def _out(viewer: Viewer) -> Html:
    return el(
        "form",
        {"method": "post", "action": "/logout", "class": "out"},
        el("input", {"type": "hidden", "name": "csrf", "value": viewer.csrf}),
        el("button", {"type": "submit", "class": "quiet"}, "Sign out"),
        el("small", None, el("a", {"href": "/access", "title": "Who is signed in"}, viewer.who))
        if viewer.who
        else None,
    )


def bare(title: str, *body: Child) -> str:
    """A page of text with the way back, where there is nothing to keep fresh."""
    back = el("p", None, el("a", {"href": "/"}, "← Overview"))
    return document(f"{title} · director", el("main", {"class": "told"}, back, body))
