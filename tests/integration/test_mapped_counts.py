"""Claims of real processes on real shared memory: killed, frozen, reloaded in the middle of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from director.model.pools import Pool, Queue
from director.model.settings import Configuration
from director.registry.books import MappedBooks
from director.registry.cells import CLAIMS, Geometry
from director.registry.changes import Change, plan
from director.registry.io import segment as segments
from director.registry.mapped import MappedServer
from director.registry.registry import Registry
from tests.support.registries import FirstFit, server
from tests.support.workers import Worker

WORKERS = 2


def configuration(maximum: int, servers: str = "ab", length: int = 3) -> Configuration:
    """A pool of servers with a `max` each."""
    made = tuple(server(name, ord(name), max=maximum) for name in servers)
    return Configuration(pools=(Pool("web", made, queue=Queue(length, 5.0)),))


class House:
    """The control process (this one) and its workers."""

    def __init__(self, first: Configuration) -> None:
        self.segment = segments.create(Geometry(64, WORKERS + 1))
        self.books = MappedBooks(self.segment.table(0), gives=True)
        self.registry = Registry(FirstFit, self.books)
        self.registry.apply(plan(Configuration(), first), "test", 0.0, 0.0)
        self.books.news()
        self.workers: dict[int, Worker] = {}
        for column in range(1, WORKERS + 1):
            self.start(column)

    def start(self, column: int) -> None:
        """A worker begins with what is there."""
        worker = self.workers[column] = Worker(self.segment, column)
        changes = plan(Configuration(), self.registry.configuration)
        worker.tell("change", self.books.all_given(), changes)
        worker.told()

    def reload(self, desired: Configuration) -> None:
        """Everybody takes the change."""
        changes: tuple[Change, ...] = plan(self.registry.configuration, desired)
        self.registry.apply(changes, "test", 0.0, 0.0)
        news = self.books.news()
        for worker in self.workers.values():
            worker.tell("change", news, changes)
        for worker in self.workers.values():
            worker.told()

    def replace(self, column: int) -> None:
        """Kill a worker, whatever it does, and start another in its place."""
        self.workers.pop(column).kill()
        self.books.bury(column)
        self.start(column)

    def claims(self) -> dict[int, int]:
        """What the whole mapping counts, by kind."""
        table = self.books.table
        return {
            kind: sum(sum(table.row(slot, kind)) for slot in range(table.geometry.slots)) for kind in CLAIMS
        }

    def full(self) -> list[bool]:
        """The flags of B.5."""
        return [one.overloaded for one in self.registry.servers()]

    def load(self) -> list[int]:
        """Of each server."""
        return [one.load for one in self.registry.servers() if isinstance(one, MappedServer)]

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers.values():
            worker.kill()
        self.registry, self.books = None, None  # type: ignore[assignment]


@pytest.fixture
def house() -> Iterator[House]:
    made = House(configuration(32))
    yield made
    made.close()


def test_max_is_never_passed_and_fully_used(house: House) -> None:
    """64 at once over two processes, two servers with 24 each."""
    house.reload(configuration(24))
    for worker in house.workers.values():
        worker.tell("claim", 32)
    got = [worker.told() for worker in house.workers.values()]
    assert (sum(got), house.load()) == (48, [24, 24])
    for worker in house.workers.values():
        worker.tell("release")
        worker.told()
    assert house.claims() == dict.fromkeys(CLAIMS, 0)


def test_a_frozen_process_keeps_its_claims_and_stops_nobody(house: House) -> None:
    first, second = house.workers.values()
    for _ in range(20):
        first.tell("burst", 100_000)
        first.kill(signal.SIGSTOP)
        second.tell("burst", 200)
        assert second.told() == 0
        first.kill(signal.SIGCONT)
    house.replace(1)
    second.tell("release")
    second.told()
    assert house.claims() == dict.fromkeys(CLAIMS, 0)
    second.tell("claim", 64)
    assert second.told() == 64, "all of it is free again"


SERVERS = 3
"""At most, of the pool."""

orders = st.one_of(
    st.tuples(st.just("burst"), st.integers(1, 300)),
    st.tuples(st.just("kill"), st.integers(1, WORKERS)),
    st.tuples(st.just("reload"), st.integers(1, 5), st.sampled_from(["ab", "a", "ba", "abc", "c"])),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 5), st.lists(orders, max_size=12))
def test_any_interleaving_of_claim_release_reload_and_kill_ends_at_zero(
    maximum: int, script: list[tuple[object, ...]]
) -> None:
    """The bursts of the workers run at once; a kill meets them in the middle.

    A `max` that is changed while the load is not below it lets one more in, over all processes (B.3, B.5).
    """
    let_in = 0
    house = House(configuration(maximum))
    try:
        for word, *facts in script:
            if word == "burst":
                for worker in house.workers.values():
                    worker.tell("burst", facts[0])
                assert sum(worker.told() for worker in house.workers.values()) <= let_in
                let_in = 0
            elif word == "kill":
                for worker in house.workers.values():
                    worker.tell("burst", 2000)
                column = int(str(facts[0]))
                house.replace(column)
                others = [worker for number, worker in house.workers.items() if number != column]
                # It may have died between the count and the flag: what it counted was not begun.
                assert sum(worker.told() for worker in others) <= let_in + 1
                let_in = 0
            else:
                let_in += SERVERS
                house.reload(configuration(int(str(facts[0])), str(facts[1])))
        for worker in house.workers.values():
            worker.tell("release")
            worker.told()
        assert house.claims() == dict.fromkeys(CLAIMS, 0)
        house.books.tick()
        assert not any(house.full())
    finally:
        house.close()
