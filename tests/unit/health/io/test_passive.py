from __future__ import annotations

from director.health.io.passive import PassiveChecks
from director.health.passive import TrafficRecord
from director.model.pools import Eject, Pool
from director.model.settings import Configuration
from director.registry import ledger
from director.registry.changes import plan
from director.registry.registry import RealServer, Registry
from tests.support.registries import FirstFit, live, server, taken
from tests.support.said import said

EJECT = Eject(frozenset({"connect", "5xx", "latency"}), after=3, seconds=30.0)
POOL = Pool("web", tuple(server(f"s{n}", n) for n in (1, 2, 3)), eject=EJECT)


class World:
    """A registry whose work is watched, as the program sets it up."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[tuple[RealServer, ...]] = []
        self.registry = Registry(FirstFit)
        self.checks = PassiveChecks(self.registry, lambda: self.now, self.told.append)
        self.registry.saw = self.checks.saw
        self.registry.apply(plan(Configuration(), Configuration(pools=(POOL,))), "test", 0.0, 0.0)

    def work(self, status_class: int = 2, seconds: float = 0.01, outcome: str = "ok") -> str:
        lease = taken(self.registry, "web")
        ledger.answered(lease, status_class, seconds, 0, 0, self.now, outcome)
        return lease.server.name


def test_work_that_fails_puts_a_server_out_and_time_brings_it_back() -> None:
    world = World()
    assert [world.work(5) for _ in range(4)] == ["s1", "s1", "s1", "s2"]
    s1 = live(world.registry, "web", "s1")
    assert (s1.available, s1.failing) == (False, frozenset({"eject:web"}))
    assert world.told == [(s1,)]
    world.now = 31.0
    world.checks.look()
    assert s1.available
    assert world.told == [(s1,), (s1,)]
    assert world.work() == "s1"


def test_a_failed_connect_is_seen_where_it_is_counted() -> None:
    world = World()
    for _ in range(3):
        lease = taken(world.registry, "web")
        ledger.failed(lease, "connect")
        lease.release()
    assert not live(world.registry, "web", "s1").available


def test_other_processes_say_what_they_saw() -> None:
    world = World()
    world.checks.heard(
        [("web", "10.0.0.2:80", "5xx", 2), ("web", "10.0.0.9:80", "5xx", 9), ("no", "x", "5xx", 9)], []
    )
    assert live(world.registry, "web", "s2").available
    world.checks.heard([("web", "10.0.0.2:80", "5xx", 1)], [])
    assert not live(world.registry, "web", "s2").available
    slow, fast = (20, 0, 20, 10.0), (20, 0, 20, 0.2)
    world.checks.heard([], [("web", "10.0.0.1:80", slow), ("web", "10.0.0.3:80", fast)])
    world.checks.look()
    # One of three is out already, and half of three is one.
    assert live(world.registry, "web", "s1").available
    world.now = 40.0
    world.checks.look()
    world.checks.heard([], [("web", "10.0.0.1:80", slow), ("web", "10.0.0.3:80", fast)])
    world.checks.look()
    assert not live(world.registry, "web", "s1").available


def test_a_reload_without_eject_takes_everybody_in() -> None:
    world = World()
    for _ in range(3):
        world.work(5)
    plain = Configuration(pools=(Pool("web", POOL.servers),))
    world.registry.apply(plan(world.registry.configuration, plain), "test", 1.0, 0.0)
    world.checks.look()
    s1 = live(world.registry, "web", "s1")
    assert (s1.available, s1.watch) == (True, None)


def test_a_restart_goes_on_with_who_was_out() -> None:
    first = World()
    told: list[float] = []
    first.checks.changed = lambda: told.append(first.now)
    for _ in range(3):
        first.work(5)
    assert told == [0.0]
    second = World()
    second.now = 10.0
    with said() as lines:
        second.checks.recall(first.checks.judge.records())
    s1 = live(second.registry, "web", "s1")
    assert (s1.available, s1.failing) == (False, frozenset({"eject:web"}))
    assert lines == [
        "warn: pool web server s1 is ejected for 20s yet, as before the restart: 3 failures in a row: 3 5xx"
    ]
    second.checks.changed = lambda: told.append(second.now)
    second.now = 31.0
    second.checks.look()
    assert s1.available
    assert told == [0.0, 31.0]


def test_of_servers_that_are_gone_nothing_is_recalled() -> None:
    world = World()
    world.checks.recall([TrafficRecord("web", "10.9.9.9:80", times=1), TrafficRecord("no", "x", times=1)])
    assert world.checks.judge.records() == []
