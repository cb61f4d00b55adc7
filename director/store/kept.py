"""What outlives the process, and its form as text: JSON that a person can read.

    {"format": 2, "store": "9f…", "overlay": [
     {"=": "Edit", …}
    ], "generations": [
     {"=": "Generation", "number": 7, …}
    ]}

One edit and one generation stand on a line each.  Pure.  A text that is not such a document raises
`StoreError`, whole: half of the orders would be worse than none, since nobody could tell which half.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from director.errors import StoreError
from director.model.pools import LARGEST_COUNT, State
from director.registry.edits import SERVERS, Edit, Verb, ordered
from director.registry.registry import GENERATIONS_KEPT, Generation
from director.store.values import dumps, unpacked

FORMAT = 2
FIRST_FORMAT = 1
"""Knew weights, thresholds and states of servers only."""
LARGEST = 32 << 20
"""Octets of a document that are read."""
LARGEST_GENERATION = 1 << 20
"""Octets of one generation; a larger one is kept without its edits, so it cannot be undone later."""
LARGEST_HISTORY = 8 << 20
"""Octets of all generations; the oldest go first."""


@frozen
class Kept:
    """All that is kept.

    `nonce` tells this store from every other, also from one that was lost and begun anew; `overlay` is
    what operators changed over the file, `generations` are the last ones, oldest first.
    """

    nonce: str = ""
    overlay: tuple[Edit, ...] = ()
    generations: tuple[Generation, ...] = ()


def begun() -> Kept:
    """A store that begins, with a name that no other has."""
    return Kept(secrets.token_hex(8))


class Writer:
    """Makes documents; remembers the lines of generations, of which each is written many times."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}

    def encode(self, kept: Kept) -> str:
        """The document; equal values give the same text."""
        lines = {one.number: self._lines.get(one.number) or line(one) for one in kept.generations}
        room = LARGEST_HISTORY
        shown: list[str] = []
        for text in reversed(lines.values()):
            room -= len(text)
            if room < 0:
                break
            shown.append(text)
        self._lines = lines
        head = f'{{"format": {FORMAT}, "store": {json.dumps(kept.nonce)}, "overlay": [\n '
        overlay = ",\n ".join(dumps(edit) for edit in kept.overlay)
        return head + overlay + '\n], "generations": [\n ' + ",\n ".join(reversed(shown)) + "\n]}\n"


def line(generation: Generation) -> str:
    """One generation as text."""
    text = dumps(generation)
    return text if len(text) <= LARGEST_GENERATION else dumps(evolve(generation, edits=(), back=()))


def decode(text: str) -> Kept:
    """What a document holds.  Raises StoreError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"it is not JSON: {error}") from error
    form = found.get("format") if isinstance(found, dict) else None
    if form == FIRST_FORMAT:
        return Kept(overlay=tuple(_first_format(found)))
    if form != FORMAT:
        raise StoreError(f"it is not a document of format {FORMAT}")
    nonce = found.get("store")
    if not isinstance(nonce, str):
        raise StoreError("it does not name its store")
    generations = _all(found, "generations", Generation)[-GENERATIONS_KEPT:]
    return Kept(nonce, _all(found, "overlay", Edit), generations)


def _all(found: Mapping[str, Any], name: str, cls: type) -> tuple[Any, ...]:
    values = unpacked(found.get(name))
    if not isinstance(values, tuple) or not all(isinstance(one, cls) for one in values):
        raise StoreError(f"its {name} are no list of {cls.__name__}")
    return values


# --- the first format ---------------------------------------------------------------------------

_NUMBERS = ("weight", "max", "min")


def _first_format(found: Mapping[str, Any]) -> Iterable[Edit]:
    for pool, servers in _items(found.get("servers"), "servers"):
        for name, order in _items(servers, pool):
            yield from _order((pool, name), dict(_items(order, f"{pool}/{name}")))


def _items(found: object, where: str) -> list[tuple[str, Any]]:
    if not isinstance(found, dict):
        raise StoreError(f"{where} is not an object")
    return list(found.items())


def _order(place: tuple[str, str], order: dict[str, Any]) -> Iterable[Edit]:
    numbers = tuple((name, order.pop(name)) for name in _NUMBERS if name in order)
    for name, value in numbers:
        if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
            raise StoreError(f"{'/'.join(place)} has {name} = {str(value)[:40]}, which is no order")
    if numbers:
        yield Edit(SERVERS, place, Verb.SET, fields=numbers)
    if "state" in order:
        try:
            yield ordered(place, State(order.pop("state")))
        except ValueError as error:
            raise StoreError(f"{'/'.join(place)}: {error}") from error
    if order:
        raise StoreError(f"{'/'.join(place)} has {next(iter(order))}, which is no order")
