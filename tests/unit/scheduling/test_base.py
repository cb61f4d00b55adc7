from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from director.interfaces import IKey, IScheduler, IServer
from director.scheduling.base import FEW, Scheduler, explanation, named
from tests.unit.scheduling.fakes import KEY, many, servers


def test_the_fakes_are_what_they_pretend_to_be() -> None:
    assert verifyObject(IServer, servers(1)[0])
    assert verifyObject(IKey, KEY)


def test_it_lives_the_life_of_a_scheduler() -> None:
    a, b, c = servers(1, 1, 1)
    scheduler = Scheduler()
    assert verifyObject(IScheduler, scheduler)
    scheduler.start("l7:www", (a, b))
    scheduler.stale = False
    scheduler.server_added(c)
    assert scheduler.roster == [a, b, c]
    assert scheduler.stale
    scheduler.stale = False
    scheduler.server_updated(b)
    assert scheduler.stale
    scheduler.server_removed(a)
    scheduler.server_removed(a)
    assert scheduler.roster == [b, c]
    scheduler.stop()
    assert scheduler.roster == []
    with pytest.raises(NotImplementedError):
        scheduler.choose((a,), KEY, 0.0)


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 100])
@pytest.mark.parametrize("kind", [tuple, list])
def test_membership_is_that_of_the_sequence(count: int, kind: type) -> None:
    pool = many(count + 1)
    scheduler = Scheduler()
    eligible = kind(pool[:count])
    assert all(scheduler.eligible(server, eligible) for server in pool[:count])
    assert not scheduler.eligible(pool[count], eligible)
    assert scheduler.eligible(pool[count], kind(pool))
    assert not scheduler.eligible(pool[count], eligible)


def test_membership_sees_a_list_change() -> None:
    pool = many(FEW + 2)
    scheduler = Scheduler()
    eligible = list(pool)
    assert scheduler.eligible(pool[0], eligible)
    del eligible[0]
    assert not scheduler.eligible(pool[0], eligible)


def test_names_and_scores_are_optional() -> None:
    assert named(object()) == "object"
    assert explanation(object(), (), KEY, 0.0) == ()
    assert Scheduler().explain((), KEY, 0.0) == ()
