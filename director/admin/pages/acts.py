"""What the buttons of the pages mean: each is one order of the API, asked for by a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from attrs import frozen

from director.admin.answers import Refusal

Form = Mapping[str, str]


@frozen
class Act:
    """One kind of button.

    Attributes:
        route: the name of the API's route that is asked, whose role is needed.
        back: the page that is shown afterwards, made of the form's fields.
        path: the fields of the form that fill its path.
        body: makes its JSON of the form; None where it takes none.
    """

    route: str
    back: Callable[[Form], str]
    path: tuple[str, ...] = ()
    body: Callable[[Form], dict[str, Any]] | None = None


def _weight(form: Form) -> dict[str, Any]:
    text = form.get("value", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Refusal(400, "a weight is a whole number from 0 on", "weight")
    return {"weight": int(text)}


def _pool(form: Form) -> str:
    # Quoted whole, so that it stays a segment of ours whatever it holds.
    return f"/pools/{quote(form['pool'], safe='')}"


_ONE_SERVER = ("pool", "server")

ACTS: dict[str, Act] = {
    "state": Act("change_server", _pool, _ONE_SERVER, lambda form: {"state": form.get("value", "")}),
    "weight": Act("change_server", _pool, _ONE_SERVER, _weight),
    "undo": Act("undo", lambda _form: "/events", ("number",)),
    "reload": Act("reload", lambda _form: "/config"),
}


def act(form: Form) -> Act:
    """What a form asks for.  Raises Refusal."""
    found = ACTS.get(form.get("do", ""))
    if found is None or any(not form.get(name) for name in found.path):
        raise Refusal(400, "this button is none of this page's; load the page again", "do")
    return found
