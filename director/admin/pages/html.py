"""HTML that is escaped by construction: text goes in as `str`, markup only as `Html`.

Pure; used by `pages`.  No style attribute and no script text can be made here by
accident: the content security policy forbids both anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

VOID = frozenset({"meta", "link", "input", "br"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


HOLE = Html("<!-- later -->")
"""Stands in an element for children that are made later; text cannot look like it, for it is escaped."""

Child = str | int | None | Sequence["Child"]
Attributes = Mapping[str, str | int | bool | None]


def el(name: str, attributes: Attributes | None = None, *children: Child) -> Html:
    """An element; attributes that are None or False are left out, True stands without value."""
    start = f"<{name}{_attributes(attributes or {})}>"
    return Html(start if name in VOID else f"{start}{join(children)}</{name}>")


def _attributes(attributes: Attributes) -> str:
    text = ""
    for name, value in attributes.items():
        if value is True:
            text += f" {name}"
        elif value is not None and value is not False:
            text += f' {name}="{escape(str(value))}"'
    return text


def join(children: Child) -> Html:
    """Children one after the other: markup as it is, everything else escaped, None left out."""
    if children is None:
        return Html("")
    if isinstance(children, Html):
        return children
    if isinstance(children, str | int):
        return Html(escape(str(children)))
    return Html("".join(join(one) for one in children))


def around(element: Html) -> tuple[Html, Html]:
    """What stands before the `HOLE` in an element, and behind it."""
    before, _, behind = element.partition(HOLE)
    return Html(before), Html(behind)
