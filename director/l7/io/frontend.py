"""One client connection: facts in, commands out to sockets.

`ClientSide` feeds what its two streams report to the conversation and performs the commands that
come back.  It decides nothing.  Whatever goes wrong costs this one connection.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.logger import Logger

from director.l7.proxy.commands import (
    DROP_SERVER,
    KEEP_SERVER,
    Command,
    Do,
    Event,
    Expired,
    Happened,
    Open,
    ServerFailed,
    ToClient,
    ToServer,
    Wait,
)
from director.l7.proxy.conversation import Conversation
from director.registry.registry import RealServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.backend import ServerSide
    from director.l7.io.service import Listening
    from director.l7.io.stream import Stream
    from director.l7.routing.facts import Peer
    from director.registry.registry import LivePool

CLOSE_SECONDS = 30.0
"""How long a closing connection may go without taking an octet of what is still queued for it."""

_log = Logger(namespace="director.l7")


class ClientSide:
    """A client's stream, its conversation, and the server connection that serves it at the moment."""

    __slots__ = (
        "_awaited", "_backends", "_closing_progress", "_closing_since", "_held_by_conversation",
        "_held_by_server", "_limit", "_queues", "_pool", "_seen_progress", "conversation", "listening", "now",
        "server", "stream",
    )  # fmt: skip

    stream: Stream

    def __init__(self, listening: Listening, peer: Peer) -> None:
        self.listening = listening
        self.now = listening.shell.reactor.seconds
        self._queues = listening.shell.queues
        self._backends = listening.shell.backends
        self.conversation = Conversation(listening.handle, peer, self.now())
        self.server: ServerSide | None = None
        self._limit = 64
        self._pool: LivePool | None = None
        self._held_by_conversation = False
        self._held_by_server = False
        self._awaited = False
        self._closing_since = math.inf
        self._closing_progress = 0
        self._seen_progress = 0

    # -- from the client's stream --

    def received(self, data: bytes) -> None:
        """Octets from the client."""
        self._deliver(self.conversation.client_bytes, data)

    def ended(self) -> None:
        """FIN from the client."""
        self.tell(Happened.CLIENT_ENDED)

    def lost(self, reason: str) -> None:
        """The client is gone."""
        self.tell(Happened.CLIENT_GONE)
        self.listening.gone(self)

    def move(self, listening: Listening) -> None:
        """Our address went to another service: it serves the next request."""
        service = listening.handle.current
        self.listening = listening
        self.conversation.move(listening.handle, trusted=service.trusts(self.conversation.peer.client))

    def drain(self) -> None:
        """The service stops: serve what the client has sent already, then let it go."""
        self.stream.read_now()
        self.tell(Happened.DRAIN)

    def blocked(self) -> None:
        """The client does not take more: stop reading from the server."""
        if self.server is not None:
            self.server.stream.pause()

    def drained(self) -> None:
        """It does again."""
        if self.server is not None:
            self.server.stream.resume()
        if self._awaited:
            self._client_takes()

    def wanted(self) -> int:
        """What the conversation can use at once."""
        return self.conversation.wanted()

    def _client_takes(self) -> None:
        self._awaited = False
        self.tell(Happened.CLIENT_TAKES)

    def _hold_server(self) -> None:
        """A client that has not taken its last answer yet gets no more of the next one."""
        if self.stream.is_blocked and self.server is not None:
            self.server.stream.pause()

    # -- from the server's stream --

    def server_connected(self) -> None:
        """A new connection is open."""
        self._hold_server()
        self.tell(Happened.SERVER_READY)

    def server_received(self, data: bytes) -> None:
        """Octets from the server."""
        self._deliver(self.conversation.server_bytes, data)

    def server_ended(self) -> None:
        """FIN from the server."""
        self.tell(Happened.SERVER_ENDED)

    def server_lost(self, reason: str) -> None:
        """The server's connection failed; when we closed it ourselves nobody listens any more."""
        if self.server is not None:
            self._let_go()
            self.tell(ServerFailed(reason))

    def server_blocked(self) -> None:
        """The server does not take more: stop reading from the client."""
        self._held_by_server = True
        self.stream.pause()

    def server_drained(self) -> None:
        """It does again."""
        self._held_by_server = False
        self._resume()

    # -- events in, commands out --

    def check(self, now: float) -> None:
        """Deliver a deadline that has passed; end a close that makes no progress."""
        if self.conversation.deadline <= now:
            self.tell(self._late())
        elif self._closing_since + CLOSE_SECONDS <= now:
            if self.stream.progress == self._closing_progress:
                self.stream.abort()
            else:
                self._closing_since = now
                self._closing_progress = self.stream.progress

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: whatever is due is due so much later."""
        self.conversation.postpone(seconds)
        self._closing_since += seconds

    def _late(self) -> Expired:
        """The deadline has passed: who holds things up, and has it taken anything since the last time?"""
        client, server = self.stream, self.server
        blocked = [client.is_blocked, server is not None and server.stream.is_blocked]
        progress = client.progress + (0 if server is None else server.stream.progress)
        moving = any(blocked) and progress != self._seen_progress
        self._seen_progress = progress
        return Expired(client_stalls=blocked[0], server_stalls=blocked[1], moving=moving)

    def tell(self, event: Event) -> None:
        """Give an event to the conversation and perform what follows from it."""
        self._deliver(self.conversation.receive, event)

    def _deliver(self, door: Callable[[Any, float], list[Command]], what: Event | bytes) -> None:
        # By a local name, because a call through a slot is slow (CPython 3.11).
        clock = self.now
        try:
            now = clock()
            commands = door(what, now)
            # Performing may add to the list: opening can succeed at once.
            for command in commands:
                kind = command.__class__
                if kind is ToClient:
                    self.stream.write(command.data)  # type: ignore[union-attr]
                elif command is KEEP_SERVER:
                    self._keep_server(now)
                elif kind is ToServer:
                    if self.server is not None:
                        self.server.stream.write(command.data)  # type: ignore[union-attr]
                elif kind is Open:
                    commands += self._open(command, now)  # type: ignore[arg-type]
                elif kind is Wait:
                    self._wait(command.pool)  # type: ignore[union-attr]
                else:
                    self._DO[command](self)  # type: ignore[index]
        except Exception:  # noqa: BLE001 - a defect of ours must cost one connection, not the process
            _log.failure("a conversation failed; its connection is closed. Please report this.")
            self._break_off()
        if self._queues.waiting:
            self._queues.wake()

    def _open(self, command: Open, now: float) -> list[Command]:
        target: Any = command.target
        if isinstance(target, RealServer):
            address, key = target.address, target.key
            self._limit = target.pool.config.idle_connections
        else:
            address, key = target, str(target)
        if not command.fresh:
            side = self._backends.take(key, self, command.careful)
            if side is not None:
                self.server = side
                if self.stream.is_blocked:
                    self._hold_server()
                return self.conversation.server_reused(now)
        self.server = self._backends.connect(address, self)
        return []

    def _wait(self, pool: LivePool) -> None:
        self._pool = pool
        self.listening.shell.queues.join(pool, self)

    def slot_free(self) -> None:
        """The line has come to us."""
        self._pool = None
        self.tell(Happened.SLOT_FREE)

    def _leave_line(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            self.listening.shell.queues.leave(pool, self)

    def _let_go(self) -> ServerSide | None:
        """No server any more; a client that was held back for it reads on."""
        server, self.server = self.server, None
        if server is not None:
            server.client = None
            if self._held_by_server:
                self._held_by_server = False
                self._resume()
        return server

    def _keep_server(self, now: float) -> None:
        server = self._let_go()
        if server is not None:
            self._backends.keep(server, self._limit, now)

    def _drop_server(self) -> None:
        server = self._let_go()
        if server is not None:
            self._backends.drop(server, self.now())

    def _abort_server(self) -> None:
        server = self._let_go()
        if server is not None:
            server.stream.abort()

    def _end_server(self) -> None:
        if self.server is not None:
            self.server.stream.end()

    def _close_client(self) -> None:
        self._closing_since = self.now()
        self._closing_progress = self.stream.progress
        self.stream.close()

    def _linger_client(self) -> None:
        self._closing_since = self.now()
        self._closing_progress = self.stream.progress
        self.stream.end()
        self._resume()

    def _await_client(self) -> None:
        """In a later turn of the loop at the earliest, so that other clients get their share."""
        if self.stream.is_blocked:
            self._awaited = True
        else:
            self.listening.shell.reactor.callLater(0, self._client_takes)

    def _pause_client(self) -> None:
        self._held_by_conversation = True
        self.stream.pause()

    def _resume_client(self) -> None:
        self._held_by_conversation = False
        self._resume()

    def _resume(self) -> None:
        if not (self._held_by_conversation or self._held_by_server) and not self.conversation.client_ended:
            self.stream.resume()

    def _break_off(self) -> None:
        """End everything after a defect, giving back what is held."""
        exchange = self.conversation.exchange
        if exchange is not None and exchange.lease is not None and exchange.lease.held:
            exchange.lease.release()
            exchange.lease = None
        self.conversation.exchange = None
        self.conversation.closing = True
        self._leave_line()
        self._abort_server()
        self.stream.abort()

    _DO: ClassVar[dict[Do, Callable[[ClientSide], object]]] = {
        DROP_SERVER: _drop_server,
        Do.ABORT_SERVER: _abort_server,
        Do.END_SERVER: _end_server,
        Do.END_CLIENT: lambda self: self.stream.end(),
        Do.CLOSE_CLIENT: _close_client,
        Do.LINGER_CLIENT: _linger_client,
        Do.ABORT_CLIENT: lambda self: self.stream.abort(),
        Do.PAUSE_CLIENT: _pause_client,
        Do.RESUME_CLIENT: _resume_client,
        Do.AWAIT_CLIENT: _await_client,
        Do.LEAVE_QUEUE: _leave_line,
    }
