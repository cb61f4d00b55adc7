"""A registry with a bit of everything, for the tests of the admin and for trying its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from director.admin.control import DrillTold
from director.admin.overview import overview, pools
from director.admin.rates import Rates
from director.admin.testing import MemoryControl, record
from director.admin.views import Json, ViewContext
from director.model.conditions import Term
from director.model.drills import Drill, DrillStep, Fault, FaultAction
from director.model.http import FaultStep, L7Service, Rule
from director.model.pools import Address, Check, CookiePersistence, Pool, Queue, SchedulerSpec, Server, State
from director.model.settings import Configuration, Settings, User
from director.model.virtual import L4Service, Virtual
from director.registry.changes import Ordered, plan
from director.registry.registry import Registry
from director.registry.reports import CheckEvidence, FaultState, ListenerState, LogEvent


class First:
    """The simplest scheduler."""

    name = "first"

    def start(self, service: str, servers: Sequence[Any]) -> None:
        """Nothing to do."""

    def server_updated(self, server: Any) -> None:
        """Nothing to do."""

    server_added = server_removed = server_updated

    def choose(self, servers: Sequence[Any], key: Any, now: float) -> Any:
        """The first."""
        return servers[0]

    def stop(self) -> None:
        """Nothing to do."""


def server(name: str, port: int, **more: Any) -> Server:
    return Server(name, Address("127.0.0.1", port), **more)


CONFIGURATION = Configuration(
    settings=Settings(name="edge-1"),
    checks=(Check("alive"),),
    pools=(
        Pool(
            "web",
            (server("a", 9001, weight=2, max=200), server("b", 9002), server("s", 9003, backup=True)),
            checks=("alive",),
            persist=CookiePersistence("DIRECTOR"),
            queue=Queue(100),
        ),
        Pool(
            "images", (server("i", 9011),), scheduler=SchedulerSpec("sh", flags=("port",)), checks=("alive",)
        ),
        Pool("dns", (server("d", 53),), scheduler=SchedulerSpec("rr")),
    ),
    l7=(
        L7Service(
            "www",
            (Address("127.0.0.1", 8080), Address("::1", 8080)),
            pool="web",
            fault=(FaultStep("active"), FaultStep("local", address=Address("127.0.0.1", 8099))),
        ),
    ),
    rules=(
        Rule(100, "images", "www", Term("path", "", "^=", ("/images/",)), pool="images"),
        Rule(200, "old", "www", Term("path", "", "=", ("/old",)), redirect=(301, "https://example.org/new")),
    ),
    l4=(L4Service("dns", Virtual("udp", "192.0.2.53", 53), "dns"),),
    users=(User("eve", "$look", "viewer"), User("ops", "$weigh", "operator"), User("root", "$all", "admin")),
)


def registry() -> Registry:
    """The configuration, live, at generation 1."""
    made = Registry(lambda _: First())
    made.apply(plan(Configuration(), CONFIGURATION), "start", 100.0, 1_799_999_100.0)
    return made


def control() -> MemoryControl:
    """Everything well."""
    made = MemoryControl(registry())
    made.heard = [
        ListenerState("l7:www", "127.0.0.1:8080"),
        ListenerState("l7:www", "[::1]:8080"),
        ListenerState("l4:dns", "udp 192.0.2.53:53"),
    ]
    for one in made.registry.servers():
        if one.pool.config.checks:
            made.registry.set_health(one.key, "alive", alive=True, now=101.0)
            made.evidence.append(
                CheckEvidence("alive", one.key, alive=True, since=101.0, text="200 OK", last=(True,) * 10)
            )
    slow = Fault("slow", (("web", "a"),), FaultAction("delay", "delay 1s", low=1.0, high=1.0))
    made.rehearsals.known["slow"] = FaultState(slow)
    made.drills.drills["two hang"] = Drill("two hang", "www", (DrillStep(2.0, "end"),))
    made.drills.told["r1"] = DrillTold("r1", "two hang", 0.0, running=True)
    made.happened = [LogEvent(1_799_999_101.0, "info", "l7 www listens on 127.0.0.1:8080")]
    return made


def fill(made: MemoryControl) -> None:
    """Some traffic."""
    web = made.registry.pools["web"]
    for one, share in ((web.servers[0], 2), (web.servers[1], 1)):
        one.requests.requests = 6120 * share
        one.requests.responses[:] = [0, 0, 5800 * share, 200 * share, 100 * share, 20 * share]
        one.requests.errors["connect"] = 3
        one.active = 17 * share
        for _ in range(990):
            one.requests.latency.add(0.004)
        for _ in range(10):
            one.requests.latency.add(0.08)
    www = made.registry.services["l7:www"]
    www.requests.requests = 18360
    www.requests.responses[:] = [0, 0, 17400, 600, 300, 60]
    www.requests.errors["connect"] = 6
    www.requests.latency.add(0.004)
    www.rule("100 images").requests = 5


def trouble(made: MemoryControl) -> None:
    """One pool is down, one server of the other drains."""
    made.registry.set_health("127.0.0.1:9011", "alive", alive=False, now=870.0)
    made.evidence = [one for one in made.evidence if not one.address.endswith("9011")]
    made.evidence.append(
        CheckEvidence(
            "alive",
            "127.0.0.1:9011",
            alive=False,
            since=870.0,
            text="connection refused",
            last=(True,) * 7 + (False,) * 3,
        )
    )
    made.apply([Ordered("web", "b", State.DRAIN)], "ops")
    made.remembered = [
        record(
            id="f1",
            time=1_799_999_990.0,
            target="/images/a.png",
            rule="100 images",
            pool="images",
            tries=(("pool images", "no_server: every server is down or in maintenance"),),
            fault="local 127.0.0.1:8099",
            times={"total": 0.004},
        ),
        record(
            id="g1",
            time=1_799_999_980.0,
            rule="200 users",
            pool="web",
            candidates=2,
            scheduler="wlc",
            server="a",
            load=3,
            weight=2,
            times={"connect": 0.0003, "first_byte": 0.003, "total": 0.004},
        ),
    ]
    made.happened.insert(
        0, LogEvent(1_799_999_870.0, "error", "server images/i is down: check alive: connection refused")
    )
    made.happened.insert(0, LogEvent(1_799_999_960.0, "warning", "server web/b ordered to drain by ops"))


def screen(control: MemoryControl) -> Json:
    """All that the first screen shows."""
    context = ViewContext(
        control.snapshot(), control.at, Rates(), tuple(control.heard), tuple(control.evidence)
    )
    shown = overview(context, control.readiness(), control.own, control.happened, control.faults(20))
    return {**shown, "pools": list(pools(context))}
