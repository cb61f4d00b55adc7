"""What would become of a request that nobody sent: which rule, which server, and what if some were down."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from director.admin.pages import forms
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.viewer import Viewer
from director.admin.views import Json

FIELDS = ("url", "method", "client", "header", "down")
EXAMPLE = "http://www.example.org/images/a.png"


def order(asked: Mapping[str, str]) -> dict[str, Any]:
    """What the API is asked: the fields that were filled in."""
    name, colon, value = asked["header"].partition(":")
    found: dict[str, Any] = {key: asked[key] for key in ("url", "method", "client") if asked[key]}
    if asked["header"]:
        found["headers"] = [[name.strip(), value.strip() if colon else ""]]
    down = [one.strip() for one in asked["down"].split(",") if one.strip()]
    return {**found, "down": down} if down else found


def why(asked: Mapping[str, str], found: Json | None, refused: str, viewer: Viewer) -> str:
    """The page; `found` is the decision as a trace, `refused` why there is none."""
    live = (
        el(
            "section",
            {"data-key": "question"},
            el("div", {"class": "head"}, el("h1", None, "What would become of a request?"),
               el("p", {"class": "facts"}, el("span", None, "nothing is sent, claimed or counted"))),
            _form(asked),
            el("p", {"class": "alert", "role": "alert"}, refused) if refused else None,
        ),
        _decision(asked, found) if found is not None else None,
    )  # fmt: skip
    return page("What would become of a request?", live, viewer, "/requests", fresh=False)


def _form(asked: Mapping[str, str]) -> Html:
    return el(
        "form",
        {"class": "search", "role": "search"},
        forms.field("url", "URL", asked["url"], "why", size="40", placeholder=EXAMPLE, required="required"),
        forms.field("method", "Method", asked["method"], "why", size="8", placeholder="GET"),
        forms.field("client", "Client", asked["client"], "why", size="14", placeholder="127.0.0.1"),
        forms.field("header", "Field", asked["header"], "why", size="20", placeholder="Cookie: sid=7"),
        forms.field("down", "Were these down", asked["down"], "why", size="16", placeholder="web/a, web/b"),
        el("button", None, "Decide"),
    )


def _decision(asked: Mapping[str, str], found: Json) -> Html:
    if found["fault"]:
        # Its server, if it has one, is of another pool than the rule's.
        title = f"The fault path would answer: {found['fault']}"
    elif found["server"]:
        title = f"It would go to {found['pool']}/{found['server']}"
    else:
        title = f"It would be answered with {found['status']}"
    said: Child = (
        el("h2", None, title),
        el("ol", {"class": "steps"}, [el("li", None, one) for one in found["story"]]),
        el("p", {"class": "hint"}, el("code", None, command(asked))),
    )
    return el("section", {"data-key": "decision", "role": "status"}, said)


def command(asked: Mapping[str, str]) -> str:
    """The same for a terminal."""
    words = ["director", "why", asked["method"] or "GET", asked["url"]]
    words += ["-H", asked["header"]] if asked["header"] else []
    words += ["--client", asked["client"]] if asked["client"] else []
    down = order(asked).get("down", [])
    return shlex.join([*words, *(["--down", *down] if down else [])])
