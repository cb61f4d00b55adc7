"""Figures are asked for when somebody looks, and never more often than the workers can bear."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from director.model.pools import Pool
from director.program.processes.channel import Gone
from director.program.processes.collector import LONGEST_REST, REST, Collector
from director.program.processes.figures import Sums
from tests.support.registries import registry_of, server

PROCESS = {"clients": 2, "cpu": 1.5, "rss": 7, "started": 0.0, "traces": 1, "cost": 0.01}


class Asked:
    """A worker that answers when it is told to."""

    column, begun, pid, heard = 1, True, 4242, 0.0
    name = "worker 1"

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}
        self.channel = self
        self.waiting: list[tuple[str, Deferred[Any]]] = []
        self.gone = False

    def ask(self, word: str, _value: object = None) -> Deferred[Any]:
        if self.gone:
            return fail(Gone("the process is gone"))
        self.waiting.append((word, Deferred()))
        return self.waiting[-1][1]

    def answer(self, requests: int) -> None:
        word, asked = self.waiting.pop(0)
        counts = [["server", "web", "a", [[0] * 5, requests, [0] * 6, [], [0] * 16, 0.0]]]
        asked.callback({"counts": counts, "process": PROCESS} if word == "figures" else [{"time": 1.0}])


class One(Collector):
    """Collects from one worker."""

    def __init__(self, worker: Asked, clock: Clock) -> None:
        self.registry = registry_of(Pool("web", (server("a"),)))
        super().__init__(Sums(self.registry), clock)
        self.worker: Any = worker

    @property
    def there(self) -> list[Any]:
        return [self.worker]

    counting = there


def made() -> tuple[One, Asked, Clock]:
    worker, clock = Asked(), Clock()
    return One(worker, clock), worker, clock


def test_many_wait_for_one_answer_and_those_who_come_meanwhile_for_the_next() -> None:
    one, worker, clock = made()
    done: list[str] = []
    for _ in range(3):
        one.refreshed().addCallback(lambda _: done.append("first"))
    clock.advance(0)
    assert [word for word, _ in worker.waiting] == ["figures"]
    one.refreshed().addCallback(lambda _: done.append("second"))
    worker.answer(5)
    assert done == ["first"] * 3
    assert one.registry.pools["web"].by_name["a"].requests.requests == 5
    clock.advance(PROCESS["cost"] * REST - 0.001)
    assert worker.waiting == []
    clock.advance(0.002)
    worker.answer(6)
    assert done[-1] == "second"


def test_a_costly_answer_is_followed_by_a_longer_rest_within_bounds() -> None:
    one, worker, clock = made()
    one.refreshed()
    clock.advance(0)
    worker.waiting[0][1].callback({"counts": [], "process": {**PROCESS, "cost": 9.0}})
    worker.waiting.clear()
    one.refreshed()
    clock.advance(LONGEST_REST - 0.01)
    assert worker.waiting == []
    clock.advance(0.02)
    assert len(worker.waiting) == 1


def test_traces_are_fetched_for_those_who_show_them() -> None:
    one, worker, clock = made()
    one.refreshed("requests")
    clock.advance(0)
    assert [word for word, _ in worker.waiting] == ["figures", "traces"]
    worker.answer(1)
    worker.answer(1)
    assert one.traces(5) == [{"time": 1.0}]
    assert (one.clients, one.said("traces"), one.said("stalls")) == (2, [1], [0])
    assert [(found.name, found.pid, found.cpu, found.rss) for found in one.processes()] == [
        ("worker 1", 4242, 1.5, 7)
    ]


def test_one_that_is_gone_or_silent_keeps_nobody_waiting() -> None:
    one, worker, clock = made()
    done: list[None] = []
    one.refreshed().addCallback(done.append)
    clock.advance(0)
    clock.advance(2.1)
    assert done == [None]
    worker.gone = True
    one.refreshed().addCallback(done.append)
    clock.advance(LONGEST_REST)
    assert done == [None, None]
    found: list[object] = []
    one.trace("x").addCallback(found.append)
    assert found == [None]
