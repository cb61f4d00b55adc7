"""Orders in the running program: what a reload and a restart make of them."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from director.model.pools import Address, Pool, Server, State
from director.model.settings import Configuration
from director.program.overrides import Orders
from director.registry.changes import Ordered, weight
from tests.support.loops import Loop, loop_of
from tests.support.registries import registry_of

A = Server("a", Address("10.0.0.1", 80))
READ = Configuration(pools=(Pool("web", (A,)),))
DRAINED = Ordered("web", "a", State.DRAIN)


def started(loop: Loop, folder: Path) -> Orders:
    orders = Orders(folder, loop.reactor)
    orders.read()
    orders.settle(READ, {})
    return orders


def test_orders_come_back_after_a_restart(tmp_path: Path) -> None:
    with loop_of() as loop:
        first = started(loop, tmp_path)
        first.note([weight(READ, "web", "a", 0), DRAINED])
        again = Orders(tmp_path, loop.reactor)
        again.read()
        over, stale = again.over(READ)
        assert (over.pools[0].servers[0].weight, stale) == (0, {})
        assert again.all() == first.all() == {("web", "a"): {"weight": 0, "state": "drain"}}


def test_a_state_is_ordered_again_where_it_does_not_hold(tmp_path: Path) -> None:
    with loop_of() as loop:
        orders = started(loop, tmp_path)
        orders.note([DRAINED])
        registry = registry_of(configuration=READ)
        assert list(orders.unfulfilled(READ, registry)) == [DRAINED]
        registry.apply([DRAINED], "ops", 0.0, 0.0)
        assert list(orders.unfulfilled(READ, registry)) == []
        # The same name for another machine is another server, which nobody has told yet.
        moved = Configuration(pools=(Pool("web", (evolve(A, address=Address("10.0.0.9", 80)),)),))
        assert list(orders.unfulfilled(moved, registry)) == [DRAINED]


def test_an_unusable_file_is_told_and_the_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text("{")
    with loop_of() as loop:
        orders = started(loop, tmp_path)
        assert orders.all() == {}
    assert (tmp_path / "orders.broken").exists()


def test_what_could_not_be_kept_is_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "var"
    place.write_text("in the way")
    with loop_of() as loop:
        orders = started(loop, place)
        orders.note([DRAINED])
        place.unlink()
        orders.sweep()
        again = Orders(place, loop.reactor)
        again.read()
        assert again.all() == {("web", "a"): {"state": "drain"}}
