"""What changes would make of a registry, worked out on values: for a dry run.

Pure.  What it gives has the form of a generation, so that it is shown like one.
"""

from __future__ import annotations

from collections.abc import Iterable

from director.model.pools import State
from director.registry.changes import Change, Ordered, changed
from director.registry.edits import between
from director.registry.registry import Generation
from director.registry.snapshot import RegistrySnapshot


def rehearse(seen: RegistrySnapshot, changes: Iterable[Change]) -> Generation:
    """The generation that would come of it.  Raises ChangeRefused when one does not hold."""
    ordered = tuple(changes)
    desired = changed(seen.configuration, ordered)
    there = {(pool.name, one.name) for pool in desired.pools for one in pool.servers}
    before = {(one.pool, one.name): one.state for one in seen.servers() if one.state is not State.READY}
    wanted = {(one.pool, one.name): one.state for one in ordered if isinstance(one, Ordered)}
    after = {place: state for place, state in {**before, **wanted}.items() if place in there}
    edits = between(seen.configuration, desired, before, after)
    back = between(desired, seen.configuration, after, before)
    return Generation(seen.generation + 1, "", 0.0, tuple(str(one) for one in ordered), edits, back)
