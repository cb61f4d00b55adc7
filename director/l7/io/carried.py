"""One request on a connection to a server that carries many: it stands for a connection of its own.

To the link of its exchange it is a `ServerSide` and that one's stream: it is written to, paused, ended and
given up.  What it gets and gives are octets of HTTP/1 (`http2.messages`); its `Carrier` has the frames.

* What came while nobody takes it stays here, and its window with it: `STREAM_WINDOW` octets at most.
* What comes is handed on in order; behind a pause in a later turn of the loop, never inside its owner's call.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from director.errors import MessageError
from director.l7.http2.messages import IncomingResponse, OutgoingRequest
from director.l7.proxy.commands import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.http2.fields import Fields
    from director.l7.http2.upstream import Upstream
    from director.l7.io.server_side import ServerCaller

DEAF_SECONDS = 1.0
"""Who is given up so long after it was sent, with nothing heard on the whole connection since, may have been
sent into a hole."""


class Carriage(Protocol):
    """What a stream asks of the connection that carries it."""

    scheme: bytes
    frames: Upstream
    connected: bool
    heard: float
    now: Callable[[], float]

    def later(self, act: Callable[..., None], *arguments: Any) -> None:
        """In another turn of the loop."""

    def begin(self, stream: CarriedStream, fields: Fields, *, end: bool) -> bool:
        """Send a request's head; False when it cannot be sent here any more."""

    def send(self, number: int, payload: bytes, *, end: bool, trailers: bytes = b"") -> None:
        """More of a body."""

    def settle(self, within: CarriedStream | None = None) -> None:
        """Tell those whose queues are full, or no more."""

    def taken(self, stream: CarriedStream, octets: int) -> None:
        """Octets were passed on."""

    def leave(self, stream: CarriedStream, *, whole: bool) -> None:
        """A request is over."""

    def linger(self, stream: CarriedStream, now: float) -> None:
        """A response is whole, and the end of its stream is still to come."""

    def retire(self) -> None:
        """Take no more requests."""


class CarriedStream:
    """One request, and its response.

    Attributes:
        client: for whom it is; None when nobody listens any more.
        number: of the stream, 0 before its head was sent.
        since: when that was; later, when it was given up.
        ended: the server has ended its half.
        is_blocked, progress: as of a `Stream`.
    """

    __slots__ = (
        "_arrived", "_carrier", "_given", "_paused", "_request", "_response", "_whole", "client", "ended",
        "is_blocked", "number", "since",
    )  # fmt: skip

    socket = None
    """There is none of its own that could be kept."""
    host = None
    key = ""

    def __init__(self, carrier: Carriage, client: ServerCaller | None) -> None:
        self._carrier = carrier
        self.client = client
        self.number = 0
        self.since = 0.0
        self.ended = False
        self.is_blocked = False
        self._given = 0
        self._paused = False
        self._whole = False
        self._arrived: deque[tuple[bytes, int] | tuple[str, Loss] | None] = deque()
        self._request: OutgoingRequest | None = None
        self._response: IncomingResponse | None = None

    @property
    def stream(self) -> Any:
        """Itself: `ServerSide` and `Stream` in one."""
        return self

    @property
    def progress(self) -> int:
        """Octets of the body that the server's windows have taken."""
        return self._given - self._carrier.frames.queued(self.number)

    @property
    def started(self) -> bool:
        """Some of its response is here."""
        return self._response is not None and self._response.started

    # -- from its owner --

    def write(self, data: bytes) -> None:
        """The request: its whole head first, then of its body what there is."""
        carrier = self._carrier
        if not self._request:
            self._begin(data)
        elif self.number:
            self._send(self._request, data)
        carrier.settle(self)

    def _begin(self, text: bytes) -> None:
        carrier = self._carrier
        request = self._request = OutgoingRequest(
            text, carrier.scheme, websockets=carrier.frames.takes_websockets
        )
        self._response = IncomingResponse(request)
        self._whole = request.body.done and not request.key
        self.since = carrier.now()
        if not carrier.begin(self, request.fields, end=self._whole):
            # Told in a later turn, as a stream tells a failed write.
            carrier.later(self.failed, "the connection takes no more requests", Loss.UNPROCESSED)
        elif not self._whole and request.rest:
            self._send(request, request.rest)

    def _send(self, request: OutgoingRequest, data: bytes) -> None:
        if self._whole:
            return
        if request.key:
            self._given += len(data)
            self._carrier.send(self.number, data, end=False)
            return
        payload, _ = request.body.read(data)
        self._given += len(payload)
        self._whole = request.body.done
        if payload or self._whole:
            self._carrier.send(self.number, payload, end=self._whole, trailers=request.body.trailers)

    def end(self) -> None:
        """Our half of a tunnel is over."""
        if self.number and not self._whole:
            self._whole = True
            self._carrier.send(self.number, b"", end=True)
            self._carrier.settle(self)

    def pause(self) -> None:
        """Nothing more is taken for now."""
        self._paused = True

    def resume(self) -> None:
        """It is again."""
        if self._paused:
            self._paused = False
            if self._arrived:
                self._carrier.later(self._go_on)

    def close(self) -> None:
        """Nothing more is wanted: break it off, unless it is over."""
        self.client = None
        carrier = self._carrier
        deaf = self.number and not self.started and carrier.heard < self.since < carrier.now() - DEAF_SECONDS
        if deaf or not carrier.connected:
            carrier.retire()
        carrier.leave(self, whole=self._whole and self.ended)
        self._arrived.clear()

    abort = close

    def spent(self, now: float) -> None:
        """The response is whole; when the frame that says so has not come yet, it is waited for."""
        self.client = None
        if self._whole and not self.ended:
            self._carrier.linger(self, now)
        else:
            self.close()

    # -- from its carrier --

    def connected(self) -> None:
        """The connection is there."""
        if self.client is not None:
            self.client.server_connected()

    def blocked(self) -> None:
        """The server does not take more of it."""
        if self.client is not None and self.is_blocked:
            self.client.server_blocked()

    def drained(self) -> None:
        """It does again, unless that has changed meanwhile."""
        if self.client is not None and not self.is_blocked:
            self.client.server_drained()

    def headed(self, fields: Fields, *, ended: bool) -> None:
        """A head, interim or final."""
        if self._response is not None:
            self._read(lambda response: response.head(fields, ended=ended))

    def came(self, octets: bytes, length: int) -> None:
        """Octets of the body, of `length` by the windows' count."""
        if self._response is not None:
            self._read(lambda response: response.data(octets), length)

    def over(self, trailers: Fields = ()) -> None:
        """The server's half is over."""
        if not self.ended and self._response is not None:
            self.ended = True
            self._read(lambda response: response.end(trailers))
            if self._response.tunnelling:
                self._take(None)

    def _read(self, write: Any, length: int = 0) -> None:
        try:
            self._take((write(self._response), length))
        except MessageError as error:
            self.failed(error.reason, Loss.JUNK)
            self._carrier.leave(self, whole=False)

    def failed(self, reason: str, loss: Loss) -> None:
        """It, or its connection, is lost."""
        self._take((reason, loss))

    def _take(self, what: tuple[bytes, int] | tuple[str, Loss] | None) -> None:
        if self._paused or self._arrived:
            self._arrived.append(what)
        else:
            self._hand(what)

    def _go_on(self) -> None:
        while self._arrived and not self._paused:
            self._hand(self._arrived.popleft())

    def _hand(self, what: tuple[bytes, int] | tuple[str, Loss] | None) -> None:
        """Give on what came: octets, the end of a tunnel (None), or a failure."""
        client = self.client
        if what is None:
            if client is not None:
                client.server_ended()
            return
        octets, length = what
        if isinstance(octets, str):
            self.client = None
            if client is not None:
                client.server_lost(octets, length)  # type: ignore[arg-type]
            return
        if client is not None and octets:
            client.server_received(octets)
        if length:
            self._carrier.taken(self, length)  # type: ignore[arg-type]
