"""The verbs: claims beside an oracle of B.5, places in a line, evidence, tallies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import LeaseError
from director.model.http import L7Service
from director.model.pools import Pool, Queue
from director.registry import ledger
from director.registry.changes import ServerChanged
from director.registry.counters import Requests
from director.registry.ledger import Lease, TemplateClaim, claim
from director.registry.live import LiveService
from director.registry.registry import Registry
from tests.support.registries import live, registry_of, server, take, taken
from tests.support.threshold import Threshold


def one_server(u: int, lower: int) -> Registry:
    return registry_of(Pool("web", (server(max=u, min=lower),)))


def test_the_fifth_goes_elsewhere() -> None:
    """V8: u=4."""
    registry = registry_of(Pool("web", (server("a", 1, max=4), server("b", 2))))
    assert [taken(registry, "web").server.name for _ in range(5)] == ["a", "a", "a", "a", "b"]


def test_with_a_lower_bound_it_is_refused_until_below_it() -> None:
    """V9: u=4 l=1: still refused with 1..3 left, free at 0."""
    registry = one_server(4, 1)
    leases = [taken(registry, "web") for _ in range(4)]
    for lease in leases[:3]:
        lease.release()
        assert take(registry, "web") is None
    leases[3].release()
    assert take(registry, "web") is not None


def test_without_a_lower_bound_three_quarters_decide() -> None:
    """V10: u=4: refused at 3, free at 2."""
    registry = one_server(4, 0)
    leases = [taken(registry, "web") for _ in range(4)]
    leases[0].release()
    assert take(registry, "web") is None
    leases[1].release()
    assert take(registry, "web") is not None


@pytest.mark.parametrize("larger", [5, 0])
def test_raising_or_removing_the_bound_frees_at_once(larger: int) -> None:
    """V11."""
    registry = one_server(4, 0)
    for _ in range(4):
        taken(registry, "web")
    assert take(registry, "web") is None
    registry.apply([ServerChanged("web", server(max=larger))], "test", 0.0, 0.0)
    assert take(registry, "web") is not None


steps = st.one_of(
    st.sampled_from(["take", "take inactive", "template"]),
    st.tuples(st.sampled_from(["release", "flip"]), st.integers(0, 20)),
    st.tuples(st.just("edit"), st.integers(0, 6), st.integers(0, 6)),
)


@given(st.integers(0, 6), st.integers(0, 6), st.lists(steps, max_size=60))
def test_overload_is_that_of_b5(u: int, lower: int, script: list[object]) -> None:
    """Any sequence of binds, unbinds, state changes, templates and edits, beside the oracle."""
    lower = min(u, lower)
    registry = one_server(u, lower)
    subject, oracle = live(registry, "web", "a"), Threshold(u, lower)
    held: list[list[object]] = []
    for step in script:
        if step == "template":
            held.append([TemplateClaim(subject), None])
            oracle.bound()
        elif isinstance(step, str):
            inactive = step == "take inactive"
            held.append([claim(subject, inactive=inactive), inactive])
            oracle.inactconns += inactive
            oracle.activeconns += not inactive
            oracle.bound()
        elif isinstance(step, tuple) and step[0] == "edit":
            u, lower = step[1], min(step[1], step[2])
            registry.apply([ServerChanged("web", server(max=u, min=lower))], "test", 0.0, 0.0)
            oracle.edited(u, lower)
        elif isinstance(step, tuple) and held:
            place = step[1] % len(held)
            lease, inactive_now = held[place]
            if step[0] == "flip" and isinstance(lease, Lease):
                (lease.activate if inactive_now else lease.deactivate)()
                oracle.inactconns += -1 if inactive_now else 1
                oracle.activeconns += 1 if inactive_now else -1
                held[place][1] = not inactive_now
            elif step[0] == "release" and isinstance(lease, Lease | TemplateClaim):
                del held[place]
                lease.release()
                oracle.inactconns -= inactive_now is True
                oracle.activeconns -= inactive_now is False
                oracle.unbound()
        assert subject.overloaded == oracle.overload
        assert (subject.active, subject.inactive) == (oracle.activeconns, oracle.inactconns)
        assert (subject not in registry.pools["web"].eligible()) == oracle.overload


def test_a_lease_is_released_once() -> None:
    registry = one_server(0, 0)
    lease = taken(registry, "web")
    assert lease.held
    lease.release()
    assert not lease.held
    with pytest.raises(LeaseError, match="web/a"):
        lease.release()
    assert lease.server.active == 0


def test_a_template_is_released_once_and_is_no_load() -> None:
    """B.6, V13."""
    registry = one_server(0, 0)
    template = TemplateClaim(live(registry, "web", "a"))
    assert (template.server.persistent, template.server.load) == (1, 0)
    template.release()
    with pytest.raises(LeaseError):
        template.release()
    assert template.server.persistent == 0


def test_a_released_lease_changes_sides_no_more() -> None:
    registry = one_server(0, 0)
    lease = taken(registry, "web")
    lease.release()
    lease.deactivate()
    lease.activate()
    assert (lease.server.active, lease.server.inactive) == (0, 0)


def test_a_line_holds_as_many_as_the_queue_says() -> None:
    pool = registry_of(Pool("web", (server(),), queue=Queue(2, 5.0))).pools["web"]
    assert [ledger.take_place(pool) for _ in range(3)] == [True, True, False]
    assert (pool.waiting, pool.queue_full) == (2, 1)
    ledger.leave_place(pool)
    assert ledger.take_place(pool)
    assert pool.waiting == 2


def test_the_newest_evidence_counts() -> None:
    subject = live(one_server(0, 0), "web", "a")
    ledger.unreached(subject)
    assert not subject.reachable
    ledger.reached(subject)
    assert subject.reachable


def test_an_exchange_counts_for_its_server_and_gives_the_claim_back() -> None:
    registry = one_server(0, 0)
    lease = taken(registry, "web")
    subject = lease.server
    ledger.asked(subject.requests)
    ledger.answered(lease, 2, 0.3, 100, 2000, 5.0)
    counters = subject.requests
    assert (counters.requests, counters.responses) == (1, [0, 0, 1, 0, 0, 0])
    # 0.3 s stands in the bucket that ends at 0.5 s.
    assert (counters.latency.quantile(1.0), counters.latency.total) == (0.5, 0.3)
    assert subject.latency == 0.3
    assert subject.stats.traffic.totals() == (1, 0, 0, 100, 2000)
    assert (lease.held, subject.active) == (False, 0)


def test_an_exchange_without_an_answer_has_no_time() -> None:
    lease = taken(one_server(0, 0), "web")
    ledger.failed(lease, "timeout")
    ledger.answered(lease, 5, None, 0, 0, 1.0)
    counters = lease.server.requests
    assert dict(counters.errors) == {"timeout": 1}
    assert (sum(counters.latency.buckets), lease.server.latency) == (0, 0.0)


def test_an_exchange_counts_for_its_service_and_its_rule() -> None:
    service, rule = LiveService("l7:www", L7Service("www", ())), Requests()
    ledger.asked(rule)
    ledger.served(service, rule, 4, 40.0, 10, 20, "")
    ledger.served(service, None, 5, 0.0001, 1, 2, "fault")
    ledger.refused(service, 4)
    assert (service.requests.requests, service.requests.responses) == (3, [0, 0, 0, 0, 2, 1])
    assert (rule.requests, rule.responses) == (1, [0, 0, 0, 0, 1, 0])
    assert dict(service.requests.errors) == {"fault": 1, "refused": 1}
    assert service.stats.traffic.totals() == (2, 0, 0, 11, 22)
    # 40 s is above the last bound, 0.1 ms below the first.
    assert (service.requests.latency.buckets[0], service.requests.latency.buckets[-1]) == (1, 1)


def test_who_found_nobody_and_who_waited_in_vain_is_counted() -> None:
    pool = registry_of(Pool("web")).pools["web"]
    ledger.found_nobody(pool)
    ledger.waited_in_vain(pool)
    assert (pool.no_server, pool.queue_timeouts) == (1, 1)
