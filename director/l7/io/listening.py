"""One address of one service: what is accepted there, what an arrival must show first, whose client it is.

A listener may wait for its address (`waiting`), and be handed on to another service with its open socket.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from director.l7.io.arrivals import Arrival, Arrivals, told_of
from director.l7.io.backend import Backends
from director.l7.io.endpoint import listen_on_endpoint
from director.l7.io.frontend import ClientSide
from director.l7.io.listener import Listener
from director.l7.io.tls_contexts import TLSContexts
from director.l7.io.tls_stream import TLSStream
from director.l7.io.undecided import Undecided
from director.l7.io.waiting import WaitingPort
from director.l7.proxy.commands import Happened
from director.l7.proxy.conversation import Conversation
from director.l7.proxy.multiplexed import Multiplexed
from director.l7.proxy.passthrough import PROTOCOL, PassThrough
from director.l7.routing.facts import Peer
from director.l7.routing.service import CompiledService, ServiceHandle
from director.registry import ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from director.l7.io.stream import Stream
    from director.l7.proxy.commands import Door
    from director.model.pools import Address


class Ground(Protocol):
    """What a listener stands on: the shell of all services."""

    reactor: Any
    own_sockets: bool
    contexts: TLSContexts
    arrivals: Arrivals
    backends: Backends
    clients: int
    max_clients: int

    def bind(self, address: Address) -> socket.socket:
        """A listening socket.  Raises BindError."""

    def left(self) -> None:
        """A client left."""


class Listening:
    """One address of one service: its listener and the clients that came through it."""

    def __init__(self, shell: Ground, handle: ServiceHandle, address: Address) -> None:
        self.shell = shell
        self.handle = handle
        self.address = address
        # In the order in which they came, which is the same wherever objects happen to lie.
        self.clients: dict[ClientSide, None] = {}
        self.port: Any = None

    def open(self, prepared: Any) -> None:
        """Begin to accept on a bound socket (or open a Twisted endpoint)."""
        reactor = self.shell.reactor
        own = self.shell.own_sockets
        if self.address.endpoint and own:
            self.port = listen_on_endpoint(reactor, self.address.endpoint, self.accepted, self.take_seat)
        else:
            sock = prepared or self.shell.bind(self.address)
            self.port = Listener(reactor, sock, self._arrived, self.take_seat, self.leave_seat, own=own)
            self.port.start()

    def wait(self, why: str) -> None:
        """Begin to accept when the program that has the address lets it go."""
        again = partial(self.shell.bind, self.address)
        self.port = WaitingPort(self.shell.reactor, again, why, self.open)

    def _arrived(self, stream: Stream, peer: Any, own: Any) -> None:
        """A connection came: some have to show something before they are a client's."""
        service = self.handle.current.config
        tls = service.tls is not None and self.address in service.tls.addresses
        header = bool(service.proxy_protocol) and told_of(peer, service.proxy_protocol)
        if not (tls or header):
            self.accepted(stream, peer, own)
            return
        shell = self.shell
        context = shell.contexts.of_service(service.name) if tls else None
        if tls and context is None:
            stream.abort()
            self.leave_seat()
            return
        shell.clients += 1
        Arrival(
            shell.arrivals,
            stream,
            (peer, own),
            through=self._through,
            gone=self._left,
            context=context,
            challenges=shell.contexts.challenges.contexts,
            header=header,
            deadline=shell.reactor.seconds() + service.timeouts.client,
        )

    def _through(self, stream: Stream, peer: Any, own: Any) -> None:
        """An arrival has become a client."""
        self.shell.clients -= 1
        self.accepted(stream, peer, own)

    def _left(self) -> None:
        self.shell.clients -= 1
        self.leave_seat()
        self.shell.left()

    def inherit(self, old: Listening) -> None:
        """Take over the open socket of an address that moved here, and the clients that came through it."""
        self.port, old.port = old.port, None
        if isinstance(self.port, WaitingPort):
            self.port.opened = self.open
        else:
            came = self.accepted if self.address.endpoint else self._arrived
            self.port.hand_over(came, self.take_seat, self.leave_seat)
        if not (old.handle.current.is_http and self.handle.current.is_http):
            return
        ledger.move_seats(old.handle.current.live, self.handle.current.live, len(old.clients))
        self.clients, old.clients = old.clients, self.clients
        for side in self.clients:
            side.move(self)

    def take_seat(self) -> bool:
        """One more client is welcome: it has a seat from now on."""
        shell, now = self.shell, self.handle.current
        return shell.clients < shell.max_clients and ledger.take_seat(now.live, now.config.max_connections)

    def leave_seat(self) -> None:
        """Nobody took it, or its client has left."""
        ledger.leave_seat(self.handle.current.live)

    def accepted(self, stream: Stream, peer: Any, own: Any) -> None:
        """A client came: `peer` and `own` are socket addresses."""
        client, client_port = peer[:2] if isinstance(peer, tuple) else ("unix", 0)
        virtual, virtual_port = own[:2] if isinstance(own, tuple) else ("unix", 0)
        service = self.handle.current
        tls = stream.facts() if isinstance(stream, TLSStream) else None
        facts = Peer(client, client_port, virtual, virtual_port, trusted=service.trusts(client), tls=tls)
        side = ClientSide(self, facts, self._door(stream, service))
        side.stream = stream
        stream.owner = side
        self.clients[side] = None
        self.shell.clients += 1
        stream.resume()
        if isinstance(side.door, Multiplexed):
            if isinstance(stream, TLSStream):
                stream.gathers = True
            side.greet(side.door.greet())
        elif not service.is_http and not isinstance(side.door, PassThrough):
            side.tell(Happened.CLIENT_OPENED)

    def _door(self, stream: Stream, service: CompiledService) -> Callable[..., Door]:
        """Which protocol the client speaks: what it chose in its handshake."""
        if service.config.protocol == PROTOCOL:
            return PassThrough
        if isinstance(stream, TLSStream):
            return Multiplexed if stream.protocol == b"h2" else Conversation
        return Undecided if service.config.h2c and not service.per_connection else Conversation

    def gone(self, side: ClientSide) -> None:
        """A client has left."""
        if side in self.clients:
            del self.clients[side]
            self.shell.backends.relayed.gone(side.stream)
            self.shell.clients -= 1
            self.leave_seat()
            self.shell.left()

    def close(self) -> None:
        """Stop accepting."""
        if self.port is not None:
            self.port.close()
            self.port = None
