"""What differs between two configurations, as values that can be laid over a third.

An `Edit` says that one named thing was added, was removed, or has other fields; it holds those fields
only, so what it does not speak of stays as it is.  A generation keeps the edits that it made and those
that take it back, the overlay of operators keeps the edits that it lays over each file that is read.

`between` finds them, `Laid` lays them over a configuration and says which do not apply there.  Pure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
from attrs import evolve, frozen

from director.errors import ChangeRefused, DirectorError
from director.model.http import L7Service
from director.model.pools import Pool, State
from director.model.settings import Configuration
from director.model.virtual import L4Service
from director.registry.draft import Draft

SERVERS = "servers"
"""The kind of servers; their name is (pool, server)."""
STATES = "states"
"""The kind of the administrator's orders, which no configuration holds."""
_FIELDS = attrs.asdict(Configuration(), recurse=False)
WHOLE = tuple(name for name, value in _FIELDS.items() if not isinstance(value, tuple))
"""What there is once: settings, admin, layer 4's settings."""
NAMED = tuple(name for name in _FIELDS if name not in WHOLE)
"""What there may be several of, each under its name."""
LIVE = ("pools", "l7", "l4")
"""Kinds that the registry keeps live objects of."""

Name = tuple[str, ...]
States = Mapping[tuple[str, str], State]
"""Servers that are not ready, by pool and name."""


class Verb(enum.Enum):
    """What became of a thing."""

    ADD = "add"
    REMOVE = "remove"
    SET = "set"


@frozen
class Edit:
    """One thing and what became of it.

    `kind` is a field of `Configuration`, or `servers`, or `states`; `value` is the whole thing that was
    added, `fields` are those that were set, with their new values.
    """

    kind: str
    name: Name
    verb: Verb
    value: Any = None
    fields: tuple[tuple[str, Any], ...] = ()

    @property
    def place(self) -> tuple[str, Name]:
        """What it is about."""
        return self.kind, self.name

    @property
    def what(self) -> str:
        """What it is about, in words."""
        return f"{_WORDS.get(self.kind, self.kind)} {'/'.join(self.name)}".rstrip()

    def __str__(self) -> str:
        what = self.what
        if self.verb is Verb.SET:
            return f"{what}: " + ", ".join(f"{key} = {_said(value)}" for key, value in self.fields)
        return f"{what} {'added' if self.verb is Verb.ADD else 'removed'}"


_WORDS = {
    "pools": "pool", "servers": "server", "states": "server", "l7": "service l7", "l4": "service l4",
    "rules": "rule", "checks": "check", "pages": "page", "users": "user",
}  # fmt: skip


def _said(value: object) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)[:60]


def name_of(thing: Any) -> str:
    """The name under which a thing stands among its like."""
    found = getattr(thing, "name", None)
    return str(found if found is not None else thing.title)


# --- finding -----------------------------------------------------------------------------------


def between(old: Configuration, new: Configuration, before: States, after: States) -> tuple[Edit, ...]:
    """The edits that lead from `old` to `new`; states are those of servers that are there afterwards."""
    found = [edit for kind in WHOLE for edit in difference(kind, (), getattr(old, kind), getattr(new, kind))]
    for kind in NAMED:
        found += _among(kind, getattr(old, kind), getattr(new, kind))
    for place in {**before, **after}:
        was, now = before.get(place, State.READY), after.get(place, State.READY)
        if was is not now:
            found.append(ordered(place, now))
    return tuple(found)


def ordered(place: tuple[str, str], state: State) -> Edit:
    """The edit that puts a server in a state."""
    return Edit(STATES, place, Verb.SET, fields=(("state", state),))


def _among(kind: str, old: Iterable[Any], new: Iterable[Any]) -> Iterator[Edit]:
    before, after = {name_of(one): one for one in old}, {name_of(one): one for one in new}
    for name in {**before, **after}:
        yield from difference(kind, (name,), before.get(name), after.get(name))


def difference(kind: str, name: Name, old: Any, new: Any) -> Iterator[Edit]:
    """What became of one thing; None is a thing that is not there."""
    if old is new or old == new:
        return
    if old is None:
        yield Edit(kind, name, Verb.ADD, new)
    elif new is None:
        yield Edit(kind, name, Verb.REMOVE)
    else:
        if kind == "pools":
            yield from _among_servers(name[0], old, new)
        fields = tuple(_changed(kind, old, new))
        if fields:
            yield Edit(kind, name, Verb.SET, fields=fields)


def _among_servers(pool: str, old: Pool, new: Pool) -> Iterator[Edit]:
    before = {one.name: one for one in old.servers}
    after = {one.name: one for one in new.servers}
    for name in {**before, **after}:
        yield from difference(SERVERS, (pool, name), before.get(name), after.get(name))


def _changed(kind: str, old: Any, new: Any) -> Iterator[tuple[str, Any]]:
    for one in attrs.fields(type(new)):
        skipped = kind == "pools" and one.name == "servers"
        if not skipped and getattr(old, one.name) != getattr(new, one.name):
            yield one.name, getattr(new, one.name)


# --- laying over ---------------------------------------------------------------------------------


class Laid:
    """A configuration with edits laid over it.

    Attributes:
        configuration: what came of it.
        states: the states that were ordered, of servers that are there.
        stale: why an edit does not apply, for each that does not.
    """

    def __init__(self, read: Configuration, edits: Iterable[Edit]) -> None:
        ranked = sorted(edits, key=_rank)
        self.stale: dict[Edit, str] = {}
        self.states: dict[tuple[str, str], State] = {}
        self._draft = Draft(read)
        for edit in ranked:
            try:
                self._lay(edit)
            except DirectorError as error:
                self.stale[edit] = f"{edit}: {error}"
        self.configuration = self._draft.closed() if ranked else read

    def _lay(self, edit: Edit) -> None:
        if edit.kind == STATES:
            pool, name = edit.name
            self._draft.server(pool, name)
            self.states[pool, name] = dict(edit.fields)["state"]
        elif edit.kind == SERVERS:
            self._server(edit)
        elif edit.kind in LIVE:
            self._live(edit)
        else:
            self._rest(edit)

    def _server(self, edit: Edit) -> None:
        pool, name = edit.name
        servers = self._draft.servers(pool)
        if edit.verb is Verb.ADD:
            _must_not_be(name in servers, edit)
            servers[name] = edit.value
        elif edit.verb is Verb.REMOVE:
            self._draft.server(pool, name)
            del servers[name]
        else:
            servers[name] = _with(self._draft.server(pool, name), edit)

    def _live(self, edit: Edit) -> None:
        draft, name = self._draft, edit.name[0]
        present: Mapping[str, Any] = getattr(draft, edit.kind)
        if edit.verb is Verb.REMOVE:
            if edit.kind == "pools":
                draft.drop_pool(name)
            else:
                draft.drop_service(f"{edit.kind}:{name}")
            return
        if edit.verb is Verb.ADD:
            _must_not_be(name in present, edit)
            value = edit.value
        else:
            value = _with(_there(present.get(name), edit), edit)
        self._put(name, value)

    def _put(self, name: str, value: Pool | L7Service | L4Service) -> None:
        if not isinstance(value, Pool):
            self._draft.put_service(value)
            return
        known = {one.name for one in self._draft.rest.checks}
        lacking = [check for check in value.checks if check not in known]
        if lacking:
            raise ChangeRefused("ENOENT", f"there is no check {lacking[0]}", f"pool {name}")
        if name in self._draft.pools:
            value = evolve(value, servers=tuple(self._draft.servers(name).values()))
        self._draft.put_pool(value)

    def _rest(self, edit: Edit) -> None:
        rest = self._draft.rest
        if edit.kind in WHOLE:
            old = getattr(rest, edit.kind)
            value = edit.value if edit.verb is Verb.ADD else None
            if edit.verb is Verb.SET:
                value = _with(_there(old, edit), edit)
        else:
            things = {name_of(one): one for one in getattr(rest, edit.kind)}
            self._among(things, edit)
            value = tuple(things.values())
        changed: Any = {edit.kind: value}
        self._draft.put_rest(evolve(rest, **changed))

    def _among(self, things: dict[str, Any], edit: Edit) -> None:
        name = edit.name[0]
        if edit.verb is Verb.ADD:
            _must_not_be(name in things, edit)
            things[name] = edit.value
            return
        old = _there(things.get(name), edit)
        if edit.verb is Verb.SET:
            things[name] = _with(old, edit)
            return
        if edit.kind == "checks":
            users = [pool.name for pool in self._draft.pools.values() if name in pool.checks]
            if users:
                raise ChangeRefused("EBUSY", f"pool {users[0]} uses it", f"check {name}")
        del things[name]


_ORDER = ("settings", "admin", "l4_settings", "checks", "pages", "users", "pools", SERVERS, "l7", "l4")


def _rank(edit: Edit) -> tuple[bool, int]:
    """What is added comes before what names it, what is removed after what named it; states come last."""
    place = _ORDER.index(edit.kind) if edit.kind in _ORDER else len(_ORDER)
    if edit.kind == STATES:
        return True, len(_ORDER)
    removed = edit.verb is Verb.REMOVE
    return removed, -place if removed else place


def _must_not_be(there: object, edit: Edit) -> None:
    if there:
        raise ChangeRefused("EEXIST", "the name is taken", "/".join(edit.name))


def _there(thing: Any, edit: Edit) -> Any:
    if thing is None:
        raise ChangeRefused("ENOENT", "it is not there", "/".join(edit.name))
    return thing


def _with(thing: Any, edit: Edit) -> Any:
    """The thing with the fields of the edit.  Raises DirectorError when they do not go with the rest."""
    known = {one.name for one in attrs.fields(type(thing))}
    strange = [key for key, _ in edit.fields if key not in known]
    if strange:
        raise ChangeRefused("EINVAL", f"it has no {strange[0]}", "/".join(edit.name))
    return evolve(thing, **dict(edit.fields))
