"""Persistence: which client belongs to which server, and for how long (`lvs-semantics` C.3).

Pure functions over the table's templates; `admission` calls them for each packet that would open a flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from director.l4 import sip
from director.l4.flows import Flow, FlowTable, Template, TemplateFields
from director.l4.wire.protocols import TCP, UDP

if TYPE_CHECKING:
    from director.l4.services import VirtualService
    from director.l4.wire.packet import Packet
    from director.model.virtual import L4Settings
    from director.registry.ledger import TemplateClaim

IP = 0
"""The protocol of a mark service's templates: any."""


def network(address: bytes, prefix: int) -> bytes:
    """`address` with all but `prefix` bits cleared."""
    host = 8 * len(address) - prefix
    return (int.from_bytes(address, "big") >> host << host).to_bytes(len(address), "big")


def fields(service: VirtualService, packet: Packet) -> TemplateFields | None:
    """What the template of this packet's client is about; None when the SIP engine finds no Call-ID."""
    data = b""
    if service.config.engine == "sip" and packet.protocol == UDP:
        call = sip.call_id(bytes(memoryview(packet.frame)[packet.payload() : packet.end]))
        if call is None:
            return None
        data = call
    client = network(packet.source, service.prefix)
    if service.mark:
        virtual = service.mark.to_bytes(len(packet.source), "big")
        return TemplateFields(IP, client, virtual, 0, 0, data)
    own_port = service.port not in (0, 21) and packet.dport == service.port
    return TemplateFields(
        packet.protocol, client, packet.destination, packet.dport if own_port else 0, 0, data
    )


def template_key(of: TemplateFields) -> tuple[Any, ...]:
    """The table's key: the engine's data stands in place of the client."""
    return (of.protocol, of.data or of.client, bool(of.data), of.virtual, of.vport)


def find(
    table: FlowTable, of: TemplateFields, service: VirtualService, settings: L4Settings
) -> Template | None:
    """The valid template, or None; one that is no longer valid is hidden and left to expire."""
    found = table.templates.get(template_key(of))
    if found is None:
        return None
    server = found.server
    quiesced = settings.expire_quiescent_template and server.weight == 0
    of_pool = server.pool.name == service.config.pool
    if found.service is service and of_pool and server.available and not quiesced:
        return found
    table.hide(found)
    return None


def create(
    table: FlowTable, of: TemplateFields, service: VirtualService, claim: TemplateClaim, now: float
) -> Template:
    """A new template that holds `claim`."""
    of.dport = claim.server.port if of.vport else 0
    template = Template(template_key(of), of, service, claim, now)
    table.add_template(template)
    return template


def server_port(service: VirtualService, packet: Packet, port: int) -> int:
    """The server's port for a packet: the service's own port maps to the server's, others stay."""
    return port if packet.dport == service.port and port else packet.dport


def follow(template: Template, flow: Flow, table: FlowTable, now: float) -> None:
    """Let `template` control `flow`; its timer starts anew."""
    flow.control = template
    template.controls += 1
    template.timeout = template.service.persistent or template.timeout
    table.restart(template, now)


def assure(flow: Flow) -> None:
    """The flow has proved itself: established TCP or SCTP, or a UDP reply was seen."""
    if isinstance(flow.control, Template) and flow.protocol in (TCP, UDP, 132):
        flow.control.assured = True
