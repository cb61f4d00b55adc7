"""Time is the tests' own; servers are live ones of a registry."""

from __future__ import annotations

from attrs import evolve

from director.health.passive import ENOUGH, LONGEST, WINDOW, Passive
from director.model.pools import Eject, Pool
from director.registry.evidence import Ejection
from director.registry.registry import RealServer, Registry
from director.registry.watch import GOOD, Sample
from tests.support.registries import live, registry_of, server

EJECT = Eject(frozenset({"connect", "5xx"}), after=3, seconds=30.0, most=0.5)
POOL = Pool("web", tuple(server(f"s{n}", n) for n in (1, 2, 3, 4)), eject=EJECT)


class World:
    def __init__(self, pool: Pool = POOL) -> None:
        self.registry: Registry = registry_of(pool)
        self.judge = Passive()

    def server(self, number: int) -> RealServer:
        return live(self.registry, "web", f"s{number}")

    def fail(self, number: int, *words: str, now: float = 0.0) -> Ejection | None:
        made = None
        for word in words:
            made = self.judge.saw(self.server(number), word, now) or made
        if made is not None:
            self.registry.set_health(made.address, "eject:web", False, now)
        return made

    def over(self, now: float) -> list[str]:
        found = self.judge.over(self.registry.pools, now)
        for one in found:
            self.registry.forget_health(one.address, "eject:web", now)
        return [one.address for one in found]


def test_so_many_failures_in_a_row_put_a_server_out_for_a_time() -> None:
    world = World()
    assert world.fail(1, "connect", "5xx", now=5.0) is None
    made = world.fail(1, "connect", now=6.0)
    assert made is not None
    assert made.reason == "3 failures in a row: 1 5xx, 2 connect"
    assert made.failures == ((5.0, "connect"), (5.0, "5xx"), (6.0, "connect"))
    assert (made.until, world.over(35.9)) == (36.0, [])
    assert world.over(36.0) == ["10.0.0.1:80"]
    assert world.judge.ejections() == []


def test_a_success_between_begins_the_row_anew() -> None:
    world = World()
    assert world.fail(1, "5xx", "5xx", GOOD, "5xx", "5xx", GOOD) is None
    assert world.fail(1, "5xx", "5xx", "5xx") is not None


def test_never_more_than_the_share_is_out() -> None:
    world = World()
    for number in (1, 2):
        assert world.fail(number, *["connect"] * 3) is not None
    assert world.fail(3, *["connect"] * 9) is None
    assert world.judge.spared["web"] > 0
    world.over(40.0)
    assert world.fail(3, "connect", now=41.0) is not None


def test_of_one_server_none_is_put_out_unless_all_may_be() -> None:
    single = evolve(POOL, servers=POOL.servers[:1])
    assert World(single).fail(1, *["connect"] * 9) is None
    everyone = evolve(single, eject=evolve(EJECT, most=1.0))
    assert World(everyone).fail(1, *["connect"] * 3) is not None


def test_a_server_that_falls_again_soon_is_away_for_longer() -> None:
    world, now, lengths = World(), 0.0, []
    for _ in range(6):
        made = world.fail(1, *["connect"] * 3, now=now)
        assert made is not None
        lengths.append(made.seconds)
        now = made.until
        world.over(now)
        now += 1.0
    assert lengths == [30.0, 60.0, 120.0, 240.0, 30.0 * LONGEST, 30.0 * LONGEST]
    calm = world.fail(1, *["connect"] * 3, now=now + 1000.0)
    assert calm is not None
    assert calm.seconds == 30.0


def compared(own: Sample, other: Sample, causes: str, *, others: int = 3) -> list[str]:
    pool = evolve(
        POOL, servers=POOL.servers[: 1 + others], eject=evolve(EJECT, causes=frozenset(causes.split()))
    )
    world = World(pool)
    for one in world.registry.pools["web"].servers:
        world.judge.worked(one, own if one.name == "s1" else other, 0.0)
    return [one.reason for one in world.judge.look(world.registry.pools.values(), 1.0)]


def test_an_outlier_is_far_from_the_others_and_above_a_floor() -> None:
    fast, slow = Sample(20, 0, 20, 0.2), Sample(20, 0, 20, 8.0)
    assert compared(slow, fast, "latency") == ["20 answers took 0.400s each in 10s, the others' 0.010s"]
    assert compared(slow, slow, "latency") == [], "all are slow: nobody is"
    assert compared(Sample(20, 0, 20, 1.0), fast, "latency") == [], "five times slower, and 50 ms"
    assert compared(Sample(5, 0, 5, 5.0), fast, "latency") == [], "too few to say"
    assert compared(slow, fast, "5xx") == [], "nobody asked"


def test_so_it_is_with_failures() -> None:
    good, bad = Sample(30, 0, 0, 0.0), Sample(15, 15, 0, 0.0)
    assert compared(bad, good, "5xx rate") == ["50% of 30 tries failed in 10s, of the others' 0%"]
    assert compared(bad, bad, "5xx rate") == []
    assert compared(Sample(90, 10, 0, 0.0), good, "5xx rate") == []


def test_the_last_that_works_is_never_put_out_by_comparison() -> None:
    fast, slow = Sample(20, 0, 20, 0.2), Sample(20, 0, 20, 8.0)
    world = World(evolve(POOL, servers=POOL.servers[:2], eject=Eject(frozenset({"latency"}), most=1.0)))
    first, second = world.server(1), world.server(2)
    world.judge.worked(first, slow, 0.0)
    world.judge.worked(second, fast, 0.0)
    second.failing = frozenset({"alive"})
    second.refresh()
    assert world.judge.look(world.registry.pools.values(), 1.0) == []
    assert world.judge.spared["web"] == 1


def test_what_is_old_is_not_compared() -> None:
    world = World(evolve(POOL, eject=Eject(frozenset({"latency"}))))
    for one in world.registry.pools["web"].servers:
        world.judge.worked(one, Sample(ENOUGH, 0, ENOUGH, 9.0 if one.name == "s1" else 0.1), 0.0)
    assert world.judge.look(world.registry.pools.values(), WINDOW + 1.0) == []


def test_who_is_out_comes_back_when_nobody_ejects_any_more() -> None:
    world = World()
    world.fail(1, *["connect"] * 3)
    world.registry.pools["web"].config = evolve(POOL, eject=None)
    assert world.over(1.0) == ["10.0.0.1:80"]
    world.registry.pools.clear()
    assert world.over(2.0) == []


def restarted(world: World, pool: Pool, now: float) -> tuple[World, list[Ejection]]:
    """Another run, with what the first knew, and who is out in it."""
    again = World(pool)
    kept = [
        again.judge.remember(again.server(int(one.address[7])), one, now) for one in world.judge.records()
    ]
    return again, [one for one in kept if one is not None]


def test_who_is_out_stays_out_over_a_restart_until_the_time_is_over() -> None:
    world = World()
    world.fail(1, "5xx", "5xx", "5xx", now=5.0)
    again, out = restarted(world, POOL, 20.0)
    assert [(one.address, one.until) for one in out] == [("10.0.0.1:80", 35.0)]
    assert again.judge.evidence("web", "10.0.0.1:80") == world.judge.evidence("web", "10.0.0.1:80")
    assert again.over(34.0) == []
    assert again.over(35.0) == ["10.0.0.1:80"]
    # And if it is put out again soon, the time doubles, as it would have without the restart.
    made = again.fail(1, "5xx", "5xx", "5xx", now=40.0)
    assert made is not None
    assert (made.seconds, made.count) == (60.0, 2)


def test_a_time_that_is_over_meanwhile_is_history() -> None:
    world = World()
    world.fail(1, "5xx", "5xx", "5xx", now=5.0)
    again, out = restarted(world, POOL, 60.0)
    assert out == []
    (past,) = again.judge.evidence("web", "10.0.0.1:80").ejections
    assert past.ended == 35.0


def test_a_pool_that_is_smaller_now_keeps_its_servers() -> None:
    world = World()
    world.fail(1, "5xx", "5xx", "5xx", now=5.0)
    small = evolve(POOL, servers=POOL.servers[:1])
    again, out = restarted(world, small, 20.0)
    assert out == []
    assert again.judge.ejections() == []


def test_servers_of_whom_nothing_was_said_are_not_kept() -> None:
    world = World()
    world.fail(2, "5xx", now=5.0)
    assert world.judge.records() == []


def test_what_is_known_by_now_is_not_overwritten() -> None:
    world = World()
    world.fail(1, "5xx", "5xx", "5xx", now=5.0)
    (record,) = world.judge.records()
    assert world.judge.remember(world.server(1), evolve(record, times=9), 6.0) is None
    assert world.judge.records()[0].times == 1
