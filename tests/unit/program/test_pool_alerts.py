from __future__ import annotations

from attrs import evolve

from director.model.http import L7Service, Rule
from director.model.pools import Address, Check, Pool, Server, State
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.program.pool_alerts import SAID, PoolAlerts
from director.registry.changes import Ordered
from director.registry.ledger import claim
from director.registry.registry import Registry
from tests.support.registries import registry_of, server, turn

WEB = Pool(
    "web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))), checks=("alive",)
)
ALIVE = Check("alive")
WWW = L7Service("www", (Address("", 80),), pool="web")


def watched(*pools: Pool, **parts: tuple[object, ...]) -> tuple[Registry, PoolAlerts]:
    registry = registry_of()
    configuration: dict[str, object] = {"pools": pools, "checks": (ALIVE,), **parts}
    turn(registry, Configuration(**configuration))  # type: ignore[arg-type]
    return registry, PoolAlerts(registry, lambda: 0.0)


def test_a_pool_that_cannot_serve_is_said_once_with_what_clients_get_and_once_when_it_can() -> None:
    registry, watch = watched(WEB, l7=(WWW,))
    assert watch.look(1.0) == ([], [])
    registry.set_health("10.0.0.1:80", "alive", False, 2.0)
    assert watch.look(2.0) == ([], []), "the other serves"
    registry.set_health("10.0.0.2:80", "alive", False, 3.0)
    lost = (
        "pool web cannot serve: every server is down or in maintenance. "
        "Clients of l7:www get: the built-in 503 page."
    )
    assert watch.look(3.0) == ([lost], [])
    assert watch.look(4.0) == ([], [])
    registry.set_health("10.0.0.2:80", "alive", True, 8.0)
    assert watch.look(8.0) == ([], ["pool web can serve again, after 5s: 1 of 2 servers"])
    assert watch.look(9.0) == ([], [])


def test_orders_count_as_health_does_and_layer_4_refuses() -> None:
    dns = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "web")
    registry, watch = watched(WEB, l4=(dns,))
    registry.apply([Ordered("web", "a", State.MAINT), Ordered("web", "b", State.DRAIN)], "ops", 1.0, 1.0)
    [lost], _ = watch.look(1.0)
    assert lost == (
        "pool web cannot serve: every live server is drained or has weight 0. "
        "New connections to l4:dns are refused."
    )


def test_a_pool_that_nobody_uses_or_that_is_merely_full_is_no_news() -> None:
    registry, watch = watched(WEB)
    for address in ("10.0.0.1:80", "10.0.0.2:80"):
        registry.set_health(address, "alive", False, 1.0)
    assert watch.look(1.0) == ([], [])
    small = Pool("small", (server("a", 1, max=1),))
    registry, watch = watched(small, l7=(L7Service("www", (Address("", 80),), pool="small"),))
    lease = claim(registry.pools["small"].servers[0])
    assert registry.pools["small"].eligible() == ()
    assert watch.look(1.0) == ([], [])
    lease.release()


def test_a_rule_is_a_use_and_a_pool_that_goes_is_forgotten() -> None:
    rule = Rule(1, "all", "www", when=None, pool="web")
    other = Pool("other", (server("z", 9),))
    www = L7Service("www", (Address("", 80),), pool="other")
    registry, watch = watched(WEB, other, l7=(www,), rules=(rule,))
    registry.apply([Ordered("web", "a", State.MAINT), Ordered("web", "b", State.MAINT)], "ops", 1.0, 1.0)
    assert len(watch.look(1.0)[0]) == 1
    turn(registry, Configuration(pools=(other,), l7=(www,)))
    assert watch.look(2.0) == ([], [])


def test_many_at_once_are_counted() -> None:
    pools = [Pool(f"p{number:02d}", ()) for number in range(SAID + 5)]
    services = tuple(
        L7Service(f"s{one.name}", (Address("", 80 + at),), pool=one.name) for at, one in enumerate(pools)
    )
    _registry, watch = watched(*pools, l7=services)
    lost, _ = watch.look(1.0)
    assert len(lost) == SAID + 1
    assert lost[-1] == "and 5 more pools"


def test_panic_is_said_when_it_begins_and_when_it_ends() -> None:
    registry, watch = watched(evolve(WEB, panic=0.6))
    assert watch.panics() == []
    registry.set_health("10.0.0.1:80", "alive", False, 2.0)
    begun = (
        "pool web is in panic: 1 of 2 servers are healthy, less than panic = 60%, so all of them are used, "
        "also those that checks call dead"
    )
    assert watch.panics() == [begun]
    assert watch.panics() == []
    registry.set_health("10.0.0.1:80", "alive", True, 3.0)
    assert watch.panics() == ["pool web is not in panic any more"]
