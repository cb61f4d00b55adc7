"""All that a process must know to do its work, as one value; and what leads there from what one knows.

One that begins is told all of it.  So is one that a new control process adopts: it changes what differs, and
nothing else, so what is the same is not touched by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from director.model.pools import State
from director.model.settings import Configuration, Settings
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.program.version import VERSION
from director.registry.books import MappedBooks
from director.registry.changes import Change, Ordered, SchedulersRead, changed, plan
from director.registry.registry import Registry
from director.store.values import packed

if TYPE_CHECKING:
    # A worker has none.
    from director.program.running import Running

Verdict = Sequence[Any]
"""Address, check, what was found: alive or not, a list for what an agent advises, None for no more."""


def snapshot(current: Running, books: MappedBooks, settings: Settings, workers: int) -> dict[str, Any]:
    """What runs in the control process, in a form that travels."""
    changes = [*plan(Configuration(), current.registry.configuration)]
    changes += [Ordered(*place, state) for place, state in current.registry.states().items()]
    return {
        "version": VERSION,
        "processes": workers,
        "settings": packed(settings),
        "state_dir": settings.state_dir,
        "author": "start",
        "changes": packed(tuple(changes)),
        "files": sources(current.candidate),
        "given": [list(given) for given in books.all_given()],
        "verdicts": current.registry.verdicts(),
    }


def sources(candidate: Candidate) -> dict[str, str]:
    """The files of users' schedulers, octet for octet, by their paths."""
    return {path: source.decode("latin-1") for path, source in candidate.files.sources().items()}


def leading(registry: Registry, changes: Sequence[Change], files: UserFiles) -> tuple[Change, ...]:
    """What makes of this registry what `changes` make of an empty one; `files` were read after its own."""
    desired = changed(Configuration(), changes)
    found = [*plan(registry.configuration, desired)]
    anew = tuple(one.name for one in desired.schedulers if files.differs(one.path))
    if anew:
        found.append(SchedulersRead(anew))
    orders = {(one.pool, one.name): one.state for one in changes if isinstance(one, Ordered)}
    there = {(pool.name, server.name) for pool in desired.pools for server in pool.servers}
    ready = dict.fromkeys(registry.states().keys() & there, State.READY)
    return (*found, *(Ordered(*place, state) for place, state in {**ready, **orders}.items()))


def superseding(stand: Iterable[Verdict], told: Sequence[Verdict]) -> list[Verdict]:
    """What makes of the verdicts that stand those that are told: what nobody speaks of is forgotten."""
    kept = {_of(one) for one in told}
    return [*((one[0], one[1], None) for one in stand if _of(one) not in kept), *told]


def _of(verdict: Verdict) -> tuple[str, str, bool]:
    address, check, found = verdict
    return address, check, isinstance(found, list)
