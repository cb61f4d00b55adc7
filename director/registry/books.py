"""Who has which slot of the counts that processes share, and what a `Registry` makes servers and pools with.

`MappedBooks` is that when there are several processes; a single one uses plain objects (`live.Books`) and
pays nothing.  How to use it:

*Control process.*  `segment.create(Geometry(slots, columns))`, `MappedBooks(segment.table(0), gives=True)`,
`Registry(make_scheduler, books)`.  It gives out the slots.  After each `Registry.apply`, `news()` is what
was given out by it: send it to every worker together with the changes.  `all_given()` goes with the snapshot
that a new worker begins with.  When a worker has died (its process was waited for), `bury(column)`; only
then may the column be given to another.  Call `tick()` each second and `Registry.sweep` as ever.
One that goes on with processes of an earlier one begins with `inherit`, and says `settle` when all follow.

*Worker, layer 4.*  `segment.attach(descriptor)`, `MappedBooks(segment.table(column))`, `Registry(…, books)`.
For every change: `learn(news)` first, then `Registry.apply`.  Call `tick()` each second.

A **slot** is given to (kind, pool, server); its **generation** tells it from who had it before.  A slot is
free again when nothing counts in it and the server's time in the trash is over (B.8), or its pool is gone.

`room(pool)` is called when a release made room in a pool in whose line somebody of *another* process waits:
tell those processes to look (`Lines.poke`).  Who stands in line just as the room is made may be missed; the
periodic look of the lines finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from director.errors import ChangeRefused
from director.model.pools import Pool, Server
from director.registry.cells import GENERATION, CellTable, Given, SharedNumbers
from director.registry.live import LivePool
from director.registry.mapped import MappedPool, MappedSeats, MappedServer

SERVICE = "service "
"""What the names of services begin with among those of pools, which have no space."""


class MappedBooks:
    """Makes servers and pools that count in a mapping, and knows who has which slot.

    Args:
        table: the mapping, with the column of this process.
        gives: this is the control process, which gives out slots.
        room: called with a pool's name when there is room for those who wait in other processes.
        processes: how many processes accept clients; users' schedulers are told.

    Attributes:
        gives: as above.
        refused: claims refused because a lock could not be had.
        owed: servers whose flag is still to be looked at.
    """

    def __init__(
        self,
        table: CellTable,
        *,
        gives: bool = False,
        room: Callable[[str], object] = lambda _pool: None,
        processes: int = 1,
    ) -> None:
        self.table = table
        self.processes = processes
        self.refused = 0
        self.owed: set[MappedServer] = set()
        self.gives = gives
        self._room = room
        self._given: dict[tuple[str, str], Given] = {}
        self._servers: dict[int, MappedServer] = {}
        self._free: list[int] = []
        self._used = 0
        self._inherited: dict[tuple[str, str], Given] = {}
        self._unclaimed: set[int] = set()
        self._news: list[Given] = []
        self._dropped: list[MappedPool] = []
        self._closed: list[MappedSeats] = []

    # -- what `Registry` asks --

    def server(self, config: Server, pool: LivePool, now: float) -> MappedServer:
        """A new server."""
        made = MappedServer(config, pool, now, self, self._slot(pool.name, config.name))
        self._servers[made.slot] = made
        return made

    def pool(self, config: Pool) -> MappedPool:
        """A new pool."""
        return MappedPool(config, self, self._slot(config.name, ""))

    def returned(self, server: Any) -> None:
        """A server that left, or was another pool's, stands in a pool, perhaps under another name."""
        name = server.pool.name, server.name
        if self.gives:
            given = Given(*name, server.slot, server.generation)
            self._given[name] = given
            self._news.append(given)
            return
        given = self._known(*name)
        if (given.slot, given.generation) != (server.slot, server.generation):
            # We had kept it longer than the control process did: so it holds nothing.
            self._servers.pop(server.slot, None)
            server.take_slot(given)
        self._servers[server.slot] = server

    def forgotten(self, server: Any) -> None:
        """A server that left is idle and its time is over: its slot is free."""
        slot = server.slot
        if self._servers.get(slot) is server:
            del self._servers[slot]
        self.owed.discard(server)
        self._forget(slot, server.generation)

    def dropped(self, pool: Any) -> None:
        """A pool is gone; its slot is free when nobody waits for it any more."""
        if self.gives:
            self._dropped.append(pool)

    def seats(self, key: str) -> MappedSeats:
        """Those of a new service."""
        return MappedSeats(self, self._slot(f"{SERVICE}{key}", ""))

    def closed(self, service: Any) -> None:
        """A service is gone; its slot is free when its last client has left."""
        if self.gives:
            self._closed.append(service.seats)

    def room_for(self, entries: int) -> None:
        """Whether so many new servers and pools find a slot; raises ChangeRefused when not."""
        used = self._used - len(self._free) - len(self._inherited)
        if self.gives and used + entries > self.table.geometry.slots:
            raise ChangeRefused(
                "ENOMEM",
                f"no more than {self.table.geometry.slots} servers and pools can be counted across processes;"
                " use fewer, or set workers = 0",
            )

    def shared(self, name: str, size: int) -> SharedNumbers:
        """Shared numbers of a user's scheduler; see `cells.SharedNumbers`."""
        return self.table.shared(name, size)

    # -- what the processes ask --

    def news(self) -> tuple[Given, ...]:
        """What was given out since the last call."""
        news, self._news = tuple(self._news), []
        return news

    def all_given(self) -> tuple[Given, ...]:
        """All that is given out."""
        return tuple(self._given.values())

    def learn(self, news: Iterable[Given]) -> None:
        """What the control process gave out, before the changes that need it are applied."""
        for given in news:
            self._given[given.pool, given.server] = Given(*given)
            self._used = max(self._used, given.slot + 1)

    def inherit(self, given: Sequence[Given]) -> None:
        """Go on with what an earlier control process gave out, before anything is made here.

        Who has a slot keeps it, and with it what processes claimed there.
        """
        self._inherited = {(one.pool, one.server): one for one in given if self._stands(one)}
        self._used = max((one.slot + 1 for one in given), default=0)

    def settle(self) -> None:
        """All processes follow: slots that nobody wanted are free once nothing counts there."""
        self._inherited.clear()
        taken = {one.slot for one in self._given.values()}
        self._unclaimed = set(range(self._used)) - taken - set(self._free)

    def contradiction(self, given: Iterable[Given]) -> str:
        """Who counts in another slot here than is said; empty when nobody does."""
        known = ((self._given.get((one.pool, one.server), one), one) for one in given)
        return next(
            (f"{one.pool}/{one.server}" for had, one in known if had != one and self._stands(had)), ""
        )

    def _stands(self, given: Given) -> bool:
        """Nobody else has had that slot since."""
        return self.table.words[self.table.state(given.slot, GENERATION)] == given.generation

    def bury(self, column: int) -> None:
        """A process is dead: what it claimed is free, and the flags follow."""
        self.table.bury(column, range(self._used))
        for server in self._servers.values():
            if server.max or server.overloaded:
                server.reconsider()

    def tick(self) -> None:
        """What could not be done when it was due; call it each second."""
        owed, self.owed = self.owed, set()
        for server in owed:
            server.reconsider()
        dropped, self._dropped = self._dropped, []
        for pool in dropped:
            if pool.waiting:
                self._dropped.append(pool)
            else:
                self._forget(pool.slot, pool.generation)
        closed, self._closed = self._closed, []
        for seats in closed:
            if seats.taken:
                self._closed.append(seats)
            else:
                self._forget(seats.slot, seats.generation)
        idle = {slot for slot in self._unclaimed if not self.table.claimed(slot)}
        self._unclaimed -= idle
        self._free.extend(idle)

    # -- inside --

    def changed(self, pool: LivePool) -> None:
        """Another set of servers may be chosen in `pool`: every process is to look again."""
        pool.invalidate()
        if isinstance(pool, MappedPool):
            pool.epochs[self.table.column] += 1

    def tell_others(self, pool: LivePool) -> None:
        """There may be room for those who wait elsewhere."""
        if isinstance(pool, MappedPool) and pool.waiting_elsewhere and pool.eligible():
            self._room(pool.name)

    def _slot(self, pool: str, server: str) -> Given:
        if not self.gives:
            return self._known(pool, server)
        left = self._inherited.pop((pool, server), None)
        if left is not None:
            self._given[pool, server] = left
            self._news.append(left)
            return left
        if self._free:
            slot = self._free.pop()
        elif self._used < self.table.geometry.slots:
            slot = self._used
            self._used += 1
        else:
            self.room_for(1)
            raise AssertionError("room_for refuses before")  # pragma: no cover
        given = Given(pool, server, slot, self.table.renew(slot))
        self._given[pool, server] = given
        self._news.append(given)
        return given

    def _known(self, pool: str, server: str) -> Given:
        try:
            return self._given[pool, server]
        except KeyError:
            what = f"{pool}/{server}" if server else f"pool {pool}"
            raise ChangeRefused(
                "EINVAL", f"the control process gave no slot for {what}; this process must be replaced"
            ) from None

    def _forget(self, slot: int, generation: int) -> None:
        for name in [name for name, one in self._given.items() if one[2:] == (slot, generation)]:
            del self._given[name]
        if self.gives:
            self._free.append(slot)
