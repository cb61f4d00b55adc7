"""What operators changed: over a reload, over a restart, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from director.errors import ChangeRefused
from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.program.overrides import Overrides
from director.registry.changes import Change, Ordered, PoolAdded, ServerAdded, ServerRemoved, plan, weight
from director.registry.registry import Registry
from director.store.io.file import FileStore
from tests.support.loops import loop_of
from tests.support.registries import FirstFit
from tests.support.said import said

A, B = Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))
READ = Configuration(pools=(Pool("web", (A,)),))
DROPPED = "warn: an earlier change no longer applies and is dropped"
UNKEPT = "error: changes hold until a restart only, they cannot be kept"
DRAINED = Ordered("web", "a", State.DRAIN)


class Run:
    """One run of a program: what it loaded, and a file that it reads."""

    def __init__(self, store: FileStore, read: Configuration = READ) -> None:
        self.registry = Registry(FirstFit)
        self.overrides = Overrides(store, self.registry)
        self.overrides.load()
        laid = self.overrides.over(read)
        changes = [*plan(self.registry.configuration, laid.configuration), *self.overrides.unfulfilled(laid)]
        self.registry.apply(changes, "start", 0.0, 0.0)
        self.overrides.settle(read, laid)

    def order(self, *changes: Change) -> int:
        made = self.registry.apply(changes, "ops", 0.0, 0.0)
        self.overrides.note(made)
        return made.number

    def undo(self, number: int) -> int:
        return self.order(*self.overrides.undoing(number))

    def server(self, name: str) -> tuple[int, State] | None:
        found = self.registry.pools["web"].server(name)
        return None if found is None else (found.weight, found.state)


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a run in the same folder."""
    with loop_of() as loop:
        yield lambda read=READ: Run(FileStore(tmp_path, loop.reactor), read)


def test_everything_is_as_it_was_after_a_restart(start: Start) -> None:
    first = start()
    first.order(weight(READ, "web", "a", 0), DRAINED)
    first.order(ServerAdded("web", B))
    again = start()
    assert (again.server("a"), again.server("b")) == ((0, State.DRAIN), (1, State.READY))
    assert again.overrides.nonce == first.overrides.nonce
    assert [one.number for one in again.registry.generations] == [1, 2, 3, 4]


def test_a_state_is_ordered_again_where_it_does_not_hold(start: Start) -> None:
    run = start()
    run.order(DRAINED)
    assert list(run.overrides.unfulfilled(run.overrides.over(READ))) == []
    # The same name for another machine is another server, which nobody has told yet.
    moved = Configuration(pools=(Pool("web", (evolve(A, address=Address("10.0.0.9", 80)),)),))
    assert list(run.overrides.unfulfilled(run.overrides.over(moved))) == [DRAINED]


def test_a_generation_is_taken_back_also_after_a_restart(start: Start) -> None:
    first = start()
    heavier = first.order(weight(READ, "web", "a", 9))
    first.order(DRAINED, ServerAdded("web", B))
    again = start()
    undone = again.undo(heavier)
    assert again.server("a") == (1, State.DRAIN), "what came after it stays"
    assert again.server("b") == (1, State.READY)
    again.undo(heavier + 1)
    assert (again.server("a"), again.server("b")) == ((1, State.READY), None)
    again.undo(undone)
    assert again.server("a") == (9, State.READY), "an undo can be undone"


def test_what_cannot_be_taken_back_says_why(start: Start) -> None:
    run = start()
    with pytest.raises(ChangeRefused, match="no such generation") as refused:
        run.overrides.undoing(99)
    assert refused.value.code == "ENOENT"
    with pytest.raises(ChangeRefused, match="changed nothing that could be taken back"):
        run.overrides.undoing(1)
    added = run.order(ServerAdded("web", B))
    run.order(ServerRemoved("web", "b"))
    with pytest.raises(ChangeRefused, match="undone any more: server web/b removed: No such server"):
        run.overrides.undoing(added)
    assert run.overrides.undoing(added + 1) == (ServerAdded("web", B),)


def test_what_no_longer_applies_is_told_and_dropped(start: Start) -> None:
    start().order(PoolAdded(Pool("spare")), DRAINED)
    with said() as lines:
        run = start(Configuration(pools=(Pool("web", (B,)), Pool("spare", (A,)))))
    assert sorted(lines) == [
        f"{DROPPED}: pool spare added: the name is taken",
        f"{DROPPED}: server web/a: state = drain: No such server in pool web: a",
    ]
    assert not run.registry.states()


def test_an_unusable_file_is_told_and_the_configuration_counts(tmp_path: Path, start: Start) -> None:
    (tmp_path / "orders.json").write_text("{")
    with said() as lines:
        run = start()
    assert run.server("a") == (1, State.READY)
    assert "everything begins as the configuration says" in lines[0]
    assert (tmp_path / "orders.broken").exists()


def test_what_could_not_be_kept_is_told_once_and_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "var"
    place.write_text("in the way")
    with loop_of() as loop, said() as lines:
        run = Run(FileStore(place, loop.reactor))
        run.order(DRAINED)
        assert run.overrides.unkept == f"{place}/orders.json: File exists; make room, or make it writable"
        assert run.overrides.failures == 2
        place.unlink()
        kept: list[bool] = []
        run.overrides.again().addCallback(kept.append)
        assert kept == [True]
        assert run.overrides.unkept == ""
        again = Run(FileStore(place, loop.reactor))
        assert again.server("a") == (1, State.DRAIN)
    assert lines[1:] == [
        f"{UNKEPT}: {place}/orders.json: File exists; make room, or make it writable",
        "info: the changes are kept again",
    ]
