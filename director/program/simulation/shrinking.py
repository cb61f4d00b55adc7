"""A failing schedule made smaller: fewer faults, clients, requests and servers, and simple values.

Greedy, as delta debugging is: each simpler schedule that still breaks the same promise takes the place of the
one before, until none does or enough were tried.  The same schedule always shrinks to the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from director.program.simulation.schedule import ClientPlan, PlannedAsk, PlannedOrder, Schedule, Trouble

TRIES = 300
"""Runs that are spent on it at most."""
Places = tuple[tuple[str, str], ...]
PLAIN_ASK: dict[str, Any] = {
    "upload": 0, "chunked": False, "expect": False, "once": False, "hints": 0, "size": 20,
    "framing": "length", "think": 0.0, "target": "/",
    "host": "www.example.org", "method": "GET",
}  # fmt: skip
PLAIN_CLIENT: dict[str, Any] = {
    "leaves": "", "pipelined": False, "slow": 0.0, "cut": 0, "rest": 0.0, "pause": 0.0, "alike": False,
    "speaks": "h1",
    "at": 0.0, "after": 0.0,
}  # fmt: skip


def shrunk(
    schedule: Schedule, servers: tuple[tuple[str, str], ...], breaks: Callable[[Schedule], bool]
) -> Schedule:
    """The smallest schedule that was found; `servers` (pool, name) may be left out."""
    left = TRIES
    found = True
    while found and left > 0:
        found = False
        for simpler in _simpler(schedule, servers):
            left -= 1
            if breaks(simpler):
                schedule, found = simpler, True
                break
            if left <= 0:
                break
    return schedule


def _simpler(schedule: Schedule, servers: Places) -> Iterator[Schedule]:
    """Schedules that are a little simpler, the boldest first."""
    for name in ("clients", "troubles", "orders"):
        yield from (_with(schedule, name, part) for part in _fewer(getattr(schedule, name)))
    ordered = {(order.pool, order.server) for order in schedule.orders}
    for one in servers:
        if one not in schedule.absent and one not in ordered:
            yield evolve(schedule, absent=(*schedule.absent, one))
    for name, simpler in (("clients", _clients), ("troubles", _troubles), ("orders", _orders)):
        parts = getattr(schedule, name)
        for at, part in enumerate(parts):
            for other in simpler(part):
                yield _with(schedule, name, (*parts[:at], other, *parts[at + 1 :]))


def _with(schedule: Schedule, name: str, parts: tuple[Any, ...]) -> Schedule:
    changes: dict[str, Any] = {name: parts}
    return evolve(schedule, **changes)


def _fewer(parts: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Half of them, then one less."""
    half = len(parts) // 2
    if half > 1:
        yield parts[:half]
        yield parts[half:]
    for at in range(len(parts)):
        yield (*parts[:at], *parts[at + 1 :])


def _clients(plan: ClientPlan) -> Iterator[ClientPlan]:
    yield from (evolve(plan, asks=asks) for asks in _fewer(plan.asks) if asks)
    yield from _plainer(plan, PLAIN_CLIENT)
    for at, ask in enumerate(plan.asks):
        for plain in _plainer(ask, PLAIN_ASK):
            yield evolve(plan, asks=(*plan.asks[:at], plain, *plan.asks[at + 1 :]))


def _plainer(one: PlannedAsk | ClientPlan, plain: dict[str, Any]) -> Iterator[Any]:
    """With one value less of its own."""
    for name, value in plain.items():
        if getattr(one, name) != value:
            yield evolve(one, **{name: value})


def _troubles(trouble: Trouble) -> Iterator[Trouble]:
    if trouble.at:
        yield evolve(trouble, at=0.0)
    if trouble.number:
        yield evolve(trouble, number=0.0)


def _orders(order: PlannedOrder) -> Iterator[PlannedOrder]:
    if order.at:
        yield evolve(order, at=0.0)
