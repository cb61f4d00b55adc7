"""One thing of the configuration from keys that did not come from a file: what the API is sent.

The keys and the grammar of their values are those of the ini; `made` gives the value of the model, `merged`
one that exists with some keys set anew, or (None) taken back to what they are without a line.  Variables are
not put in: `${file:…}` would read for a stranger.  Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from attrs import evolve

from director.config.parse import builders
from director.config.parse.fields import Fields
from director.config.parse.values import section_name, title
from director.config.schema.shape import Kind
from director.config.schema.tables import key_of, kind_of
from director.config.text.messages import ERROR, BadValue, Findings, Position
from director.config.text.reader import Item, Piece, Section, Value
from director.errors import DirectorError

BUILDERS: Mapping[str, Callable[[Fields], Any]] = {
    "pool": builders.pool,
    "l7": builders.l7,
    "l4": builders.l4,
    "rule": builders.rule,
    "l4-settings": builders.l4_settings,
}
"""Kinds of sections that can be made one by one; `l4-settings` is `[l4]`, which has no name."""
ACTIONS = ("pool", "redirect", "respond")
"""Of a rule, which has exactly one."""
PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pool": {
        "timeout.connect": ("timeouts", "connect"),
        "timeout.response": ("timeouts", "response"),
        "timeout.idle": ("timeouts", "idle"),
        "timeout.tunnel": ("timeouts", "tunnel"),
    },
    "l7": {
        "timeout.client": ("timeouts", "client"),
        "timeout.keepalive": ("timeouts", "keepalive"),
        "limit.line": ("limits", "line"),
        "limit.header": ("limits", "header"),
        "limit.fields": ("limits", "fields"),
        "limit.body": ("limits", "body"),
    },
    "l4": {"pe": ("engine",)},
    "rule": {},
    "l4-settings": {},
}
"""Where a key's value stands in the model, when not under its own name."""
_HERE = "request"


class Unfit(DirectorError):  # noqa: N818 - it is what happened
    """A key or value is wrong; `at` is the key, or `name`."""

    def __init__(self, message: str, at: str) -> None:
        super().__init__(message)
        self.at = at


def made(kind: str, name: str, given: Mapping[str, str]) -> Any:
    """The thing of that kind and name.  Raises Unfit with the first mistake."""
    try:
        if kind == "rule":
            title(name)
        elif kind != "l4-settings":
            section_name(name)
    except BadValue as bad:
        raise Unfit(f"{bad.message}; {bad.hint}" if bad.hint else bad.message, "name") from bad
    try:
        return _read(kind, name, given)
    except DirectorError as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit(str(error), "") from error


def merged(kind: str, old: Any, given: Mapping[str, str | None]) -> Any:
    """`old` with the keys of `given` set anew; None takes one back to what it is without a line.

    Raises Unfit.
    """
    known = _kind(kind)
    required = {key.name: key.example for key in known.keys if key.required} if known else {}
    written = {key: text for key, text in given.items() if text is not None}
    for key in given:
        if key not in written and (key in required or (kind == "rule" and key in ACTIONS)):
            raise Unfit(f"{key} cannot be taken away; give it another value", key)
    if kind == "l4" and old.persistent is not None and "persistent" not in given:
        written["persistent"] = f"{math.ceil(old.persistent)}s"
    filled = dict(required)
    if kind == "l4":
        filled["virtual"] = str(old.virtual)
    if kind == "rule" and not any(action in given for action in ACTIONS):
        filled["respond"] = "404"
    new = _made_of(kind, old, {**filled, **written}, given)
    try:
        for key in given:
            old = _taken(kind, key, old, new)
    except DirectorError as error:
        raise Unfit(str(error), next(iter(given), "")) from error
    return old


def _made_of(kind: str, old: Any, written: Mapping[str, str], given: Iterable[str]) -> Any:
    """What the keys say; those that are taken away are looked up, too, for their names may be wrong."""
    known = _kind(kind)
    for key in given:
        if known is None or key_of(known, key) is None:
            _unknown(kind, key)
    return made(kind, getattr(old, "name", ""), written)


def _taken(kind: str, key: str, old: Any, new: Any) -> Any:
    """`old` with what one key says in `new`."""
    if kind == "rule":
        # What the file said of it, in place of a secret, is not what it says now.
        anew = ACTIONS if key in ACTIONS else (key,)
        old = evolve(old, written=tuple(one for one in old.written if one[0] not in anew))
    if kind == "rule" and key in ACTIONS:
        return evolve(old, **{action: getattr(new, action) for action in ACTIONS})
    if kind == "rule" and key.endswith("_header"):
        verb = key.removesuffix("_header")
        kept = tuple(edit for edit in old.headers if edit.verb != verb)
        return evolve(old, headers=(*kept, *new.headers))
    if kind == "pool" and key == "check":
        return evolve(old, checks=new.checks, needed=new.needed)
    first, *inner = PLACES[kind].get(key, (key.replace(".", "_"),))
    if not hasattr(old, first):
        raise Unfit(f"{key} is changed in the file only; change it there and reload", key)
    value = getattr(new, first)
    if inner:
        value = evolve(getattr(old, first), **{inner[0]: getattr(value, inner[0])})
    return evolve(old, **{first: value})


def server_line(given: Mapping[str, str]) -> str:
    """A `server.NAME` line from `address` and the words of such a line."""
    words = [given.get("address", "")]
    for key, text in given.items():
        if key == "backup":
            words += ["backup"] if text == "yes" else []
        elif key != "address":
            words.append(f"{key}={text}")
    return " ".join(words)


def _read(kind: str, name: str, given: Mapping[str, str]) -> Any:
    known = _kind(kind)
    if known is None or kind not in BUILDERS:
        raise Unfit(f"there is no kind {kind}", "name")
    for key in given:
        if key_of(known, key) is None:
            _unknown(kind, key)
    findings = Findings()
    items = {key: _item(key, text) for key, text in given.items()}
    section = Section(kind, name, Position(_HERE), items)
    value = BUILDERS[kind](Fields(section, known, findings))
    errors = [one for one in findings.problems() if one.severity == ERROR]
    if errors:
        first = errors[0]
        raise Unfit(f"{first.message}; {first.hint}" if first.hint else first.message, first.key)
    return value


def _kind(kind: str) -> Kind | None:
    return kind_of("l4", named=False) if kind == "l4-settings" else kind_of(kind, named=True)


def _unknown(kind: str, key: str) -> NoReturn:
    known = _kind(kind)
    near = Findings().nearest(key, [one.name for one in known.keys] if known else [])
    raise Unfit(f"unknown field {key[:40]!r}" + (f"; {near}" if near else ""), key[:40])


def _item(key: str, text: str) -> Item:
    return Item(key, Value(text, text, _HERE, (Piece(0, 1, 1, text),)), 1, 1, text)
