from __future__ import annotations

import pytest
from attrs import evolve

from director.model.pools import Advice, Check, OnDown, Pool, State, passive
from director.model.settings import Configuration
from director.registry.registry import Registry
from tests.support.registries import live, registry_of, server, taken, turn

WEB = Pool("web", (server("a", 1, weight=4, max=10), server("b", 2)), checks=("alive", "agent"))
API = Pool("api", (server("x", 1),), checks=("alive",))
A = "10.0.0.1:80"
CHECKS = (Check("alive"), Check("agent", "agent"))


def with_checks(*pools: Pool) -> Registry:
    return registry_of(configuration=Configuration(pools=pools, checks=CHECKS))


def test_advice_is_laid_over_what_is_configured() -> None:
    """HAProxy's agent-check: weight is a share of the configured one, what is not mentioned stays."""
    registry = with_checks(WEB, API)
    a = live(registry, "web", "a")
    assert registry.set_advice(A, "agent", Advice(share=50, max=3), 1.0) == (a,)
    assert (a.weight, a.max, a.available) == (2, 3, True)
    # The other pool does not ask the agent.
    assert live(registry, "api", "x").weight == 1
    assert registry.set_advice(A, "agent", Advice(share=1), 2.0) == (a,)
    assert (a.weight, a.max) == (1, 10)
    registry.set_advice(A, "agent", Advice(share=0), 3.0)
    assert (a.weight, a.eligible) == (0, False)
    registry.forget_health(A, "agent", 4.0)
    assert (a.weight, a.max, a.advice) == (4, 10, Advice())


def test_an_agent_can_be_stricter_than_the_operator_and_never_laxer() -> None:
    registry = with_checks(WEB)
    a = live(registry, "web", "a")
    registry.set_advice(A, "agent", Advice(state=State.DRAIN), 1.0)
    assert (a.available, a.eligible) == (True, False)
    registry.set_advice(A, "agent", Advice(state=State.MAINT), 2.0)
    assert not a.available
    registry.set_advice(A, "agent", Advice(state=State.READY), 3.0)
    assert a.eligible
    registry.order("web", "a", State.MAINT, 4.0)
    registry.set_advice(A, "agent", Advice(state=State.READY), 5.0)
    assert not a.available


def test_advice_outlives_a_reload_and_its_server_does_not_outlive_its_address() -> None:
    registry = with_checks(WEB)
    registry.set_advice(A, "agent", Advice(share=25), 1.0)
    turn(
        registry,
        Configuration(
            pools=(Pool("web", (server("renamed", 1, weight=8),), checks=("agent",)),), checks=CHECKS
        ),
        2.0,
    )
    assert live(registry, "web", "renamed").weight == 2
    turn(
        registry,
        Configuration(pools=(Pool("web", (server("renamed", 3),), checks=("agent",)),), checks=CHECKS),
        3.0,
    )
    assert registry.verdicts() == []
    assert registry.set_advice("10.0.0.9:80", "agent", Advice(share=1), 4.0) == ()


def test_what_stands_can_be_told_to_another_process() -> None:
    registry, other = with_checks(WEB), with_checks(WEB)
    registry.set_health(A, "alive", False, 1.0)
    registry.set_advice(A, "agent", Advice(share=50, state=State.DRAIN), 1.0)
    told = registry.verdicts()
    assert told == [(A, "alive", False), (A, "agent", [50, "drain", None])]
    for address, check, said in told:
        if isinstance(said, list):
            other.set_advice(address, check, Advice.heard(said), 1.0)
    assert live(other, "web", "a").advice == Advice(50, State.DRAIN)


def test_schedulers_are_told_of_another_weight() -> None:
    registry = with_checks(WEB)
    taken(registry, "web").release()
    scheduler = registry.pools["web"].schedulers["l7:www"]
    registry.set_advice(A, "agent", Advice(share=50), 1.0)
    assert scheduler.life[-1] == "updated a"


def state(registry: Registry, pool: str = "web") -> list[str]:
    return [one.name for one in registry.pools[pool].eligible()]


THREE = Pool("web", (server("a", 1),), checks=("one", "two", "three"))
THREE_CHECKS = tuple(Check(name) for name in THREE.checks)


@pytest.mark.parametrize(
    ("needed", "failing", "available"),
    [
        (0, ("one",), False),
        (1, ("one", "two"), True),
        (1, ("one", "two", "three"), False),
        (2, ("one",), True),
        (2, ("one", "two"), False),
    ],
)
def test_so_many_checks_must_hold(needed: int, failing: tuple[str, ...], available: bool) -> None:
    """Design 5: `one, two` all, `any one, two` one, `2 of one, two, three` two."""
    registry = registry_of(
        configuration=Configuration(pools=(evolve(THREE, needed=needed),), checks=THREE_CHECKS)
    )
    for check in failing:
        registry.set_health(A, check, False, 1.0)
    assert live(registry, "web", "a").available is available


def test_an_ejection_counts_whatever_checks_say_and_for_its_pool_alone() -> None:
    registry = with_checks(evolve(WEB, needed=1), API)
    a, x = live(registry, "web", "a"), live(registry, "api", "x")
    assert registry.set_health(A, passive("web"), False, 1.0) == (a,)
    assert (a.available, x.available, a.failing) == (False, True, frozenset({"eject:web"}))
    assert registry.forget_health(A, passive("web"), 2.0) == (a,)
    assert a.available


FOUR = Pool("web", tuple(server(f"s{n}", n) for n in (1, 2, 3, 4)), checks=("alive",), panic=0.5)


def fall(registry: Registry, *lasts: int, alive: bool = False) -> None:
    for last in lasts:
        registry.set_health(f"10.0.0.{last}:80", "alive", alive, 1.0)


def test_with_fewer_healthy_than_the_share_all_are_used() -> None:
    registry = with_checks(FOUR)
    pool = registry.pools["web"]
    fall(registry, 1, 2)
    assert (pool.panic, pool.healthy, state(registry)) == (False, (2, 4), ["s3", "s4"])
    fall(registry, 3)
    assert (pool.panic, pool.healthy, state(registry)) == (True, (1, 4), ["s1", "s2", "s3", "s4"])
    registry.order("web", "s1", State.MAINT, 2.0)
    registry.order("web", "s2", State.DRAIN, 2.0)
    # Of two that shall work one is healthy: no panic, for half is not less than half.
    assert (pool.panic, pool.healthy, state(registry)) == (False, (1, 2), ["s4"])
    fall(registry, 4)
    assert (pool.panic, state(registry)) == (True, ["s3", "s4"])
    fall(registry, 3, 4, alive=True)
    assert (pool.panic, state(registry)) == (False, ["s3", "s4"])


def test_a_backup_that_can_step_in_goes_before_panic() -> None:
    registry = with_checks(evolve(FOUR, servers=(*FOUR.servers[:2], server("spare", 9, backup=True))))
    fall(registry, 1, 2)
    assert state(registry) == ["spare"]
    fall(registry, 9)
    assert (registry.pools["web"].panic, state(registry)) == (True, ["s1", "s2"])


def test_panic_follows_a_reload_and_servers_that_leave() -> None:
    registry = with_checks(FOUR)
    fall(registry, 1, 2, 3)
    pool = registry.pools["web"]
    turn(registry, Configuration(pools=(evolve(FOUR, panic=0.0),), checks=CHECKS), 3.0)
    assert (pool.panic, state(registry)) == (False, ["s4"])
    turn(registry, Configuration(pools=(FOUR,), checks=CHECKS), 4.0)
    assert pool.panic
    turn(registry, Configuration(pools=(evolve(FOUR, servers=FOUR.servers[2:]),), checks=CHECKS), 5.0)
    assert (pool.panic, pool.healthy, state(registry)) == (False, (1, 2), ["s4"])


def test_in_panic_established_work_is_not_cut() -> None:
    registry = with_checks(evolve(FOUR, on_down=OnDown.CLOSE))
    fall(registry, 1, 2)
    assert [one.cut for one in registry.pools["web"].servers] == [True, True, False, False]
    fall(registry, 3)
    assert not any(one.cut for one in registry.pools["web"].servers)
