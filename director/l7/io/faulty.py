"""A connection to a server under an injected fault.

It stands between the link of one exchange and the server's real connection, where there is one: what never
gets to a server (`refuse`, `hang`, `status`, …) needs none.  Nobody else's connection is touched: it is made
for this exchange, never taken from the idle ones and never put among them, because its stream has no socket
for `backend` to keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from director.fault.shaping import ENDED
from director.l7.http.writing import phrase
from director.l7.io.misframed import shape_of
from director.l7.proxy.commands import Loss

if TYPE_CHECKING:
    from director.fault.shaping import Shaping
    from director.l7.io.backend import Backends
    from director.l7.io.carried import CarriedStream
    from director.l7.io.server_side import ServerCaller, ServerSide
    from director.l7.routing.facts import Peer
    from director.model.drills import FaultAction, Injected
    from director.registry.live import RealServer

HELD_LIMIT = 65536
"""Octets of an answer that wait for their time, or two pieces; the server is held back beyond it."""
GARBAGE = b"\x15\x03\x00\x00\x02\x02\x0a not an answer\r\n\x00\xff\xfe\r\n\r\n"
"""No message of HTTP, whatever the reader forgives."""
RESET = "connection reset"
METHOD_LIMIT = 32
"""Octets of a request in which its method is looked for."""
_BODILESS = frozenset({204, 205, 304})


def meet(
    backends: Backends, injected: Injected, target: RealServer, client: ServerCaller, peer: Peer
) -> FaultySide:
    """Begin a connection under a fault; `client` hears of it later, never now."""
    side = FaultySide(backends, injected, client)
    action = injected.action
    if _reaches_server(action):
        _connect(side, action, target, peer)
    else:
        backends.reactor.callLater(0, side.begin_without_server, target.address.host)
    return side


def _reaches_server(action: FaultAction) -> bool:
    """Whether the server itself has a part in it."""
    kind = action.kind
    if kind == "tls":
        return action.word != "stall"
    if kind == "dns":
        return bool(action.old_address)
    if kind == "garbage":
        return bool(action.word)
    return kind not in _WITHOUT_SERVER and (kind not in _CUT or action.size is not None)


def _connect(side: FaultySide, action: FaultAction, target: RealServer, peer: Peer) -> None:
    """A connection of its own, or where one carries many requests, a stream of its own."""
    backends, config = side.backends, target.pool.config
    address = target.address
    if action.old_address:
        address = evolve(address, host=action.old_address)
    manner = None
    if config.tls is not None or config.send_proxy != "off" or config.protocol == "h2":
        manner = backends.manner(target, peer, action.word if action.kind == "tls" else "")
    if manner is None or not manner.multiplexes:
        side.stream.server = backends.connect(address, side, manner)
        return
    key = str(address) + manner.suffix
    found, there = backends.carriers.stream(key, address, side, manner, fresh=False, careful=False)
    side.stream.server = found
    if there:
        backends.reactor.callLater(0, side.server_connected)


_WITHOUT_SERVER = frozenset({"refuse", "blackhole", "hang", "stops_reading", "status", "1xx"})
_CUT = frozenset({"reset", "close"})
"""Before an answer nobody is asked; after some of it, the server has to give it."""
_UNHEARD = frozenset({"blackhole", "tls"})
"""Nothing comes, not even a connection."""


class FaultySide:
    """In the place of a `ServerSide` for its link, and of a link for the real `ServerSide`.

    Attributes:
        taken: octets of the request that a server took which is not there.
        full: it takes no more.
    """

    __slots__ = (
        "_action", "_answers", "_asked", "_delay", "_held", "_shape", "_timer", "_under_way", "backends",
        "client", "full", "stream", "taken",
    )  # fmt: skip

    def __init__(self, backends: Backends, injected: Injected, client: ServerCaller | None) -> None:
        self.backends = backends
        self.client = client
        self.stream = FaultyStream(self)
        self.taken = 0
        self.full = False
        self._action = injected.action
        self._delay = injected.delay if injected.action.kind == "delay" else 0.0
        self._shape: Shaping | None = None
        self._asked = b""
        self._answers = False
        self._held = bytearray()
        self._under_way = True
        self._timer: Any = None

    def spent(self, now: float) -> None:
        """The request is over, and nobody else gets the connection."""
        self.close()

    def asked(self, data: bytes) -> None:
        """The request begins with these octets."""
        self._asked = self._asked or data[:METHOD_LIMIT]

    # -- without a server --

    def begin_without_server(self, host: str) -> None:
        """There is no connection, or one that a server seems to have accepted."""
        kind = self._action.kind
        if self.client is None or kind in _UNHEARD:
            return
        if kind == "refuse":
            self._lose("connection refused")
        elif kind == "dns":
            self._lose(f"the name {host} cannot be resolved")
        else:
            self.client.server_connected()

    def requested(self, data: bytes) -> None:
        """Octets of a request that no server gets."""
        action = self._action
        if action.kind == "stops_reading":
            self._fill(len(data), action.size or 0)
        elif not self._answers and (action.kind != "hang" or action.low):
            self._answers = True
            self._timer = self.backends.reactor.callLater(action.low, self._answer, data)

    def _fill(self, size: int, limit: int) -> None:
        """What is behind the limit stays on the way, as in the buffers of a kernel."""
        self.taken = min(self.taken + size, limit)
        if self.taken >= limit and not self.full:
            self.full = True
            self._timer = self.backends.reactor.callLater(0, self._say_full)

    def _say_full(self) -> None:
        self._timer = None
        if self.client is not None:
            self.client.server_blocked()

    def _answer(self, data: bytes) -> None:
        """In a turn of its own, as a server's answer would come."""
        self._timer = None
        client, kind = self.client, self._action.kind
        if client is None:
            return
        if kind == "reset":
            self._lose(RESET)
        elif kind in {"close", "hang"}:
            client.server_ended()
        elif kind == "1xx":
            status = self._action.size or 103
            client.server_received(b"HTTP/1.1 %d %b\r\n\r\n" % (status, phrase(status).encode()))
        else:
            client.server_received(GARBAGE if kind == "garbage" else self._status(data))

    def _status(self, data: bytes) -> bytes:
        status, after = self._action.size or 503, self._action.retry_after
        text = f"{status} {phrase(status)} (injected)\n".encode()
        more = b"" if after is None else b"Retry-After: %d\r\n" % max(1, round(after))
        if status not in _BODILESS:
            more += b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(text)
        head = b"HTTP/1.1 %d %b\r\n%bConnection: close\r\n\r\n" % (status, phrase(status).encode(), more)
        return head if data.startswith(b"HEAD ") or status in _BODILESS else head + text

    def _lose(self, reason: str) -> None:
        self._drop_server()
        client, self.client = self.client, None
        if client is not None:
            client.server_lost(reason)

    # -- from the real connection --

    def server_connected(self) -> None:
        """The server accepted; what it answers may have to wait."""
        if self._delay:
            self.stream.hold()
            self._timer = self.backends.reactor.callLater(self._delay, self._waited)
        if self.client is not None:
            self.client.server_connected()

    def _waited(self) -> None:
        self._timer = None
        self.stream.release()

    def server_received(self, data: bytes) -> None:
        """Octets of the answer."""
        shape = self._shape
        if shape is None:
            shape = self._shape = shape_of(self._action, self._asked.partition(b" ")[0])
        if shape.pace is None:
            data = shape.take(data)
            if data and self.client is not None:
                self.client.server_received(data)
            if shape.end:
                self._over(shape.end)
            self._finish_later(shape)
            return
        self._held += data
        if len(self._held) > max(HELD_LIMIT, 2 * shape.pace[0]):
            self.stream.hold()
        if self._timer is None:
            self._timer = self.backends.reactor.callLater(shape.pace[1], self._tick)

    def _finish_later(self, shape: Shaping) -> None:
        """The last octets of an answer come late."""
        later, shape.later = shape.later, None
        if later is not None and self.client is not None:
            self._timer = self.backends.reactor.callLater(later[1], self._finish, later[0])

    def _finish(self, data: bytes) -> None:
        self._timer = None
        if self.client is not None:
            self.client.server_received(data)

    def _tick(self) -> None:
        """The next octets of an answer that comes slowly."""
        self._timer = None
        pace = self._shape.pace if self._shape is not None else None
        if pace is None or self.client is None:
            return
        if self.stream.paused:
            # Whoever reads us has had enough for now; it says when to go on.
            return
        piece = bytes(self._held[: pace[0]])
        del self._held[: pace[0]]
        if self._held:
            self._timer = self.backends.reactor.callLater(pace[1], self._tick)
        if len(self._held) <= max(HELD_LIMIT, pace[0]):
            self.stream.release()
        self.client.server_received(piece)
        if not self._held and not self._under_way:
            self._over(ENDED)

    def go_on(self) -> None:
        """The reader takes octets again."""
        pace = self._shape.pace if self._shape is not None else None
        if self._held and self._timer is None and pace is not None:
            self._timer = self.backends.reactor.callLater(pace[1], self._tick)

    def _over(self, how: str) -> None:
        if how != ENDED:
            self._lose(RESET)
            return
        client = self.client
        self._drop_server()
        if client is not None:
            client.server_ended()

    def server_passage(self) -> tuple[None, int]:
        """Nowhere: all of it is looked at."""
        return None, 0

    def server_passed(self, size: int) -> None:
        """Nothing, therefore."""

    def server_ended(self) -> None:
        """FIN from the server, behind what still waits."""
        self._under_way = False
        if self._shape is not None:
            self._shape.ended()
            self._finish_later(self._shape)
        if self._action.kind == "slow_close" and self._timer is None:
            self._timer = self.backends.reactor.callLater(self._action.low, self._end_late)
        elif not self._held and self._timer is None and self.client is not None:
            self.client.server_ended()

    def _end_late(self) -> None:
        self._timer = None
        if self.client is not None:
            self.client.server_ended()

    def server_lost(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        """The real connection failed."""
        self.stream.server = None
        self._stop_timer()
        client, self.client = self.client, None
        if client is not None:
            client.server_lost(reason, loss)

    def server_blocked(self) -> None:
        """The server does not take more."""
        if self.client is not None:
            self.client.server_blocked()

    def server_drained(self) -> None:
        """It does again."""
        if self.client is not None:
            self.client.server_drained()

    # -- the end --

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _drop_server(self) -> None:
        self._stop_timer()
        server, self.stream.server = self.stream.server, None
        if server is not None:
            server.client = None
            server.stream.abort()

    def close(self) -> None:
        """The exchange has no use for it any more."""
        self.client = None
        self._drop_server()


class FaultyStream:
    """What a link and its client's side ask of the stream of a connection.

    Attributes:
        server: the real connection, None where there is none.
        paused: the reader takes nothing now.
    """

    __slots__ = ("_holds", "_side", "paused", "server")

    socket = None
    """None, so that nobody takes it for a connection that could be kept."""

    def __init__(self, side: FaultySide) -> None:
        self._side = side
        self.server: ServerSide | CarriedStream | None = None
        self.paused = False
        self._holds = False

    @property
    def is_blocked(self) -> bool:
        """The server does not take what was written."""
        return self._side.full if self.server is None else self.server.stream.is_blocked

    @property
    def progress(self) -> int:
        """Octets that left."""
        return self._side.taken if self.server is None else self.server.stream.progress

    def write(self, data: bytes) -> None:
        """Octets for the server."""
        self._side.asked(data)
        if self.server is not None:
            self.server.stream.write(data)
        else:
            self._side.requested(data)

    def end(self) -> None:
        """FIN for the server."""
        if self.server is not None:
            self.server.stream.end()

    def pause(self) -> None:
        """The reader takes nothing now."""
        self.paused = True
        self._apply()

    def resume(self) -> None:
        """It does again."""
        self.paused = False
        self._apply()
        self._side.go_on()

    def hold(self) -> None:
        """The fault holds the answer back."""
        self._holds = True
        self._apply()

    def release(self) -> None:
        """It does not any more."""
        self._holds = False
        self._apply()

    def _apply(self) -> None:
        if self.server is None:
            return
        if self.paused or self._holds:
            self.server.stream.pause()
        else:
            self.server.stream.resume()

    def close(self) -> None:
        """Nothing is wanted of it any more."""
        self._side.close()

    abort = close
