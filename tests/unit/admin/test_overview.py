from __future__ import annotations

import json

from attrs import evolve

from director.admin.overview import ALL_ROWS, FINDINGS, POOL_ROWS, overview, pools, verdict
from director.admin.rates import Rates
from director.admin.testing import MemoryControl
from director.admin.views import Json, ViewContext
from director.model.pools import Pool
from director.registry.changes import PoolAdded, ServerAdded
from director.registry.reports import ListenerState, ProcessFigures, Readiness
from tests.unit.admin import sample


def context(control: MemoryControl) -> ViewContext:
    return ViewContext(control.snapshot(), control.at, Rates(), tuple(control.heard), tuple(control.evidence))


def look(control: MemoryControl) -> Json:
    return verdict(context(control), control.readiness())


def test_all_is_well() -> None:
    found = look(sample.control())
    assert (found["level"], found["headline"], found["findings"], found["since"]) == (
        "ok",
        "All is well",
        [],
        None,
    )


def test_a_pool_that_cannot_serve_comes_first_with_what_clients_get() -> None:
    control = sample.control()
    sample.trouble(control)
    found = look(control)
    first, second = found["findings"]
    assert (found["level"], found["headline"]) == ("error", "Pool images cannot serve")
    assert found["for"] == 130.0
    assert first["doing"] == "Clients of l7:www get: the answer of server web/a."
    assert (second["at"], second["text"]) == ("server images/i", "is down: check alive: connection refused")


def test_changes_that_a_restart_would_lose_are_a_warning() -> None:
    control = sample.control()
    found = verdict(evolve(context(control), unkept="orders.json: No space left on device"), Readiness())
    assert (found["level"], found["headline"]) == ("warning", "Serving, but director cannot keep changes")
    [one] = found["findings"]
    assert one["text"] == "cannot keep changes: orders.json: No space left on device"
    assert one["doing"].startswith("They hold until a restart")


def test_one_server_of_several_is_a_warning() -> None:
    control = sample.control()
    control.registry.set_health("127.0.0.1:9001", "alive", alive=False, now=990.0)
    found = look(control)
    assert (found["level"], found["headline"]) == ("warning", "Serving, but server web/a is down")
    assert found["findings"][0]["doing"].startswith("1 other server takes its traffic")


def test_a_listener_that_is_not_bound_is_an_error_told_once() -> None:
    control = sample.control()
    control.heard[0] = ListenerState("l7:www", "127.0.0.1:8080", bound=False, error="address in use")
    control.against = ("l7:www does not listen",)
    found = look(control)
    assert [one["at"] for one in found["findings"]] == ["service l7:www"]
    assert found["headline"] == "Service l7:www does not listen on 127.0.0.1:8080"


def test_reasons_against_readiness_are_shown() -> None:
    control = sample.control()
    control.against = ("stopping",)
    assert look(control)["findings"][0]["text"] == "is not ready: stopping"


def test_what_keeps_layer_4_from_working_is_told_once_and_since_when() -> None:
    """Not once for each of a hundred virtual services, and not since a server of another pool went."""
    control = sample.control()
    reason = "interface eth9 is down; layer 4 works on it when it is up"
    control.heard += [
        ListenerState(f"l4:{number}", "udp 192.0.2.1:53", bound=False, error=reason) for number in "ab"
    ]
    control.against = (reason,)
    control.against_since = {reason: control.at.now - 7.0}
    [found] = look(control)["findings"]
    assert (found["at"], found["text"], found["for"]) == ("director", f"is not ready: {reason}", 7.0)
    control.against = ()
    assert [one["doing"] for one in look(control)["findings"]] == ["The others go on."] * 2


def test_a_certificate_that_ends_soon_is_a_warning_and_one_that_ended_an_error() -> None:
    control = sample.control()
    lasting = {"long": 90 * 86400.0, "soon": 3 * 86400.0, "gone": -60.0}
    seen = evolve(context(control), certificates=lasting)
    found = verdict(seen, control.readiness())
    told = [(one["level"], one["at"], one["text"]) for one in found["findings"]]
    assert told == [
        ("error", "certificate gone", "has ended"),
        ("warning", "certificate soon", "ends in 3 days"),
    ]


def test_waiting_requests_are_a_warning() -> None:
    control = sample.control()
    control.registry.pools["web"].waiting = 7
    assert "7 requests waiting" in look(control)["findings"][0]["text"]


def test_a_pool_that_nobody_uses_is_no_trouble() -> None:
    control = sample.control()
    control.apply([PoolAdded(Pool("spare"))], "x")
    assert look(control)["level"] == "ok"


def test_the_first_screen_is_bounded_and_shows_trouble_first() -> None:
    control = sample.control()
    for number in range(15):
        control.apply(
            [
                PoolAdded(
                    Pool(
                        f"p{number}",
                        tuple(sample.server(f"s{n}", 1000 * (number + 1) + n) for n in range(100)),
                        checks=("alive",),
                    )
                )
            ],
            "x",
        )
    control.registry.set_health("127.0.0.1:1099", "alive", alive=False, now=990.0)
    shown = list(pools(context(control)))
    many = {pool["name"]: pool for pool in shown}
    assert many["p0"]["servers"][0]["name"] == "s99"
    assert len(many["p0"]["servers"]) == POOL_ROWS
    assert many["p0"]["more"] == 100 - POOL_ROWS
    assert sum(len(pool["servers"]) for pool in shown) == ALL_ROWS


def test_findings_are_bounded() -> None:
    control = sample.control()
    control.against = tuple(f"reason {number}" for number in range(30))
    found = look(control)
    assert len(found["findings"]) == FINDINGS
    assert found["more"] == 10
    assert found["headline"] == "30 things are broken"


def test_a_pool_with_many_servers_down_is_one_finding() -> None:
    control = sample.control()
    for number in range(30):
        one = sample.server(f"x{number}", 5000 + number)
        control.apply([ServerAdded("web", one)], "x")
        control.registry.set_health(str(one.address), "alive", alive=False, now=990.0 + number)
    found = look(control)
    [finding] = found["findings"]
    assert (finding["at"], finding["text"]) == (
        "pool web",
        "has 30 of 33 servers down: x0, x1, x2, x3, x4 and 25 more",
    )
    assert finding["doing"].startswith(
        "x0: check alive: failed. 2 other servers take their traffic. They are"
    )
    assert finding["for"] == control.at.now - 990.0
    assert found["headline"] == "Serving, but pool web has 30 of 33 servers down"


def test_only_fault_answers_are_listed() -> None:
    control = sample.control()
    sample.trouble(control)
    view = overview(
        context(control), Readiness(), ProcessFigures("0.1", 0.0), control.happened, control.remembered
    )
    assert [one["id"] for one in view["faults"]] == ["f1"]
    assert view["process"]["uptime"] == control.at.time


def test_panic_is_an_error_with_what_ends_it() -> None:
    control = sample.control()
    pool = control.registry.pools["web"]
    pool.config = evolve(pool.config, panic=1.0)
    pool.by_name["a"].failing = frozenset({"eject:web"})
    pool.by_name["a"].refresh()
    text = json.dumps(sample.screen(control))
    assert "is in panic: 1 of 2 servers are healthy, less than panic = 100%" in text
    assert "ejected for its traffic: failed" in text
