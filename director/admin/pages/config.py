"""The configuration: what a check says of the file, what a reload would change, and the merged ini."""

from __future__ import annotations

from urllib.parse import quote

from director.admin.pages import forms
from director.admin.pages.changes import diff
from director.admin.pages.figures import UNKNOWN, amount
from director.admin.pages.frame import page
from director.admin.pages.html import Child, Html, el
from director.admin.pages.tables import head, row, table
from director.admin.pages.viewer import Viewer
from director.admin.views import Json
from director.registry.reload_guard import DEFAULT

MOVED = (("Goes now to", "wide"), ("Would go to", "wide"), ("Requests", "num"), ("Such as", "broad"))
EXAMPLES = 5
"""Requests that are named of each way that changes."""
WITHIN = "60s"
"""How long a reload on trial waits, unless somebody says otherwise."""


def config(text: str, looked: Json | None, viewer: Viewer) -> str:
    """The page; `looked` is what a look at the file brought: `problems`, `diff`, `replay`."""
    live = (
        el(
            "section",
            {"data-key": "file"},
            head("Configuration", "/api/v1/config", level="h1", form="text", socket=viewer.socket),
            el(
                "div",
                {"class": "buttons"},
                el("a", {"class": "button", "href": "/config?look=1"}, "Check the file"),
                el("span", {"class": "dim"}, "says what a reload would change, and for whom"),
            )
            if looked is None
            else None,
            _looked(looked) if looked is not None else None,
            _reload(looked, viewer) if viewer.rules else None,
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


def _reload(looked: Json | None, viewer: Viewer) -> Html:
    """On trial or for good; after a look only if nobody else changed anything since."""
    if looked is not None and looked["refused"]:
        again = el("a", {"class": "button", "href": "/config?look=1"}, "Check again")
        return el("div", {"class": "buttons"}, again, el("span", {"class": "dim"}, "Mend the file first."))
    fields = {"do": "reload", **({"seen": viewer.seen} if looked is not None else {})}
    trial = forms.form(
        viewer,
        fields,
        el("button", {"type": "submit"}, "Reload on trial"),
        forms.field("within", "undo it after", WITHIN, "reload", size="5", required="required"),
        forms.field("guard", "or when", DEFAULT, "reload", size="24"),
    )
    return el(
        "div",
        {"class": "buttons trial"},
        trial,
        forms.button(viewer, "Reload for good", fields),
    )


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
        parts.append(diff(looked["diff"], looked["changes"]))
        parts.append(_replayed(looked["replay"]))
    else:
        parts.append(el("p", None, "A reload would change nothing."))
    return el("div", {"class": "looked", "role": "status"}, parts)


def _replayed(replay: Json) -> Child:
    """For which of the last requests it would matter."""
    count = replay["replayed"]
    if not count:
        return el("p", {"class": "dim"}, "No request is remembered on which it could be tried.")
    moved = replay["moved_count"]
    said = f"Of the last {amount(count)} requests {amount(moved) if moved else 'none'} would go elsewhere"
    unsure = (
        f"; {amount(replay['unsure'])} depend on fields that are not remembered" if replay["unsure"] else ""
    )
    return (
        el("h2", None, "For whom it would matter"),
        el("p", None, said + unsure + "."),
        table("Requests that would go elsewhere", MOVED, _moved(replay["moved"]), "") if moved else None,
        el("p", {"class": "dim"}, f"The table is of the first {len(replay['moved'])}.")
        if moved > len(replay["moved"])
        else None,
    )


def _moved(found: list[Json]) -> list[Html]:
    """A row for each way that changes, with some of the requests that change it."""
    ways: dict[tuple[str, str], list[Json]] = {}
    for one in found:
        ways.setdefault((_way(one["before"]), _way(one["after"])), []).append(one)
    rows = []
    for (before, after), several in ways.items():
        asked = {f"{one['method']} {one['host']}{one['target']}"[:120]: one["id"] for one in several}
        such = [
            el("li", None, el("a", {"href": f"/requests/{quote(one, safe='')}"}, el("code", None, text)))
            for text, one in list(asked.items())[:EXAMPLES]
        ]
        if len(asked) > EXAMPLES:
            such.append(el("li", None, f"and {len(asked) - EXAMPLES} others"))
        cells = (before, after, amount(len(several)), el("ul", {"class": "diff"}, such))
        rows.append(row(MOVED, cells, key=f"{before} > {after}"))
    return rows


def _way(way: Json) -> str:
    """Rule and pool, or what is answered."""
    answer = f"{way['status']} {way['location']}".strip() if way["status"] else ""
    goal = f"pool {way['pool']}" if way["pool"] else answer or way.get("error", "") or UNKNOWN
    return f"{way['rule']} → {goal}" if way["rule"] else goal
