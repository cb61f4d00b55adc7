"""Queues: first come, first served."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from director.l7.io.queue import Queues
from director.model.pools import Address, Pool, Queue, Server, State
from director.registry.ledger import Lease, take_place
from director.registry.registry import LivePool
from tests.support.registries import registry_of, taken


class Waiter:
    """Takes a lease when called, if there is one."""

    def __init__(self, name: str, calls: list[str], lines: Queues, pool: LivePool) -> None:
        self.name, self.calls, self.lines, self.pool = name, calls, lines, pool
        self.lease: Lease | None = None
        self.stubborn = False

    def slot_free(self) -> None:
        self.calls.append(self.name)
        self.lines.wake()
        if self.stubborn:
            assert take_place(self.pool)
            self.lines.join(self.pool, self)
        else:
            self.lease = next((Lease(one, ("rr", 0, 0, 1, 1)) for one in self.pool.eligible()), None)


def line(names: str) -> tuple[Queues, LivePool, list[Waiter], list[str], Lease]:
    registry = registry_of(Pool("web", (Server("a", Address("10.0.0.1", 80), max=1),), queue=Queue(9, 5.0)))
    pool = registry.pools["web"]
    lease = taken(registry, "web")
    lines = Queues()
    calls: list[str] = []
    waiters = [Waiter(name, calls, lines, pool) for name in names]
    for one in waiters:
        assert take_place(pool)
        lines.join(pool, one)
    return lines, pool, waiters, calls, lease


def test_nobody_is_called_while_the_pool_is_full() -> None:
    lines, pool, _, calls, _ = line("xy")
    lines.wake()
    assert calls == []
    assert (lines.waiting, pool.waiting) == (2, 2)


def test_they_are_called_in_order_one_for_each_place() -> None:
    lines, pool, waiters, calls, lease = line("xyz")
    lease.release()
    lines.wake()
    assert calls == ["x"]
    assert waiters[0].lease is not None
    waiters[0].lease.release()
    lines.wake()
    assert calls == ["x", "y"]
    assert (lines.waiting, pool.waiting) == (1, 1)


def test_who_leaves_is_not_called() -> None:
    lines, pool, waiters, calls, lease = line("xy")
    lines.leave(pool, waiters[0])
    lines.leave(pool, waiters[0])
    lease.release()
    lines.wake()
    assert calls == ["y"]
    assert (lines.waiting, pool.waiting) == (0, 0)


def test_who_cannot_be_served_stands_at_the_end_and_the_poke_ends() -> None:
    lines, pool, waiters, calls, lease = line("xy")
    for one in waiters:
        one.stubborn = True
    lease.release()
    lines.wake()
    assert calls == ["x", "y"]
    assert (lines.waiting, pool.waiting) == (2, 2)


def drain(pool: LivePool) -> None:
    pool.servers[0].state = State.DRAIN
    pool.servers[0].refresh()


def maint(pool: LivePool) -> None:
    pool.servers[0].state = State.MAINT
    pool.servers[0].refresh()


def quiesce(pool: LivePool) -> None:
    pool.servers[0].weight = 0
    pool.invalidate()


def fail_check(pool: LivePool) -> None:
    pool.servers[0].failing = frozenset({"alive"})
    pool.servers[0].refresh()


def leave(pool: LivePool) -> None:
    pool.drop(pool.servers[0])


def close_queue(pool: LivePool) -> None:
    pool.config = evolve(pool.config, queue=Queue(0))


@pytest.mark.parametrize("change", [drain, maint, quiesce, fail_check, leave, close_queue])
def test_all_are_called_when_waiting_helps_no_more(change: Callable[[LivePool], None]) -> None:
    """Newcomers take the fault path at once; who stands in the queue must not wait for its time-out."""
    lines, pool, _, calls, _ = line("xyz")
    change(pool)
    lines.wake()
    assert calls == ["x", "y", "z"]
    assert (lines.waiting, pool.waiting) == (0, 0)


def test_another_configuration_calls_everybody_once_in_order() -> None:
    """A rule, a pool or a server may be there for those who wait, too."""
    lines, pool, waiters, calls, _ = line("xyz")
    for one in waiters:
        one.stubborn = True
    lines.wake(everybody=True)
    assert calls == ["x", "y", "z"]
    assert (lines.waiting, pool.waiting) == (3, 3)
