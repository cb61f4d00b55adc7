"""The layer-7 shell: listeners, client sides, deadlines and records of all services.

`Shell.apply` takes over a new set of services: addresses that are new are bound before anything
changes, so a refused bind leaves all as it was; services are swapped in place, so no connection notices.
An address that moves to another service takes its open socket and its clients along.

Deadlines are looked at ten times a second, by a timer.  A timer that comes late shows that the process
was stopped or held up, and then nobody knows who else was late: answers, bodies and connects may wait in
the kernel.  So a hold-up is added to every deadline, and none is believed in that sweep; the next one
comes when the loop has polled.  At most `PASSED_OVER` sweeps in a row are passed over, so that a loop
that is late all the time still ends what hangs.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from director.l7.io.arrivals import Arrivals
from director.l7.io.backend import Backends
from director.l7.io.date import DateLine
from director.l7.io.descriptors import client_limit
from director.l7.io.endpoint import check_endpoint
from director.l7.io.frontend import ClientSide
from director.l7.io.listener import BindError, Listener, bind, bound_to
from director.l7.io.listening import Listening
from director.l7.io.queue import Queues
from director.l7.io.tls_contexts import TLSContexts
from director.l7.proxy.trace import Traces
from director.l7.routing.service import CompiledService, ServiceHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from director.l7.io.access_log import AccessLog
    from director.l7.proxy.trace import Record
    from director.model.http import L7Service
    from director.model.pools import Address

BATCH_RECORDS = 256
"""Records kept and formatted at once: half a millisecond, and one system call for all of them."""
SWEEP_SECONDS = 0.1
"""How often deadlines are looked at: the precision of every time-out."""
IDLE_SWEEP_TURNS = 10
"""Sweeps between two looks at idle server connections."""
STALL_SECONDS = 0.05
"""A sweep that comes this late shows that something blocked the loop."""
PASSED_OVER = 2
"""Late sweeps in a row in which no deadline is believed."""

_log = Logger(namespace="director.l7")


class Shell:
    """All of layer 7 that touches sockets.

    Attributes:
        clients: client connections open now.
        inherited: what the program before this one left of a listening socket.
        stalls: sweeps that came later than `STALL_SECONDS`; `worst_stall` is by how much at most.
    """

    def __init__(
        self,
        reactor: Any,
        access_log: AccessLog,
        traces: int,
        given: Callable[[Address], socket.socket] | None = None,
        contexts: TLSContexts | None = None,
    ) -> None:
        """`given` has the listening sockets that another process opened; None: they are opened here."""
        self.reactor = reactor
        self._given = given
        self.own_sockets = given is None
        self.contexts = contexts or TLSContexts(lambda _name: ())
        self.arrivals = Arrivals(reactor)
        self.backends = Backends(reactor, self.contexts.of_servers)
        self.queues = Queues()
        self.access_log = access_log
        self._traces = Traces(traces)
        self._records: list[Record] = []
        self.handles: dict[str, ServiceHandle] = {}
        self.clients = 0
        self.stalls = 0
        self.worst_stall = 0.0
        self.max_clients = client_limit()
        self._listenings: dict[tuple[str, Address], Listening] = {}
        self._closed: list[Listening] = []
        self._prepared: dict[tuple[str, Address], socket.socket] = {}
        self._taken: dict[tuple[str, Address], BindError] = {}
        self._date = DateLine()
        self._wanted: set[tuple[str, Address]] = set()
        self._moves: dict[tuple[str, Address], tuple[str, Address]] = {}
        self._running = False
        self._timer: Any = None
        self._due = 0.0
        self._late_sweeps = 0
        self._turn = 0
        self._handed_on = False
        self.inherited: Callable[[Address], socket.socket | None] = lambda _address: None
        self._empty: Deferred[None] | None = None

    # -- life --

    def start(self) -> None:
        """Begin to watch deadlines."""
        self._running = True
        self._due = self.reactor.seconds() + SWEEP_SECONDS
        self._timer = self.reactor.callLater(SWEEP_SECONDS, self._sweep)

    def stop(self, grace: float) -> Deferred[None]:
        """Stop accepting, let running requests end for `grace` seconds, then cut what is left."""
        for listening in self._listenings.values():
            listening.close()
        self.arrivals.stop()
        for side in self._all_clients():
            if self._handed_on:
                side.retire()
            else:
                side.drain()
        done: Deferred[None] = succeed(None)
        if self.clients:
            done = self._empty = Deferred()
            self._wait_for_clients(grace)
        return done.addBoth(lambda _: self._stopped())

    def _wait_for_clients(self, seconds: float) -> None:
        """Cut the clients that are still there after so long; time in which the loop stood still is added."""
        due = self.reactor.seconds() + seconds

        def over() -> None:
            late = self.reactor.seconds() - due
            if self._empty is None:
                return
            if late > STALL_SECONDS:
                self._wait_for_clients(late)
                return
            if self._handed_on:
                # Whoever is idle to this day is let go as at any stop.
                for side in self._all_clients():
                    side.drain()
            if self.clients:
                self.cut("did not end within shutdown_grace; they are cut")

        timer = self.reactor.callLater(seconds, over)
        if self._empty is not None:
            self._empty.addBoth(lambda _: timer.active() and timer.cancel())

    def hand_on(self, handed_on: bool = True) -> None:
        """Another process has the listening sockets, too, and serves on when this one stops; or not."""
        self._handed_on = handed_on
        for listening in self._listenings.values():
            if isinstance(listening.port, Listener):
                listening.port.own = self.own_sockets and not handed_on

    def sockets(self) -> dict[tuple[str, int], socket.socket]:
        """The listening sockets that were opened here, by what they are bound to."""
        return {
            bound_to(address): one.port.socket
            for (_, address), one in self._listenings.items()
            if isinstance(one.port, Listener)
        }

    def left(self) -> None:
        """A client left; when we only wait for that, go on stopping."""
        if self.clients == 0 and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def cut(self, why: str) -> None:
        """While stopping: wait no longer for the clients that are left."""
        if self._empty is None:
            return
        _log.warn("{count} connection(s) {why}", count=self.clients, why=why)
        for side in self._all_clients():
            side.stream.abort()
        self.left()

    def cut_down(self) -> None:
        """End what runs on servers that went down, where their pool says so."""
        for side in self._all_clients():
            side.cut_down()

    def _stopped(self) -> None:
        self._running = False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self.backends.sweep(self.reactor.seconds(), set())

    def _all_clients(self) -> list[ClientSide]:
        everyone = [*self._listenings.values(), *self._closed]
        return [side for listening in everyone for side in tuple(listening.clients)]

    # -- services --

    def bind(self, address: Address) -> socket.socket:
        """A listening socket, also on an address that this machine does not have yet.  Raises BindError.

        A standby has its address when it is needed; clients reach the listener from then on.
        """
        if self._given is not None:
            return self._given(address)
        inherited = self.inherited(address)
        if inherited is not None:
            return inherited
        return bind(address, free=True, beside=self._going(address.port))

    def _going(self, port: int) -> list[socket.socket]:
        """Our listeners on `port` that the services being prepared do not want any more."""
        gone = [one for place, one in self._listenings.items() if port and place not in self._wanted]
        return [
            one.port.socket for one in gone if one.address.port == port and isinstance(one.port, Listener)
        ]

    def prepare(self, services: Iterable[L7Service], *, waits: bool = False) -> None:
        """Bind all addresses that are new, or none.  Raises BindError with nothing changed.

        An address that only moves to another service, or is written differently, keeps its open socket.
        With `waits` those that another program has are waited for.
        """
        wanted = self._wanted = {(one.name, address) for one in services for address in one.places}
        leaving = {bound_to(place[1]): place for place in self._listenings.keys() - wanted}
        self._moves.clear()
        try:
            for place in wanted - self._listenings.keys():
                address = place[1]
                old = leaving.pop(bound_to(address), None)
                if old is not None:
                    self._moves[place] = old
                elif address.endpoint and self.own_sockets:
                    check_endpoint(self.reactor, address.endpoint)
                else:
                    self._bind_new(place, waits=waits)
        except BindError:
            self.abandon()
            raise

    def _bind_new(self, place: tuple[str, Address], *, waits: bool) -> None:
        try:
            self._prepared[place] = self.bind(place[1])
        except BindError as error:
            if not (waits and error.taken):
                raise
            self._taken[place] = error

    def none_opened(self) -> BindError | None:
        """What is wrong, when every address that was prepared is another program's."""
        found = list(self._taken.values())
        return found[0] if found and len(found) == len(self._wanted) else None

    def abandon(self) -> None:
        """Give up what was prepared."""
        for sock in self._prepared.values():
            sock.close()
        self._prepared.clear()
        self._taken.clear()
        self._moves.clear()

    def apply(self, services: Sequence[CompiledService], new_id: Callable[[], str]) -> None:
        """Serve exactly these services, whose addresses were prepared."""
        self.contexts.apply([service.config for service in services])
        wanted = {
            (service.config.name, address): service
            for service in services
            for address in service.config.places
        }
        for service in services:
            handle = self.handles.get(service.config.name)
            if handle is None:
                self.handles[service.config.name] = ServiceHandle(
                    service, new_id, self.record, self._date, self.contexts.challenges.texts
                )
            else:
                handle.current = service
        for place, old in self._moves.items():
            self._listenings[place] = listening = Listening(self, self.handles[place[0]], place[1])
            listening.inherit(self._listenings[old])
        self._moves.clear()
        for place in [place for place in self._listenings if place not in wanted]:
            self._retire(place)
        for place in wanted:
            if place not in self._listenings:
                self._listenings[place] = listening = Listening(self, self.handles[place[0]], place[1])
                taken = self._taken.pop(place, None)
                if taken is None:
                    listening.open(self._prepared.pop(place, None))
                else:
                    listening.wait(taken.why)
        for name in self.handles.keys() - {service.config.name for service in services}:
            del self.handles[name]

    def _retire(self, place: tuple[str, Address]) -> None:
        listening = self._listenings.pop(place)
        listening.close()
        for side in tuple(listening.clients):
            side.drain()
        self._closed = [one for one in self._closed if one.clients]
        if listening.clients:
            self._closed.append(listening)

    def unopened(self) -> list[tuple[str, str, str]]:
        """(service, address, why) of each listener that could not be opened yet, and is tried again."""
        return [
            (name, str(address), one.port.error)
            for (name, address), one in self._listenings.items()
            if one.port is not None and one.port.error
        ]

    def listeners(self) -> list[tuple[str, str, int]]:
        """(service, address, clients) of every listener."""
        return [(name, str(address), len(one.clients)) for (name, address), one in self._listenings.items()]

    def relayed(self) -> dict[str, int]:
        """Octets that left up to now, by their way (`relayed.WAYS`)."""
        backends = self.backends
        return backends.relayed.octets(
            one.stream for everyone in (self._all_clients(), backends.sides) for one in everyone
        )

    def repeating(self) -> int:
        """Clients whose last head is remembered because they sent it twice."""
        return sum(side.door.repeats for side in self._all_clients())

    # -- records and deadlines --

    def record(self, record: Record) -> None:
        """Take a record; it is kept and logged with the others of its batch."""
        records = self._records
        records.append(record)
        if len(records) >= BATCH_RECORDS:
            self.settle()

    def settle(self) -> None:
        """Keep and log the records of a batch, full or not."""
        records, self._records = self._records, []
        if records:
            self._traces.extend(records)
            self.access_log.extend(records)

    @property
    def traces(self) -> Traces:
        """What is kept of the last requests, up to this moment."""
        self.settle()
        return self._traces

    def _sweep(self) -> None:
        self._timer = None
        try:
            self._look_at_deadlines(self.reactor.seconds())
        finally:
            if self._running:
                self._due = self.reactor.seconds() + SWEEP_SECONDS
                self._timer = self.reactor.callLater(SWEEP_SECONDS, self._sweep)

    def _look_at_deadlines(self, now: float) -> None:
        late = now - self._due
        if late > STALL_SECONDS:
            self.stalls += 1
            self.worst_stall = max(self.worst_stall, late)
            self._postpone(late)
            self._late_sweeps += 1
        else:
            self._late_sweeps = 0
        if self._late_sweeps % (PASSED_OVER + 1) == 0:
            for side in self._all_clients():
                side.check(now)
            self.arrivals.sweep(now)
        self._turn += 1
        if self._turn % IDLE_SWEEP_TURNS == 0:
            self.backends.sweep(now)
        self.settle()
        if self.queues.waiting:
            self.queues.wake()

    def _postpone(self, seconds: float) -> None:
        """The loop stood still for so long: that is nobody's delay but ours."""
        for side in self._all_clients():
            side.postpone(seconds)
        self.arrivals.postpone(seconds)
        self.backends.postpone(seconds)
