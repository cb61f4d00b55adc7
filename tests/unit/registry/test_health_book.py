from __future__ import annotations

from director.model.pools import Advice, Check, Pool, State
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
