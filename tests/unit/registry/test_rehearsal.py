"""What is foreseen is held against what then comes of it in a registry."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.errors import ChangeRefused
from director.model.pools import Address, Pool, Server, State
from director.registry.changes import Ordered, ServerRemoved, plan
from director.registry.rehearsal import rehearse
from director.registry.snapshot import Snapshots
from tests.unit.admin import sample

NEW = Pool("new", (Server("n", Address("127.0.0.1", 9021)),))
NOW = sample.CONFIGURATION
WEB = NOW.pools[0]
OTHER = evolve(WEB, servers=(evolve(WEB.servers[0], weight=9), *WEB.servers[1:]))


@pytest.mark.parametrize(
    "changes",
    [
        plan(NOW, evolve(NOW, pools=(*NOW.pools, NEW))),
        plan(NOW, evolve(NOW, pools=(OTHER, *NOW.pools[1:]))),
        plan(NOW, evolve(NOW, rules=())),
        (Ordered("web", "a", State.DRAIN),),
        (Ordered("web", "b", State.READY),),
        (ServerRemoved("web", "b"),),
        (Ordered("web", "a", State.MAINT), *plan(NOW, evolve(NOW, pools=(OTHER, *NOW.pools[1:])))),
    ],
)
def test_what_is_foreseen_comes_true(changes: Any) -> None:
    registry = sample.registry()
    registry.apply((Ordered("web", "b", State.MAINT),), "me", 0.0, 0.0)
    foreseen = rehearse(Snapshots(registry).take(), changes)
    made = registry.apply(changes, "me", 0.0, 0.0)
    assert (foreseen.number, foreseen.diff) == (made.number, made.diff)
    assert set(foreseen.edits) == set(made.edits)
    assert set(foreseen.back) == set(made.back)


def test_what_cannot_be_is_refused_and_nothing_is_done() -> None:
    registry = sample.registry()
    seen = Snapshots(registry).take()
    with pytest.raises(ChangeRefused):
        rehearse(seen, (ServerRemoved("web", "none"),))
    assert registry.generation == seen.generation == 1
