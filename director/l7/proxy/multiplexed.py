"""One client connection that speaks HTTP/2, without a socket: many exchanges at a time.

A `Door` to the shell and a `Client` to its exchanges, as `conversation` is for HTTP/1.  Each stream is one
exchange with a deadline and a server connection of its own; dispatch, fault path, retries, queue and
accounting are the same for both, and know nothing of frames.  What is different:

* Nothing of a stream waits in a framer: its body comes in events, and a paused exchange is one whose octets
are not
  given back to its window (`frames`).
* A response is whole for us when the server has given it; for the client it may still wait for windows.
The exchange
  is over then, its server free for others, and the rest is `frames`' business.
* What is wrong with one request ends one stream (RFC 9113 5.4.2).  What is wrong with the connection ends
it with
  GOAWAY (5.4.1): h2 finds that, and `count` finds floods.
* The end of a service or a process is a GOAWAY that lets open streams go on (6.8); new ones are refused and
may be
  tried elsewhere (8.7).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from director.l7.http2.side import FloodError
from director.l7.proxy import dispatch, request_body, response
from director.l7.proxy.commands import (
    CONNECTION,
    ONLY_STREAM,
    ClientBytes,
    Do,
    DropServer,
    Expired,
    Happened,
    HoldServer,
    LeaveQueue,
    ProxyCommand,
    ProxyEvent,
    ReleaseServer,
    ServerBlocked,
    ServerBytes,
    ServerDrained,
    ServerReady,
    ToClient,
)
from director.l7.proxy.conversation import LINGER_SECONDS, TELL
from director.l7.proxy.exchange import LIFE, TUNNEL
from director.l7.proxy.streams import Streams

if TYPE_CHECKING:
    from director.l7.routing.service import ServiceHandle

WANTED_OCTETS = 65536
"""Octets that are welcome at once from the client's socket."""
_EMPTY = b""


class Multiplexed(Streams):
    """The door of one connection that carries many exchanges."""

    __slots__ = ()

    multiplexes = True
    repeats = False

    # -- the door --

    def greet(self) -> list[ProxyCommand]:
        """Our preface; it goes first."""
        return [ToClient(self.frames.begin())]

    @property
    def deadline(self) -> float:
        """When something is due, for any exchange or for the idle connection."""
        return min((one.deadline for one in self.exchanges.values()), default=self.until)

    @property
    def client_ended(self) -> bool:
        """There is nothing more to read."""
        return self.ended

    def due(self, now: float) -> tuple[int, ...]:
        """Whose deadline has passed."""
        if not self.exchanges:
            return (CONNECTION,) if self.until <= now else ()
        return tuple(stream for stream, one in self.exchanges.items() if one.deadline <= now)

    def move(self, handle: ServiceHandle) -> None:
        """The next request is another service's."""
        self.handle = handle
        self.peer = self.peer.called_by(trusted=handle.current.trusts(self.peer.client))

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: whatever is due is due so much later."""
        self.until += seconds
        for exchange in self.exchanges.values():
            dispatch.postpone(exchange, seconds)

    def wanted(self) -> int:
        """Octets that are welcome at once."""
        return WANTED_OCTETS

    def unread(self) -> tuple[int, int]:
        """None: they come in frames."""
        return 0, 0

    def receive(self, event: ProxyEvent, now: float) -> list[ProxyCommand]:
        """Take one event; returns the commands that follow from it, in order."""
        kind = event.__class__
        if kind is ClientBytes:
            return self.client_bytes(event.data, now)  # type: ignore[union-attr]
        if kind is ServerBytes:
            return self.server_bytes(event.data, now, event.stream)  # type: ignore[union-attr]
        self.out = []
        what: Any = event if kind is Happened else kind
        act = self._ON.get(what)
        if act is not None:
            act(self, event, now)
        else:
            self._tell(event.stream, what, event, now)  # type: ignore[union-attr]
        return self._settled(now)

    def client_bytes(self, data: bytes, now: float) -> list[ProxyCommand]:
        """Take `ClientBytes(data)`."""
        self.out = []
        if self.closing:
            return self.out
        try:
            for event in self.frames.receive(data):
                handle = self.FRAMES.get(event.__class__)
                if handle is not None and not self.closing:
                    handle(self, event, now)
        except ProtocolError:
            # h2 has written the GOAWAY that says what is wrong (RFC 9113 5.4.1).
            self.write(self.frames.rest())
            self._end_all(now)
        except FloodError as error:
            self.write(self.frames.goaway(ErrorCodes.ENHANCE_YOUR_CALM, str(error)))
            self._end_all(now)
        return self._settled(now)

    def server_bytes(self, data: bytes, now: float, stream: int = ONLY_STREAM) -> list[ProxyCommand]:
        """Take `ServerBytes(stream, data)`."""
        self.out = []
        exchange = self.exchanges.get(stream)
        if exchange is not None:
            response.server_bytes(exchange, data, now)
            self.look(exchange, now)
        return self._settled(now)

    def server_reused(self, stream: int, now: float) -> list[ProxyCommand]:
        """Take `ServerReady(stream, True)`."""
        self.out = []
        self.blocked.discard(stream)
        exchange = self.exchanges.get(stream)
        if exchange is not None:
            request_body.server_ready(exchange, now, reused=True)
            self.look(exchange, now)
        return self._settled(now)

    def fail(self) -> list[ProxyCommand]:
        """A defect of ours: give back what is held, forget the rest, and end everything."""
        commands: list[ProxyCommand] = []
        for stream, exchange in self.exchanges.items():
            exchange.abandon()
            commands += [LeaveQueue(stream), DropServer(stream)]
        self.exchanges.clear()
        self.closing = True
        self.until = math.inf
        return [*commands, Do.ABORT_CLIENT]

    # -- the connection --

    def _settled(self, now: float) -> list[ProxyCommand]:
        """What follows from an event: all octets for the client at once, then the rest in order.

        One write is one record and one packet; several small ones are as many system calls.
        """
        self._settle(now)
        out = self.out
        writes = [one.data for one in out if one.__class__ is ToClient]
        if len(writes) > 1:
            rest = [one for one in out if one.__class__ is not ToClient]
            out[:] = [ToClient(b"".join(writes)), *rest]
        return out

    def _settle(self, now: float) -> None:
        """Write what h2 has to say, tell servers who is held, and end a connection that has nothing left."""
        self.write(self.frames.rest())
        for stream, held in self.frames.changes().items():
            if stream in self.exchanges:
                self.out.append(HoldServer(stream) if held else ReleaseServer(stream))
        if not self.closing and not self.exchanges and self.frames.idle and (self.draining or self.ended):
            self.close()

    def _end_all(self, now: float) -> None:
        """The connection is over: its streams are, too."""
        for exchange in list(self.exchanges.values()):
            dispatch.client_gone(exchange)
            self.look(exchange, now)
        self.close(Do.LINGER_CLIENT)
        self.until = now + LINGER_SECONDS

    def _tell(self, stream: int, what: Any, event: Any, now: float) -> None:
        """An exchange hears of what its phase knows."""
        exchange = self.exchanges.get(stream)
        if exchange is None or what not in TELL:
            return
        moment, tell = TELL[what]
        if moment in LIFE[exchange.phase]:
            tell(exchange, event, now)
            self.look(exchange, now)

    # -- other events --

    def _client_ended(self, event: Any, now: float) -> None:
        """FIN: half a connection is none in HTTP/2; what was asked for is still answered."""
        self.ended = True
        for exchange in list(self.exchanges.values()):
            if not exchange.body.done or exchange.phase is TUNNEL:
                dispatch.client_gone(exchange)
                self.look(exchange, now)
        if self.closing:
            # What was waited for behind our own end.
            self.out.append(Do.CLOSE_CLIENT)

    def _client_gone(self, event: Any, now: float) -> None:
        self.closing = self.ended = True
        self.until = math.inf
        for exchange in list(self.exchanges.values()):
            dispatch.client_gone(exchange)
            self.look(exchange, now)

    def _drain(self, event: Any, now: float) -> None:
        self.draining = True
        if not self.goaway_sent:
            self.goaway_sent = True
            self.write(self.frames.goaway())

    def _expired(self, event: Any, now: float) -> None:
        if event.stream != CONNECTION:
            self._tell(event.stream, Expired, event, now)
        elif not self.exchanges:
            self.until = math.inf
            if self.closing:
                self.out.append(Do.CLOSE_CLIENT)
            elif self._takes():
                self.until = now + self.handle.current.timeouts.client
            else:
                self.write(self.frames.goaway())
                self.close()

    def _takes(self) -> bool:
        """The client still takes what its last answers left for its windows: it is slow, and not idle."""
        before, self.untaken = self.untaken, self.frames.waiting
        return self.untaken > 0 and (not before or self.untaken < before)

    def _server_ready(self, event: Any, now: float) -> None:
        """Another server: that the one before took nothing more, when it failed, says nothing of it."""
        self.blocked.discard(event.stream)
        self._tell(event.stream, ServerReady, event, now)

    def _server_blocked(self, event: Any, now: float) -> None:
        """Its server does not take more: the stream's window stays shut; the others go on."""
        self.blocked.add(event.stream)

    def _server_drained(self, event: Any, now: float) -> None:
        self.blocked.discard(event.stream)
        self.resume(event.stream)

    def _nothing(self, event: Any, now: float) -> None:
        """Of no concern here."""

    _ON: ClassVar[dict[Any, Callable[[Multiplexed, Any, float], None]]] = {
        Happened.CLIENT_OPENED: _nothing,
        Happened.CLIENT_TAKES: _nothing,
        Happened.CLIENT_ENDED: _client_ended,
        Happened.CLIENT_GONE: _client_gone,
        Happened.DRAIN: _drain,
        # What comes behind GOAWAY is refused with REFUSED_STREAM, and may be sent again (RFC 9113 8.7).
        Happened.RETIRE: _drain,
        Expired: _expired,
        ServerReady: _server_ready,
        ServerBlocked: _server_blocked,
        ServerDrained: _server_drained,
    }
