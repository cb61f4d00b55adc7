from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from director.program.simulation.orders import CHANGES, Operator, added
from director.program.simulation.run import Run
from director.program.simulation.schedule import PlannedOrder, Schedule
from tests.support.simulations import fuzzer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return fuzzer(tmp_path).run(Schedule(1))


@pytest.fixture
def operator(run: Run) -> Operator:
    return run.operator


def test_what_is_ordered_closes_a_server_until_it_is_taken_back(run: Run, operator: Operator) -> None:
    operator.carry_out(PlannedOrder(0.0, "drain", "web", "a"))
    operator.carry_out(PlannedOrder(0.0, "weight", "web", "b", 0))
    run.loop.run(2.0)
    operator.carry_out(PlannedOrder(2.0, "ready", "web", "a"))
    operator.carry_out(PlannedOrder(2.0, "weight", "web", "b", 3))
    run.loop.run(5.0)
    found = {(one.server, one.why, one.since, one.until) for one in operator.forbidden(9.0)}
    assert found == {("a", "drain", 0.0, 2.0), ("b", "weight 0", 0.0, 2.0)}


def test_what_still_holds_lasts_to_the_end_and_an_undo_ends_it(run: Run, operator: Operator) -> None:
    operator.carry_out(PlannedOrder(0.0, "maint", "web", "a"))
    assert [one.until for one in operator.forbidden(9.0)] == [9.0]
    run.loop.run(1.0)
    operator.carry_out(PlannedOrder(1.0, "undo"))
    assert [one.until for one in operator.forbidden(9.0)] == [1.0]


def test_servers_come_and_go(run: Run, operator: Operator) -> None:
    order = PlannedOrder(0.0, "add", "web", "new", 3)
    operator.carry_out(order)
    names = [one.name for one in run.director.registry.pools["web"].servers]
    assert names == ["a", "b", "c", "new"]
    assert run.director.registry.pools["web"].servers[-1].address.host == added(order)
    operator.carry_out(PlannedOrder(0.0, "remove", "web", "new"))
    assert operator.refused == []
    operator.carry_out(PlannedOrder(0.0, "remove", "web", "new"))
    assert len(operator.refused) == 1


def test_every_other_file_can_be_read_again(run: Run, operator: Operator) -> None:
    for number in range(len(CHANGES)):
        operator.carry_out(PlannedOrder(0.0, "reload", number=number))
    assert operator.refused == []
    assert run.director.registry.generation > 1


def test_a_process_may_stand_still_or_lack_descriptors(run: Run, operator: Operator) -> None:
    operator.carry_out(PlannedOrder(0.0, "starve", number=1.0))
    operator.carry_out(PlannedOrder(0.0, "freeze", number=2.0))
    operator.carry_out(PlannedOrder(0.0, "drain", "web", "a"))
    assert run.loop.starving
    assert operator.forbidden(1.0) == [], "it hears of the order later"
    run.loop.run(3.0)
    assert not run.loop.starving
    assert [one.since for one in operator.forbidden(9.0)] == [2.0]


def test_a_stop_is_the_last_order(run: Run, operator: Operator) -> None:
    operator.carry_out(PlannedOrder(0.0, "stop"))
    operator.carry_out(PlannedOrder(0.0, "drain", "web", "a"))
    run.loop.run(1.0)
    assert (operator.stopped_at, run.director.stopped) == (0.0, True)
    assert operator.forbidden(1.0) == []
    assert run.loop.network.closing


def test_nothing_is_ordered_when_the_run_is_over(run: Run, operator: Operator) -> None:
    operator.over = True
    operator.carry_out(PlannedOrder(0.0, "inject", "a hangs", number=1))
    operator.carry_out(evolve(PlannedOrder(0.0, "drain"), pool="web", server="a"))
    assert operator.forbidden(1.0) == []
    assert run.director.registry.pools["web"].servers[0].injected is None
