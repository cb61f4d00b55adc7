"""One client connection: facts in, commands out to sockets.

`ClientSide` feeds what its streams report to the door of layer 7 and performs the commands that come back.
It decides nothing.  Each exchange of the connection has a `ServerLink`: its server connection and its place
in a queue.  Whatever goes wrong costs this one connection.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from twisted.logger import Logger

from director.l7.io.faulty import meet
from director.l7.io.link import ServerLink
from director.l7.io.stream import Stream
from director.l7.io.undecided import Undecided
from director.l7.proxy.commands import (
    ONLY_STREAM,
    AbortServer,
    ClientPassed,
    Do,
    Door,
    DropServer,
    EndServer,
    Expired,
    Happened,
    HoldServer,
    KeepServer,
    LeaveQueue,
    Open,
    OpenFaulty,
    ProxyCommand,
    ProxyEvent,
    ReleaseServer,
    ToClient,
    ToServer,
    Wait,
)
from director.l7.proxy.conversation import Conversation
from director.registry.registry import RealServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.manner import Manner
    from director.l7.routing.facts import Peer
    from director.l7.routing.service import ServiceHandle

CLOSE_SECONDS = 30.0
"""How long a closing connection may go without taking an octet of what is still queued for it."""

_log = Logger(namespace="director.l7")


class Reception(Protocol):
    """Where a client came in: what its side needs of it."""

    shell: Any
    """Reactor, queues and backends of layer 7."""
    handle: ServiceHandle

    def gone(self, side: ClientSide) -> None:
        """A client has left."""


class ClientSide:
    """A client's stream, its conversation, and the links of its exchanges to servers."""

    __slots__ = (
        "_awaited", "_backends", "_closing_progress", "_closing_since", "_held_by_conversation", "_links",
        "_queues", "_seen_progress", "door", "listening", "now", "stream",
    )  # fmt: skip

    stream: Stream
    door: Door

    def __init__(self, listening: Reception, peer: Peer, door: Callable[..., Door] = Conversation) -> None:
        self.listening = listening
        self.now = listening.shell.reactor.seconds
        self._queues = listening.shell.queues
        self._backends = listening.shell.backends
        self.door = made = door(listening.handle, peer, self.now())
        if isinstance(made, Undecided):
            made.decided = self._decided
        # One after the other, exchanges share the first link; it is never taken away.
        self._links = {ONLY_STREAM: ServerLink(self, ONLY_STREAM)}
        self._held_by_conversation = False
        self._awaited = False
        self._closing_since = math.inf
        self._closing_progress = 0
        self._seen_progress = 0

    def _decided(self, door: Door) -> None:
        """The client has shown what it speaks."""
        self.door = door

    def greet(self, greeting: list[ProxyCommand]) -> None:
        """Our side speaks first."""
        self.deliver(lambda _what, _now: greeting, None)

    # -- from the client's stream --

    def received(self, data: bytes) -> None:
        """Octets from the client."""
        self.deliver(self.door.client_bytes, data)

    def ended(self) -> None:
        """FIN from the client."""
        self.tell(Happened.CLIENT_ENDED)

    def lost(self, reason: str) -> None:
        """The client is gone."""
        self.tell(Happened.CLIENT_GONE)
        self.listening.gone(self)

    def move(self, listening: Reception) -> None:
        """Our address went to another service: it serves the next request."""
        self.listening = listening
        self.door.move(listening.handle)

    def drain(self) -> None:
        """The service stops: serve what the client has sent already, then let it go."""
        self.stream.read_now()
        self.tell(Happened.DRAIN)

    def retire(self) -> None:
        """Another process serves on: what this client asks next is answered here, as its last."""
        self.tell(Happened.RETIRE)

    def cut_down(self) -> None:
        """End what runs on servers that went down."""
        for link in tuple(self._links.values()):
            link.cut_down()

    def blocked(self) -> None:
        """The client does not take more: stop reading from its servers."""
        for link in self._links.values():
            link.hold()

    def drained(self) -> None:
        """It does again."""
        for link in self._links.values():
            if link.server is not None and not link.held:
                link.server.stream.resume()
        if self._awaited:
            self._client_takes()

    def wanted(self) -> int:
        """What the conversation can use at once."""
        return self.door.wanted()

    def passage(self) -> tuple[Stream | None, int]:
        """To the server's socket, where the conversation need not see what comes."""
        most = self.door.unread()[0]
        server = self._links[ONLY_STREAM].server if most else None
        stream = None if server is None else server.stream
        return (stream if stream.__class__ is Stream else None), most

    def passed(self, size: int) -> None:
        """Octets of the client went to the server unread."""
        self.tell(ClientPassed(ONLY_STREAM, size))

    def _client_takes(self) -> None:
        self._awaited = False
        self.tell(Happened.CLIENT_TAKES)

    def resume(self) -> None:
        """Read from the client, unless somebody holds it back."""
        if self._held_by_conversation or self.door.client_ended:
            return
        if not any(link.holds_client for link in self._links.values()):
            self.stream.resume()

    # -- deadlines --

    def check(self, now: float) -> None:
        """Deliver the deadlines that have passed; end a close that makes no progress."""
        if self._held_by_conversation and self._waits() and self.stream.has_hung_up():
            # Its upload is paused, so its leaving was not heard; it would hold its place in the queue.
            self.stream.read_to_end()
        if self.door.deadline <= now:
            for number in self.door.due(now):
                self.tell(self._late(number))
        elif self._closing_since + CLOSE_SECONDS <= now:
            if self.stream.progress == self._closing_progress:
                self.stream.abort()
            else:
                self._closing_since = now
                self._closing_progress = self.stream.progress

    def postpone(self, seconds: float) -> None:
        """The loop stood still for so long: whatever is due is due so much later."""
        self.door.postpone(seconds)
        self._closing_since += seconds

    def _waits(self) -> bool:
        """One of its exchanges stands in a queue."""
        return any(link.pool is not None for link in self._links.values())

    def _late(self, number: int) -> Expired:
        """The deadline has passed: who holds things up, and has it taken anything since the last time?"""
        link = self._links.get(number) or self._links[ONLY_STREAM]
        client, server = self.stream, link.server
        blocked = [client.is_blocked, server is not None and server.stream.is_blocked]
        progress = client.progress + (0 if server is None else server.stream.progress)
        moving = any(blocked) and progress != self._seen_progress
        self._seen_progress = progress
        return Expired(number, client_stalls=blocked[0], server_stalls=blocked[1], moving=moving)

    # -- events in, commands out --

    def tell(self, event: ProxyEvent) -> None:
        """Give an event to the conversation and perform what follows from it."""
        self.deliver(self.door.receive, event)

    def deliver(self, way_in: Callable[[Any, float], list[ProxyCommand]], what: Any) -> None:
        """Take one of the ways into the door, and perform what follows, in order."""
        # By a local name, because a call through a slot is slow (CPython 3.11).
        clock = self.now
        try:
            now = clock()
            commands = way_in(what, now)
            # Performing may add to the list: opening can succeed at once.
            for command in commands:
                kind = command.__class__
                if kind is ToClient:
                    self.stream.write(command.data)  # type: ignore[union-attr]
                elif kind is KeepServer:
                    self._keep_server(command.stream, now)  # type: ignore[union-attr]
                elif kind is ToServer:
                    server = self._links[command.stream].server  # type: ignore[union-attr]
                    if server is not None:
                        server.stream.write(command.data)  # type: ignore[union-attr]
                elif kind is Open:
                    commands += self._open(command, now)  # type: ignore[arg-type]
                else:
                    self._perform(command)
        except Exception:  # noqa: BLE001 - a defect of ours must cost one connection, not the process
            _log.failure("a conversation failed; its connection is closed. Please report this.")
            for command in self.door.fail():
                self._perform(command)
        if self._queues.waiting:
            self._queues.wake()

    def _perform(self, command: ProxyCommand) -> None:
        """Carry out one of the commands that do not come with every request."""
        if isinstance(command, Do):
            self._FOR_CLIENT[command](self)
        else:
            self._FOR_LINKS[command.__class__](self, command)

    # -- servers and queues --

    def _link(self, number: int) -> ServerLink:
        """The link of an exchange, made when it first needs one."""
        return self._links.get(number) or self._links.setdefault(number, ServerLink(self, number))

    def forget(self, number: int) -> None:
        """No server and no place in a queue: a link is not needed any more; the first one always stays."""
        if number != ONLY_STREAM:
            self._links.pop(number, None)

    def _open(self, command: Open, now: float) -> list[ProxyCommand]:
        number = command.stream
        link = self._links.get(number) or self._link(number)
        target: Any = command.target
        manner = None
        if isinstance(target, RealServer):
            link.target = target
            key, config = target.key, target.pool.config
            link.limit = config.idle_connections
            if config.tls is not None or config.send_proxy != "off" or config.protocol == "h2":
                manner = self._backends.manner(target, self.door.peer)
                key += manner.suffix
                if manner.multiplexes:
                    return self._open_stream(command, link, key, manner, now)
                if manner.header:
                    link.limit = 0  # a connection that tells of one client serves that one only
        else:
            link.target = None
            key = str(target)
        if not command.fresh and link.limit:
            server = self._backends.take(key, link, command.careful)
            if server is not None:
                link.server = server
                if self.stream.is_blocked:
                    link.hold()
                return self.door.server_reused(number, now)
        address = target if link.target is None else target.address
        link.server = self._backends.connect(address, link, manner)
        return []

    def _open_faulty(self, command: OpenFaulty) -> None:
        link, target = self._link(command.stream), command.target
        link.target, link.limit = target, 0
        link.server = meet(self._backends, command.injected, target, link, self.door.peer)

    def _open_stream(
        self, command: Open, link: ServerLink, key: str, manner: Manner, now: float
    ) -> list[ProxyCommand]:
        """The same where a connection carries many requests."""
        target: Any = command.target
        made, there = self._backends.carriers.stream(
            key, target.address, link, manner, fresh=command.fresh, careful=command.careful
        )
        link.server = made
        if not there:
            return []
        if self.stream.is_blocked:
            link.hold()
        return self.door.server_reused(command.stream, now)

    def _keep_server(self, number: int, now: float) -> None:
        link = self._links[number]
        server = link.let_go()
        if server is not None:
            self._backends.keep(server, link.limit, now)

    def _drop_server(self, command: DropServer) -> None:
        server = self._link(command.stream).let_go()
        if server is not None:
            self._backends.drop(server, self.now())

    def _abort_server(self, command: AbortServer) -> None:
        server = self._link(command.stream).let_go()
        if server is not None:
            server.stream.abort()

    def _end_server(self, command: EndServer) -> None:
        server = self._link(command.stream).server
        if server is not None:
            server.stream.end()

    def _hold_server(self, command: HoldServer) -> None:
        link = self._link(command.stream)
        link.held = True
        link.hold()

    def _release_server(self, command: ReleaseServer) -> None:
        link = self._link(command.stream)
        link.held = False
        if link.server is not None and not self.stream.is_blocked:
            link.server.stream.resume()

    def _wait(self, command: Wait) -> None:
        link = self._link(command.stream)
        link.pool = command.pool
        self._queues.join(command.pool, link)

    def _leave_queue(self, command: LeaveQueue) -> None:
        link = self._link(command.stream)
        pool, link.pool = link.pool, None
        if pool is not None:
            self._queues.leave(pool, link)
        if link.server is None:
            self.forget(link.number)

    # -- the client --

    def _close_client(self) -> None:
        self._closing_since = self.now()
        self._closing_progress = self.stream.progress
        self.stream.close()

    def _linger_client(self) -> None:
        self._closing_since = self.now()
        self._closing_progress = self.stream.progress
        self.stream.end()
        self.resume()

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
        self.resume()

    _FOR_CLIENT: ClassVar[dict[Do, Callable[[ClientSide], object]]] = {
        Do.END_CLIENT: lambda self: self.stream.end(),
        Do.CLOSE_CLIENT: _close_client,
        Do.LINGER_CLIENT: _linger_client,
        Do.ABORT_CLIENT: lambda self: self.stream.abort(),
        Do.PAUSE_CLIENT: _pause_client,
        Do.RESUME_CLIENT: _resume_client,
        Do.AWAIT_CLIENT: _await_client,
    }
    _FOR_LINKS: ClassVar[dict[type, Callable[[ClientSide, Any], None]]] = {
        OpenFaulty: _open_faulty,
        DropServer: _drop_server,
        AbortServer: _abort_server,
        EndServer: _end_server,
        HoldServer: _hold_server,
        ReleaseServer: _release_server,
        Wait: _wait,
        LeaveQueue: _leave_queue,
    }
