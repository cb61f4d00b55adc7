from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from director.admin import audit, views
from director.admin.rates import Rates
from director.admin.testing import MemoryControl
from director.admin.views import ViewContext
from director.model.pools import Advice, State
from director.registry.changes import Ordered, ServerChanged, weight
from director.registry.ledger import claim
from director.registry.reports import CheckEvidence
from tests.unit.admin import sample


def context(control: MemoryControl) -> ViewContext:
    return ViewContext(control.snapshot(), control.at, Rates(), tuple(control.heard), tuple(control.evidence))


def server(control: MemoryControl, pool: str = "web", name: str = "a") -> views.Json:
    found = control.snapshot().server(pool, name)
    assert found is not None
    return views.server_view(found, context(control))


def test_everything_is_json() -> None:
    control = sample.control()
    sample.fill(control)
    sample.trouble(control)
    look = context(control)
    found: list[Any] = [views.service_view(one, look) for one in look.seen.services.values()]
    found += [views.pool_view(one, look) for one in look.seen.pools.values()]
    found += [views.rule_view(one, look) for one in control.registry.configuration.rules]
    found += [views.trace_view(one, look.seen) for one in control.remembered]
    found += [audit.generation_view(one) for one in control.registry.generations]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_server_up_with_its_evidence() -> None:
    view = server(sample.control())
    assert (view["status"], view["health"], view["state"], view["eligible"]) == ("up", "up", "ready", True)
    assert view["since"] == "2027-01-15T07:45:00.000Z"
    assert view["for"] == 900.0
    assert [check["evidence"] for check in view["checks"]] == ["200 OK"]


def test_words_for_what_a_server_does() -> None:
    control = sample.control()
    registry = control.registry
    assert server(control, "web", "s")["status"] == "standby"
    assert server(control, "dns", "d")["health"] == "unchecked"
    live = registry.pools["web"].servers[1]
    lease = claim(live)
    control.apply([Ordered("web", "b", State.DRAIN)], "x")
    assert server(control, "web", "b")["status"] == "draining, 1 left"
    live.inactive += 2
    assert server(control, "web", "b")["status"] == "draining, 1 active, 2 inactive left"
    live.inactive -= 2
    lease.release()
    assert server(control, "web", "b")["status"] == "drained"
    control.apply([Ordered("web", "b", State.MAINT)], "x")
    assert server(control, "web", "b")["status"] == "maintenance"
    control.apply([Ordered("web", "b", State.READY), weight(registry.configuration, "web", "b", 0)], "x")
    assert server(control, "web", "b")["status"] == "quiesced"


def test_a_full_server_says_so() -> None:
    control = sample.control()
    config = control.registry.configuration.pools[0].servers[1]
    control.apply([ServerChanged("web", type(config)("b", config.address, max=1))], "x")
    lease = claim(control.registry.pools["web"].servers[1])
    view = server(control, "web", "b")
    assert (view["status"], view["eligible"], view["load"]) == ("full", False, 1)
    assert view["note"] == "its max of 1 was reached; nothing new until it has fewer than 1"
    lease.release()
    assert server(control, "web", "b")["note"] == ""


@pytest.mark.parametrize(("least", "most", "bound"), [(0, 4, 3), (0, 5, 4), (2, 4, 2), (0, 1, 1)])
def test_a_server_below_its_max_may_still_be_full(least: int, most: int, bound: int) -> None:
    """B.5: it opens below `min`, or below three quarters of `max`."""
    control = sample.control()
    config = control.registry.configuration.pools[0].servers[1]
    control.apply([ServerChanged("web", type(config)("b", config.address, max=most, min=least))], "x")
    live = control.registry.pools["web"].servers[1]
    leases = [claim(live) for _ in range(most)]
    while live.overloaded:
        assert server(control, "web", "b")["note"].endswith(f"fewer than {bound}")
        assert live.active >= bound
        leases.pop().release()
    assert live.active == bound - 1


def test_no_verdict_yet_is_checking() -> None:
    control = MemoryControl(sample.registry())
    assert server(control)["health"] == "checking"


def test_a_pool_that_cannot_serve_says_why() -> None:
    control = sample.control()
    sample.trouble(control)
    view = views.pool_view(control.snapshot().pools["images"], context(control))
    assert view["eligible"] == 0
    assert view["why_none"] == "every server is down or in maintenance"
    assert view["used_by"] == ["l7:www"]


def test_services_of_both_layers() -> None:
    control = sample.control()
    www = views.service_view(control.snapshot().services["l7:www"], context(control))
    assert www["fault"] == ["active", "local 127.0.0.1:8099"]
    assert www["rules"] == 2
    assert www["listeners"][0] == {"address": "127.0.0.1:8080", "bound": True, "error": ""}
    dns = views.service_view(control.snapshot().services["l4:dns"], context(control))
    assert dns["listen"] == ["udp 192.0.2.53:53"]
    assert dns["forward"] == "nat"


def test_a_latency_beyond_all_bounds_is_still_a_number() -> None:
    control = sample.control()
    control.registry.services["l7:www"].requests.latency.add(1000.0)
    assert (
        views.service_view(control.snapshot().services["l7:www"], context(control))["latency"]["p99"] == 30.0
    )


def test_rules_show_what_they_do() -> None:
    control = sample.control()
    sample.fill(control)
    images, old = [views.rule_view(one, context(control)) for one in control.registry.configuration.rules]
    assert (images["action"], images["when"], images["requests"]) == ("pool images", "path ^= /images/", 5)
    assert old["action"] == "redirect 301 https://example.org/new"


def reshaped(control: MemoryControl, **settings: Any) -> None:
    """Pool `web` with other settings."""
    pool = control.registry.pools["web"]
    pool.config = evolve(pool.config, **settings)
    for one in pool.servers:
        one.refresh()


def fails(control: MemoryControl, name: str, check: str = "alive") -> None:
    one = control.registry.pools["web"].by_name[name]
    one.failing |= {check}
    one.refresh()


def test_a_dead_server_that_is_used_in_panic_is_not_called_up() -> None:
    control = sample.control()
    reshaped(control, panic=1.0)
    fails(control, "a")
    found = server(control)
    assert (found["status"], found["health"], found["eligible"]) == (
        "down, used all the same (panic)",
        "down",
        True,
    )
    pool = views.pool_view(control.snapshot().pools["web"], context(control))
    assert pool["panic"] == (
        "1 of 2 servers are healthy, less than panic = 100%, so all of them are used, also those that checks "
        "call dead"
    )


def test_one_check_of_several_may_fail() -> None:
    control = sample.control()
    reshaped(control, checks=("alive", "deep"), needed=1)
    fails(control, "a", "deep")
    found = server(control)
    assert (found["status"], found["failing"]) == ("up", ["deep"])
    assert found["note"] == "fails deep; enough other checks hold"
    assert views.pool_view(control.snapshot().pools["web"], context(control))["needed"] == 1


def test_what_an_agent_wants_is_shown() -> None:
    control = sample.control()
    control.registry.pools["web"].by_name["a"].advise(Advice(50, State.DRAIN))
    found = server(control)
    assert (found["status"], found["state"], found["advice"]) == ("drained", "ready", "50% drain")
    assert found["note"] == "its agent says 50% drain"


def test_an_ejection_is_evidence_of_its_server() -> None:
    control = sample.control()
    fails(control, "a", "eject:web")
    address = control.registry.pools["web"].by_name["a"].key
    control.evidence.append(CheckEvidence("eject:web", address, False, 900.0, "5 failures in a row: 5 5xx"))
    control.evidence.append(CheckEvidence("eject:images", address, False, 900.0, "another pool's"))
    assert [one["evidence"] for one in server(control)["checks"]][1:] == ["5 failures in a row: 5 5xx"]
