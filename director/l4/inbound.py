"""Packets of clients: to the server of their flow, or to a new one (`lvs-semantics` C.4, steps 8 to 11).

Called by the forwarder with packets whose flow is known (or certainly not), and by `icmp_relay` with ICMP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from director.l4.apps import ftp
from director.l4.closing import OPENING
from director.l4.flows import Flow, FlowTable, release
from director.l4.methods.table import TO_SERVER
from director.l4.states import sctp, tcp
from director.l4.verdicts import Verdict
from director.l4.wire import transport
from director.l4.wire.integrity import verified
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import SCTP, TCP
from director.model.pools import BYPASS
from director.registry.counters import INBYTES, INPKTS

if TYPE_CHECKING:
    from director.l4.admission import Admission
    from director.l4.closing import Closing
    from director.l4.injected import InjectedFaults
    from director.l4.methods.base import MethodContext
    from director.l4.one_packet import OnePacketAnswers
    from director.l4.states.transitions import States
    from director.registry.counters import Cells

INIT_CHUNK = 1
_CLOSING = {
    TCP: frozenset({tcp.TIME_WAIT, tcp.CLOSE}),
    SCTP: frozenset({sctp.CLOSED}),
}


class Inbound:
    """The way from clients to servers.

    `synchronise` is told of each packet that was counted, while other directors are told of flows.
    """

    def __init__(
        self, table: FlowTable, states: States, admission: Admission, context: MethodContext, total: Cells,
        closing: Closing, answers: OnePacketAnswers, injected: InjectedFaults,
    ) -> None:  # fmt: skip
        self._table = table
        self._states = states
        self._admission = admission
        self._context = context
        self._total = total
        self._closing = closing
        self._answers = answers
        self._injected = injected
        self.synchronise: Callable[[Flow, float], None] | None = None

    def receive(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """A packet of a known flow."""
        if _opens(packet) and self._reused(flow):
            self._table.expire_now(flow)
            return self.open(packet, offload, now)
        if flow.gone:
            if not self._context.settings.expire_nodest_conn:
                return self._context.output.drop("server_gone")
            self._table.expire_now(flow)
            return self.open(packet, offload, now)
        if flow.cut:
            return self._closing.answer(packet, flow, now)
        if flow.app and not packet.verified and not verified(packet):
            return self._context.output.drop("bad_checksum")
        if flow.cport == 0 and packet.sport and not self._table.learn_port(flow, packet.sport):
            return self._context.output.drop("flow_key_taken")
        return self.carry(packet, flow, offload, now)

    def open(self, packet: Packet, offload: bytes, now: float) -> Verdict:
        """A packet without a flow: it may open one."""
        found = self._admission.open(packet, now)
        if not isinstance(found, Flow):
            return found
        if not packet.verified and not verified(packet):
            self._table.end(found) if found.index >= 0 else release(found)
            return self._context.output.drop("bad_checksum")
        return self.carry(packet, found, offload, now)

    def carry(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """Count, move the state, forward, restart the timer."""
        self.count(flow, packet.length)
        self._states.advance(flow, packet, output=False)
        if flow.app and packet.protocol == TCP:
            ftp.from_client(packet, flow, self._table, self._states, self._total, now)
        if flow.server is not None and flow.server.injected is not None:
            verdict = self._injected.to_server(packet, flow, offload, now)
        else:
            verdict = TO_SERVER[flow.method](packet, flow, offload, now, self._context)
        flow.in_pkts += 1
        if self.synchronise is not None:
            self.synchronise(flow, now)
        if flow.one_packet:
            release(flow)
            if flow.method.answers_return:
                self._answers.remember(flow)
        elif not flow.dead:
            self._table.restart(flow, now)
        return verdict

    def forward_icmp(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """An ICMP error about a flow whose method rewrites nothing: it goes the way of the flow's packets."""
        self.count(flow, packet.length)
        return TO_SERVER[flow.method](packet, flow, offload, now, self._context)

    def count(self, flow: Flow, length: int) -> None:
        """One packet in, for server, service and the whole (H)."""
        for cells in (flow.server_traffic, flow.service_traffic, self._total):
            cells[INPKTS] += 1
            cells[INBYTES] += length

    def _reused(self, flow: Flow) -> bool:
        """A new connection on an old flow's ports is scheduled anew (C.4, step 8)."""
        if flow.method is BYPASS:
            return False
        server = flow.server
        if server.present and not server.available:
            # A server that is down gets nothing new: not what was cut, nor a handshake it has not ended.
            return server.cut or flow.state in OPENING.get(flow.protocol, ())
        if self._context.settings.expire_nodest_conn and flow.server.weight == 0:
            return True
        mode = self._context.settings.conn_reuse_mode
        if not mode or flow.control is not None:
            return False
        if flow.state in _CLOSING.get(flow.protocol, ()):
            return True
        waits = flow.protocol == TCP and flow.state == tcp.FIN_WAIT
        return bool(mode & 2) and waits and flow.quiet


def _opens(packet: Packet) -> bool:
    """A TCP SYN or an SCTP INIT."""
    if packet.protocol == TCP:
        return packet.tcp_flags & (transport.SYN | transport.RST) == transport.SYN
    return packet.protocol == SCTP and transport.chunk(packet) == INIT_CHUNK
