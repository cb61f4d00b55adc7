"""Connections to servers: opening them, keeping idle ones, handing them out again.

An idle connection belongs to an address, not to a client (KTCPVS A.8).  It is watched while idle:
a FIN, a reset or an unexpected octet takes it out at once.

An octet that a server sends behind its answer must reach nobody: the next client would take it for the
begin of its own answer (RFC 9112 6.3).  What came in one read with the answer is seen by its framing.
What the read left in the kernel, or what comes later, is there when the loop polls next, and then the
idle connection hears of it.  So there are two moments at which nobody has looked: in the turn in which a
connection was kept, and in the turn whose poll has an event for it that was not dispatched yet.  A
connection taken then is looked at first (one system call); every other one was polled and found empty
while it was idle, so a request that takes it pays nothing.  Octets that come between that poll and the
taking are missed then, so a connection is looked at the first times that it is taken, too: a server that
sends such octets at all mostly does so from the begin.  A server that was caught gets no connection kept for
a while, because its octets may also come while the next request is on its way to it, and then nobody can
tell them from an answer.
"""

from __future__ import annotations

import contextlib
import socket
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from director.l7.io.attempts import Attempts, literal_family, open_stream
from director.l7.io.carriers import Carriers
from director.l7.io.endpoint import connect_to_endpoint
from director.l7.io.manner import SUFFIX, Manner, Manners
from director.l7.io.reactor import LeanReactor
from director.l7.io.relayed import Relayed
from director.l7.io.resolver import Resolver
from director.l7.io.server_side import PendingStream, ServerCaller, ServerSide
from director.l7.io.stream import Stream, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from OpenSSL.SSL import Context

    from director.l7.io.resolver import Addresses, HostAddress
    from director.l7.routing.facts import Peer
    from director.model.pools import Address, ServerTLS
    from director.registry.registry import RealServer

IDLE_SECONDS = 30.0
"""How long an idle server connection is kept (KTCPVS keepalive_timeout, A.5)."""
SURPLUS_SECONDS = 1.0
"""How long an unused connection beyond the pool's `idle_connections` is kept."""
BURST_LIMIT = 1024
"""Idle connections to one address beyond which the oldest is closed at once."""
DISTRUST_SECONDS = 60.0
"""How long no connection is kept to a server that spoke on an idle one right behind an answer."""
GOODBYE_SECONDS = 1.0
"""A connection idle for longer may be told of its end in words (a 408 before the FIN): that is no offence."""
CLOSE_SECONDS = 30.0
"""How long a server connection that is being closed may go without taking what is queued for it."""

_log = Logger(namespace="director.l7")


class _StrangeLoop:
    """Stands for a loop that does not say what it has seen: every idle connection is looked at."""

    turns = 0
    ready: dict[int, int] | None = None


class Backends:
    """All connections to servers of one director.

    Attributes:
        sides: connections there are.
        opened, reused: how many were made, and times that an idle one was taken.
        relayed: where what left by those that are gone is summed up.
        idle_spoke: idle connections closed because octets came that nobody had asked for.
        idle_closed: idle connections closed because they were too old or too many, or their server left.
    """

    def __init__(self, reactor: Any, context: Callable[[ServerTLS, str, str], Context] | None = None) -> None:
        self.reactor = reactor
        self._manners = Manners(context)
        self._loop = reactor if isinstance(reactor, LeanReactor) else _StrangeLoop
        self.sides: set[ServerSide] = set()
        self.opened = 0
        self.reused = 0
        self.idle_spoke = 0
        self.idle_closed = 0
        self._idle: dict[str, deque[ServerSide]] = {}
        self._closing: dict[ServerSide, tuple[float, int]] = {}
        self._distrusted: dict[str, float] = {}
        self._named: Counter[str] = Counter()
        self.relayed = Relayed()
        self.resolver = Resolver(reactor)
        self.carriers = Carriers(self)

    @property
    def open(self) -> int:
        """Connections there are."""
        return len(self.sides)

    def idle_count(self) -> int:
        """Idle connections kept now."""
        return sum(len(line) for line in self._idle.values()) + self.carriers.idle_count()

    # -- idle connections --

    def take(self, key: str, client: ServerCaller, careful: bool) -> ServerSide | None:
        """The most recently used idle connection to `key`, now `client`'s; None if there is none.

        `careful` looks at it in any case; else only one is looked at that is new, or that the loop has not
        seen idle.
        """
        line = self._idle.get(key)
        loop = self._loop
        turns, ready = loop.turns, loop.ready
        while line:
            side = line.pop()
            if side.kept_in == turns and line and line[0].kept_in != turns:
                # One that need not be looked at: the oldest was idle when the loop last polled.
                line.append(side)
                side = line.popleft()
            if side.stream.socket is None:
                continue
            if (
                side.looks or careful or side.kept_in == turns or ready is None or side.descriptor in ready
            ) and not self._is_empty(side):
                side.stream.abort()
                continue
            if side.looks:
                side.looks -= 1
            side.client = client
            self.reused += 1
            return side
        return None

    def keep(self, side: ServerSide, limit: int, now: float) -> None:
        """Put a connection among the idle ones.

        More than `limit` are kept only while they are used again at once: under load, closing what the
        next request needs would cost a connect each time.  `sweep` ends what stays unused.
        """
        stream = side.stream
        if (
            stream.socket is None
            or limit <= 0
            or (side.host is not None and side.host.gone)
            or (self._distrusted and side.key in self._distrusted)
        ):
            side.spent(now)
            return
        side.client = None
        stream.resume()
        side.idle_since = now
        side.limit = limit
        side.kept_in = self._loop.turns
        line = self._idle.get(side.key)
        if line is None:
            line = self._idle[side.key] = deque()
        line.append(side)
        if len(line) > BURST_LIMIT and len(line) > limit:
            self.idle_closed += 1
            line.popleft().stream.close()

    def _is_empty(self, side: ServerSide) -> bool:
        """An idle connection is there, and nothing waits to be read from it."""
        waiting = side.stream.waiting()
        if waiting:
            self.spoke(side)
        return waiting is None

    def spoke(self, side: ServerSide) -> None:
        """A server sent octets that nobody asked for, on an idle connection (or on one that is given up)."""
        if side in self._closing:
            return
        self.idle_spoke += 1
        now = self.reactor.seconds()
        if now - side.idle_since > GOODBYE_SECONDS:
            return
        if side.key not in self._distrusted:
            _log.warn(
                "{server} sent octets behind the end of an answer; they are dropped, and no connection to it "
                "is used again for {seconds:g}s. Its Content-Length or its chunks are wrong: mend the server",
                server=side.key,
                seconds=DISTRUST_SECONDS,
            )
        self._distrusted[side.key] = now + DISTRUST_SECONDS
        for other in self._idle.pop(side.key, ()):
            if other is not side:
                self.idle_closed += 1
                other.stream.close()

    def forget(self, side: ServerSide) -> None:
        """A connection is gone."""
        self.sides.discard(side)
        self.relayed.gone(side.stream)
        self._closing.pop(side, None)
        if side.name:
            self._named[side.name] -= 1
            if not self._named[side.name]:
                del self._named[side.name]
        if side.client is None:
            line = self._idle.get(side.key)
            if line is not None:
                with contextlib.suppress(ValueError):
                    line.remove(side)
                if not line:
                    del self._idle[side.key]

    def sweep(self, now: float, wanted: set[str] | None = None) -> None:
        """Close connections that were idle too long, or whose server is not among `wanted` any more."""
        for key, line in list(self._idle.items()):
            unwanted = wanted is not None and key.partition(SUFFIX)[0] not in wanted
            while line and (unwanted or _outlived(line, now)):
                self.idle_closed += 1
                line.popleft().stream.close()
            for side in [side for side in line if side.host is not None and side.host.gone]:
                self.idle_closed += 1
                line.remove(side)
                side.stream.close()
            if not line:
                self._idle.pop(key, None)
        self.carriers.sweep(now, lambda key: wanted is not None and key.partition(SUFFIX)[0] not in wanted)
        for host in list(self._named):
            self.resolver.refresh(host)
        for key in [key for key, until in self._distrusted.items() if until <= now]:
            del self._distrusted[key]
        for side, (since, progress) in list(self._closing.items()):
            if side.stream.progress != progress:
                self._closing[side] = (now, side.stream.progress)
            elif now - since > CLOSE_SECONDS:
                side.stream.abort()

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: no server could take what is queued for it."""
        for side, (since, progress) in self._closing.items():
            self._closing[side] = (since + seconds, progress)

    def drop(self, side: ServerSide, now: float) -> None:
        """Close a connection behind what is still queued for it, for as long as the server takes that."""
        side.client = None
        side.stream.close()
        if side.stream.socket is not None:
            self._closing[side] = (now, side.stream.progress)

    # -- new connections --

    def manner(self, server: RealServer, peer: Peer, wrong: str = "") -> Manner:
        """How a server whose pool asks for TLS or PROXY headers is met; `wrong` is a fault's."""
        return self._manners.of(server, peer, wrong)

    def connect(self, address: Address, client: ServerCaller, manner: Manner | None = None) -> ServerSide:
        """Begin a connection; `client` hears `server_connected` or `server_lost` later, never now."""
        side = ServerSide(self, str(address) + (manner.suffix if manner is not None else ""), client)
        self.sides.add(side)
        if manner is not None and manner.refused:
            self._refuse_later(side, manner.refused)
            return side
        self.opened += 1
        if address.path:
            self._begin(side, socket.AF_UNIX, address.path, manner)
            return side
        if address.endpoint:
            self._dial(side, address.endpoint)
            return side
        family = literal_family(address.host)
        if family is not None:
            self._begin(side, family, (address.host, address.port), manner)
            return side
        self._connect_to_name(side, address, manner)
        return side

    def _begin(
        self, side: ServerSide, family: socket.AddressFamily, target: Any, manner: Manner | None
    ) -> None:
        try:
            side.stream = open_stream(self.reactor, family, target, side, manner)
            side.descriptor = side.stream.fileno()
        except OSError as error:
            self._refuse_later(side, words(error))

    def _refuse_later(self, side: ServerSide, reason: str) -> None:
        pending = PendingStream()
        side.stream = pending  # type: ignore[assignment]
        self.reactor.callLater(0, pending.fail, side, reason)

    def _dial(self, side: ServerSide, description: str) -> None:
        """Have Twisted connect to one of its endpoint strings."""
        pending = PendingStream()
        side.stream = pending  # type: ignore[assignment]

        def begin() -> None:
            if pending.gone:
                self.forget(side)
            else:
                pending.give_up = connect_to_endpoint(self.reactor, description, connected, failed)

        def connected(stream: Any, _peer: object, _own: object) -> None:
            if pending.gone:  # the endpoint goes on when its connect is cancelled
                stream.abort()
                return
            stream.owner = side
            side.stream = stream
            side.connected()

        def failed(reason: str) -> None:
            pending.fail(side, reason)

        self.reactor.callLater(0, begin)

    def _connect_to_name(self, side: ServerSide, address: Address, manner: Manner | None) -> None:
        """Connect to one of the addresses of a name, which is asked for off the reactor's thread."""
        pending = PendingStream()
        side.stream = pending  # type: ignore[assignment]
        side.name = address.host
        self._named[address.host] += 1

        def told(addresses: Addresses) -> None:
            if pending.gone:
                self.forget(side)
            elif not addresses:
                failed(f"the name {address.host} cannot be resolved")
            else:
                attempts = Attempts(
                    self.reactor, self.resolver, addresses, address.port, connected, failed, manner
                )
                pending.give_up = attempts.give_up
                attempts.start()

        def connected(stream: Stream, host: HostAddress) -> None:
            stream.owner = side
            side.stream = stream
            side.descriptor = stream.fileno()
            side.host = host
            side.connected()

        def failed(reason: str) -> None:
            pending.fail(side, reason)

        addresses = self.resolver.known(address.host)
        if addresses:
            told(addresses)
        else:
            self.resolver.ask(address.host, told)


def _outlived(line: deque[ServerSide], now: float) -> bool:
    """The oldest connection of a line was idle too long, or is more than its pool keeps."""
    idle = now - line[0].idle_since
    return idle > IDLE_SECONDS or (idle > SURPLUS_SECONDS and len(line) > line[0].limit)
