"""The one place that chooses a server, for both layers.

eligible -> sticky preference -> scheduler -> lease.  A `Lease` is a claim on a
server together with the reason why; it is released exactly once, on every path, so
the load of a server has one owner.  `select` is the only caller of a scheduler.
Thresholds follow `lvs-semantics` B.5, accounting B.6.

Who calls it: `l7.conversation` (through the shell's service), `l4.forwarder`.  It
knows neither sockets nor clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.errors import LeaseError

if TYPE_CHECKING:
    from collections.abc import Container

    from director.interfaces import IKey
    from director.registry.registry import LivePool, RealServer, Registry

STICKY = "sticky"
"""The word in a reason when a cookie or template decided instead of a scheduler."""


def check_overload(server: RealServer) -> None:
    """Clear OVERLOAD below `min`, or below three quarters of `max` when there is no `min` (B.5)."""
    total = server.active + server.inactive
    if server.min:
        clear = total < server.min
    elif server.max:
        clear = total * 4 < server.max * 3
    else:
        clear = True
    if clear:
        server.overloaded = False
        server.pool.invalidate()


class Lease:
    """A claim on a server: one unit of its load, held until `release`.

    `reason` is (word, active, inactive, weight, candidates): the scheduler's name or `sticky`, the
    server's load at the moment of choice, and how many servers could be chosen.
    """

    __slots__ = ("_held", "_inactive", "reason", "server")

    def __init__(
        self, server: RealServer, reason: tuple[str, int, int, int, int], inactive: bool = False
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


def select(
    registry: Registry,
    pool: LivePool,
    service: str,
    key: IKey,
    now: float,
    preferred: RealServer | None = None,
    exclude: Container[RealServer] = (),
    inactive: bool = False,
) -> Lease | None:
    """Choose a server of `pool` for one request or connection of `service` and claim it.

    Args:
        key: the facts (`IKey`) a scheduler may look at.
        preferred: the server a cookie or template names; taken while it serves its own, also when
            drained, quiesced or overloaded (B.5, B.7).
        exclude: servers already tried for this request.  When no other is left, backup servers are asked;
            without these it is ignored.
        inactive: count the claim as inactive at first (layer 4, B.6).

    Returns: a held lease, or None when nothing could be chosen (`pool.why_none()` says why).
    """
    candidates = pool.eligible()
    if preferred is not None and preferred.available and preferred not in exclude:
        word, server = STICKY, preferred
    else:
        if exclude:
            untried = tuple(one for one in candidates if one not in exclude)
            candidates = untried or pool.stand_ins(exclude) or candidates
        if not candidates:
            pool.no_server += 1
            return None
        scheduler = pool.schedulers.get(service) or registry.scheduler(pool, service)
        chosen = scheduler.choose(candidates, key, now)
        if chosen is None:
            pool.no_server += 1
            return None
        word, server = scheduler.name, chosen
    reason = (word, server.active, server.inactive, server.weight, len(candidates))
    return Lease(server, reason, inactive)


def claim(server: RealServer, *, inactive: bool = False) -> Lease:
    """Claim a server that a fault step or an operator named, without asking a scheduler."""
    return Lease(server, ("named", server.active, server.inactive, server.weight, 1), inactive=inactive)
