from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given

from director.errors import ChangeRefused
from director.model.http import FaultStep, L7Service, Rule
from director.model.pools import Address, Pool, SchedulerSpec, State
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.registry.changes import (
    Change,
    Ordered,
    PoolAdded,
    PoolChanged,
    PoolRemoved,
    Rearranged,
    RestReplaced,
    SchedulersRead,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
    ServiceRemoved,
    ServiceSet,
    changed,
    plan,
    weight,
)
from director.registry.draft import Draft
from tests.support.registries import server
from tests.unit.configurations import configurations

WEB = Pool("web", (server("a", 1), server("b", 2)))
API = Pool("api")
WWW = L7Service("www", (Address(port=80),), pool="web")
BASE = Configuration(pools=(WEB, API), l7=(WWW,), rules=(Rule(1, "", "www", pool="web"),))


@given(configurations(), configurations())
def test_a_plan_leads_from_old_to_new(old: Configuration, new: Configuration) -> None:
    assert changed(old, plan(old, new)) == new


@given(configurations(), configurations())
def test_each_step_of_a_plan_is_a_whole_configuration(old: Configuration, new: Configuration) -> None:
    """After each single change, whatever is named is there."""
    now = old
    for change in plan(old, new):
        now = change.on_configuration(now)
        pools = {pool.name for pool in now.pools}
        named = {one.pool for one in now.l4} | {rule.pool for rule in now.rules}
        named |= {one.pool for one in now.l7 if one.pool}
        named |= {step.name for one in now.l7 for step in one.fault if step.kind == "pool"}
        assert named <= pools
        assert {rule.service for rule in now.rules} <= {one.name for one in now.l7}


@given(configurations())
def test_there_is_nothing_to_do_between_equals(same: Configuration) -> None:
    assert plan(same, same) == ()


def test_a_changed_weight_is_one_change() -> None:
    new = evolve(BASE, pools=(evolve(WEB, servers=(server("a", 1, weight=5), WEB.servers[1])), API))
    assert plan(BASE, new) == (ServerChanged("web", server("a", 1, weight=5)),)


def test_a_moved_server_leaves_before_it_comes_back() -> None:
    new = evolve(BASE, pools=(evolve(WEB, servers=(server("a", 9), WEB.servers[1])), API))
    removed, added, order = plan(BASE, new)
    assert (removed, added) == (ServerRemoved("web", "a"), ServerAdded("web", server("a", 9)))
    assert isinstance(order, PoolChanged)


def test_a_server_of_another_name_leaves_before_it_comes_back() -> None:
    """What it holds belongs to its address, so the place must be free first (B.8)."""
    new = evolve(BASE, pools=(evolve(WEB, servers=(WEB.servers[0], server("c", 2))), API))
    assert plan(BASE, new) == (ServerRemoved("web", "b"), ServerAdded("web", server("c", 2)))


def test_new_pools_come_first_and_old_ones_go_last() -> None:
    new = Configuration(pools=(Pool("new"),), l7=(evolve(WWW, pool="new"),), rules=())
    kinds = [type(change) for change in plan(BASE, new)]
    assert kinds == [PoolAdded, ServiceSet, RestReplaced, PoolRemoved, PoolRemoved]


L4 = L4Service("dns", Virtual(port=53), pool="nowhere")
REFUSED: list[tuple[Change, str]] = [
    (PoolAdded(WEB), "EEXIST"),
    (PoolChanged(Pool("nowhere")), "ESRCH"),
    (PoolChanged(evolve(WEB, servers=())), "EINVAL"),
    (PoolRemoved("nowhere"), "ESRCH"),
    (PoolRemoved("web"), "EBUSY"),
    (ServerAdded("nowhere", server()), "ESRCH"),
    (ServerAdded("web", server("a", 7)), "EEXIST"),
    (ServerChanged("web", server("c")), "ENOENT"),
    (ServerChanged("web", server("a", 7)), "EINVAL"),
    (ServerRemoved("web", "c"), "ENOENT"),
    (ServerRemoved("nowhere", "a"), "ESRCH"),
    (Ordered("web", "c", State.DRAIN), "ENOENT"),
    (ServiceSet(L4), "ESRCH"),
    (ServiceSet(evolve(WWW, fault=(FaultStep("pool", "nowhere"),))), "ESRCH"),
    (ServiceRemoved("l7:nowhere"), "ESRCH"),
    (ServiceRemoved("l4:www"), "ESRCH"),
    (ServiceRemoved("www"), "ESRCH"),
    (ServiceRemoved("l7:www"), "EBUSY"),
    (RestReplaced(evolve(BASE, rules=(Rule(1, "", "www", pool="nowhere"),))), "ESRCH"),
    (RestReplaced(evolve(BASE, rules=(Rule(1, "", "nowhere", pool="web"),))), "ESRCH"),
    (Rearranged(("web",), ("www",), ()), "EINVAL"),
]


@pytest.mark.parametrize(("change", "code"), REFUSED, ids=[f"{code} {change}" for change, code in REFUSED])
def test_what_does_not_hold_is_refused_in_the_words_of_lvs(change: Change, code: str) -> None:
    """The errno words are those of B.2 and B.3 for the same mistakes."""
    with pytest.raises(ChangeRefused) as caught:
        change.on_configuration(BASE)
    assert caught.value.code == code


def test_a_pool_in_a_fault_chain_is_in_use() -> None:
    base = evolve(BASE, l7=(evolve(WWW, fault=(FaultStep("pool", "api"),)),))
    with pytest.raises(ChangeRefused, match="l7 www") as caught:
        PoolRemoved("api").on_configuration(base)
    assert caught.value.code == "EBUSY"


def test_a_negative_weight_is_out_of_range() -> None:
    with pytest.raises(ChangeRefused) as caught:
        weight(BASE, "web", "a", -1)
    assert caught.value.code == "ERANGE"
    assert weight(BASE, "web", "a", 0).server.weight == 0


SPOKEN: list[tuple[Change, str]] = [
    (PoolAdded(WEB), "pool web added with 2 server(s)"),
    (PoolChanged(WEB), "pool web changed"),
    (PoolRemoved("web"), "pool web removed"),
    (ServerAdded("web", server("c", 3)), "server web/c added at 10.0.0.3:80"),
    (ServerChanged("web", server("a", 1, max=4, min=1)), "server web/a now weight=1 max=4 min=1"),
    (ServerRemoved("web", "a"), "server web/a removed"),
    (Ordered("web", "a", State.MAINT), "server web/a ordered to maint"),
    (ServiceSet(WWW), "service l7:www set"),
    (ServiceSet(L4), "service l4:dns set"),
    (ServiceRemoved("l7:www"), "service l7:www removed"),
    (RestReplaced(BASE), "rules, pages, checks and settings replaced"),
    (Rearranged((), (), ()), "order of pools and services changed"),
]


@pytest.mark.parametrize(("change", "sentence"), SPOKEN, ids=[sentence for _change, sentence in SPOKEN])
def test_a_change_is_a_sentence(change: Change, sentence: str) -> None:
    assert str(change) == sentence


def test_a_new_scheduler_changes_the_pool_alone() -> None:
    new = evolve(BASE, pools=(evolve(WEB, scheduler=SchedulerSpec("rr")), API))
    assert plan(BASE, new) == (PoolChanged(new.pools[0]),)


def test_the_base_of_all_changes_does_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Change().on_draft(Draft(BASE))


def test_schedulers_read_anew_change_no_configuration() -> None:
    change = SchedulersRead(("a", "b"))
    assert change.on_configuration(Configuration()) == Configuration()
    assert str(change) == "scheduler a, b read anew"
