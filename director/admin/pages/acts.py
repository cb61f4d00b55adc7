"""What the buttons of the pages mean: each is one order of the API, asked for by a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from attrs import frozen

from director.admin.answers import Refusal

Form = Mapping[str, str]
LONGEST_NUMBER = 18
"""Digits of what is filled in as a number."""


@frozen
class Act:
    """One kind of button.

    Attributes:
        route: the name of the API's route that is asked, whose role is needed.
        back: the page that is shown afterwards, made of the form's fields.
        path: the fields of the form that fill its path.
        body: makes its JSON of the form; None where it takes none.
        query: makes its parameters of the form.
    """

    route: str
    back: Callable[[Form], str]
    path: tuple[str, ...] = ()
    body: Callable[[Form], dict[str, Any]] | None = None
    query: Callable[[Form], dict[str, str]] = lambda _form: {}


def _weight(form: Form) -> dict[str, Any]:
    text = form.get("value", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Refusal(400, "a weight is a whole number from 0 on", "weight")
    return {"weight": int(text)}


def _pool(form: Form) -> str:
    # Quoted whole, so that it stays a segment of ours whatever it holds.
    return f"/pools/{quote(form['pool'], safe='')}"


def _reload(form: Form) -> dict[str, str]:
    if not form.get("within"):
        return {}
    return {"confirm": form["within"].strip(), **_given(form, "guard")}


def _given(form: Form, *names: str) -> dict[str, str]:
    """The fields that were filled in."""
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def _fault(form: Form) -> dict[str, Any]:
    return {"name": form.get("name", ""), **_given(form, "ttl"), **_seed(form)}


def _drill(form: Form) -> dict[str, Any]:
    return {"name": form.get("name", ""), **_seed(form), "control": form.get("control") == "1"}


def _seed(form: Form) -> dict[str, int]:
    text = form.get("seed", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise Refusal(400, "a seed is a whole number from 0 on, or nothing", "seed")
    return {"seed": int(text)} if text else {}


def _run(form: Form) -> str:
    """The sheet of the run: of the last one, when it is known by the name of its drill."""
    return f"/drills/{quote(form.get('run') or form.get('name', ''), safe='')}"


_ONE_SERVER = ("pool", "server")

ACTS: dict[str, Act] = {
    "state": Act("change_server", _pool, _ONE_SERVER, lambda form: {"state": form.get("value", "")}),
    "weight": Act("change_server", _pool, _ONE_SERVER, _weight),
    "undo": Act("undo", lambda _form: "/events", ("number",)),
    "check": Act("check_now", _pool, _ONE_SERVER),
    "reload": Act("reload", lambda _form: "/config", query=_reload),
    "end session": Act("end_session", lambda _form: "/access", ("id",)),
    "end token": Act("remove_token", lambda _form: "/access", ("id",)),
    "confirm": Act("confirm", lambda _form: "/config"),
    "take back": Act("undo", lambda _form: "/config", ("number",)),
    "start fault": Act("start_fault", lambda _form: "/faults", (), _fault),
    "stop fault": Act("stop_fault", lambda _form: "/faults", ("fault",)),
    "run drill": Act("run_drill", _run, (), _drill),
    "stop drill": Act("stop_drill", _run, ("run",)),
}


def act(form: Form) -> Act:
    """What a form asks for.  Raises Refusal."""
    found = ACTS.get(form.get("do", ""))
    if found is None or any(not form.get(name) for name in found.path):
        raise Refusal(400, "this button is none of this page's; load the page again", "do")
    return found
