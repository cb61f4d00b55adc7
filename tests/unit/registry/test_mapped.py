"""Claims across processes, played by registries on the same words; `tests/integration` has real processes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.errors import LeaseError
from director.model.http import L7Service
from director.model.pools import Pool
from director.model.pools import SchedulerSpec as Spec
from director.model.settings import Configuration
from director.registry import ledger
from director.registry.cells import ACTIVE
from director.registry.changes import ServerChanged, plan
from director.registry.ledger import Lease
from director.registry.registry import Registry
from director.registry.selection import select
from director.scheduling.catalog import Catalog, Declaration
from tests.support.mapped import ROOMY, Together, limited, one
from tests.support.registries import KEY, server, take, taken
from tests.support.threshold import Threshold


def test_every_process_sees_the_sum() -> None:
    house = Together(ROOMY)
    first, second = house.workers
    leases = [taken(first, "web"), taken(second, "web"), ledger.claim(one(second), inactive=True)]
    seen = {(one(each).active, one(each).inactive, one(each).load) for each in house.registries}
    assert seen == {(2, 1, 3)}
    for lease in leases:
        lease.release()
    assert [one(each).empty for each in house.registries] == [True] * 3


def test_the_least_loaded_of_all_processes_is_chosen() -> None:
    catalog = Catalog((Declaration("wlc", "wlc", "director.scheduling.wlc:WeightedLeastConnections"),))
    house = Together(ROOMY)
    registries = [Registry(lambda spec: catalog.make(spec, Random(0)), books) for books in house.books[1:]]
    pool = evolve(ROOMY.pools[0], scheduler=Spec("wlc"))
    for registry in registries:
        registry.apply(plan(Configuration(), Configuration(pools=(pool,))), "test", 0.0, 0.0)
    names = [taken(registries[turn % 2], "web").server.name for turn in range(6)]
    assert names == ["a", "b"] * 3


def test_max_is_that_of_all_processes() -> None:
    house = Together(limited(2))
    first, second = house.workers
    leases = [taken(first, "web"), taken(second, "web")]
    assert take(first, "web") is None
    assert take(second, "web") is None
    assert first.pools["web"].full
    leases[0].release()
    leases[1].release()
    assert take(first, "web") is not None


def test_a_place_that_is_taken_between_look_and_claim_is_not_taken_twice() -> None:
    configuration = Configuration(pools=(Pool("web", (server("a", 1, max=1), server("b", 2, max=1))),))
    house = Together(configuration)
    first, second = house.workers
    pool = second.pools["web"]
    scheduler = second.scheduler(pool, "l7:www")
    looked = scheduler.choose

    def late(servers: object, key: object, now: float) -> object:
        """The other process claims while this one makes up its mind."""
        scheduler.choose = looked
        taken(first, "web")
        return looked(servers, key, now)

    scheduler.choose = late
    lease = select(second, pool, "l7:www", KEY, 0.0)
    assert lease is not None
    assert lease.server.name == "b"
    assert [one(first, name).load for name in "ab"] == [1, 1]
    assert select(second, pool, "l7:www", KEY, 0.0) is None


def test_a_step_of_the_fault_path_finds_no_room_and_what_runs_already_needs_none() -> None:
    house = Together(limited(1))
    first, second = house.workers
    assert ledger.try_claim(one(first)) is not None
    assert ledger.try_claim(one(second)) is None
    assert ledger.claim(one(second)).held
    assert one(first).load == 2


scripts = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["take", "template", "release", "flip", "raise"]),
        st.integers(0, 20),
    ),
    max_size=60,
)


@given(st.integers(0, 5), st.integers(0, 5), scripts)
def test_overload_is_that_of_b5_over_all_processes(
    u: int, lower: int, script: list[tuple[int, str, int]]
) -> None:
    lower = min(u, lower)
    house = Together(limited(u, lower))
    oracle = Threshold(u, lower)
    held: list[tuple[Lease | ledger.TemplateClaim, bool]] = []
    for worker, step, number in script:
        registry = house.workers[worker]
        if step == "take":
            lease = select(registry, registry.pools["web"], "l4:s", KEY, 0.0, inactive=number % 2 == 0)
            assert (lease is None) == oracle.overload
            if lease is not None:
                held.append((lease, number % 2 == 0))
                oracle.inactconns += number % 2 == 0
                oracle.activeconns += number % 2 == 1
                oracle.bound()
        elif step == "template":
            held.append((ledger.template(one(registry)), False))
            oracle.bound()
        elif step == "raise" and oracle.u:
            bigger = max(oracle.u, oracle.activeconns + oracle.inactconns) + 1
            house.apply([ServerChanged("web", server("a", 1, max=bigger, min=lower))])
            oracle.edited(bigger, lower)
        elif step == "release" and held:
            claim, inactive = held.pop(number % len(held))
            claim.release()
            if isinstance(claim, Lease):
                oracle.inactconns -= inactive
                oracle.activeconns -= not inactive
            oracle.unbound()
        elif step == "flip" and held:
            place = number % len(held)
            claim, inactive = held[place]
            if isinstance(claim, Lease):
                (claim.activate if inactive else claim.deactivate)()
                held[place] = claim, not inactive
                oracle.inactconns += 1 - 2 * inactive
                oracle.activeconns -= 1 - 2 * inactive
        for each in house.registries:
            subject = one(each)
            assert (subject.active, subject.inactive) == (oracle.activeconns, oracle.inactconns)
            assert subject.overloaded == oracle.overload
            assert (subject in each.pools["web"].eligible()) == (not oracle.overload)


def test_a_claim_is_given_back_once() -> None:
    house = Together(ROOMY)
    for claim in (taken(house.workers[0], "web"), ledger.template(one(house.workers[0]))):
        claim.release()
        with pytest.raises(LeaseError, match="web/a"):
            claim.release()
    assert (one(house.control).load, one(house.control).persistent) == (0, 0)


def test_the_newest_evidence_counts_whoever_has_it() -> None:
    house = Together(ROOMY)
    first, second = (one(each) for each in house.workers)
    assert first.reachable
    ledger.unreached(first)
    assert (first.reachable, second.reachable) == (False, False)
    ledger.reached(second)
    assert (first.reachable, second.reachable) == (True, True)
    ledger.unreached(second)
    ledger.reached(first)
    assert (first.reachable, second.reachable) == (True, True)


# --- queues -----------------------------------------------------------------------------


def test_a_queue_is_as_long_as_it_says_over_all_processes() -> None:
    house = Together(limited(1, length=2))
    first, second = (each.pools["web"] for each in house.workers)
    assert [ledger.take_place(pool) for pool in (first, second, first, second)] == [True, True, False, False]
    assert (first.waiting, first.queue_full, second.queue_full) == (2, 1, 1)
    ledger.leave_place(first)
    assert ledger.take_place(second)


def test_those_who_wait_in_another_process_are_told_of_room() -> None:
    house = Together(limited(1, length=5))
    first, second = house.workers
    lease = taken(first, "web")
    assert ledger.take_place(first.pools["web"])
    lease.release()
    assert house.called == [], "its own queue it knows itself"
    again = taken(first, "web")
    assert ledger.take_place(second.pools["web"])
    again.release()
    assert house.called == [(1, "web")]


# --- death ------------------------------------------------------------------------------


def test_the_claims_of_a_dead_process_come_back() -> None:
    house = Together(limited(2, length=5))
    first, second = house.workers
    taken(first, "web")
    mine = taken(second, "web")
    ledger.template(one(first))
    assert ledger.take_place(first.pools["web"])
    assert take(second, "web") is None
    assert ledger.take_place(second.pools["web"])
    house.books[0].bury(1)
    subject = one(house.control)
    assert (subject.active, subject.persistent, house.control.pools["web"].waiting) == (1, 0, 1)
    # 1 * 4 < 2 * 3: the flag is cleared (B.5), and who waits is told.
    assert (subject.overloaded, house.called) == (False, [(0, "web")])
    mine.release()
    assert subject.load == 0


def test_a_process_that_died_between_count_and_flag_leaves_no_hole() -> None:
    house = Together(limited(1))
    table = house.books[1].table
    table.words[table.own(one(house.workers[0]).slot, ACTIVE)] += 1
    assert take(house.workers[1], "web") is not None, "what it counted was not begun"
    assert take(house.workers[1], "web") is None
    house.books[0].bury(1)
    assert (one(house.control).load, one(house.control).overloaded) == (1, True)


def test_a_lock_that_a_stopped_process_holds_refuses_and_loses_nothing() -> None:
    house = Together(limited(2))
    first, second = house.workers
    leases = [taken(first, "web"), taken(second, "web")]
    house.locks.stuck.add(one(first).slot)
    for lease in leases:
        lease.release()
    assert (one(first).load, one(first).overloaded) == (0, True)
    house.locks.stuck.clear()
    for books in house.books:
        books.tick()
    assert not one(first).overloaded
    house.locks.stuck.add(one(first).slot)
    assert take(first, "web") is None
    assert house.books[1].refused == 1
    forced = ledger.claim(one(first))
    again = ledger.claim(one(second))
    assert (one(first).load, one(first).overloaded) == (2, False)
    house.locks.stuck.clear()
    house.books[1].tick()
    assert one(first).overloaded
    forced.release()
    again.release()
    assert take(second, "web") is not None


# --- slots ------------------------------------------------------------------------------


def test_the_seats_of_a_service_are_those_of_all_processes() -> None:
    www = L7Service("www", (), pool="web", max_connections=3)
    house = Together(evolve(ROOMY, l7=(www,)))
    first, second = (each.services["l7:www"] for each in house.workers)
    assert [ledger.take_seat(one, 3) for one in (first, second, first, second)] == [True, True, True, False]
    ledger.leave_seat(second)
    assert ledger.take_seat(first, 3)
    assert ledger.take_seat(second, 0), "without a limit there is always room"
    assert house.control.services["l7:www"].seats.taken == 4
    seats: Any = first.seats
    house.locks.stuck.add(seats.slot)
    assert not ledger.take_seat(first, 9), "a process that was stopped holds the lock"
    house.locks.stuck.clear()
    house.books[0].bury(1)
    assert second.seats.taken == 1, "the seats of a dead process are free"


def test_a_raised_max_lets_in_exactly_one_more_over_all_processes() -> None:
    """B.3 clears the flag when `max` is raised, also where the load is above it; the next claim sets it."""
    house = Together(limited(0))
    first, second = house.workers
    for registry in (first, second, first, second):
        assert taken(registry, "web")
    changed = evolve(limited(0).pools[0].servers[0], max=3)
    house.apply([ServerChanged("web", changed)])
    assert [take(each, "web") is not None for each in (second, first, second)] == [True, False, False]
    assert one(house.control).load == 5
