"""What operators changed in the running director, laid over every configuration that is read later.

A server added by the API, a weight, a drain must not vanish because somebody reloads the file or restarts
the program.  `Overlay` holds, for each thing that differs from the file because of a command, the edit
that leads from the file to what runs.  What no longer applies, because the file changed under it, is
dropped and named.  An edit that says what the file says is none any more.

`program.overrides` calls it.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from director.model.pools import State
from director.model.settings import Configuration
from director.registry.edits import (
    SERVERS,
    STATES,
    WHOLE,
    Edit,
    Laid,
    Name,
    States,
    difference,
    name_of,
    ordered,
)

Place = tuple[str, Name]
"""A kind and a name (`edits`)."""


class Overlay:
    """The edits that commands made, by what they are about."""

    def __init__(self, edits: Iterable[Edit] = ()) -> None:
        """`edits` are those of an earlier run; they count from the first `over` on."""
        self._edits: dict[Place, Edit] = {edit.place: edit for edit in edits}
        self._read = Index(Configuration())

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All that hold, in the order in which they were first made: lists and schedulers show it."""
        return tuple(self._edits.values())

    def over(self, read: Configuration) -> Laid:
        """`read` with the edits laid over it, and which of them no longer apply."""
        return Laid(read, self._edits.values())

    def settle(self, read: Configuration, running: Configuration, states: States) -> None:
        """`read` is the file's configuration now, and `running` what came of it.

        What did not apply is not in `running`, so it is forgotten, and so is what the file says itself.
        """
        self._read = Index(read)
        self._look_again(tuple(self._edits), running, states)

    def note(self, edits: Iterable[Edit], running: Configuration, states: States) -> None:
        """Remember what a command changed; `running` and `states` hold it already."""
        self._look_again(tuple(edit.place for edit in edits), running, states)

    def _look_again(self, places: Iterable[Place], running: Configuration, states: States) -> None:
        now = Index(running)
        looked = dict.fromkeys(thing for place in places for thing in self._things(place, now, states))
        found = {edit.place: edit for place in looked for edit in self._differences(place, now, states)}
        for place in looked:
            if place not in found:
                self._edits.pop(place, None)
        # What is there already keeps its turn.
        self._edits.update(found)

    def _things(self, place: Place, now: Index, states: States) -> Iterator[Place]:
        """What must be looked at: a server of a pool that only one of both has is a part of that pool."""
        kind, name = place
        pool = ("pools", name[:1])
        if kind in {SERVERS, STATES} and self._read.find(*pool) and now.find(*pool):
            yield place
        elif kind in {"pools", SERVERS, STATES}:
            yield from (one for one in self._edits if one[0] in {SERVERS, STATES} and one[1][:1] == name[:1])
            yield from ((STATES, one) for one in states if one[:1] == name[:1])
            yield pool
        else:
            yield place

    def _differences(self, place: Place, now: Index, states: States) -> Iterator[Edit]:
        kind, name = place
        if kind == STATES:
            pool, server = name
            state = states.get((pool, server), State.READY)
            if state is not State.READY and now.find(SERVERS, name) is not None:
                yield ordered((pool, server), state)
        elif kind != SERVERS or (self._read.find("pools", name[:1]) and now.find("pools", name[:1])):
            yield from difference(kind, name, self._read.find(kind, name), now.find(kind, name))


class Index:
    """The things of a configuration by their places."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._kinds: dict[str, Mapping[str, Any]] = {}

    def find(self, kind: str, name: Name) -> Any:
        """The thing, or None."""
        if kind in WHOLE:
            return getattr(self._configuration, kind)
        group = f"{kind} {name[0]}" if kind == SERVERS else kind
        things = self._kinds.get(group)
        if things is None:
            things = self._kinds[group] = {name_of(one): one for one in self._things(kind, name)}
        return things.get(name[-1])

    def _things(self, kind: str, name: Name) -> Iterable[Any]:
        if kind != SERVERS:
            found: Iterable[Any] = getattr(self._configuration, kind)
            return found
        pool = self.find("pools", name[:1])
        return pool.servers if pool is not None else ()
