"""Figures of several processes: what they said is summed up, and never goes back."""

from __future__ import annotations

import json
from typing import Any

from director.model.http import L7Service
from director.model.pools import Address, Pool
from director.model.settings import Configuration
from director.program.processes import figures
from director.program.processes.figures import Meter, Sums
from director.registry.registry import Registry
from tests.support.registries import registry_of, server

READ = Configuration(
    pools=(Pool("web", (server("a"), server("b", 2))),),
    l7=(L7Service("www", (Address("", 80),), pool="web"),),
)


def report(meter: Meter) -> list[Any]:
    """What it says, as it arrives."""
    found: list[Any] = json.loads(json.dumps([one for portion in meter.changes() for one in portion]))
    return found


def serve(registry: Registry, times: int, seconds: float = 0.02) -> None:
    """Requests that server a answers with 200."""
    one, service = registry.pools["web"].by_name["a"], registry.services["l7:www"]
    for _ in range(times):
        for requests in (one.requests, service.requests, service.rule("1 x")):
            requests.requests += 1
            requests.responses[2] += 1
            requests.latency.add(seconds)
        one.stats.traffic.cells[0] += 1


def counts(registry: Registry) -> tuple[int, ...]:
    one, service = registry.pools["web"].by_name["a"], registry.services["l7:www"]
    return (
        one.requests.requests,
        one.requests.responses[2],
        one.stats.traffic.conns,
        service.requests.requests,
        service.rule("1 x").responses[2],
        sum(one.requests.latency.buckets),
    )


class Together:
    """Two workers and who sums them up."""

    def __init__(self) -> None:
        self.workers = [registry_of(configuration=READ) for _ in range(2)]
        self.meters = [Meter(one) for one in self.workers]
        self.shown = registry_of(configuration=READ)
        self.sums = Sums(self.shown)

    def tell(self) -> None:
        for number, meter in enumerate(self.meters):
            self.sums.take(number, report(meter))


def test_the_sum_of_all_is_shown() -> None:
    both = Together()
    serve(both.workers[0], 3)
    serve(both.workers[1], 4)
    both.workers[1].pools["web"].no_server += 2
    both.tell()
    assert counts(both.shown) == (7,) * 6
    assert both.shown.pools["web"].no_server == 2
    serve(both.workers[0], 1)
    both.tell()
    assert counts(both.shown) == (8,) * 6


def test_only_what_changed_is_said_again() -> None:
    both = Together()
    report(both.meters[0])
    assert report(both.meters[0]) == []
    serve(both.workers[0], 1)
    assert sorted(one[0] for one in report(both.meters[0])) == ["rule", "server", "service"]


def test_what_an_ended_process_counted_stays() -> None:
    both = Together()
    serve(both.workers[0], 3)
    serve(both.workers[1], 4)
    both.tell()
    both.sums.end(0)
    both.workers[0] = registry_of(configuration=READ)
    both.meters[0] = Meter(both.workers[0])
    both.tell()
    assert counts(both.shown) == (7,) * 6
    serve(both.workers[0], 5)
    both.tell()
    assert counts(both.shown) == (12,) * 6


def test_errors_by_cause_and_latencies_add_up() -> None:
    both = Together()
    for number, cause in enumerate(["connect", "timeout"]):
        requests = both.workers[number].pools["web"].by_name["b"].requests
        requests.errors.update((cause, "empty"))
        requests.latency.add(0.25)
    both.tell()
    shown = both.shown.pools["web"].by_name["b"].requests
    assert dict(shown.errors) == {"connect": 1, "timeout": 1, "empty": 2}
    assert shown.latency.total == 0.5


def test_what_is_not_here_any_more_is_passed_over() -> None:
    both = Together()
    serve(both.workers[0], 1)
    told = report(both.meters[0])
    both.sums = Sums(registry_of())
    both.sums.take(0, told)


def test_a_large_registry_is_read_in_turns() -> None:
    many = registry_of(Pool("big", tuple(server(f"s{at}", at % 250 + 1) for at in range(1000))))
    portions = list(Meter(many).changes())
    assert len(portions) == 1001 // figures.AT_ONCE + 1
    assert sum(map(len, portions)) == 1001
