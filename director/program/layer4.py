"""Layer 4 inside the running director (composition).

`Layer4` starts the packet shell with the first `[l4:…]` service, follows every change of the
registry, and says what keeps it from working.  Layer 7 runs on whatever happens here.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger

from director.errors import DirectorError
from director.l4 import here, listing, saved
from director.l4.flows import Flow
from director.l4.forwarder import Forwarder
from director.l4.io import flowfile
from director.l4.io.capture import nft
from director.l4.io.capture.follow import ADDRESS, TROUBLE
from director.l4.io.capture.install import STATE_FILE, Installer
from director.l4.io.capture.plan import ROUTE, Endpoint, owed_endpoints
from director.l4.io.netlink.view import (
    AddressesChanged,
    Event,
    KernelView,
    LinkChanged,
    NeighbourFailed,
    NeighbourKnown,
)
from director.l4.io.packet.pending import Hop
from director.l4.io.packet.ports import OWN_DEVICES
from director.l4.io.service import L4Director
from director.l4.services import shown
from director.l4.wire.protocols import TCP
from director.model.settings import Configuration
from director.model.virtual import L4Settings
from director.program.candidate import Candidate
from director.program.fixed import refuse_what_is_fixed
from director.program.parts import Chore, Part
from director.program.traffic import OneProcess
from director.registry.changes import Change, Ordered, ServerChanged
from director.registry.registry import SWEEP_PERIOD, Registry
from director.registry.reports import (
    ConnectionPage,
    ConnectionQuery,
    ListenerState,
    PacketFigures,
)
from director.sync.io.service import Synchronisation

LOOK = 0.25
"""Seconds between two looks for news of what keeps layer 4 from working."""
SAID = 20
"""Changes of one look that are said one by one; a lost network is one for each server."""

_log = Logger(namespace="director.l4")


class Layer4(Part, OneProcess):
    """The packet shell when there is something for it to do, and its state for people.

    Attributes:
        shell: the running packet shell, None while no layer-4 service is configured.
        forwarder: the pure room behind it, once it runs.
    """

    alone = True

    def __init__(
        self,
        registry: Registry,
        reactor: Any,
        name: str,
        state_dir: Path,
        random: Random,
        shell: Callable[..., L4Director] = L4Director,
    ) -> None:
        """`shell` makes the packet shell; a test gives one without sockets."""
        self._shell = shell
        self.shell: L4Director | None = None
        self.forwarder: Forwarder | None = None
        self._registry = registry
        self._reactor = reactor
        self._name = name
        self._state_dir = state_dir
        self._random = random
        self._started = self._prepared = False
        self._settings = L4Settings()
        self._owed: tuple[Endpoint, ...] = ()
        self._silent: set[Hop] = set()
        self._links: dict[str, bool] = {}
        self._unfit: set[str] = set()
        self._unfit_due = False
        self._synchronisation: Synchronisation | None = None

    def check(self, candidate: Candidate) -> None:
        """Raises DirectorError when the configuration cannot be followed."""
        if self.shell is not None:
            refuse_what_is_fixed(self._settings, candidate.desired)

    def prepare(self, candidate: Candidate) -> Deferred[None] | None:
        """Let the director have the packets that the candidate needs as well, before it is served.

        The result fires when the kernel does; it never fails.
        """
        if self.shell is None or not any(map(_concerns_capture, candidate.changes)):
            return None
        self._prepared = True
        desired = candidate.desired
        pools = {pool.name: pool for pool in desired.pools}
        marks = (desired.l4_settings or L4Settings()).marks
        return self.shell.prepare(desired.l4, pools, marks)

    def commit(self, candidate: Candidate) -> Deferred[None] | None:
        """Follow, once started."""
        self._prepared = False
        return self.follow(self._registry.configuration) if self._started else None

    def abandon(self) -> Deferred[None] | None:
        """The kernel goes back to what is served."""
        prepared, self._prepared = self._prepared, False
        return self.follow(self._registry.configuration) if prepared else None

    def start(self) -> Deferred[None]:
        """Serve; fires when the kernel lets the director have its packets."""
        self._started = True
        return self.follow(self._registry.configuration)

    def chores(self) -> Iterable[Chore]:
        """Say what begins and ends, and give back what servers that left do not need any more."""
        return (self.look, LOOK), (self.sweep, SWEEP_PERIOD)

    def follow(self, configuration: Configuration) -> Deferred[None]:
        """Serve what the configuration names, from the next packet on.

        The result fires when the kernel lets the director have those packets; it never fails.
        """
        if self.shell is None:
            if not configuration.l4:
                clear(self._name, self._state_dir)
                return succeed(None)
            self.shell = self._make(configuration.l4_settings or L4Settings())
            self.shell.startService()
        elif configuration.l4:
            self._configure(configuration.l4_settings or L4Settings())
        self._unfit_due = True
        pools = {pool.name: pool for pool in configuration.pools}
        own = tuple(_own_listeners(configuration))
        if self.forwarder is not None:
            self.forwarder.services.kept = frozenset(
                (one.protocol, one.address.packed, one.first) for one in own
            )
            self.forwarder.follow()
            self._synchronise(self.forwarder, self.shell)
            self._owed = owed_endpoints(self.forwarder.left())
        return self.shell.reload(configuration.l4, pools, own, self._owed)

    def sweep(self) -> None:
        """Give back to the host what servers that left send, once their flows have ended; every minute."""
        forwarder = self.forwarder
        if self._owed and forwarder is not None and owed_endpoints(forwarder.left()) != self._owed:
            self.follow(self._registry.configuration)

    def _configure(self, wanted: L4Settings) -> None:
        """Sysctls, timeouts and marks may change while flows live."""
        if wanted == self._settings or self.shell is None:
            return
        self._settings = wanted
        self.shell.marks = wanted.marks
        if self.forwarder is not None:
            self.forwarder.configure(wanted)

    def _synchronise(self, forwarder: Forwarder, shell: L4Director) -> None:
        """Tell and learn of flows as the settings say."""
        if self._synchronisation is None:
            if self._settings.sync_master is None and self._settings.sync_backup is None:
                return

            def hear(packet: Callable[[Flow, float], None] | None) -> None:
                shell.synchronise = packet

            self._synchronisation = Synchronisation(self._reactor, forwarder, hear)
        self._synchronisation.configure(self._settings)
        self._synchronisation.follow()

    def _end_synchronisation(self) -> None:
        if self._synchronisation is not None:
            self._synchronisation.close()

    def stop(self, grace: float) -> Deferred[None]:
        """Give back to the host what was taken from it."""
        self._end_synchronisation()
        return succeed(None) if self.shell is None else maybeDeferred(self.shell.stopService)

    def let_go(self) -> Deferred[None]:
        """End, and leave the kernel's rules as they are: another process goes on with the flows."""
        self._end_synchronisation()
        gone: Deferred[None] = succeed(None) if self.shell is None else self.shell.hand_over()
        self.shell = self.forwarder = self._synchronisation = None
        self._owed = ()
        return gone

    def go_on(self) -> None:
        """Go on with them here."""
        if self._started:
            self.follow(self._registry.configuration)

    def verdict(self, address: str, check: str, alive: bool | list[object] | None) -> None:
        """The registry that serves knows it already."""

    def laid(self) -> None:
        """Flows of servers that have faults now are looked at, packet by packet."""
        if self.forwarder is not None:
            self.forwarder.follow_faults()

    def reasons(self) -> Iterator[str]:
        """What keeps layer 4 from working, one sentence each; nothing when it is not asked for.

        What is told here, or is no longer told, is in the log.
        """
        self.look()
        if self.shell is None or not self._registry.configuration.l4:
            return
        if self.shell.lacking is not None:
            yield str(self.shell.lacking)
        yield from self.shell.troubles.values()
        if self._synchronisation is not None:
            yield from self._synchronisation.troubles.values()

    def condition(self) -> object:
        """While this is the same, `reasons` and `listeners` are: they take longer to make."""
        if self.shell is None:
            return None
        return self._registry.configuration, self.shell.lacking, tuple(self.shell.troubles.items())

    def reasons_since(self) -> dict[str, float]:
        """Since when (monotonic seconds), for each of `reasons` of which that is known."""
        return {} if self.shell is None else self.shell.troubles.since()

    def look(self) -> None:
        """Say each trouble once when it begins and once when it is over; `lacking` was said at the start."""
        if self.shell is None:
            return
        self._say_unfit()
        changes, unkept = self.shell.troubles.news()
        for change in changes[:SAID]:
            if change.seconds is None:
                _log.warn("layer 4: {text}", text=change.text)
            else:
                what = change.text.partition(";")[0]
                _log.info("layer 4: over after {for_:.0f}s: {what}", for_=change.seconds, what=what)
        more = len(changes[SAID:]) + unkept
        if more:
            _log.warn("layer 4: {more} more changes of this kind; /readyz has what is wrong now", more=more)

    def _say_unfit(self) -> None:
        """Servers on this machine that clients cannot reach: once each, also when it gets their address."""
        view = self.shell.view if self.shell is not None else None
        if view is None or not self._unfit_due:
            return
        self._unfit_due = False
        configuration = self._registry.configuration
        pools = {pool.name: pool for pool in configuration.pools}
        found = here.unfit(configuration.l4, pools, self._settings.marks, view.local())
        before, self._unfit = self._unfit, {str(one) for one in found}
        for text in sorted(self._unfit - before):
            _log.warn("layer 4: {text}", text=text)

    def listeners(self) -> Iterator[ListenerState]:
        """Every virtual service, and why it is not served."""
        pools = {pool.name: pool for pool in self._registry.configuration.pools}
        for service in self._registry.configuration.l4:
            pool = pools.get(service.pool)
            servers = {one.address.host for one in pool.servers} if pool else set()
            bound, error = self._obstacles(service.virtual.host, servers)
            yield ListenerState(f"l4:{service.name}", str(service.virtual), bound=bound, error=error)

    def _obstacles(self, virtual: str, servers: set[str]) -> tuple[bool, str]:
        """Whether a service on this address with these servers is served, and what is wrong with it."""
        if self.shell is None:
            return True, ""
        lacking, troubles = self.shell.lacking, self.shell.troubles
        others = (ROUTE, ADDRESS)
        general = [text for key, text in troubles.items() if not key.startswith(others)]
        unreached = [text for key, text in troubles.items() if key == ADDRESS + virtual]
        lost = [troubles[ROUTE + one] for one in sorted(servers) if ROUTE + one in troubles]
        reasons = [str(lacking)] if lacking is not None else []
        bound = lacking is None and TROUBLE not in troubles and not unreached
        bound = bound and not (lost and len(lost) == len(servers))
        return bound, "; ".join([*reasons, *general, *unreached, *lost])

    def connections(self, wanted: ConnectionQuery) -> ConnectionPage:
        """Flows and templates, newest first."""
        if self.forwarder is None:
            return ConnectionPage()
        fits = listing.fitting(wanted.client, wanted.service, wanted.server)
        now = self._reactor.seconds()
        rows, more = listing.newest(self.forwarder.table, now, fits, wanted.limit, wanted.after)
        return ConnectionPage(tuple(rows), more)

    def figures(self) -> PacketFigures | None:
        """The whole of layer 4 in numbers; a drop stands under its reason, once."""
        if self.forwarder is None or self.shell is None:
            return None
        defence = self.forwarder.defence
        core = {
            **self.forwarder.counters,
            "made_room": defence.made_room,
            "entries_dropped": defence.entries_dropped,
        }
        if self._synchronisation is not None:
            core.update(self._synchronisation.counters())
        own = {
            key: value
            for key, value in self.shell.counters().items()
            if key.removeprefix("drop_") not in core
        }
        return PacketFigures(self.forwarder.total.figures(), core | own, len(self.forwarder.table))

    def zero(self) -> None:
        """The whole is shown from 0 on."""
        if self.forwarder is not None:
            self.forwarder.total.zero()

    def _make(self, wanted: L4Settings) -> L4Director:
        self._settings = wanted
        return self._shell(
            self._reactor,
            self._reactor.seconds,
            self._name,
            state_dir=self._state_dir,
            settings=wanted,
            forwarder=self._make_forwarder,
            tell=self._tell,
            leave=self._save_flows,
        )

    def _tell(self, event: Event) -> None:
        """Say once what no trouble stands for; the neighbours that are no servers come and go unsaid."""
        if isinstance(event, LinkChanged):
            self._tell_link(event.link.name, "is gone" if event.link.gone else "", usable=event.usable)
        elif isinstance(event, AddressesChanged):
            self._unfit_due = True
        elif isinstance(event, NeighbourKnown):
            if event.hop in self._silent:
                self._silent.discard(event.hop)
                _log.info("server {server} answers ARP or NDP again", server=shown(event.hop[1]))
        elif isinstance(event, NeighbourFailed) and self._falls_silent(event.hop):
            self._silent.add(event.hop)
            _log.warn(
                "server {server} does not answer ARP or NDP; its packets are dropped until it does",
                server=shown(event.hop[1]),
            )

    def _tell_link(self, name: str, gone: str, *, usable: bool) -> None:
        """Interfaces that `interfaces` names are troubles when they are down; of all others they are news."""
        if self._settings.interfaces or name == "lo" or name.startswith(OWN_DEVICES):
            return
        before = self._links.pop(name, None)
        if not gone:
            self._links[name] = usable
        if before is not None and before != usable:
            _log.warn("interface {name} {state}", name=name, state=gone or ("is up" if usable else "is down"))

    def _falls_silent(self, hop: Hop) -> bool:
        return hop not in self._silent and self._is_server(shown(hop[1]))

    def _is_server(self, host: str) -> bool:
        """`host` is a server of a layer-4 service: what silent clients do is nobody's news."""
        configuration = self._registry.configuration
        names = {service.pool for service in configuration.l4}
        pools = (pool for pool in configuration.pools if pool.name in names)
        return any(server.address.host == host for pool in pools for server in pool.servers)

    def _make_forwarder(self, view: KernelView, forget: Callable[[Flow], None]) -> Forwarder:
        self.forwarder = Forwarder(self._registry, view, self._random, self._settings, forget)
        self._take_up_flows(self.forwarder)
        return self.forwarder

    def _save_flows(self) -> None:
        """Established work goes on when the next run takes it up."""
        forwarder = self.forwarder
        if forwarder is None or not len(forwarder.table):
            return
        kept = saved.lines(forwarder.table, self._reactor.seconds(), time.time())
        try:
            flowfile.write(self._state_dir, kept)
        except OSError as error:
            _log.error(
                "layer 4: {count} flow(s) and template(s) could not be saved ({why}) and end with this run; "
                "make state_dir writable and leave it room",
                count=len(forwarder.table),
                why=error.strerror,
            )

    def _take_up_flows(self, forwarder: Forwarder) -> None:
        """What the run before saved, and is not over."""
        table = forwarder.table
        now, today = self._reactor.seconds(), time.time()
        try:
            with flowfile.reading(self._state_dir, table.limit + 1) as lines:
                if lines is None:
                    return
                told = saved.take_up(lines, table, forwarder.services, forwarder.states, now, today)
        except (OSError, DirectorError) as error:
            _log.warn("layer 4: flows of the run before are not taken up: {why}", why=str(error))
            return
        _log.info("layer 4: {told}", told=str(told))


def clear(name: str, state_dir: Path) -> None:
    """An earlier run with services may have been killed: nothing of it may stay."""
    run = nft.find() if (state_dir / STATE_FILE).exists() else None
    if run is None:
        return
    try:
        left = Installer(name, state_dir, run).clear()
    except (DirectorError, OSError) as error:
        _log.warn("what an earlier run left for layer 4 cannot be removed: {why}", why=str(error))
        return
    if left is not None:
        _log.info("removed what an earlier run left: {left}", left=left)


def _concerns_capture(change: Change) -> bool:
    """Weights, thresholds and orders do not change which packets are the director's."""
    return not isinstance(change, ServerChanged | Ordered)


def _own_listeners(configuration: Configuration) -> Iterator[Endpoint]:
    """Layer 7's own listeners: a virtual address keeps them."""
    for service in configuration.l7:
        for address in service.places:
            try:
                host = ipaddress.ip_address(address.host)
            except ValueError:
                continue
            yield Endpoint(TCP, host, address.port, address.port)
