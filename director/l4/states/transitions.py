"""Moves a flow from state to state with each packet, by the tables (`lvs-semantics` D, B.6).

Owns which TCP table is in force and the timeouts; the forwarder calls it for every packet that may
change something.  Counts active and inactive through the flow's lease.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from director.l4 import persistence
from director.l4.flows import Flow
from director.l4.states import sctp, tcp
from director.l4.states.directions import INPUT, INPUT_ONLY, OUTPUT
from director.l4.wire import transport
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.registry import ledger

if TYPE_CHECKING:
    from director.l4.wire.packet import Packet
    from director.model.virtual import L4Settings
    from director.registry.live import RealServer

UDP_NAME = "UDP"
ALWAYS = b"\1" * 256
"""A protocol without states: no packet changes any."""


class States:
    """The tables in force and the timeouts.  `tcp[direction][event][state]` is the new TCP state."""

    def __init__(self, settings: L4Settings, forget: Callable[[Flow], None] = Flow.stale) -> None:
        self._forget = forget
        self.tcp = tcp.NORMAL
        self._keeps_state = tcp.keeps_state(self.tcp)
        self.configure(settings)

    def configure(self, settings: L4Settings) -> None:
        """Take over the timeouts; a flow gets its new one with its next packet."""
        self.tcp_timeouts = tcp.timeouts(settings.timeout_tcp, settings.timeout_tcpfin)
        self.udp_timeout = settings.timeout_udp

    def secure(self, on: bool) -> bool:
        """Put the secure TCP table in force, or the normal one; True when that changed."""
        before, self.tcp = self.tcp, tcp.SECURE if on else tcp.NORMAL
        self._keeps_state = tcp.keeps_state(self.tcp)
        return before is not self.tcp

    def keeps_state(self, flow: Flow, direction: int) -> bytes:
        """For each flags byte whether such a packet leaves the flow's state alone (1) or not (0)."""
        return self._keeps_state[direction][flow.state] if flow.protocol == TCP else ALWAYS

    def advance(self, flow: Flow, packet: Packet, output: bool) -> None:
        """Take one packet of `flow` into account: state, timeout, active or inactive, ASSURED."""
        direction = self._direction(flow, output)
        if packet.protocol == TCP and flow.protocol == TCP:
            event, before = tcp.EVENTS[packet.tcp_flags], flow.state
            self.enter(flow, self.tcp[direction][event][before])
            if flow.state != before and flow.lease is not None:
                _tell(flow, before, refused=output and event == tcp.RST_EVENT)
            elif event == tcp.SYN_EVENT and not output:
                _asked_again(flow)
        elif packet.protocol == SCTP and flow.protocol == SCTP:
            first = transport.chunk(packet)
            if first is not None:
                event = sctp.event(first, transport.chunk(packet, 1))
                self.enter(flow, sctp.TABLE[direction][event][flow.state])
        elif flow.protocol == UDP:
            flow.timeout = self.udp_timeout
            if output:
                persistence.assure(flow)
                if flow.lease is not None:
                    ledger.worked(flow.lease.server)

    def enter(self, flow: Flow, state: int) -> None:
        """Put a TCP or SCTP flow into `state`: its timeout, its counter, its template's ASSURED."""
        if flow.protocol == TCP:
            active, established = state in tcp.ACTIVE, state == tcp.ESTABLISHED
            flow.timeout = self.tcp_timeouts[state]
        else:
            active, established = state in sctp.ACTIVE, state == sctp.ESTABLISHED
            flow.timeout = sctp.TIMEOUTS[state]
        if flow.state == state:
            return
        flow.state = state
        for fast in (flow.to_server, flow.to_client):
            fast.keeps_state = self.keeps_state(flow, fast.direction)
        if flow.lease is not None:
            if active:
                flow.lease.activate()
            else:
                flow.lease.deactivate()
        if established and flow.control is not None:
            persistence.assure(flow)

    def _direction(self, flow: Flow, output: bool) -> int:
        """The table's direction; a packet of the server on a quiet flow ends its being quiet."""
        if output:
            if flow.quiet:
                flow.quiet = False
                flow.to_server.direction = INPUT
                self._forget(flow)
            return OUTPUT
        return INPUT_ONLY if flow.quiet else INPUT


def _tell(flow: Flow, before: int, *, refused: bool) -> None:
    """What a change of a TCP flow's state says of its server (passive checks): `refused` = its own RST."""
    if flow.state == tcp.ESTABLISHED:
        ledger.worked(flow.server)
    elif refused:
        _reset(flow.server, before)


def _reset(server: RealServer, state: int) -> None:
    """It sent a RST on a TCP flow in `state`."""
    if state in _OPENING:
        ledger.broke(server, "connect")
    elif state == tcp.ESTABLISHED:
        ledger.broke(server, "reset")


def _asked_again(flow: Flow) -> None:
    """A client sends its SYN once more: a server that answered none of `_PATIENCE` of them has timed out.

    Servers that answer past the director cannot be judged so.
    """
    silent = not flow.answered and flow.state in _OPENING and flow.method.answers_return
    if silent and flow.in_pkts == _PATIENCE and flow.lease is not None:
        ledger.broke(flow.lease.server, "connect")


_PATIENCE = 2
"""SYNs before the one that tells: it comes three seconds after the first (RFC 6298: one, then two more), of
Linux after two (`tcp_syn_linear_timeouts`)."""
_OPENING = frozenset({tcp.SYN_RECV, tcp.SYNACK})
"""The client has asked, and the server has not accepted yet."""


def unreachable(flow: Flow) -> None:
    """A router, or the server itself, says that a packet for it did not arrive (ICMP)."""
    if flow.lease is not None and (flow.protocol == UDP or flow.state in _OPENING):
        ledger.broke(flow.lease.server, "connect")


def reset(flow: Flow) -> None:
    """Its server, or who plays it, ends it by a RST that this director sends."""
    if flow.lease is not None and flow.protocol == TCP:
        _reset(flow.lease.server, flow.state)


def name(flow: Flow) -> str:
    """The state as tools show it."""
    if flow.protocol == TCP:
        return tcp.NAMES[flow.state]
    return sctp.NAMES[flow.state] if flow.protocol == SCTP else UDP_NAME
