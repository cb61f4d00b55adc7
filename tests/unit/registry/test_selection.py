from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.errors import LeaseError
from director.model.pools import Pool, State
from director.registry.changes import Ordered, ServerChanged, weight
from director.registry.registry import RealServer, Registry
from director.registry.selection import STICKY, Lease, TemplateClaim, claim, select
from tests.support.registries import KEY, live, registry_of, server, take, taken


class Threshold:
    """B.5 as its text says it, for one destination: the oracle."""

    def __init__(self, u: int, lower: int) -> None:
        self.u, self.lower = u, lower
        self.activeconns = self.inactconns = 0
        self.overload = False

    def bound(self) -> None:
        if self.u != 0 and self.activeconns + self.inactconns >= self.u:
            self.overload = True

    def unbound(self) -> None:
        total = self.activeconns + self.inactconns
        if self.lower != 0:
            if total < self.lower:
                self.overload = False
        elif self.u != 0:
            if total * 4 < self.u * 3:
                self.overload = False
        else:
            self.overload = False

    def edited(self, u: int, lower: int) -> None:
        """B.3: cleared when the new u is 0 or larger than the old one."""
        if u == 0 or u > self.u:
            self.overload = False
        self.u, self.lower = u, lower


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


def test_quiesced_gets_nothing_new_but_keeps_its_own() -> None:
    """B.7, V14."""
    registry = one_server(0, 0)
    own = taken(registry, "web")
    registry.apply([weight(registry.configuration, "web", "a", 0)], "test", 0.0, 0.0)
    assert take(registry, "web") is None
    again = select(registry, registry.pools["web"], "l7:www", KEY, 0.0, preferred=own.server)
    assert again is not None
    assert again.reason[0] == STICKY
    assert registry.pools["web"].why_none() == "every live server is drained or has weight 0"


def test_sticky_reaches_a_full_and_a_drained_server_but_not_one_in_maintenance() -> None:
    registry = one_server(1, 0)
    own = taken(registry, "web").server
    pool = registry.pools["web"]
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is not None
    registry.apply([Ordered("web", "a", State.DRAIN)], "test", 0.0, 0.0)
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is not None
    registry.apply([Ordered("web", "a", State.MAINT)], "test", 0.0, 0.0)
    assert select(registry, pool, "l7:www", KEY, 0.0, preferred=own) is None


def test_a_server_tried_before_is_left_out_while_there_are_others() -> None:
    registry = registry_of(Pool("web", (server("a", 1), server("b", 2))))
    pool, first, second = registry.pools["web"], live(registry, "web", "a"), live(registry, "web", "b")
    chosen = select(registry, pool, "l7:www", KEY, 0.0, exclude={first})
    assert chosen is not None
    assert chosen.server is second
    last = select(registry, pool, "l7:www", KEY, 0.0, exclude={first, second})
    assert last is not None
    excluded = select(registry, pool, "l7:www", KEY, 0.0, preferred=first, exclude={first})
    assert excluded is not None
    assert excluded.server is second


def test_a_backup_is_tried_when_all_others_were() -> None:
    front = (server("a", 1), server("b", 2, max=1))
    servers = (*front, server("s", 9, backup=True), server("t", 10, backup=True))
    registry = registry_of(Pool("web", servers))
    pool = registry.pools["web"]
    a, b, s, t = pool.servers

    def tried(*them: RealServer) -> str | None:
        lease = select(registry, pool, "l7:www", KEY, 0.0, exclude=them)
        return None if lease is None else lease.server.name

    assert tried(a) == "b"
    # b is full now, and a pool whose servers are merely full has no use for its backups.
    assert tried(a) == "a"
    assert tried(a, b) == "s"
    assert tried(a, b, s) == "t"
    assert tried(a, b, s, t) == "a"


def test_the_reason_is_of_the_moment_of_choice() -> None:
    registry = registry_of(Pool("web", (server("a", 1, weight=3), server("b", 2))))
    taken(registry, "web")
    assert taken(registry, "web").reason == ("wlc", 1, 0, 3, 2)
    assert claim(live(registry, "web", "b")).reason == ("named", 0, 0, 1, 1)


def test_nothing_to_choose_is_counted() -> None:
    registry = registry_of(Pool("web"))
    assert take(registry, "web") is None
    assert registry.pools["web"].no_server == 1
    assert registry.pools["web"].why_none() == "the pool has no servers"


def test_a_scheduler_may_answer_none() -> None:
    registry = one_server(0, 0)
    scheduler = registry.scheduler(registry.pools["web"], "l7:www")
    scheduler.choose = lambda *_facts: None
    assert take(registry, "web") is None
    assert registry.pools["web"].no_server == 1


def test_a_changed_weight_is_in_the_next_reason() -> None:
    registry = one_server(0, 0)
    registry.apply([ServerChanged("web", evolve(server(), weight=7))], "test", 0.0, 0.0)
    assert taken(registry, "web").reason[3] == 7
