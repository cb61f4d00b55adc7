from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from director.health.schedule import JITTER, CheckTarget, Plan, targets
from director.model.pools import Address, Check, Pool, Server
from director.model.settings import Configuration

CHECK = Check("alive", every=2.0)


def target(last: int, check: Check = CHECK) -> CheckTarget:
    return CheckTarget(Address(f"10.0.0.{last}", 80), check)


def plan_of(*wanted: CheckTarget, slots: int = 256, seed: int = 1) -> Plan:
    plan = Plan(Random(seed), slots)
    plan.retarget({one.key: one for one in wanted}, 0.0)
    return plan


def test_servers_of_several_pools_share_a_target() -> None:
    a, b = Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))
    configuration = Configuration(
        pools=(
            Pool("web", (a, b), checks=("alive", "deep")),
            Pool("api", (Server("x", Address("10.0.0.1", 80)),), checks=("alive",)),
            Pool("raw", (Server("y", Address("10.0.0.3", 80)),)),
            Pool("odd", (a,), checks=("nosuch",)),
        ),
        checks=(CHECK, Check("deep", kind="http")),
    )
    assert list(targets(configuration)) == [
        ("10.0.0.1:80", "alive"),
        ("10.0.0.2:80", "alive"),
        ("10.0.0.1:80", "deep"),
        ("10.0.0.2:80", "deep"),
    ]


def test_first_probes_are_soon_and_spread() -> None:
    plan = plan_of(*(target(last) for last in range(1, 101)))
    times = sorted(time for last in range(1, 101) if (time := plan.due(target(last).key)) is not None)
    assert len(times) == 100
    assert times[0] >= 0.0
    assert times[-1] <= 1.0
    assert max(later - sooner for sooner, later in pairwise(times)) < 0.1


def test_a_quick_check_begins_within_its_own_period() -> None:
    quick = target(1, Check("quick", every=0.1))
    due = plan_of(quick).due(quick.key)
    assert due is not None
    assert due <= 0.1


def test_what_is_due_is_taken_once() -> None:
    plan = plan_of(target(1))
    assert plan.take(-1.0) == []
    assert plan.take(1.0) == [target(1)]
    assert plan.take(100.0) == []
    assert plan.due(target(1).key) is None


def test_the_next_follows_by_every_with_jitter() -> None:
    plan = plan_of(target(1))
    dues = []
    for _ in range(200):
        plan.hurry(target(1).key, 10.0)
        plan.take(10.0)
        plan.done(target(1).key, 10.0)
        dues.append(plan.due(target(1).key) or 0.0)
    assert 12.0 - 2 * JITTER <= min(dues) < 11.98
    assert 12.02 < max(dues) <= 12.0 + 2 * JITTER


def test_a_verdict_that_is_about_to_change_is_looked_at_sooner() -> None:
    plan = plan_of(target(1, Check("alive", every=10.0, changing=0.5)), target(2, Check("alive", every=10.0)))
    for one in plan.take(1.0):
        plan.done(one.key, 1.0, changing=True)
    sooner, later = plan.due(target(1).key), plan.due(target(2).key)
    assert sooner is not None
    assert later is not None
    assert abs(sooner - 1.5) <= 0.5 * JITTER
    assert abs(later - 11.0) <= 10.0 * JITTER


def test_no_more_run_than_there_are_slots() -> None:
    plan = plan_of(*(target(last) for last in range(1, 6)), slots=2)
    first = plan.take(1.0)
    assert len(first) == 2
    assert plan.late == 1
    assert plan.next_time() is None
    plan.done(first[0].key, 1.0)
    assert len(plan.take(1.0)) == 1


def test_an_unchanged_target_keeps_its_time_and_a_changed_one_begins_anew() -> None:
    plan = plan_of(target(1), target(2))
    plan.take(1.0)
    for last in (1, 2):
        plan.done(target(last).key, 1.0)
    kept = plan.due(target(1).key)
    changed = target(2, Check("alive", every=9.0))
    plan.retarget({target(1).key: target(1), changed.key: changed}, 1.5)
    assert plan.due(target(1).key) == kept
    assert 1.5 <= (plan.due(changed.key) or 0.0) <= 2.5


def test_a_target_that_is_gone_is_not_planned_again() -> None:
    plan = plan_of(target(1), target(2))
    plan.take(1.0)
    plan.retarget({target(2).key: target(2)}, 1.0)
    plan.done(target(1).key, 1.0)
    assert plan.due(target(1).key) is None
    plan.done(target(2).key, 1.0)
    assert plan.take(100.0) == [target(2)]


def test_an_operator_may_hurry_what_is_not_busy() -> None:
    plan = plan_of(target(1))
    assert plan.hurry(target(1).key, 0.0)
    assert plan.next_time() == 0.0
    assert plan.take(0.0) == [target(1)]
    assert not plan.hurry(target(1).key, 0.0)
    assert not plan.hurry(("nobody", "alive"), 0.0)


def test_nothing_is_due_when_nothing_is_wanted() -> None:
    assert plan_of().next_time() is None


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from(["take", "done", "hurry", "retarget"]), st.integers(1, 5))),
)
def test_every_target_is_either_planned_or_busy(slots: int, script: list[tuple[str, int]]) -> None:
    """Nothing is ever lost, whatever happens in whatever order."""
    plan, busy, now = plan_of(*(target(last) for last in range(1, 6)), slots=slots), set(), 0.0
    for step, last in script:
        now += 0.7
        if step == "take":
            busy |= {one.key for one in plan.take(now)}
        elif step == "done" and busy:
            key = sorted(busy)[last % len(busy)]
            busy.discard(key)
            plan.done(key, now)
        elif step == "hurry":
            plan.hurry(target(last).key, now)
        elif step == "retarget":
            plan.retarget({target(one).key: target(one) for one in range(1, last + 1)}, now)
        assert len(busy) <= slots
        for key in plan.targets:
            assert (plan.due(key) is None) == (key in busy)
        planned = [due for key in plan.targets if (due := plan.due(key)) is not None]
        expected = min(planned, default=None) if len(busy) < slots else None
        assert plan.next_time() == expected


def test_a_probe_that_takes_long_does_not_put_off_the_next() -> None:
    plan = plan_of(target(1, Check("alive", every=2.0, changing=0.5)))
    plan.take(1.0)
    plan.done(target(1).key, 1.8)
    due = plan.due(target(1).key)
    assert due is not None
    assert abs(due - 3.0) <= 2.0 * JITTER
    plan.take(due)
    plan.done(target(1).key, due + 1.0, changing=True)
    assert plan.due(target(1).key) == due + 1.0
