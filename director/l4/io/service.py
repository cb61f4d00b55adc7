"""The layer-4 shell as one Twisted service: rings, netlink, capture and the forwarder together.

The composition root makes one `L4Director`, gives it the forwarder, and calls `reload` with
the services it shall capture.  Frames go in by the ports, `Forwarder.receive` decides, and
its verdicts are carried out here.  What cannot be done is a value (`lacking`, `troubles`) and an
event, never an exception into the reactor: layer 7 runs on.
"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from director.l4.flows import FastPathEntry, Flow
from director.l4.io import counting, probe, sysctl
from director.l4.io.alarms import Troubles
from director.l4.io.capture import nft
from director.l4.io.capture.announce import Announcer
from director.l4.io.capture.follow import AT_ONCE, SETTLE, Capture, Wanted
from director.l4.io.capture.install import CaptureOutcome, Installer
from director.l4.io.capture.nftwatch import TableWatch
from director.l4.io.capture.plan import (
    ROUTE,
    CapturePlan,
    Endpoint,
    Side,
    Taken,
    capture_plan,
    server_addresses,
)
from director.l4.io.engine import MakeEngine
from director.l4.io.netlink import neighbours
from director.l4.io.netlink.rtnetlink import KernelLink
from director.l4.io.netlink.socket import NetlinkReader, NetlinkSocket
from director.l4.io.netlink.view import (
    AddressesChanged,
    Event,
    KernelView,
    LinkChanged,
    NeighbourFailed,
    NeighbourKnown,
    RouteReturned,
    RouteVanished,
)
from director.l4.io.packet.late import LateQueue
from director.l4.io.packet.pending import HoldQueue
from director.l4.io.packet.raw import RawEngine
from director.l4.io.packet.reinject import StackInjector
from director.l4.states.directions import OUTPUT
from director.l4.verdicts import Batch, Deliver, Drop, ForwarderDoor, Hold, Install, Later, Transmit, Verdict
from director.model.pools import Pool
from director.model.virtual import L4Service, L4Settings, Mark

TICK = 0.25
"""Seconds between two calls of `Forwarder.tick`."""
ASK_EVERY = 1.0
"""Seconds between two questions to the neighbours in use."""
GRACE = 5.0
"""Seconds after a start that follows a crash in which a server's answer without a flow is dropped.
Given to the stack it would reach the client untranslated, and the client's reset would end a
connection that its next packet could have made known again (`sloppy_tcp`)."""


class L4Director(Service):
    """Layer 4 of one director in one network namespace.

    Attributes:
        lacking: what keeps layer 4 from running, or None.
        troubles: what goes wrong now, one sentence for each object; empty when all is well.
        view: links, addresses, neighbours and routes (for the forwarder's routing).
        engine: what moves the packets.
        drops: verdicts `Drop` by reason, and the shell's own.
        marks: the rules that give firewall marks; others count from the next `reload` on.
        synchronise: told of each packet of a client that took the hot path, while others are told of flows.
    """

    name = "l4"
    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        clock: Callable[[], float],
        director: str,
        *,
        state_dir: Path,
        settings: L4Settings,
        forwarder: Callable[[KernelView, Callable[[Flow], None]], ForwarderDoor],
        tell: Callable[[Event], None] = lambda _event: None,
        make_engine: MakeEngine | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is opened before the service starts.

        `forwarder` makes the pure room then, from the view and the engine's `forget`; `clock` gives
        monotonic seconds; `tell` gets what happens to links, routes and neighbours; `make_engine` makes the
        engine (raw without it); `leave` is called when no packet comes any more and the flows are still
        there.
        """
        self.lacking: probe.Lacking | None = None
        self.troubles = Troubles(clock)
        self.engine = (make_engine or partial(RawEngine, reactor, clock, settings.interfaces))(
            self._receive, self._link, self.troubles
        )
        self._outputs = self.engine.outputs
        self.drops: Counter[str] = Counter()
        self.view: KernelView | None = None
        self.held: HoldQueue[Hold] = HoldQueue()
        self.late = LateQueue(reactor, clock, self._perform)
        self.synchronise: Callable[[Flow, float], None] | None = None
        self._reactor, self._clock, self._director, self._state_dir = reactor, clock, director, state_dir
        self._make_forwarder, self._tell, self._leave = forwarder, tell, leave
        self._forwarder: ForwarderDoor | None = None
        self.marks = settings.marks
        self._plan = self._held_plan = CapturePlan()
        self._taken = Taken(self._plan)
        self._capture: Capture | None = None
        self._asker: NetlinkSocket | None = None
        self._reader: NetlinkReader | None = None
        self._injector: StackInjector | None = None
        self._watch: TableWatch | None = None
        self._announcer: Announcer | None = None
        self._ignores: list[int] = []
        self._timer: IDelayedCall | None = None
        self._next_ask = 0.0
        self._grace = 0.0

    # --- life ---------------------------------------------------------------------------------

    def startService(self) -> None:
        """Open netlink and the ports, if this process may; what it lacks is in `lacking`."""
        super().startService()
        self.lacking = probe.lacking()
        run = nft.find()
        if self.lacking is not None or run is None:
            self._log.warn("{lacking}", lacking=self.lacking)
            return
        try:
            self._open(run)
        except OSError as error:
            self.lacking = probe.Lacking(("no rtnetlink",), f"The kernel refuses it: {error.strerror}.")
            self._log.warn("{lacking}", lacking=self.lacking)
            self._close()

    def _open(self, run: nft.NftSession) -> None:
        """Netlink, the forwarder and the ports.  Raises OSError."""
        installer = Installer(self._director, self._state_dir, run)
        left = installer.leftovers()
        if left is not None:
            self._grace = self._clock() + GRACE
            self._log.info("an earlier run was cut off; taking over what it left: {left}", left=left)
        self._asker = asker = NetlinkSocket()
        self._injector = StackInjector(self._set_up)
        tables = installer.tables
        self._watch = TableWatch(
            self._reactor, (tables.name, tables.spare), partial(self._look_soon, AT_ONCE)
        )
        view = KernelView(asker, self._heard)
        self._forwarder = self._make_forwarder(view, self.engine.forget)
        self._reader = NetlinkReader(self._reactor, view.apply, self._read_again)
        view.read_all()
        # Not before: an interface that is not read yet is not one that is missing.
        self.view = view
        self._announcer = Announcer(view, self.engine.captured, self._announce)
        self._reader.start()
        self.engine.check(view.links.values())
        self._capture = Capture(self._reactor, installer, self._wanted, self._now_taken, self.troubles)
        self._timer = self._reactor.callLater(TICK, self._tick)

    def stopService(self) -> Deferred[None]:
        """Give everything back to the host: addresses and rules first, then the ports."""
        self._end()
        if self._capture is None:
            return succeed(None)
        return self._capture.remove().addCallback(lambda _result: self._close())

    def hand_over(self) -> Deferred[None]:
        """Stop, and leave addresses and rules: another process takes them over, with the flows."""
        self._end()
        if self._capture is None:
            return succeed(None)
        return self._capture.leave().addCallback(lambda _result: self._close())

    def _end(self) -> None:
        super().stopService()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._watch is not None:
            self._watch.close()

    def reload(
        self,
        services: Iterable[L4Service],
        pools: Mapping[str, Pool],
        keep: Iterable[Endpoint] = (),
        owed: Iterable[Endpoint] = (),
    ) -> Deferred[None]:
        """Capture exactly `services`, and the answers of `owed`, servers that left with flows on them.

        `keep` are listeners of this host on virtual addresses.  The result fires when the kernel holds
        the new rules (`Capture.follow`); it never fails.
        """
        chosen = list(services)
        if self.view is not None:
            self._watch_routes(set(server_addresses(chosen, pools)))
        plan = capture_plan(chosen, pools, keep, self.marks)
        return self._follow(plan.beside(CapturePlan(answers=tuple(owed))))

    def prepare(
        self, services: Iterable[L4Service], pools: Mapping[str, Pool], marks: Iterable[Mark]
    ) -> Deferred[None]:
        """Capture what `services` will need, beside what is served now; `reload` comes next.

        A server that is chosen before its answers are captured has them reach the client untranslated,
        and the client resets the connection.  The result fires as `reload`'s does.
        """
        return self._follow(self._plan.beside(capture_plan(services, pools, (), marks)))

    def _watch_routes(self, servers: set[bytes]) -> None:
        """Whether there is a way to each of these; that there is none to one that left concerns nobody."""
        if self.view is None:
            return
        left = [one for one in self.view.unreachable() if one not in servers]
        self.view.watch(servers)
        self.view.settle()
        for one in left:
            self.troubles.over(f"{ROUTE}{ipaddress.ip_address(one)}")

    def _follow(self, plan: CapturePlan) -> Deferred[None]:
        self._plan = plan
        return succeed(None) if self._capture is None else self._capture.follow()

    def _now_taken(self, plan: CapturePlan, applied: CaptureOutcome) -> None:
        """The stack does not see these packets any more: they are read here."""
        self._held_plan = plan
        if self.view is not None:
            self._taken = Taken(plan, self.view.local())
            self.engine.attach(plan)
        if self._announcer is not None:
            self._announcer.applied(applied, self._clock())

    # --- frames ---------------------------------------------------------------------------------

    def _receive(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> None:
        forwarder = self._forwarder
        if forwarder is None:
            return
        verdict = forwarder.receive(frame, ifindex, now, offload)
        if type(verdict) is FastPathEntry:
            if self.synchronise is not None and verdict.direction != OUTPUT:
                self.synchronise(verdict.flow, now)
            port = self._outputs.get(verdict.ifindex)
            if port is not None:
                port.transmit(frame, offload)
                return
            verdict = Transmit(verdict.ifindex, frame, offload)
        elif type(verdict) is Install:
            self.engine.install(verdict.entry, now)
            verdict = verdict.verdict
        if isinstance(verdict, Deliver):
            self._give_back(verdict, frame, now, offload)
        else:
            self._perform(verdict, now)

    def _give_back(self, verdict: Deliver, frame: bytearray, now: float, offload: bytes) -> None:
        """Let the host's stack have what the rules took and what is not the director's."""
        whole = verdict.whole
        if whole is not None:
            frame, offload = whole, b""
        side = self._taken(frame, pieces=whole is not None)
        if side is Side.ANSWER and now < self._grace:
            self.drops["answer_before_its_flow"] += 1
        elif side and self._injector is not None:
            for piece in verdict.pieces or (frame,):
                self._injector.give(piece, offload)

    def _perform(self, verdict: Verdict | None, now: float) -> None:
        if isinstance(verdict, Transmit):
            self._transmit(verdict)
        elif isinstance(verdict, Hold):
            self._hold(verdict, now)
        elif isinstance(verdict, Batch):
            for one in verdict.verdicts:
                self._perform(one, now)
        elif isinstance(verdict, Drop):
            self.drops[verdict.reason] += 1
        elif isinstance(verdict, Later):
            self.late.put(verdict, now)
        elif isinstance(verdict, Deliver) and verdict.whole is not None:
            self._give_back(verdict, verdict.whole, now, b"")

    def _transmit(self, verdict: Transmit | Hold) -> None:
        if not self.engine.transmit(verdict.ifindex, verdict.frame, verdict.offload):
            self.drops["no_interface"] += 1

    def _link(self, ifindex: int) -> KernelLink | None:
        return None if self.view is None else self.view.links.get(ifindex)

    def _hold(self, verdict: Hold, now: float) -> None:
        hop = (verdict.ifindex, verdict.next_hop)
        if self.view is not None and self.held.put(hop, verdict, now):
            self.view.resolve(hop, now)

    # --- time -----------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = self._reactor.callLater(TICK, self._tick)
        now = self._clock()
        if self.view is None or self._forwarder is None:
            return
        try:
            self._perform(self._forwarder.tick(now), now)
        except Exception:  # noqa: BLE001 - the next tick must come
            self._log.failure("the forwarder's tick failed")
        while self._forwarder.notes:
            self._log.warn("{note}", note=self._forwarder.notes.popleft())
        self.view.settle()
        if self._announcer is not None:
            self._announcer.turn(now)
        for hop in self.held.expire(now):
            self._say(NeighbourFailed(hop))
        for hop in self.held.hops():
            self.view.resolve(hop, now)
        if now >= self._next_ask:
            self._next_ask = now + ASK_EVERY
            self._forwarder.memory = os.sysconf("SC_AVPHYS_PAGES")
            if self._asker is not None:
                neighbours.ask_again(self.view, self._outputs, self._asker)
            self.engine.refresh()
            self._look_at_settings()

    # --- what netlink tells -----------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        if isinstance(event, NeighbourKnown):
            for held in self.held.take(event.hop):
                held.frame[0:6] = event.mac
                self._transmit(held)
        elif isinstance(event, NeighbourFailed):
            if self.view is None:
                # The first look: a failure of some time ago, which the kernel still remembers.
                return
            self.held.fail(event.hop)
        elif isinstance(event, LinkChanged):
            self._link_changed(event)
        elif isinstance(event, AddressesChanged):
            self._address_changed(event)
        elif isinstance(event, RouteVanished):
            server = ipaddress.ip_address(event.destination)
            self.troubles[f"{ROUTE}{server}"] = (
                f"no route to server {server}; traffic resumes when there is one"
            )
        elif isinstance(event, RouteReturned):
            self.troubles.over(f"{ROUTE}{ipaddress.ip_address(event.destination)}")
        self._say(event)

    def _say(self, event: Event) -> None:
        try:
            self._tell(event)
        except Exception:  # noqa: BLE001 - a listener's mistake must not stop the packets
            self._log.failure("an event of layer 4 could not be told")

    def _read_again(self) -> None:
        """Events were lost: read all anew, or at the next loss."""
        try:
            if self.view is not None:
                self.view.read_all()
        except OSError as error:
            self._log.error("links and neighbours cannot be read: {why}", why=str(error))

    def _link_changed(self, event: LinkChanged) -> None:
        link = event.link
        if self.engine.link_changed(link):
            self._look_soon()
        if self._announcer is not None:
            self._announcer.link(link, self._clock(), usable=event.usable)
        if self.view is not None:
            self.engine.check(self.view.links.values())

    def _address_changed(self, event: AddressesChanged) -> None:
        address, view = event.change.address, self.view
        self._look_soon()
        if view is None:
            return
        self._taken.local = view.local()
        lost = event.change.gone and not view.holders(address) and self._held_plan == self._plan
        if lost and self.running and any(one.packed == address for one in self._plan.virtual_addresses()):
            self._log.warn(
                "virtual address {address} was removed from this host; it is added again",
                address=ipaddress.ip_address(address),
            )

    # --- the kernel's rules -------------------------------------------------------------------------

    def _wanted(self) -> Wanted:
        captured = self.engine.captured()
        self._ignores = [sysctl.arp_ignore(name) for name in captured]
        return self._plan, captured

    def _look_soon(self, settle: float = SETTLE) -> None:
        if self._capture is not None:
            self._capture.look_soon(settle)

    def _look_at_settings(self) -> None:
        """Nothing tells when `arp_ignore` changes, and an address may have to move with it."""
        # Held against what the last look met: one may have come between two of ours, and acted upon it.
        if self._ignores != [sysctl.arp_ignore(name) for name in self.engine.captured()]:
            self._look_soon()

    def _announce(self, link: KernelLink, frame: bytes) -> None:
        self.engine.transmit(link.ifindex, frame, b"")

    def _close(self) -> None:
        self.engine.close()
        if self._forwarder is not None:
            self._leave()
            self._forwarder.close()
        for one in (self.late, self._reader, self._asker, self._injector, self._watch):
            if one is not None:
                one.close()
        self._forwarder = self.view = self._capture = self._announcer = None

    def _set_up(self, name: str) -> None:
        if self._asker is not None and self.view is not None:
            self.view.read_all()
            link = self.view.named(name)
            if link is not None:
                self._asker.set_up(link.ifindex)

    def counters(self) -> dict[str, int]:
        """Every counter of the shell, by name; ports have their interface's name in front."""
        self.engine.refresh()
        found = counting.of_parts(self.drops, self.held, self.late, self.view, self.engine.counters())
        return found | counting.of_sockets(self._injector, (self._reader, self._watch))
