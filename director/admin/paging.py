"""Long lists in pages: `?limit=` and `?after=`, and a Link header that leads to the rest (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from director.admin.answers import Headers, Refusal

T = TypeVar("T")

LARGEST = 1000
"""Things of one page."""


def page(
    query: Mapping[str, str], place: str, things: Sequence[T], name: Callable[[T], str]
) -> tuple[Sequence[T], Headers]:
    """Up to `limit` of the things behind the one that `after` names; all where neither is said.

    Raises Refusal 400 for a limit that is none, and for a name that is not there (any more): nobody can say
    what comes behind it.
    """
    after = query.get("after", "")
    if after:
        at = next((at for at, one in enumerate(things) if name(one) == after), None)
        if at is None:
            raise Refusal(400, f"after names nothing of this list; begin anew at {place}", "after")
        things = things[at + 1 :]
    most = whole(query, "limit", 1, LARGEST, LARGEST) if "limit" in query else len(things)
    shown = things[:most]
    return shown, following(query, place, name(shown[-1])) if len(things) > most else ()


def following(query: Mapping[str, str], place: str, after: object) -> Headers:
    """The header that leads to what comes behind `after`."""
    return (("Link", f'<{place}?{urlencode({**query, "after": str(after)})}>; rel="next"'),)


def whole(query: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    """A parameter that is a whole number.  Raises Refusal."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
        raise Refusal(400, f"{name} must be a whole number from {least} to {most}", name)
    return int(text)
