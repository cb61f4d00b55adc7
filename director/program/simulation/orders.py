"""What an operator does in a simulated run, and what the director must keep to from then on.

drain, maint, ready     orders for a server          weight N      of a server; 0 quiesces it
add, remove             a server of a pool           undo          the last generation
reload N                the file again, changed in the N-th way of `CHANGES`
inject                  a `[fault:…]` of the file (its name stands for the pool)
freeze N, hog N         the process stands still for N seconds: stopped from outside, or kept busy
starve N                it has no descriptor left for N seconds
stop                    SIGTERM, with the file's `shutdown_grace`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from director.errors import DirectorError
from director.model.http import L7Service
from director.model.pools import Address, Pool, SchedulerSpec, Server, State
from director.model.settings import Configuration
from director.program.simulation.schedule import PlannedOrder
from director.program.simulation.stage import Director
from director.registry.changes import Change, Ordered, ServerAdded, ServerRemoved, weight

VERBS = (
    "drain", "maint", "ready", "weight", "add", "remove", "undo", "reload", "inject", "freeze", "hog",
    "starve", "stop",
)  # fmt: skip
NEW_SERVERS = "198.19.0."
"""Where the servers are that operators add; each has the number of its order."""


@frozen
class Forbidden:
    """From `since` on (seconds) a server must get nothing new; `until` it may again."""

    pool: str
    server: str
    why: str
    since: float
    until: float


class Operator:
    """Carries orders out, and notes which of them hold.

    Attributes:
        refused: orders that the director refused, with what it said.
        over: no order is carried out any more.
        stopped_at: when the director was told to stop, None while it was not.
        closed: what servers must not get, as far as it is over; `forbidden` has all.
    """

    def __init__(self, director: Director, written: Configuration) -> None:
        self.over = False
        self.stopped_at: float | None = None
        self.refused: list[str] = []
        self.closed: list[Forbidden] = []
        self._director = director
        self._written = written
        self._open: dict[tuple[str, str], tuple[str, float]] = {}

    def carry_out(self, order: PlannedOrder) -> None:
        """Now, unless the run is over."""
        if self.over or self.stopped_at is not None:
            return
        if self._director.loop.is_held:
            self._director.loop.when_free(lambda: self.carry_out(order))
            return
        try:
            _DEEDS[order.verb](self, order)
        except DirectorError as error:
            self.refused.append(f"{order}: {error}")
        self._note()

    def forbidden(self, end: float) -> list[Forbidden]:
        """All, to the end of the run."""
        left = [Forbidden(*key, why, since, end) for key, (why, since) in self._open.items()]
        return [*self.closed, *left]

    def _note(self) -> None:
        """What holds now, as the registry says after the order: an order may be undone, or refused."""
        now = self._director.loop.seconds()
        found: dict[tuple[str, str], str] = {}
        for pool in self._director.registry.pools.values():
            for server in pool.servers:
                if server.state is not State.READY:
                    found[pool.name, server.name] = server.state.value
                elif not server.config.weight:
                    found[pool.name, server.name] = "weight 0"
        for key, (why, since) in list(self._open.items()):
            if found.get(key) != why:
                del self._open[key]
                self.closed.append(Forbidden(*key, why, since, now))
        for key, why in found.items():
            self._open.setdefault(key, (why, now))

    # -- deeds --

    def _state(self, order: PlannedOrder) -> None:
        self._apply(Ordered(order.pool, order.server, State(order.verb)))

    def _weight(self, order: PlannedOrder) -> None:
        configuration = self._director.registry.configuration
        self._apply(weight(configuration, order.pool, order.server, int(order.number)))

    def _add(self, order: PlannedOrder) -> None:
        self._apply(ServerAdded(order.pool, Server(order.server, Address(added(order), 80))))

    def _remove(self, order: PlannedOrder) -> None:
        self._apply(ServerRemoved(order.pool, order.server))

    def _undo(self, _order: PlannedOrder) -> None:
        running = self._director.running
        self._director.apply(running.overrides.undoing(running.registry.generation))

    def _reload(self, order: PlannedOrder) -> None:
        change = CHANGES[int(order.number) % len(CHANGES)]
        self._director.reload(change(self._written))

    def _inject(self, order: PlannedOrder) -> None:
        self._director.inject(order.pool, int(order.number))

    def _freeze(self, order: PlannedOrder) -> None:
        self._director.loop.hold_up(order.number, reads_first=order.verb == "freeze")

    def _starve(self, order: PlannedOrder) -> None:
        loop = self._director.loop
        loop.starving = True
        loop.after(order.number, setattr, loop, "starving", False)

    def _stop(self, _order: PlannedOrder) -> None:
        director = self._director
        if self.stopped_at is None:
            self.stopped_at = director.loop.seconds()
            director.loop.network.closing = True
            director.stop(director.registry.configuration.settings.shutdown_grace)

    def _apply(self, change: Change) -> None:
        self._director.apply((change,))


def added(order: PlannedOrder) -> str:
    """The address of a server that an order adds."""
    return f"{NEW_SERVERS}{order.number:g}"


_DEEDS: dict[str, Callable[[Operator, PlannedOrder], None]] = {
    "drain": Operator._state,  # noqa: SLF001 - their own table
    "maint": Operator._state,  # noqa: SLF001
    "ready": Operator._state,  # noqa: SLF001
    "weight": Operator._weight,  # noqa: SLF001
    "add": Operator._add,  # noqa: SLF001
    "remove": Operator._remove,  # noqa: SLF001
    "undo": Operator._undo,  # noqa: SLF001
    "reload": Operator._reload,  # noqa: SLF001
    "inject": Operator._inject,  # noqa: SLF001
    "freeze": Operator._freeze,  # noqa: SLF001
    "hog": Operator._freeze,  # noqa: SLF001
    "starve": Operator._starve,  # noqa: SLF001
    "stop": Operator._stop,  # noqa: SLF001
}

# --- another file -----------------------------------------------------------------------------------


def _pools(change: Callable[[Pool], Pool]) -> Callable[[Configuration], Configuration]:
    return lambda written: evolve(written, pools=tuple(change(one) for one in written.pools))


def _with_the_doors_of_the_next(services: tuple[L7Service, ...]) -> Iterator[L7Service]:
    """Each listens where the next one did."""
    for at, service in enumerate(services):
        yield evolve(service, listen=services[(at + 1) % len(services)].listen)


CHANGES: tuple[Callable[[Configuration], Configuration], ...] = (
    lambda written: written,
    lambda written: evolve(written, rules=written.rules[:-1]),
    lambda written: evolve(written, checks=tuple(evolve(one, every=one.every + 1) for one in written.checks)),
    _pools(lambda pool: evolve(pool, scheduler=SchedulerSpec("rr"))),
    _pools(lambda pool: evolve(pool, servers=tuple(reversed(pool.servers)))),
    _pools(lambda pool: evolve(pool, idle_connections=1)),
    lambda written: evolve(written, l7=tuple(evolve(one, listen=one.listen[::-1]) for one in written.l7)),
    lambda written: evolve(written, l7=tuple(_with_the_doors_of_the_next(written.l7))),
)
"""Ways in which a file may differ when it is read again; those of `MOVING` change where requests belong."""
MOVING = frozenset({1, 7})
