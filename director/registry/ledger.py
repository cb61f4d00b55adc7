"""The verbs a data path may use on live servers, pools and services; nothing else of them is its to write.

Theory of operation.  A load balancer is only as right as its counts: least-connections, `max`, the length of
a line, "drained and empty" and "may this server be forgotten" all read them.  So each count has one owner
and moves by a verb that keeps what must hold:

* A **claim** (`Lease`, `TemplateClaim`, a place in a pool's line) is taken when it is given and given back
  exactly once, by the object that stands for it.  Were two places to write `active`, one exception between
  them would leave a server "busy" for good: with `max` it would never be chosen again, and a drain would
  never end.  A second release is an error of ours and raises, because a count that went down twice hides
  the next leak.
* The **threshold flag** changes with the count that crosses it, in the same step (`lvs-semantics` B.5): a
  claim sets OVERLOAD, a release may clear it, and between `min` and `max` it keeps its value.  Were it
  derived when read, the hysteresis would be lost, and a server at its limit would flap.  A template does
  not count but is tested (B.5); UDP and closing TCP count as inactive, which the thresholds compare, too
  (B.6).
* A **seat** is a client of a service against `max_connections`: taken before the connection is accepted, so
  that nobody is turned away who was let in.
* **Tallies** (requests, responses, errors, packets, octets) only grow.  Nobody decides by them, so they are
  plain numbers of one process; sums over processes are made when somebody looks.
* **Evidence** (`reached`, `unreached`, `observe`) is what a data path saw of a server; the newest counts.

With several processes the same verbs work on memory that all of them map: `registry.mapped` gives servers
and pools whose claims stand there.  Which one it is, no data path can tell: so it must never read a count,
think, and write it back.

The hot paths do not pay for the order: a layer-7 exchange calls three verbs, and a layer-4 packet none,
because it adds in place to the list that `Traffic.cells` hands out.  A gate (`tests/gates/test_ledger.py`)
finds other writers.  Who calls these: `l7.proxy` and `l7.io.queue`, `l4`, `selection`.  No clock: `now`
comes in, in monotonic seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING

from director.errors import LeaseError
from director.registry.counters import CONNS, INBYTES, LATENCY_BOUNDS, OUTBYTES

if TYPE_CHECKING:
    from director.registry.counters import Requests
    from director.registry.live import LivePool, LiveService, RealServer

Reason = tuple[str, int, int, int, int]
"""(word, active, inactive, weight, candidates): the scheduler's name, `sticky` or `named`, the server's
load and weight at the moment of choice, and how many servers could be chosen."""


# --- claims -----------------------------------------------------------------------------


def check_overload(server: RealServer) -> None:
    """Clear OVERLOAD below `min`, or below three quarters of `max` when there is no `min` (B.5)."""
    if clears(server.active + server.inactive, server.max, server.min):
        server.overloaded = False
        server.pool.invalidate()


def clears(total: int, upper: int, lower: int) -> bool:
    """Whether a load of `total`, just lowered, clears the flag (B.5); `upper`, `lower`: `max`, `min`."""
    if lower:
        return total < lower
    return not upper or total * 4 < upper * 3


class Lease:
    """A claim on a server: one unit of its load, held until `release`.

    Whoever chose the server has seen that there is room; `forced` says so to claims that must look for
    themselves (`mapped`), and means nothing here.
    """

    __slots__ = ("_held", "_inactive", "reason", "server")

    def __init__(
        self, server: RealServer, reason: Reason, inactive: bool = False, forced: bool = True
    ) -> None:
        self.server = server
        self.reason = reason
        self._inactive = inactive
        self._held = True
        if inactive:
            server.inactive += 1
        else:
            server.active += 1
        # The upper threshold sets OVERLOAD when it is reached (B.5).
        if server.max and server.active + server.inactive >= server.max and not server.overloaded:
            server.overloaded = True
            server.pool.invalidate()

    def deactivate(self) -> None:
        """Count it as inactive from now on (a TCP connection left the active states, B.6)."""
        if self._held and not self._inactive:
            self._inactive = True
            self.server.active -= 1
            self.server.inactive += 1

    def activate(self) -> None:
        """Count it as active from now on."""
        if self._held and self._inactive:
            self._inactive = False
            self.server.inactive -= 1
            self.server.active += 1

    @property
    def held(self) -> bool:
        """Not released yet."""
        return self._held

    @property
    def inactive(self) -> bool:
        """It counts as inactive."""
        return self._inactive

    def release(self) -> None:
        """Give the claim back.  Raises LeaseError when it was given back before."""
        if not self._held:
            raise LeaseError(f"the lease on {self.server.pool.name}/{self.server.name} was released twice")
        self._held = False
        server = self.server
        if self._inactive:
            server.inactive -= 1
        else:
            server.active -= 1
        if server.overloaded:
            check_overload(server)


class TemplateClaim:
    """A persistence template's hold on a server: counts as persistent, not as load (B.6).

    The overload test still runs when it is made (B.5).
    """

    __slots__ = ("_held", "server")

    def __init__(self, server: RealServer) -> None:
        self.server = server
        self._held = True
        server.persistent += 1
        if server.max and server.load >= server.max and not server.overloaded:
            server.overloaded = True
            server.pool.invalidate()

    def release(self) -> None:
        """Give it back.  Raises LeaseError when it was given back before."""
        if not self._held:
            raise LeaseError(f"the template on {self.server.pool.name}/{self.server.name} was released twice")
        self._held = False
        self.server.persistent -= 1
        if self.server.overloaded:
            check_overload(self.server)


def claim(server: RealServer, *, inactive: bool = False) -> Lease:
    """Claim a server for what belongs to work that it has already; whether it has room or not."""
    reason = ("named", server.active, server.inactive, server.weight, 1)
    made: Lease = (server.lease or partial(Lease, server))(reason, inactive, forced=True)
    return made


def try_claim(server: RealServer) -> Lease | None:
    """Claim a server that somebody named (a step of the fault path); None when it is full."""
    if server.overloaded:
        return None
    reason = ("named", server.active, server.inactive, server.weight, 1)
    made: Lease | None = (server.lease or partial(Lease, server))(reason)
    return made


def template(server: RealServer) -> TemplateClaim:
    """Claim a server for a client's template."""
    made: TemplateClaim = server.template() if server.template is not None else TemplateClaim(server)
    return made


def take_place(pool: LivePool) -> bool:
    """Take a place in the pool's line, which holds `queue.length`; a full one counts whom it turned away."""
    if pool.take_place():
        return True
    pool.queue_full += 1
    return False


def leave_place(pool: LivePool) -> None:
    """Give a place in the line back: it was our turn, or we go."""
    pool.leave_place()


def take_seat(service: LiveService, most: int) -> bool:
    """One more client of a service, if it has fewer than `most`; 0 is no limit."""
    taken: bool = service.seats.take(most)
    return taken


def leave_seat(service: LiveService) -> None:
    """A client has left, or did not come after all."""
    service.seats.move(-1)


def move_seats(old: LiveService, new: LiveService, count: int) -> None:
    """Clients go on as another service's."""
    old.seats.move(-count)
    new.seats.move(count)


# --- evidence ---------------------------------------------------------------------------


def reached(server: RealServer) -> None:
    """A connection to it could be made (KTCPVS's `active` mark, A.7)."""
    server.reachable = True


def unreached(server: RealServer) -> None:
    """A connection to it could not be made."""
    server.reachable = False


def broke(server: RealServer, cause: str) -> None:
    """Work on it that nobody counts came to a bad end; `cause` as for `failed`."""
    if server.watch is not None:
        server.watch.failed(cause)


def worked(server: RealServer) -> None:
    """Work on it that nobody counts went well."""
    if server.watch is not None:
        server.watch.worked()


# --- tallies of layer 7 -------------------------------------------------------------------


def asked(counters: Requests) -> None:
    """One more request for a server or of a rule."""
    counters.requests += 1


def failed(lease: Lease, cause: str) -> None:
    """A try on a server failed; `cause` is a word of the code's own bounded vocabulary."""
    server = lease.server
    server.requests.errors[cause] += 1
    if server.watch is not None:
        server.watch.failed(cause)


def answered(
    lease: Lease,
    status_class: int,
    first_byte: float | None,
    received: int,
    sent: int,
    now: float,
    outcome: str = "ok",
) -> None:
    """An exchange with a server is over: count it, take its time into account, and give the claim back.

    `first_byte` is the seconds until its answer began, None when none did; `received` and `sent` are octets
    from and to the client; `outcome` says whether all went well.
    """
    server = lease.server
    counters = server.requests
    counters.responses[status_class] += 1
    if first_byte is not None:
        counters.latency.buckets[bisect_left(LATENCY_BOUNDS, first_byte)] += 1
        counters.latency.total += first_byte
        server.observe(first_byte, now)
    if server.watch is not None:
        server.watch.ended(status_class, first_byte, outcome)
    cells = server.stats.traffic.cells
    cells[CONNS] += 1
    cells[OUTBYTES] += sent
    if received:
        cells[INBYTES] += received
    lease.release()


def served(
    service: LiveService,
    rule: Requests | None,
    status_class: int,
    seconds: float,
    received: int,
    sent: int,
    error: str,
) -> None:
    """An exchange of a service is over after `seconds`; `error` is a cause of the code's own, or empty."""
    counters = service.requests
    counters.requests += 1
    counters.responses[status_class] += 1
    counters.latency.buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1
    counters.latency.total += seconds
    if error:
        counters.errors[error] += 1
    if rule is not None:
        rule.responses[status_class] += 1
    cells = service.stats.traffic.cells
    cells[CONNS] += 1
    cells[OUTBYTES] += sent
    if received:
        cells[INBYTES] += received


def refused(service: LiveService, status_class: int) -> None:
    """What came was no request, and was answered so."""
    counters = service.requests
    counters.requests += 1
    counters.responses[status_class] += 1
    counters.errors["refused"] += 1


def waited_in_vain(pool: LivePool) -> None:
    """Somebody stood in line for all of `queue … for` and was not served."""
    pool.queue_timeouts += 1


def found_nobody(pool: LivePool) -> None:
    """Nothing could be chosen."""
    pool.no_server += 1
