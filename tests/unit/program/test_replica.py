from __future__ import annotations

from random import Random

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from director import plugins
from director.errors import ChangeRefused
from director.model.pools import Pool, SchedulerSpec
from director.model.settings import Configuration
from director.program.replica import Replica
from director.registry.changes import plan
from tests.support.candidates import candidate
from tests.support.registries import server

READ = Configuration(pools=(Pool("web", (server(),)),))


def test_it_follows_a_candidate_that_holds() -> None:
    replica = Replica(Clock(), Random(1))
    found = evolve(candidate(READ, *plan(Configuration(), READ)), catalog=plugins.catalog())
    replica.check(found)
    assert replica.registry.generation == 0
    replica.commit(found)
    assert (replica.registry.configuration, replica.made.number, replica.made.author) == (READ, 1, "ops")
    pool = replica.registry.pools["web"]
    assert replica.registry.scheduler(pool, "l7:www").name == "wlc"


def test_one_that_does_not_hold_changes_nothing() -> None:
    replica = Replica(Clock(), Random(1))
    wrong = Configuration(pools=(Pool("web", (server(),), SchedulerSpec("nonsense")),))
    found = evolve(candidate(wrong, *plan(Configuration(), wrong)), catalog=plugins.catalog())
    for step in (replica.check, replica.commit):
        with pytest.raises(ChangeRefused, match="no such scheduler: nonsense"):
            step(found)
    assert replica.registry.generation == 0
