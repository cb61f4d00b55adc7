"""Packets of servers: back to the client through NAT, or only looked at (`lvs-semantics` C.4, E).

A packet of a NAT server without a flow may get a port unreachable (`nat_icmp_send`), or open a flow for
a SIP call that the server begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4.apps import ftp
from director.l4.flows import Flow, FlowTable
from director.l4.icmp import Error
from director.l4.methods.table import TO_CLIENT
from director.l4.verdicts import Deliver, Verdict
from director.l4.wire import transport
from director.l4.wire.integrity import verified
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.registry.counters import OUTBYTES, OUTPKTS

if TYPE_CHECKING:
    from director.l4.admission import Admission
    from director.l4.closing import Closing
    from director.l4.injected import InjectedFaults
    from director.l4.methods.base import MethodContext
    from director.l4.one_packet import OnePacketAnswers
    from director.l4.services import Services
    from director.l4.states.transitions import States
    from director.registry.counters import Cells

ABORT_CHUNK = 6
SEEN = Deliver("seen")


class Outbound:
    """The way from servers to clients."""

    def __init__(
        self,
        table: FlowTable,
        states: States,
        services: Services,
        admission: Admission,
        context: MethodContext,
        total: Cells,
        closing: Closing,
        answers: OnePacketAnswers,
        injected: InjectedFaults,
    ) -> None:
        self._table = table
        self._states = states
        self._services = services
        self._admission = admission
        self._context = context
        self._total = total
        self._closing = closing
        self._answers = answers
        self._injected = injected

    def receive(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """A packet of the server of a known flow."""
        if flow.server is not None and flow.server.injected is not None:
            return self._injected.from_server(packet, flow, offload, now, self._receive)
        return self._receive(packet, flow, offload, now)

    def _receive(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        flow.answered = True
        if flow.cut and flow.method.answers_return:
            return self._closing.answer(packet, flow, now)
        if flow.app and not packet.verified and not verified(packet):
            return self._context.output.drop("bad_checksum")
        self.count(flow, packet.length)
        self._states.advance(flow, packet, output=True)
        self._table.restart(flow, now)
        to_client = TO_CLIENT.get(flow.method)
        if to_client is None:
            return SEEN
        if flow.app and packet.protocol == TCP:
            offload = ftp.from_server(packet, flow, offload, self._table, self._states, self._total, now)
        return to_client(packet, flow, offload, now, self._context)

    def stray(self, packet: Packet, offload: bytes, now: float) -> Verdict | None:
        """A packet without a flow; None when it does not come from a NAT server, or is nobody's matter."""
        flow = self._answers.find(packet.protocol, packet.key, now)
        if flow is not None:
            if flow.server.injected is not None:
                return self._injected.from_server(packet, flow, offload, now, self._answer)
            return self._answer(packet, flow, offload, now)
        service = self._services.nat_servers.get((packet.protocol, packet.source, packet.sport))
        if service is None:
            return None
        if packet.protocol == UDP and service.config.engine == "sip" and service.port:
            opened = self._admission.open_from_server(packet, service, now)
            if isinstance(opened, Flow):
                return self.receive(packet, opened, offload, now)
            if opened is not None:
                return opened
        if not self._context.settings.nat_icmp_send or _aborts(packet):
            return None
        return self._context.icmp.answer(packet, Error.PORT_UNREACHABLE, now)

    def _answer(self, packet: Packet, flow: Flow, offload: bytes, now: float) -> Verdict:
        """A packet that answers one which was scheduled by itself."""
        self.count(flow, packet.length)
        return TO_CLIENT[flow.method](packet, flow, offload, now, self._context)

    def count(self, flow: Flow, length: int) -> None:
        """One packet out, for server, service and the whole (H); only while the server is there."""
        if not flow.usable:
            return
        for cells in (flow.server_traffic, flow.service_traffic, self._total):
            cells[OUTPKTS] += 1
            cells[OUTBYTES] += length


def _aborts(packet: Packet) -> bool:
    if packet.protocol == TCP:
        return bool(packet.tcp_flags & transport.RST)
    return packet.protocol == SCTP and transport.chunk(packet) == ABORT_CHUNK
