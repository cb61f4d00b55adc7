"""One live server, one live pool, one live service: their load, health, orders and counters.

The pieces that `registry` is made of.  Who writes what: `registry` all that a configuration, an order or a
verdict says (weight, `max`, state, health, membership), the verbs of `ledger` all that work under way says
(load, overload, reachability, latency, who waits, counters), and nobody else anything; everybody may read.
No socket, no clock: `now` is monotonic seconds.
"""

from __future__ import annotations

import ipaddress
import math
from array import array
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from director.errors import DirectorError
from director.model.http import L7Service
from director.model.pools import NO_ADVICE, Advice, OnDown, Pool, Server, State, passive
from director.model.virtual import L4Service
from director.registry.counters import Requests, Zeroable
from director.registry.seats import Seats
from director.registry.watch import Watch

MOST_NUMBERS = 4096
"""Shared numbers of a user's scheduler under one name."""

LATENCY_DECAY = 10.0
"""Time constant in seconds of the latency average; a peak is taken over at once."""

LiveScheduler = Any
"""An `IScheduler` that has a `name` as well, for traces; it takes and returns `RealServer`."""


def folded(host: str) -> int:
    """An address as 32 bits: IPv4 as it is, IPv6 folded by XOR of its four words, names 0 (F.2)."""
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        return 0
    number = 0
    for start in range(0, len(packed), 4):
        number ^= int.from_bytes(packed[start : start + 4], "big")
    return number


class RealServer:
    """One live server of one pool: its order, health, load and counters (`IServer`).

    `lease` and `template` make a claim where claims do not stand in the server itself (`mapped`); None when
    they do.

    `active` and `inactive` count leases only.  `present` is False once it left the pool.
    `advice` is what its agents say: `weight` and `max` follow it, and it may want less than `state` allows.
    `able`: no order keeps it from working.  `warm` is how much of its share of new work it is
    given (`slow_start`), 1.0 once it has warmed up; `watch` takes down how its work goes, None when nobody
    asks (`eject`).  `takes_new`: neither its order nor its agents keep new clients from it.
    `cut` says that established work on it ends at once (`on_down = close`), `carries` that packets of
    established flows may still go to it: whoever went on working when it went down, goes on.
    `injected` is what faults are laid on it, None as a rule; the fault room alone writes it.
    """

    __slots__ = (
        "able", "active", "address", "advice", "available", "carries", "config", "counted", "cut",
        "failing", "idle_since", "inactive", "injected", "key", "last_weight", "latency", "max", "min",
        "name", "number", "overloaded", "persistent", "pool", "port", "present", "reachable", "reported",
        "requests", "since", "state", "stats", "takes_new", "warm", "watch", "weight", "_full",
        "_latency_at",
    )  # fmt: skip

    lease: ClassVar[Callable[..., Any] | None] = None
    template: ClassVar[Callable[..., Any] | None] = None

    def __init__(self, config: Server, pool: LivePool, now: float) -> None:
        self.pool = pool
        self.name = config.name
        self.address = config.address
        self.key = str(config.address)
        self.number = folded(config.address.host)
        self.port = config.address.port
        self._begin()
        self.present = True
        self.state = State.READY
        self.failing: frozenset[str] = frozenset()
        self.reported: frozenset[str] = frozenset()
        self.available = self.carries = True
        self.cut = False
        self.injected: Any = None
        self.latency = 0.0
        self._latency_at = 0.0
        self.since = now
        self.idle_since: float | None = None
        self.stats = Zeroable()
        self.requests = Requests()
        self.last_weight = self.max = 0
        self.takes_new = self.able = True
        self.advice = NO_ADVICE
        self.warm = 1.0
        self.counted = (0, 0, 0)
        self.watch: Watch | None = None
        self.configure(config)

    def _begin(self) -> None:
        """Nothing is claimed, and nothing bad is known."""
        self.active = self.inactive = self.persistent = 0
        self.overloaded = False
        self.reachable = True

    def configure(self, config: Server) -> None:
        """Take over weight and thresholds; raising or removing `max` clears overload (B.3)."""
        self.config = config
        self._follow()

    def advise(self, advice: Advice) -> None:
        """Take over what its agents say."""
        self.advice = advice
        self._follow()
        self.refresh()

    def heat(self, warm: float) -> bool:
        """Give it that part of its share from now on; says whether its weight is another one."""
        before, self.warm = self.weight, warm
        self._follow()
        self.pool.invalidate()
        return self.weight != before

    @property
    def admitted(self) -> float:
        """How often it may be chosen at all: what whole numbers as weights cannot say of `warm`."""
        return self.warm * self._full / self.weight if self.weight else 1.0

    def _follow(self) -> None:
        """Derive weight and thresholds from what is configured, advised and warm."""
        config, advice, old_max = self.config, self.advice, self.max
        self.weight = config.weight
        if advice.share is not None:
            # A share of a small weight is something, or nothing only when it is said to be.
            self.weight = -(-config.weight * advice.share // 100)
        self._full = self.weight
        if self.warm < 1.0:
            self.weight = math.ceil(self.weight * self.warm)
        if self.weight:
            self.last_weight = self.weight
        self.max = config.max if advice.max is None else advice.max
        self.min = min(config.min, self.max) if advice.max is not None else config.min
        if self.max == 0 or self.max > old_max:
            self._relieve()

    def _relieve(self) -> None:
        """Clear overload: `max` was raised or removed."""
        self.overloaded = False

    @property
    def load(self) -> int:
        """Active plus inactive: what the thresholds compare."""
        return self.active + self.inactive

    @property
    def serving(self) -> bool:
        """May be chosen for new work, if it has room."""
        return self.available and self.takes_new and self.weight > 0

    @property
    def eligible(self) -> bool:
        """May be chosen for new work."""
        return self.serving and not self.overloaded

    @property
    def empty(self) -> bool:
        """Nothing runs on it any more: what an operator waits for after `drain`."""
        return self.load == 0

    def refresh(self) -> None:
        """Derive `available`, `takes_new`, `cut`, `carries` from presence, health, order; tell the pool."""
        wanted = (self.state, self.advice.state)
        self.takes_new = State.DRAIN not in wanted and State.MAINT not in wanted
        self.able = State.MAINT not in wanted
        self.pool.count(self)
        self.derive()
        self.pool.invalidate()

    def derive(self) -> None:
        """What follows from its health, and from its pool's."""
        usable = not self.ill or (self.pool.panic and not self.config.backup)
        self.available = self.present and self.able and usable
        self.cut = not (self.able and usable) and self.pool.config.on_down is OnDown.CLOSE
        self.carries = self.present and not self.cut

    @property
    def ill(self) -> bool:
        """Too many of its checks fail, or its traffic did."""
        failing = len(self.failing)
        if not failing:
            return False
        config = self.pool.config
        # An ejection is no check of the list, and counts alone.
        if not config.needed or passive(config.name) in self.failing:
            return True
        return len(config.checks) - failing < config.needed

    @property
    def healthy(self) -> bool:
        """It could work, whatever its pool does."""
        return self.present and self.able and not self.ill

    def observe(self, seconds: float, now: float) -> None:
        """Take one response time into `latency`: peaks at once, falls with `LATENCY_DECAY`."""
        if seconds >= self.latency:
            self.latency = seconds
        else:
            keep = math.exp((self._latency_at - now) / LATENCY_DECAY)
            self.latency = self.latency * keep + seconds * (1.0 - keep)
        self._latency_at = now


@contextmanager
def supposed_down(servers: Iterable[RealServer]) -> Iterator[None]:
    """Servers seem down to a decision that is only imagined; nobody is told, and nothing else may run."""
    were = [(server, server.available) for server in servers]
    try:
        for server, _ in were:
            server.available = False
            server.pool.invalidate()
        yield
    finally:
        for server, available in were:
            server.available = available
            server.pool.invalidate()


class LivePool:
    """One live pool: its servers in configured order and a scheduler per service that uses it.

    `by_name` is the truth about membership, written by `Registry` alone; `servers` and `eligible`
    are derived from it and kept until `invalidate`.  `panic`: fewer servers than the configured share are
    healthy, so all are used.  `warming` has what `warming` keeps of servers that are given their share by and
    by.
    """

    def __init__(self, config: Pool) -> None:
        self.config = config
        self.name = config.name
        self.by_name: dict[str, RealServer] = {}
        self.schedulers: dict[str, LiveScheduler] = {}
        self.scheduler_failures = 0
        self._begin()
        self.queue_full = 0
        self.queue_timeouts = 0
        self.no_server = 0
        self.panic = False
        self._sums = [0, 0, 0]
        self.warming: dict[RealServer, list[float]] = {}
        self._eligible: tuple[RealServer, ...] | None = None
        self._servers: tuple[RealServer, ...] | None = None

    def _begin(self) -> None:
        """Nobody waits."""
        self.waiting = 0

    def take_place(self) -> bool:
        """One more waits, if the queue has a place."""
        if self.waiting >= self.config.queue.length:
            return False
        self.waiting += 1
        return True

    def leave_place(self) -> None:
        """One less waits."""
        self.waiting -= 1

    @property
    def servers(self) -> tuple[RealServer, ...]:
        """The present servers in configured order."""
        found = self._servers
        if found is None:
            found = self._servers = tuple(self.by_name.values())
        return found

    def put(self, server: RealServer) -> None:
        """Add a server at the end of the order."""
        self.by_name[server.name] = server
        self._servers = self._eligible = None

    def drop(self, server: RealServer) -> None:
        """Take a server out."""
        self._sums = [total - old for total, old in zip(self._sums, server.counted, strict=True)]
        server.counted = (0, 0, 0)
        del self.by_name[server.name]
        self._servers = self._eligible = None

    def arrange(self, names: Iterable[str]) -> None:
        """Put the servers in the order of `names`, which are exactly theirs."""
        self.by_name = {name: self.by_name[name] for name in names}
        self._servers = self._eligible = None

    def invalidate(self) -> None:
        """Forget the cached set of eligible servers."""
        self._eligible = None

    def eligible(self) -> tuple[RealServer, ...]:
        """Servers that may be chosen now, in configured order.

        Backup servers count only while every other server is down, drained or quiesced; a pool
        whose servers are merely full has none (requests then queue or take the fault path).
        """
        found = self._eligible
        if found is None:
            found = self._eligible = self._find_eligible()
        return found

    def count(self, server: RealServer) -> None:
        """Follow one server's health: with too few that are healthy, all of them count as available.

        A backup that can step in for none goes before that.
        """
        takes = server.present and server.able and server.takes_new
        good = takes and not server.ill
        main = not server.config.backup
        counted = (int(takes and main), int(good and main), int(good and not main))
        if counted != server.counted:
            self._sums = [
                total + new - old for total, new, old in zip(self._sums, counted, server.counted, strict=True)
            ]
            server.counted = counted
        before, least = self.panic, self.config.panic
        every, healthy, spare = self._sums
        self.panic = healthy < least * every and not (spare and not healthy)
        if self.panic is not before:
            for one in self.servers:
                one.derive()

    @property
    def healthy(self) -> tuple[int, int]:
        """(how many that shall work are healthy, how many shall), without backups."""
        return self._sums[1], self._sums[0]

    def _find_eligible(self) -> tuple[RealServer, ...]:
        main = [server for server in self.servers if not server.config.backup]
        if any(server.serving for server in main):
            return tuple(server for server in main if server.eligible)
        return tuple(server for server in self.servers if server.config.backup and server.eligible)

    def stand_ins(self, tried: Container[RealServer]) -> tuple[RealServer, ...]:
        """Backup servers for a request whose other servers are all down, drained, quiesced or `tried`."""
        for server in self.servers:
            if not (server.config.backup or server in tried) and server.serving:
                return ()
        return tuple(one for one in self.servers if one.config.backup and one.eligible and one not in tried)

    def become(self, queue_full: int, queue_timeouts: int, no_server: int, scheduler_failures: int) -> None:
        """Show sums that were made elsewhere: of several processes, in the one that shows them."""
        self.queue_full, self.queue_timeouts = queue_full, queue_timeouts
        self.no_server, self.scheduler_failures = no_server, scheduler_failures

    @property
    def full(self) -> bool:
        """A server that serves is merely at its `max`: there may be room again, so waiting helps."""
        return any(server.overloaded and server.serving for server in self.servers)

    def server(self, name: str) -> RealServer | None:
        """The present server of that name."""
        return self.by_name.get(name)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Which users' schedulers had to be replaced, for which service, and why."""
        found = ((service, getattr(one, "replaced", "")) for service, one in self.schedulers.items())
        return tuple(f"{service}: {said}" if service else said for service, said in found if said)

    def why_none(self, service: str = "") -> str:
        """Why nothing can be chosen (for `service`), in words for the log and the trace."""
        if not self.servers:
            return "the pool has no servers"
        if self.full:
            return "every live server is at its max"
        eligible = len(self.eligible())
        if eligible:
            # Such as ovf when all have their weight, or a hash of what the request does not have.
            scheduler = getattr(self.schedulers.get(service), "name", self.config.scheduler)
            return f"scheduler {scheduler} chose none of the {eligible} server(s) that could take it"
        if any(server.available for server in self.servers):
            return "every live server is drained or has weight 0"
        return "every server is down or in maintenance"


class LiveService:
    """One live service (`l7:NAME` or `l4:NAME`): counters and seats that survive reloads.

    `tester` is the address from which a drill sends its own requests meanwhile: their ids are believed.
    """

    def __init__(self, key: str, config: L7Service | L4Service, seats: Any = None) -> None:
        self.key = key
        self.seats = seats or Seats()
        self.config: L7Service | L4Service = config
        self.stats = Zeroable()
        self.requests = Requests()
        self.rules: dict[str, Requests] = {}
        self.tester = ""

    def rule(self, name: str) -> Requests:
        """Counters of one of its rules, made when first asked for."""
        found = self.rules.get(name)
        if found is None:
            found = self.rules[name] = Requests()
        return found


class Books:
    """What a registry makes its servers and pools with: here, objects that count in themselves.

    `mapped.MappedBooks` is the other one; what it must know of the life of a server or pool is told here.
    """

    processes = 1

    def __init__(self) -> None:
        self._shared: dict[str, OwnNumbers] = {}

    def server(self, config: Server, pool: LivePool, now: float) -> RealServer:
        """A new server."""
        return RealServer(config, pool, now)

    def pool(self, config: Pool) -> LivePool:
        """A new pool."""
        return LivePool(config)

    def room_for(self, entries: int) -> None:
        """There is always room for more servers and pools."""

    def returned(self, server: RealServer) -> None:
        """A server stands in a pool again."""

    def forgotten(self, server: RealServer) -> None:
        """A server that left is gone for good."""

    def dropped(self, pool: LivePool) -> None:
        """A pool is gone."""

    def seats(self, key: str) -> Seats:
        """Those of a new service."""
        return Seats()

    def closed(self, service: LiveService) -> None:
        """A service is gone."""

    def shared(self, name: str, size: int) -> OwnNumbers:
        """The numbers of that name, made when first asked for.  Raises DirectorError."""
        found = self._shared.get(name)
        if found is None:
            found = self._shared[name] = OwnNumbers(size)
        if len(found) != size:
            raise DirectorError(f"shared({name!r}, {size}): it has {len(found)} numbers already; restart")
        return found


class OwnNumbers:
    """`cells.SharedNumbers` for a single process."""

    def __init__(self, size: int) -> None:
        if not 0 < size <= MOST_NUMBERS:
            raise DirectorError(f"shared numbers: from 1 to {MOST_NUMBERS}, not {size}")
        self.mine = memoryview(array("q", bytes(8 * size)))

    def __len__(self) -> int:
        return len(self.mine)

    def total(self, index: int) -> int:
        """Number `index`.  Raises IndexError."""
        if index < 0:
            raise IndexError(index)
        return self.mine[index]
