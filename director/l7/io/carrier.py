"""Connections to servers that speak HTTP/2, each carrying many requests (`protocol = h2` of a pool).

A request goes to the connection that was made last and has room; when none has, to a new one.  A lost
connection costs what is on it, and what the server says that it did not look at (GOAWAY's last stream,
REFUSED_STREAM; RFC 9113 6.8, 8.7) goes elsewhere.  What a server may have on the way is bounded by its
streams' windows, what it may ask of us by the counts of `http2.side`; a connection with nothing to do is
kept for `IDLE_SECONDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from h2 import events as h2events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from twisted.logger import Logger

from director.l7.http2.connection import Malformed
from director.l7.http2.fields import lines_to_fields
from director.l7.http2.side import FloodError
from director.l7.http2.upstream import Upstream
from director.l7.io.carried import CarriedStream
from director.l7.io.tls_stream import TLSStream
from director.l7.proxy.commands import Loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.http2.fields import Fields
    from director.l7.io.manner import Manner
    from director.l7.io.server_side import ServerCaller, ServerSide
    from director.model.pools import Address

IDLE_SECONDS = 30.0
"""How long a connection that carries nothing is kept."""
LINGER_SECONDS = 5.0
"""How long a response that is whole may lack the frame that ends its stream."""

_log = Logger(namespace="director.l7")


class Connections(Protocol):
    """Who makes connections, and ends them."""

    reactor: Any

    def connect(self, address: Address, client: ServerCaller, manner: Manner | None = None) -> ServerSide:
        """Begin a connection."""

    def drop(self, side: ServerSide, now: float) -> None:
        """Close one behind what is still queued for it."""


class Keepsake(Protocol):
    """Who knows the connection."""

    @property
    def backends(self) -> Connections:
        """Who makes connections."""

    def forget(self, carrier: Carrier) -> None:
        """It takes no more requests."""

    def gone(self, carrier: Carrier) -> None:
        """It is closed."""


class Carrier:
    """One connection, and the requests on it.

    Attributes:
        connected: it is there. retired: it takes no more requests.
        heard: when the server last said anything.
        idle_since: when it was left without a request.
    """

    def __init__(self, carriers: Keepsake, key: str, *, secure: bool) -> None:
        self._carriers = carriers
        self._reactor = carriers.backends.reactor
        self.now = self._reactor.seconds
        self.key = key
        self.scheme = b"https" if secure else b"http"
        self.frames = Upstream()
        self.connected = self.retired = self.lost = self._goodbye_said = False
        self.heard = self.idle_since = self.now()
        self._streams: dict[int, CarriedStream] = {}
        self._unsent: set[CarriedStream] = set()
        self._lingering: dict[CarriedStream, float] = {}
        self._side: ServerSide | None = None
        self._written: list[bytes] = []

    def open(self, address: Address, manner: Manner) -> None:
        """Begin the connection."""
        self._side = self._carriers.backends.connect(address, self, manner)

    @property
    def load(self) -> int:
        """Requests that it carries."""
        return len(self._streams) + len(self._unsent)

    def has_room(self, *, careful: bool) -> bool:
        """One more request may be put on it; `careful` looks whether the server has left meanwhile."""
        side = self._side
        if self.retired or side is None or self.load >= self.frames.room:
            return False
        if side.host is not None and side.host.gone:
            self.retire()
            return False
        if careful and self.connected and side.stream.waiting() == b"":
            self.retire()
            return False
        return True

    def take(self, client: ServerCaller) -> CarriedStream:
        """One more request."""
        made = CarriedStream(self, client)
        self._unsent.add(made)
        return made

    # -- from its streams --

    def later(self, act: Callable[..., None], *arguments: Any) -> None:
        """In another turn of the loop."""
        self._reactor.callLater(0, act, *arguments)

    def begin(self, stream: CarriedStream, fields: Fields, *, end: bool) -> bool:
        """Send a request's head; False when it cannot be sent here any more."""
        self._unsent.discard(stream)
        if self.lost or self._goodbye_said:
            return False
        stream.number, octets = self.frames.request(fields, end=end)
        if not stream.number:
            self.retire()
            return False
        self._streams[stream.number] = stream
        self._write(octets)
        return True

    def send(self, number: int, payload: bytes, *, end: bool, trailers: bytes = b"") -> None:
        """More of a body."""
        fields = lines_to_fields(trailers.split(b"\r\n")) if trailers else ()
        self._write(self.frames.data(number, payload, end=end, trailers=fields))

    def settle(self, within: CarriedStream | None = None) -> None:
        """Tell those whose queues are full, or no more; what is told inside of a call is that it is full."""
        for number, held in self.frames.changes().items():
            stream = self._streams.get(number)
            if stream is None:
                continue
            stream.is_blocked = held
            if held:
                stream.blocked()
            elif within is None:
                stream.drained()
            else:
                self.later(stream.drained)

    def taken(self, stream: CarriedStream, octets: int) -> None:
        """Octets were passed on: the window opens."""
        if stream.number and not stream.ended:
            self._write(self.frames.taken(stream.number, octets))

    def leave(self, stream: CarriedStream, *, whole: bool) -> None:
        """A request is over; unless it is `whole`, the server is told."""
        self._unsent.discard(stream)
        self._lingering.pop(stream, None)
        number = stream.number
        if self._streams.pop(number, None) is not None:
            if not whole:
                self._write(self.frames.reset(number, ErrorCodes.CANCEL))
            self.frames.over(number)
        if not self.load:
            self._idle()

    def linger(self, stream: CarriedStream, now: float) -> None:
        """A response is whole, and the end of its stream is still to come."""
        self._lingering[stream] = now

    def retire(self) -> None:
        """Take no more requests; close when those that are here are over."""
        if not self.retired:
            self.retired = True
            self._carriers.forget(self)
        if not self.load:
            self._close()

    # -- its end --

    def _idle(self) -> None:
        self.idle_since = self.now()
        if self.retired:
            self._close()

    def sweep(self, now: float) -> None:
        """Close what is idle for long; break off what lingers."""
        for stream, since in list(self._lingering.items()):
            if now - since > LINGER_SECONDS:
                stream.close()
        if not self.load and now - self.idle_since > IDLE_SECONDS:
            self.retire()

    def _close(self) -> None:
        self.flush()
        side, self._side = self._side, None
        if side is not None:
            self.lost = True
            self._carriers.gone(self)
            if self.connected:
                side.stream.write(self.frames.goaway())
            self._carriers.backends.drop(side, self.now())

    def _end(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        """The connection is over, and so is all that it carries."""
        self.lost = self.retired = True
        self._carriers.forget(self)
        self._carriers.gone(self)
        streams = [*self._streams.values(), *self._unsent]
        self._streams.clear()
        self._unsent.clear()
        for stream in streams:
            stream.failed(reason, loss if stream.number else Loss.UNPROCESSED)

    # -- from the connection --

    def server_connected(self) -> None:
        """It is there: our preface goes first (RFC 9113 3.4)."""
        side = self._side
        if side is None:
            return
        stream = side.stream
        if isinstance(stream, TLSStream) and stream.protocol != b"h2":
            spoken = stream.protocol.decode("latin-1") or "nothing"
            self._break(f"the server speaks no HTTP/2 inside TLS (ALPN: {spoken}); write protocol = http/1.1")
            return
        self.connected = True
        self.heard = self.now()
        stream.write(self.frames.begin())
        for one in list(self._unsent):
            one.connected()

    def server_received(self, data: bytes) -> None:
        """Frames."""
        self.heard = self.now()
        if self.lost:
            return
        try:
            for event in self.frames.receive(data):
                act = self._ON.get(event.__class__)
                if act is not None and not self.lost:
                    act(self, event)
        except ProtocolError as error:
            self._break(_words(error, data))
            return
        except FloodError as error:
            last = self.frames.goaway(ErrorCodes.ENHANCE_YOUR_CALM, str(error))
            self._break(f"the server sent {error}", last)
            return
        except Exception:  # noqa: BLE001 - a defect of ours must cost one connection, not the process
            _log.failure(
                "a connection to {server} failed; it is closed. Please report this.", server=self.key
            )
            self._break("a defect of the director")
            return
        self._write(self.frames.rest())
        self.flush()
        self.settle()
        if self.retired and not self.load:
            self._close()

    def server_passage(self) -> tuple[None, int]:
        """Nowhere: it comes in frames."""
        return None, 0

    def server_passed(self, size: int) -> None:
        """Nothing, therefore."""

    def server_ended(self) -> None:
        """FIN: half a connection is none."""
        self._break("the server closed the connection")

    def server_lost(self, reason: str, loss: Loss = Loss.UNKNOWN) -> None:
        """It failed."""
        self._side = None
        self._end(reason, loss)

    def server_blocked(self) -> None:
        """The socket takes no more: bodies wait here, and their senders with them."""
        self.frames.shut = True

    def server_drained(self) -> None:
        """It does again."""
        self.frames.shut = False
        self._write(self.frames.pump())
        self.settle()

    def _break(self, reason: str, last: bytes = b"") -> None:
        self.flush()
        side, self._side = self._side, None
        if side is not None:
            side.stream.write(last or self.frames.rest() or self.frames.goaway(ErrorCodes.PROTOCOL_ERROR))
            self._carriers.backends.drop(side, self.now())
        self._end(reason)

    def _write(self, octets: bytes) -> None:
        """Frames for the server: what one turn of the loop makes goes out in one piece.

        Requests of many clients come in a turn; a system call for each frame would cost more than the frames.
        """
        if octets and self._side is not None:
            if not self._written:
                self.later(self.flush)
            self._written.append(octets)

    def flush(self) -> None:
        """Send what was written."""
        written, self._written = self._written, []
        if written and self._side is not None:
            self._side.stream.write(b"".join(written))

    # -- frames --

    def _of(self, event: Any) -> CarriedStream | None:
        return self._streams.get(event.stream_id)

    def _head(self, event: Any) -> None:
        stream = self._of(event)
        if stream is not None:
            stream.headed(event.headers, ended=getattr(event, "stream_ended", None) is not None)

    def _data(self, event: Any) -> None:
        if not event.data and event.stream_ended is None:
            self.frames.count(self.now(), control=1)
        self.frames.came(event.flow_controlled_length)
        stream = self._of(event)
        if stream is not None:
            stream.came(event.data, event.flow_controlled_length)

    def _trailers(self, event: Any) -> None:
        stream = self._of(event)
        if stream is not None:
            stream.over(event.headers)

    def _ended(self, event: Any) -> None:
        stream = self._of(event)
        if stream is not None:
            stream.over()
            if stream.client is None:
                stream.close()

    def _reset(self, event: Any) -> None:
        self.frames.count(self.now(), control=1)
        stream = self._streams.pop(event.stream_id, None)
        self.frames.over(event.stream_id)
        if stream is None:
            return
        self._lingering.pop(stream, None)
        refused = event.error_code == ErrorCodes.REFUSED_STREAM and not stream.started
        stream.failed(_reset_words(event.error_code), Loss.UNPROCESSED if refused else Loss.UNKNOWN)

    def _opened(self, event: Any) -> None:
        """A server opens no streams but by a push, which was refused beforehand (RFC 9113 8.4)."""
        raise ProtocolError("it opens a stream")

    def _malformed(self, event: Any) -> None:
        if not event.stream_id % 2:
            self._opened(event)
        self.frames.count(self.now(), control=1)
        self.frames.came(event.octets)
        stream = self._streams.pop(event.stream_id, None)
        if stream is not None:
            self.frames.over(event.stream_id)
            stream.failed(event.reason, Loss.JUNK)

    def _goaway(self, event: Any) -> None:
        """The server leaves: what it has not looked at goes elsewhere, the rest goes on."""
        self.frames.count(self.now(), control=1)
        self._goodbye_said = True
        if event.error_code != ErrorCodes.NO_ERROR:
            _log.warn(
                "{server} ends an HTTP/2 connection: {why}",
                server=self.key,
                why=_reset_words(event.error_code),
            )
        self.retire()
        for number in [number for number in self._streams if number > event.last_stream_id]:
            stream = self._streams.pop(number, None)
            self.frames.over(number)
            if stream is not None:
                stream.failed("the server is leaving (GOAWAY)", Loss.UNPROCESSED)

    def _grown(self, event: Any) -> None:
        self.frames.count(self.now(), windows=1)
        self._write(self.frames.pump())

    def _controlled(self, event: Any) -> None:
        self.frames.count(self.now(), control=1)
        self._write(self.frames.pump())

    _ON: ClassVar[dict[Any, Callable[[Carrier, Any], None]]] = {
        h2events.ResponseReceived: _head,
        h2events.InformationalResponseReceived: _head,
        h2events.DataReceived: _data,
        h2events.TrailersReceived: _trailers,
        h2events.StreamEnded: _ended,
        h2events.StreamReset: _reset,
        Malformed: _malformed,
        h2events.RequestReceived: _opened,
        h2events.ConnectionTerminated: _goaway,
        h2events.WindowUpdated: _grown,
        h2events.RemoteSettingsChanged: _controlled,
        h2events.PingReceived: _controlled,
        h2events.PingAckReceived: _controlled,
        h2events.PriorityUpdated: _controlled,
        h2events.SettingsAcknowledged: _controlled,
        h2events.UnknownFrameReceived: _controlled,
    }


def _words(error: ProtocolError, data: bytes) -> str:
    """What is wrong with a server's octets, and what may help."""
    if data.startswith(b"HTTP/1."):
        return "the server speaks HTTP/1; write protocol = http/1.1 in its pool"
    return f"the server's HTTP/2 is wrong: {error}"


def _code(number: int) -> str:
    """An error code by its name (RFC 9113 7)."""
    try:
        return ErrorCodes(number).name
    except ValueError:
        return f"code {number}"


def _reset_words(number: int) -> str:
    hint = "; write protocol = http/1.1" if number == ErrorCodes.HTTP_1_1_REQUIRED else ""
    return f"the server broke it off ({_code(number)}){hint}"
