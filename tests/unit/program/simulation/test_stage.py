from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from director.errors import DirectorError
from director.model.pools import State
from director.program.simulation.run import Run
from director.program.simulation.schedule import Schedule
from director.program.simulation.stage import Director
from director.registry.changes import Ordered
from tests.support.simulations import fuzzer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return fuzzer(tmp_path).run(Schedule(1))


@pytest.fixture
def director(run: Run) -> Director:
    return run.director


def test_it_serves_checks_and_follows_commands(run: Run, director: Director) -> None:
    run.loop.run(3.0)
    assert run.servers["web/a"].probed >= 2
    director.apply([Ordered("web", "a", State.MAINT)])
    server = director.registry.pools["web"].server("a")
    assert server is not None
    assert not server.available
    with pytest.raises(DirectorError):
        director.apply([Ordered("web", "nobody", State.MAINT)])


def test_a_reload_keeps_what_operators_changed(director: Director) -> None:
    director.apply([Ordered("web", "a", State.DRAIN)])
    configuration = director.registry.configuration
    director.reload(evolve(configuration, rules=()))
    assert director.registry.configuration.rules == ()
    server = director.registry.pools["web"].server("a")
    assert server is not None
    assert server.state is State.DRAIN


def test_a_fault_ends_by_itself(run: Run, director: Director) -> None:
    server = director.registry.pools["web"].server("a")
    assert server is not None
    director.inject("a hangs", 7)
    assert server.injected is not None
    run.loop.run(1.5)
    assert server.injected is None


def test_a_stop_leaves_nothing(run: Run, director: Director) -> None:
    run.loop.run(1.0)
    director.stop(1.0)
    run.loop.run(5.0)
    assert run.loop.getDelayedCalls() == []
    assert run.loop.network.own_ends() == []
    assert director.defects == []
