from __future__ import annotations

import pytest

from director.admin.rates import SAMPLES, Rates
from director.registry.counters import CONNS
from director.registry.snapshot import Snapshots
from tests.unit.admin import sample


def test_a_rate_needs_two_samples() -> None:
    registry, rates = sample.registry(), Rates()
    rates.sample(Snapshots(registry).take(), 0.0)
    assert rates.per_second("l7:www") is None
    registry.services["l7:www"].requests.requests += 20
    registry.pools["web"].servers[0].requests.requests += 10
    rates.sample(Snapshots(registry).take(), 2.0)
    assert rates.per_second("l7:www") == 10.0
    assert rates.per_second("web", "a") == 5.0
    assert rates.per_second("web", "b") == 0.0
    assert rates.per_second("web", "none") is None


def test_layer_4_has_connections_for_requests() -> None:
    registry, rates = sample.registry(), Rates()
    rates.sample(Snapshots(registry).take(), 0.0)
    registry.services["l7:www"].stats.traffic.cells[CONNS] += 8
    registry.pools["web"].servers[0].stats.traffic.cells[CONNS] += 6
    rates.sample(Snapshots(registry).take(), 2.0)
    assert rates.per_second("l7:www") == 4.0
    assert rates.per_second("web", "a") == 3.0


def test_old_samples_are_forgotten() -> None:
    registry, rates = sample.registry(), Rates()
    registry.services["l7:www"].requests.requests = 1_000_000
    for number in range(3 * SAMPLES):
        rates.sample(Snapshots(registry).take(), 2.0 * number)
    assert rates.per_second("l7:www") == 0.0


def test_a_server_that_came_back_with_fewer_never_goes_backwards() -> None:
    registry, rates = sample.registry(), Rates()
    requests = registry.pools["web"].servers[0].requests
    requests.requests = 10
    rates.sample(Snapshots(registry).take(), 0.0)
    requests.requests = 0
    rates.sample(Snapshots(registry).take(), 2.0)
    assert rates.per_second("web", "a") == pytest.approx(0.0)


def test_rules_are_counted() -> None:
    registry, rates = sample.registry(), Rates()
    rule = registry.services["l7:www"].rule("100 images")
    rates.sample(Snapshots(registry).take(), 0.0)
    rule.requests += 4
    rates.sample(Snapshots(registry).take(), 2.0)
    assert rates.per_second("l7:www", "rule", "100 images") == 2.0


def test_two_samples_at_one_moment_give_none() -> None:
    registry, rates = sample.registry(), Rates()
    rates.sample(Snapshots(registry).take(), 1.0)
    rates.sample(Snapshots(registry).take(), 1.0)
    assert rates.per_second("l7:www") is None
