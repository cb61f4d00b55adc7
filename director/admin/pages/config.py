"""The configuration: what a check says of the file, what a reload would change, and the merged ini."""

from __future__ import annotations

from director.admin.pages import forms
from director.admin.pages.frame import Viewer, page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import head
from director.admin.views import Json


def config(text: str, looked: Json | None, viewer: Viewer) -> str:
    """The page; `looked` is what a look at the file brought: `problems` and `diff`, None without one."""
    live = (
        el(
            "section",
            {"data-key": "file"},
            head("Configuration", "/api/v1/config", level="h1", form="text"),
            _buttons(viewer),
            _looked(looked) if looked is not None else None,
        ),
        el(
            "section",
            {"data-key": "merged"},
            el("div", {"class": "head"}, el("h2", None, "What runs"),
               el("p", {"class": "facts"}, el("span", None, "file and changes together, without secrets"))),
            el("pre", {"class": "ini", "tabindex": "0", "aria-label": "The merged ini"}, text),
        ),
    )  # fmt: skip
    return page("Configuration", live, viewer, "/config", fresh=looked is None)


def _buttons(viewer: Viewer) -> Child:
    check = el("a", {"class": "button", "href": "/config?look=1"}, "Check the file")
    if not (viewer.administers and viewer.csrf):
        return el("div", {"class": "buttons"}, check)
    reload = forms.button(viewer, "Reload", {"do": "reload"}, css="")
    return el("div", {"class": "buttons"}, check, reload)


def _looked(looked: Json) -> Html:
    problems = [
        el("li", {"class": f"finding {one['severity']}"}, el("pre", None, one["text"]))
        for one in looked["problems"]
    ]
    parts: list[Child] = []
    if problems:
        parts.append(el("ul", {"class": "findings"}, problems))
    else:
        parts.append(el("p", None, "The file has no errors and no warnings."))
    if looked["refused"]:
        parts.append(el("p", {"class": "alert"}, f"A reload would be refused: {looked['refused']}"))
    elif looked["diff"]:
        parts.append(el("h2", None, "A reload would change"))
        parts.append(el("ul", {"class": "diff"}, [el("li", None, one) for one in looked["diff"]]))
    else:
        parts.append(el("p", None, "A reload would change nothing."))
    return el("div", {"class": "looked", "role": "status"}, parts)
