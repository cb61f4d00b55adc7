"""What would be chosen now, without disturbing anything: for `explain` and `why`.

A twin of the scheduler is asked and thrown away.  The rule that makes this work, for ours and for a user's
own: state is kept in plain attributes, in lists, dicts, sets and deques of values that are replaced and not
changed, and in `Random`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from copy import copy
from random import Random
from typing import TypeVar

from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.custom import Guarded, Note
from director.scheduling.locality import Locality

Thing = TypeVar("Thing")

CONTAINERS = (list, dict, set, bytearray, deque, Locality)


def preview(scheduler: IScheduler, servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
    """What `scheduler.choose` would answer; the scheduler stays as it is, its source of chance included."""
    return twin(scheduler).choose(servers, key, now)


def twin(scheduler: Thing) -> Thing:
    """A copy that can be asked without any effect on the original; a guard's copy is mute."""
    other = copy(scheduler)
    for name in _attributes(other):
        value = getattr(other, name)
        fresh = _fresh(value)
        if fresh is not value:
            object.__setattr__(other, name, fresh)
    if isinstance(other, Guarded):
        other.note = _unheard
    return other


def _attributes(thing: object) -> Iterator[str]:
    yield from tuple(getattr(thing, "__dict__", ()))
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if hasattr(thing, name) and name not in {"__dict__", "__weakref__"}:
                yield name


def _fresh(value: object) -> object:
    if isinstance(value, CONTAINERS):
        return copy(value) if not isinstance(value, Locality) else value.copy()
    if type(value) is Random:
        other = Random()
        other.setstate(value.getstate())
        return other
    if callable(getattr(value, "choose", None)) and not isinstance(value, type):
        return twin(value)
    return value


def _unheard(note: Note) -> None:
    """Nobody is told what a preview found out."""
