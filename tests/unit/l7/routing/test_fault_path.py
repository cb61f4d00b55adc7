from __future__ import annotations

from collections.abc import Iterable

import pytest
from attrs import evolve

from director.l7.routing.fault_path import (
    Cause,
    FaultPath,
    FaultTarget,
    LocalStep,
    PageStep,
    PoolStep,
    ServerStep,
)
from director.model.http import FAULT_CAUSES, FaultStep, L7Service, Page, Rule
from director.model.pools import Address, Check, Pool, State
from director.model.settings import Configuration
from director.registry.changes import Ordered, PoolRemoved, ServiceSet
from director.registry.ledger import claim
from director.registry.registry import RealServer, Registry
from tests.support.registries import live, registry_of, server

LOCAL = Address("127.0.0.1", 8099)
SORRY = Page("sorry", b"sorry")
FAULT = (FaultStep("active"), FaultStep("local", address=LOCAL), FaultStep("page", "sorry"))
WWW = L7Service("www", (), pool="web", fault=FAULT)
RULES = (
    Rule(200, "users", "www", pool="users"),
    Rule(100, "images", "www", pool="images"),
    Rule(50, "other site", "shop", pool="shop"),
    Rule(10, "old", "www", redirect=(301, "/")),
)
CONFIGURATION = Configuration(
    pools=(
        Pool("shop", (server("z", 9),)),
        Pool("web", (server("w", 5),)),
        Pool("users", (server("u", 3), server("v", 4)), checks=("alive",)),
        Pool("images", (server("i", 1), server("j", 2)), checks=("alive",)),
    ),
    checks=(Check("alive"),),
    l7=(WWW, L7Service("shop", ())),
    rules=RULES,
    pages=(SORRY,),
)


def world() -> tuple[Registry, FaultPath]:
    registry = registry_of(configuration=CONFIGURATION)
    return registry, FaultPath(WWW, RULES, (SORRY,), registry)


def chain_of(*steps: FaultStep) -> FaultPath:
    return FaultPath(evolve(WWW, fault=steps), RULES, (SORRY,), registry_of(configuration=CONFIGURATION))


@pytest.mark.parametrize("cause", Cause)
def test_steps_come_in_order_for_every_cause(cause: Cause) -> None:
    """`active` is every live server, one after the other (design 5), before the next step."""
    _, chain = world()
    *servers, local, page = chain.targets(cause)
    assert servers_of(servers) == ["images/i", "images/j", "users/u", "users/v", "web/w"]
    assert (local, page) == (LocalStep(LOCAL), PageStep(SORRY))


def servers_of(steps: Iterable[FaultTarget]) -> list[str]:
    """Whom steps lead to."""
    found = [step.server for step in steps if isinstance(step, ServerStep)]
    return [f"{one.pool.name}/{one.name}" for one in found]


def first_live(chain: FaultPath) -> RealServer | None:
    return next(chain.live_servers(), None)


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_that_is_not_named_takes_no_step(cause: Cause) -> None:
    others = tuple(one.value for one in Cause if one is not cause)
    registry = registry_of(configuration=CONFIGURATION)
    assert list(FaultPath(evolve(WWW, fault_on=others), RULES, (SORRY,), registry).targets(cause)) == []
    alone = FaultPath(evolve(WWW, fault_on=(cause.value,)), RULES, (SORRY,), registry)
    assert PageStep(SORRY) in alone.targets(cause)


def test_causes_are_the_words_of_the_file_and_have_the_status_of_the_standard() -> None:
    """RFC 9110 15.6.3 to 15.6.5: a response that is none, nobody to serve, none in time."""
    assert tuple(cause.value for cause in Cause) == FAULT_CAUSES
    assert {cause.value: cause.status for cause in Cause} == {
        "no_server": 503, "connect": 503, "queue": 503, "timeout": 504, "empty": 502, "junk": 502,
    }  # fmt: skip
    assert {cause.value for cause in Cause if cause.worked_on} == {"timeout", "empty", "junk"}


def test_active_goes_by_rule_order_then_server_order_then_the_own_pool() -> None:
    """K24, K25: dead servers are passed over, the next live one is taken wherever it is."""
    registry, chain = world()
    expected = [("images", "i"), ("images", "j"), ("users", "u"), ("users", "v"), ("web", "w")]
    for pool, name in expected:
        found = first_live(chain)
        assert found is live(registry, pool, name)
        found.reachable = False
    assert first_live(chain) is None
    assert list(chain.targets(Cause.NO_SERVER)) == [LocalStep(LOCAL), PageStep(SORRY)]


def test_the_mark_follows_the_last_connect() -> None:
    """K26: not taken after a failed connect, taken after the next success; unknown counts as active."""
    registry, chain = world()
    first = live(registry, "images", "i")
    first.reachable = False
    assert first_live(chain) is not first
    registry.reached("10.0.0.1:80")
    assert first_live(chain) is first


def test_active_leaves_out_who_is_down_drained_in_maintenance_or_full() -> None:
    registry, chain = world()
    registry.set_health("10.0.0.1:80", "alive", False, 0.0)
    registry.apply(
        [Ordered("images", "j", State.DRAIN), Ordered("users", "u", State.MAINT)], "test", 0.0, 0.0
    )
    full = live(registry, "users", "v")
    full.max = 1
    claim(full)
    assert first_live(chain) is live(registry, "web", "w")


def test_active_does_not_look_at_weight() -> None:
    """A.7: weight, load and pattern are not looked at."""
    registry, chain = world()
    live(registry, "images", "i").weight = 0
    assert first_live(chain) is live(registry, "images", "i")


def test_a_step_is_judged_when_its_turn_comes() -> None:
    """The server that just failed is not offered again."""
    registry, _chain = world()
    chain = FaultPath(
        evolve(WWW, fault=(FaultStep("pool", "users"), FaultStep("active"))), RULES, (), registry
    )
    steps = chain.targets(Cause.NO_SERVER)
    assert next(steps) == PoolStep("users")
    live(registry, "images", "i").reachable = False
    second = next(steps)
    assert isinstance(second, ServerStep)
    assert second.server is live(registry, "images", "j")


def test_a_step_is_never_given_twice() -> None:
    doubled = (FaultStep("pool", "web"), FaultStep("local", address=LOCAL))
    targets = list(chain_of(*doubled, *doubled, *doubled).targets(Cause.CONNECT))
    assert targets == [PoolStep("web"), LocalStep(LOCAL)]


def test_without_steps_there_is_nothing_to_try() -> None:
    assert list(chain_of().targets(Cause.NO_SERVER)) == []


def test_nothing_comes_after_a_page() -> None:
    chain = chain_of(FaultStep("page", "sorry"), FaultStep("pool", "web"))
    assert list(chain.targets(Cause.NO_SERVER)) == [PageStep(SORRY)]


def test_what_is_not_there_is_passed_over() -> None:
    chain = chain_of(FaultStep("page", "nosuch"), FaultStep("pool", "nosuch"), FaultStep("local"))
    assert list(chain.targets(Cause.NO_SERVER)) == []


def test_a_pool_that_left_meanwhile_is_passed_over() -> None:
    registry, chain = world()
    registry.apply(
        [ServiceSet(L7Service("shop", (), pool="")), ServiceSet(evolve(WWW, pool=""))], "test", 0.0, 0.0
    )
    registry.apply([PoolRemoved("web")], "test", 0.0, 0.0)
    for one in registry.servers():
        one.reachable = False
    assert first_live(chain) is None


def test_each_step_has_its_words_for_the_log() -> None:
    _, chain = world()
    steps = [*chain.targets(Cause.NO_SERVER), *chain_of(FaultStep("pool", "web")).targets(Cause.NO_SERVER)]
    labels = [step.label for step in steps]
    assert labels[0] == "active i"
    assert labels[-3:] == ["local 127.0.0.1:8099", "page sorry", "pool web"]
