"""Opening flows: which packets may, for which service, on which server (`lvs-semantics` C.3, C.5).

`Admission.open` returns a bound flow, or the verdict that ends the packet.  It is the only place of
layer 4 that asks `selection`; every lease it gets ends up in a flow or is given back here.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from director.errors import DirectorError
from director.l4 import persistence
from director.l4.flows import Flow, FlowTable, Template
from director.l4.icmp import Error
from director.l4.key import PacketKey
from director.l4.services import FTP_DATA, VirtualService, packed
from director.l4.verdicts import Deliver, Verdict
from director.l4.wire import transport
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.model.pools import BYPASS
from director.registry import ledger, selection
from director.registry.counters import CONNS

if TYPE_CHECKING:
    from director.l4.defence import Defence
    from director.l4.methods.base import MethodContext
    from director.l4.services import Services
    from director.registry.counters import Cells
    from director.registry.ledger import Lease
    from director.registry.registry import Registry

ABORT_CHUNK, INIT_CHUNK = 6, 1
NOTE_EVERY = 1.0
"""Seconds between two notes about one service."""
NOTES_KEPT = 256
NOT_OURS = Deliver("no_service")
NO_FLOW = Deliver("no_flow")
IGNORED = Deliver("ignored")


class Admission:
    """Opens flows.  `total` counts for the whole director.

    `notes` are sentences for the log; whoever logs takes them out, the oldest are lost when nobody does.
    """

    def __init__(
        self,
        registry: Registry,
        services: Services,
        table: FlowTable,
        defence: Defence,
        context: MethodContext,
        total: Cells,
    ) -> None:
        self._registry = registry
        self._services = services
        self._table = table
        self._defence = defence
        self._context = context
        self._counters: Counter[str] = context.output.counters
        self._total = total
        self.notes: deque[str] = deque(maxlen=NOTES_KEPT)

    def open(self, packet: Packet, now: float, *, from_icmp: bool = False) -> Flow | Verdict:
        """The flow that `packet` opens, or what becomes of the packet.

        `packet` carries the ends of the flow: client as source, virtual address as destination.
        """
        mark = self._services.mark(packet.protocol, packet.destination, packet.dport)
        service = self._services.lookup(mark, packet.protocol, packet.destination, packet.dport)
        if service is None:
            return NOT_OURS
        if not from_icmp and not self._may_open(packet):
            return NO_FLOW
        if packet.protocol == TCP and packet.sport == FTP_DATA:
            return IGNORED
        route = self._context.output.routing.route(packet.source)
        if route is not None and route.local:
            return self._context.output.drop("spoofed_source")
        if self._defence.drops():
            return self._context.output.drop("defence_drop_packet")
        if self._table.full and not self._defence.make_room(now):
            return self._context.output.drop("flow_table_full")
        flow = self._schedule(service, packet, mark, now)
        if flow is None:
            return self._leave(service, packet, mark, now, from_icmp=from_icmp)
        return flow

    def _may_open(self, packet: Packet) -> bool:
        """The table of C.5."""
        if packet.protocol == TCP:
            flags = packet.tcp_flags
            return not flags & transport.RST and bool(
                flags & transport.SYN or self._context.settings.sloppy_tcp
            )
        if packet.protocol == SCTP:
            chunk = transport.chunk(packet)
            return chunk == INIT_CHUNK or (
                bool(self._context.settings.sloppy_sctp) and chunk not in (None, ABORT_CHUNK)
            )
        return packet.protocol == UDP

    def _schedule(
        self, service: VirtualService, packet: Packet, mark: int, now: float
    ) -> Flow | Verdict | None:
        """A bound flow, a drop, or None when there is no server."""
        if service.persistent is not None:
            return self._schedule_persistent(service, packet, mark, now)
        if not service.mark and packet.dport != service.port:
            if not service.port:
                self._counters["port_zero_not_persistent"] += 1
            return None
        lease = self._choose(service, packet, now)
        if lease is None:
            return None
        port = lease.server.port
        return self._bind(service, packet, lease, port or packet.dport, mark, now)

    def _schedule_persistent(
        self, service: VirtualService, packet: Packet, mark: int, now: float
    ) -> Flow | Verdict | None:
        about = persistence.fields(service, packet)
        if about is None:
            return self._context.output.drop("sip_without_call_id")
        template = persistence.find(self._table, about, service, self._context.settings)
        if template is None:
            lease = self._choose(service, packet, now)
        else:
            lease = ledger.claim(template.server, inactive=True)
        if lease is None:
            return None
        fresh = template is None
        if template is None:
            claim = ledger.template(lease.server)
            template = persistence.create(self._table, about, service, claim, now)
        port = persistence.server_port(service, packet, lease.server.port)
        flow = self._bind(service, packet, lease, port, mark, now, template)
        if fresh and not isinstance(flow, Flow):
            self._table.end(template)
        return flow

    def _choose(self, service: VirtualService, packet: Packet, now: float) -> Lease | None:
        pool = self._registry.pools.get(service.config.pool)
        if pool is None:
            return None
        try:
            key = PacketKey(packet)
            return selection.select(self._registry, pool, service.key, key, now, inactive=True)
        except DirectorError:
            self._counters["scheduler_failed"] += 1
            return None

    def _bind(
        self, service: VirtualService, packet: Packet, lease: Lease, dport: int, mark: int, now: float,
        control: Template | None = None,
    ) -> Flow | Verdict:  # fmt: skip
        """Make the flow that holds `lease`, and count it; gives the lease back when it cannot be."""
        server = lease.server
        target = packed(server.address.host)
        method = service.method(server.config)
        if target is None or (len(target) != len(packet.source) and not method.crosses_families):
            lease.release()
            return self._context.output.drop("server_address_unusable")
        flow = Flow(packet.protocol, packet.source, packet.sport, packet.destination, packet.dport, now)
        flow.target, flow.dport, flow.method, flow.mark = target, dport, method, mark
        flow.quiet = not method.answers_return
        flow.bind(service, lease)
        flow.one_packet = service.config.ops and packet.protocol == UDP
        if method.rewrites and packet.protocol == TCP and packet.dport in self._context.settings.ftp_ports:
            flow.app = "ftp"
        if not flow.one_packet and not self.enter(flow):
            lease.release()
            return self._context.output.drop("flow_key_taken")
        if control is not None:
            if flow.one_packet:
                self._table.restart(control, now)
            else:
                persistence.follow(control, flow, self._table, now)
        self.count(flow)
        return flow

    def enter(self, flow: Flow) -> bool:
        """Put a flow into the table; False when another flow gets its packets."""
        if not self._table.free(flow):
            return False
        self._table.add(flow)
        return True

    def count(self, flow: Flow) -> None:
        """One more connection, for server, service and the whole (H)."""
        for cells in (flow.server_traffic, flow.service_traffic, self._total):
            cells[CONNS] += 1

    def _leave(
        self, service: VirtualService, packet: Packet, mark: int, now: float, *, from_icmp: bool
    ) -> Flow | Verdict:
        """The leave rule of C.5: a service, but no server."""
        self._counters["no_destination"] += 1
        self._note(service, now)
        if self._context.settings.cache_bypass and service.mark and not from_icmp:
            flow = self._bypass(service, packet, mark, now)
            if flow is not None:
                return flow
        if service.ftp and packet.dport != service.port:
            return IGNORED
        if from_icmp:
            return self._context.output.drop("icmp_without_server")
        return self._context.icmp.answer(packet, Error.PORT_UNREACHABLE, now)

    def _note(self, service: VirtualService, now: float) -> None:
        """Say in IPVS's words, with its scheduler's name, that there is no server; once a second (V59)."""
        if now < service.noted + NOTE_EVERY:
            return
        service.noted = now
        pool = self._registry.pools.get(service.config.pool)
        why = pool.why_none(service.key) if pool is not None else "its pool is gone"
        scheduler = service.config.scheduler or (pool.config.scheduler if pool is not None else None)
        name = "none" if scheduler is None else scheduler.name
        self.notes.append(f"{name}: {service} - no destination available: {why}")

    def open_from_server(self, packet: Packet, service: VirtualService, now: float) -> Flow | Verdict | None:
        """The flow of a SIP request that a server sends: it belongs to the call's template (C.3).

        None when there is no template of that Call-ID for this server.
        """
        asked = Packet(packet.frame, packet.family, packet.offload)
        asked.protocol, asked.l4, asked.end = packet.protocol, packet.l4, packet.end
        asked.source, asked.sport = packet.destination, packet.dport
        asked.destination, asked.dport = service.address, service.port
        about = persistence.fields(service, asked)
        template = about and persistence.find(self._table, about, service, self._context.settings)
        if not template or packed(template.server.address.host) != packet.source:
            return None
        if self._table.full and not self._defence.make_room(now):
            return self._context.output.drop("flow_table_full")
        lease = ledger.claim(template.server, inactive=True)
        return self._bind(service, asked, lease, packet.sport, 0, now, template)

    def _bypass(self, service: VirtualService, packet: Packet, mark: int, now: float) -> Flow | None:
        flow = Flow(packet.protocol, packet.source, packet.sport, packet.destination, packet.dport, now)
        flow.method, flow.quiet = BYPASS, True
        flow.mark = mark
        flow.bind(service, None)
        if not self.enter(flow):
            return None
        self.count(flow)
        return flow
