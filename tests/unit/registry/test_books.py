"""Who has which slot, played by registries on the same words."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.errors import ChangeRefused
from director.model.http import L7Service
from director.model.pools import State
from director.model.settings import Configuration
from director.registry import ledger
from director.registry.books import MappedBooks
from director.registry.cells import CellTable, Geometry
from director.registry.changes import Ordered, ServerAdded, ServerRemoved, ServiceRemoved, plan
from director.registry.mapped import MappedLease
from director.registry.registry import TRASH_SECONDS, Registry
from tests.support.mapped import ROOMY, Together, limited, one
from tests.support.registries import server, take, taken


def test_a_new_process_begins_with_all_that_was_given() -> None:
    house = Together(ROOMY)
    taken(house.workers[0], "web")
    late = MappedBooks(CellTable(house.words, house.books[0].table.geometry, 2, house.locks))
    late.learn(house.books[0].all_given())
    registry = Registry(house.control._make_scheduler, late)
    registry.apply(plan(Configuration(), ROOMY), "test", 0.0, 0.0)
    assert one(registry).active == 1
    taken(registry, "web")
    assert one(house.control).active == 2


def test_a_process_that_was_told_nothing_refuses_the_change() -> None:
    house = Together(ROOMY)
    stranger = MappedBooks(CellTable(house.words, house.books[0].table.geometry, 1, house.locks))
    with pytest.raises(ChangeRefused, match="no slot for pool web"):
        Registry(house.control._make_scheduler, stranger).apply(plan(Configuration(), ROOMY), "t", 0.0, 0.0)


def test_a_server_that_leaves_keeps_its_slot_until_its_time_is_over() -> None:
    house = Together(ROOMY)
    lease = taken(house.workers[0], "web")
    slot = one(house.control).slot
    house.apply([ServerRemoved("web", "a")])
    house.apply([ServerAdded("web", server("again", 1))])
    assert {one(each, "again").slot for each in house.registries} == {slot}
    assert one(house.control, "again").active == 1
    house.apply([ServerRemoved("web", "again")])
    lease.release()
    for now in (0.0, TRASH_SECONDS):
        for registry in house.registries:
            registry.sweep(now)
    house.apply([ServerAdded("web", server("c", 3))])
    assert {one(each, "c").slot for each in house.registries} == {slot}, "it is free, and given again"
    assert one(house.control, "c").generation == 2


def test_a_claim_that_outlives_its_slot_does_no_harm() -> None:
    house = Together(ROOMY)
    lease = taken(house.workers[0], "web")
    assert isinstance(lease, MappedLease)
    house.books[0].table.renew(lease.server.slot)
    lease.deactivate()
    lease.release()
    assert (one(house.control).active, one(house.control).inactive) == (0, 0)


def test_a_process_that_kept_a_server_longer_counts_where_it_is_told_to() -> None:
    house = Together(ROOMY)
    house.apply([ServerRemoved("web", "a")])
    for now in (0.0, TRASH_SECONDS):
        house.control.sweep(now)
    # `c` takes the slot that is free for the control process only; then `a` comes back in another.
    house.apply([ServerAdded("web", server("c", 3))])
    house.apply([ServerAdded("web", server("a", 1))])
    assert len({one(house.control, name).slot for name in "abc"}) == 3
    for name in "abc":
        assert len({(one(each, name).slot, one(each, name).generation) for each in house.registries}) == 1
    for registry in house.registries:
        registry.sweep(2 * TRASH_SECONDS)
    taken(house.workers[0], "web").release()


def test_too_many_for_the_mapping_are_refused_before_anything_changes() -> None:
    house = Together(ROOMY, slots=4)
    house.apply([ServerAdded("web", server("c", 3))])
    with pytest.raises(ChangeRefused, match="no more than 4 servers and pools"):
        house.control.apply([ServerAdded("web", server("d", 4))], "test", 0.0, 0.0)
    assert [each.name for each in house.control.pools["web"].servers] == ["a", "b", "c"]
    assert house.books[0].news() == ()


def test_the_slot_of_a_pool_is_free_when_nobody_waits_any_more() -> None:
    house = Together(limited(1, length=5))
    books = house.books[0]
    waiting = house.workers[0].pools["web"]
    assert ledger.take_place(waiting)
    house.turn(Configuration())
    books.tick()
    assert len(books._free) == 0
    ledger.leave_place(waiting)
    books.tick()
    assert len(books._free) == 1


def test_orders_and_health_are_each_registrys_own() -> None:
    """They come as changes, so every process has them; the memory holds what work says only."""
    house = Together(ROOMY)
    house.apply([Ordered("web", "a", State.DRAIN)])
    assert [take(each, "web").server.name for each in house.workers] == ["b", "b"]  # type: ignore[union-attr]


def test_shared_numbers_are_those_of_the_mapping() -> None:
    house = Together(ROOMY)
    size = Geometry(1, 2).shared
    house.books[1].shared("tenants", 2).mine[1] += 5
    assert house.books[2].shared("tenants", 2).total(1) == 5
    assert (house.books[1].processes, size) == (2, 4096)


def test_the_slot_of_a_service_is_free_when_its_last_client_has_left() -> None:
    www = L7Service("www", (), pool="web")
    house = Together(evolve(ROOMY, l7=(www,)))
    served = house.workers[0].services["l7:www"]
    seats: Any = served.seats
    slot = seats.slot
    assert ledger.take_seat(served, 0)
    house.apply([ServiceRemoved("l7:www")])
    house.books[0].tick()
    assert slot not in house.books[0]._free
    ledger.leave_seat(served)
    house.books[0].tick()
    assert slot in house.books[0]._free


def heir_of(house: Together, configuration: Configuration) -> tuple[MappedBooks, Registry]:
    """Another control process, which goes on with what the first one gave out."""
    books = MappedBooks(CellTable(house.words, house.books[0].table.geometry, 0, house.locks), gives=True)
    books.inherit(house.books[1].all_given())
    registry = Registry(house.control._make_scheduler, books)
    registry.apply(plan(Configuration(), configuration), "start", 0.0, 0.0)
    return books, registry


def test_another_control_process_goes_on_with_the_same_slots_and_what_is_claimed_there() -> None:
    house = Together(limited(1))
    lease = taken(house.workers[0], "web")
    _, registry = heir_of(house, house.control.configuration)
    seen: Any = one(registry)
    assert (seen.slot, seen.generation) == (one(house.control).slot, one(house.control).generation)
    assert (seen.active, seen.overloaded) == (1, True)
    assert take(house.workers[1], "web") is None, "it stays full"
    lease.release()
    taken(house.workers[1], "web")


def test_slots_that_another_control_process_does_not_want_are_free_when_nothing_counts_there() -> None:
    house = Together(ROOMY)
    lease = taken(house.workers[0], "web")
    slots = {one(house.control, name).slot for name in "ab"}
    pool = house.control.pools["web"].slot  # type: ignore[attr-defined]
    books, registry = heir_of(house, Configuration())
    books.tick()
    assert books._free == [], "not before all follow"
    books.settle()
    books.tick()
    assert {*books._free} == {*slots, pool} - {one(house.workers[0]).slot}
    lease.release()
    books.tick()
    assert {*books._free} == {*slots, pool}
    registry.apply(plan(Configuration(), ROOMY), "ops", 0.0, 0.0)
    assert one(registry).generation == 2


def test_it_is_told_who_counts_elsewhere_but_for_slots_that_are_another_s_by_now() -> None:
    house = Together(ROOMY)
    given = house.books[0].all_given()
    assert house.books[1].contradiction(given) == ""
    moved = [each._replace(slot=each.slot + 1) if each.server == "b" else each for each in given]
    assert house.books[1].contradiction(moved) == "web/b"
    house.books[0].table.renew(one(house.control, "b").slot)
    assert house.books[1].contradiction(moved) == ""


def test_a_slot_that_was_given_again_is_not_forgotten_with_who_had_it() -> None:
    """The control process frees a slot at its own time; a worker may sweep later, when it is another's."""
    house = Together(ROOMY)
    worker = house.workers[0]
    house.apply([ServerRemoved("web", "a")])
    for now in (0.0, TRASH_SECONDS):
        house.control.sweep(now)
    house.apply([ServerAdded("web", server("c", 3))])
    for now in (0.0, TRASH_SECONDS):
        worker.sweep(now)
    assert ("web", "c") in {each[:2] for each in house.books[1].all_given()}
    house.apply([ServerRemoved("web", "c")])
    house.apply([ServerAdded("web", server("c", 3))])
    assert one(worker, "c").slot == one(house.control, "c").slot
