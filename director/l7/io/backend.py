"""Connections to servers: opening them, keeping idle ones, handing them out again.

An idle connection belongs to an address, not to a client (KTCPVS A.8).  It is watched while idle:
a FIN, a reset or an unexpected octet takes it out at once.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from director.l7.io.endpoint import connect_to_endpoint
from director.l7.io.resolver import Names, Place
from director.l7.io.stream import LARGE_READ, Stream, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.model.pools import Address

IDLE_SECONDS = 30.0
"""How long an idle server connection is kept (KTCPVS keepalive_timeout, A.5)."""
SURPLUS_SECONDS = 1.0
"""How long an unused connection beyond the pool's `idle_connections` is kept."""
BURST_LIMIT = 1024
"""Idle connections to one address beyond which the oldest is closed at once."""
CLOSE_SECONDS = 30.0
"""How long a server connection that is being closed may go without taking what is queued for it."""


class ServerCaller(Protocol):
    """For whom a connection to a server is busy."""

    def server_connected(self) -> None:
        """The new connection is open."""

    def server_received(self, data: bytes) -> None:
        """Octets came."""

    def server_ended(self) -> None:
        """The server sent FIN."""

    def server_lost(self, reason: str) -> None:
        """The connection failed."""

    def server_blocked(self) -> None:
        """The server does not take more."""

    def server_drained(self) -> None:
        """It does again."""


class ServerSide:
    """One connection to a server, busy for one client or idle."""

    __slots__ = ("backends", "client", "idle_since", "key", "limit", "stream")

    stream: Stream

    def __init__(self, backends: Backends, key: str, client: ServerCaller | None) -> None:
        self.backends = backends
        self.key = key
        self.client = client
        self.idle_since = 0.0
        self.limit = 0

    def connected(self) -> None:
        """The connect succeeded."""
        if self.client is not None:
            self.client.server_connected()

    def received(self, data: bytes) -> None:
        """Octets for the client; from an idle connection nothing may come."""
        if self.client is not None:
            self.client.server_received(data)
        else:
            self.backends.idle_spoke += 1
            self.stream.abort()

    def ended(self) -> None:
        """FIN from the server."""
        if self.client is not None:
            self.client.server_ended()
        else:
            self.stream.close()

    def lost(self, reason: str) -> None:
        """Gone."""
        self.backends.forget(self)
        if self.client is not None:
            self.client.server_lost(reason)

    def blocked(self) -> None:
        """The server does not take more: stop reading from the client."""
        if self.client is not None:
            self.client.server_blocked()

    def drained(self) -> None:
        """It does again."""
        if self.client is not None:
            self.client.server_drained()

    def wanted(self) -> int:
        """As much as there is: clients that do not keep up hold us back."""
        return LARGE_READ


class Backends:
    """All connections to servers of one director."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.open = 0
        self.opened = 0
        self.reused = 0
        self.idle_spoke = 0
        self.idle_closed = 0
        self._idle: dict[str, deque[ServerSide]] = {}
        self._closing: dict[ServerSide, tuple[float, int]] = {}
        self.names = Names(reactor)

    def idle_count(self) -> int:
        """Idle connections kept now."""
        return sum(len(line) for line in self._idle.values())

    # -- idle connections --

    def take(self, key: str, client: ServerCaller, careful: bool) -> ServerSide | None:
        """The most recently used idle connection to `key`, now `client`'s; None if there is none."""
        line = self._idle.get(key)
        while line:
            side = line.pop()
            if side.stream.socket is None:
                continue
            if careful and not side.stream.is_alive():
                side.stream.abort()
                continue
            side.client = client
            self.reused += 1
            return side
        return None

    def keep(self, side: ServerSide, limit: int, now: float) -> None:
        """Put a connection among the idle ones.

        More than `limit` are kept only while they are used again at once: under load, closing what the
        next request needs would cost a connect each time.  `sweep` ends what stays unused.
        """
        side.client = None
        stream = side.stream
        if stream.socket is None or limit <= 0:
            stream.close()
            return
        stream.resume()
        side.idle_since = now
        side.limit = limit
        line = self._idle.get(side.key)
        if line is None:
            line = self._idle[side.key] = deque()
        line.append(side)
        if len(line) > BURST_LIMIT and len(line) > limit:
            self.idle_closed += 1
            line.popleft().stream.close()

    def forget(self, side: ServerSide) -> None:
        """A connection is gone."""
        self.open -= 1
        self._closing.pop(side, None)
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
            unwanted = wanted is not None and key not in wanted
            while line and (unwanted or _outlived(line, now)):
                self.idle_closed += 1
                line.popleft().stream.close()
            if not line:
                self._idle.pop(key, None)
        for side, (since, progress) in list(self._closing.items()):
            if side.stream.progress != progress:
                self._closing[side] = (now, side.stream.progress)
            elif now - since > CLOSE_SECONDS:
                side.stream.abort()

    def drop(self, side: ServerSide, now: float) -> None:
        """Close a connection behind what is still queued for it, for as long as the server takes that."""
        side.client = None
        side.stream.close()
        if side.stream.socket is not None:
            self._closing[side] = (now, side.stream.progress)

    # -- new connections --

    def connect(self, address: Address, client: ServerCaller) -> ServerSide:
        """Begin a connection; `client` hears `server_connected` or `server_lost` later, never now."""
        side = ServerSide(self, str(address), client)
        self.open += 1
        self.opened += 1
        if address.path:
            self._begin(side, socket.AF_UNIX, address.path)
            return side
        if address.endpoint:
            self._dial(side, address.endpoint)
            return side
        family = _literal_family(address.host)
        if family is not None:
            self._begin(side, family, (address.host, address.port))
            return side
        place = self.names.known(address.host)
        if place is not None:
            self._begin(side, place[0], (place[1], address.port))
        else:
            self._resolve(side, address)
        return side

    def _begin(self, side: ServerSide, family: socket.AddressFamily, target: Any) -> None:
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._refuse_later(
                side, "out of file descriptors" if error.errno in (errno.EMFILE, errno.ENFILE) else str(error)
            )
            return
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        old = getattr(side, "stream", None)
        side.stream = Stream(self.reactor, sock, side, connecting=True)
        side.stream.reads_on = True
        if isinstance(old, _Unborn) and old.gone:
            side.stream.abort()
            return
        code = sock.connect_ex(target)
        if code not in (0, errno.EINPROGRESS):
            self.reactor.callLater(0, side.stream.fail, _error_words(code))
            return
        side.stream.wait_for_connect()

    def _refuse_later(self, side: ServerSide, reason: str) -> None:
        unborn = _Unborn()
        side.stream = unborn  # type: ignore[assignment]
        self.reactor.callLater(0, unborn.fail, side, reason)

    def _dial(self, side: ServerSide, description: str) -> None:
        """Have Twisted connect to one of its endpoint strings."""
        unborn = _Unborn()
        side.stream = unborn  # type: ignore[assignment]

        def begin() -> None:
            if unborn.gone:
                self.forget(side)
            else:
                unborn.give_up = connect_to_endpoint(self.reactor, description, connected, failed)

        def connected(stream: Any, _peer: object, _own: object) -> None:
            if unborn.gone:  # the endpoint goes on when its connect is cancelled
                stream.abort()
                return
            stream.owner = side
            side.stream = stream
            side.connected()

        def failed(reason: str) -> None:
            unborn.fail(side, reason)

        self.reactor.callLater(0, begin)

    def _resolve(self, side: ServerSide, address: Address) -> None:
        """Ask for a name off the reactor's thread."""
        unborn = _Unborn()
        side.stream = unborn  # type: ignore[assignment]

        def found(place: Place | None) -> None:
            if unborn.gone:
                self.forget(side)
            elif place is None:
                unborn.fail(side, f"the name {address.host} cannot be resolved")
            else:
                self._begin(side, place[0], (place[1], address.port))

        self.names.ask(address.host, found)


def _outlived(line: deque[ServerSide], now: float) -> bool:
    """The oldest connection of a line was idle too long, or is more than its pool keeps."""
    idle = now - line[0].idle_since
    return idle > IDLE_SECONDS or (idle > SURPLUS_SECONDS and len(line) > line[0].limit)


class _Unborn:
    """Stands for a stream that is not there yet (a name is being resolved, Twisted is connecting).

    `give_up` ends what it waits for, where that can be ended.
    """

    __slots__ = ("give_up", "gone")
    socket = None
    is_blocked = False
    progress = 0

    def __init__(self) -> None:
        self.gone = False
        self.give_up: Callable[[], None] | None = None

    def abort(self) -> None:
        """Give up; the answer will find nobody."""
        gone, self.gone = self.gone, True
        if self.give_up is not None and not gone:
            self.give_up()

    close = abort

    def pause(self) -> None:
        """Nothing to pause."""

    resume = pause

    def fail(self, side: ServerSide, reason: str) -> None:
        """Tell the owner, unless it has left."""
        if self.gone:
            side.backends.forget(side)
        else:
            self.gone = True
            side.lost(reason)


def _literal_family(host: str) -> socket.AddressFamily | None:
    """The family of an address literal; None for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            continue
        return family
    return None


def _error_words(code: int) -> str:
    return words(OSError(code, ""))
