"""FTP through NAT: the data connections that a control connection announces (`lvs-semantics` G.1).

Commands of the client are only read (RFC 959, RFC 2428); the server's 227 reply is rewritten to show the
virtual address.  Data flows start in LISTEN, controlled by the control flow.  Called for packets of flows
whose `app` is `ftp`, before they are rewritten.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from director.l4.apps.sequence import Shift, acknowledge, put
from director.l4.flows import Flow, FlowTable
from director.l4.services import packed
from director.l4.states import tcp
from director.l4.wire import ipv4
from director.l4.wire import offload as vnet
from director.l4.wire.checksum import adjust_partial, delta
from director.l4.wire.ethernet import IPV4, L3
from director.l4.wire.integrity import CHECKED, complete
from director.l4.wire.packet import Packet
from director.l4.wire.protocols import TCP
from director.l4.wire.transport import ACK
from director.registry import ledger
from director.registry.counters import CONNS

if TYPE_CHECKING:
    from director.l4.states.transitions import States
    from director.registry.counters import Cells

_ASKS = re.compile(rb"PASV\r\n|EPSV(?: [12])?\r", re.IGNORECASE)
_PORT = re.compile(rb"PORT (\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})\r?\n?", re.IGNORECASE)
_EPRT = re.compile(rb"EPRT (.)([12])\1([0-9A-Fa-f:.]{2,45})\1(\d{1,5})\1", re.IGNORECASE)
_REPLY_227 = re.compile(rb"227 [^(\r\n]*?\(?(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
_REPLY_229 = re.compile(rb"229 [^(\r\n]*\((.)\1\1(\d{1,5})\1\)")
LONGEST = 1024
"""Bytes of a segment that are searched; commands and replies are lines of far less."""


def from_client(
    packet: Packet, flow: Flow, table: FlowTable, states: States, total: Cells, now: float
) -> None:
    """Read a command, open what it announces, and undo the shift in what the client acknowledges."""
    if flow.adjust is not None and packet.tcp_flags & ACK:
        acknowledge(packet, flow.adjust)
    if flow.state != tcp.ESTABLISHED:
        return
    payload = _payload(packet)[:LONGEST]
    asked = _ASKS.search(payload)
    if asked is not None:
        passive = asked[0][:4].upper() == b"PASV"
        if passive is False or flow.family == 4:
            flow.mode = "pasv" if passive else "epsv"
        return
    port = _announced(payload, flow)
    if port:
        _expect(flow, port, flow.vport - 1 & 0xFFFF, flow.dport - 1 & 0xFFFF, table, states, total, now)


def from_server(
    packet: Packet, flow: Flow, offload: bytes, table: FlowTable, states: States, total: Cells, now: float,
) -> bytes:  # fmt: skip
    """Read and rewrite a reply; returns the virtio header the packet has afterwards."""
    sequence = int.from_bytes(packet.frame[packet.l4 + 4 : packet.l4 + 8], "big")
    payload = _payload(packet)
    found = _answer(payload[:LONGEST], flow, table, states, total, now)
    if found is not None:
        place, old, new = found
        flow.adjust = flow.adjust or Shift()
        flow.adjust.replaced(sequence + place, old, new)
    if flow.adjust is None:
        return offload
    text = flow.adjust.text(sequence, payload)
    put(packet, 4, flow.adjust.forth(sequence))
    return offload if text == payload else _replace(packet, text, offload)


def _payload(packet: Packet) -> bytes:
    return bytes(memoryview(packet.frame)[packet.payload() : packet.end])


def _announced(payload: bytes, flow: Flow) -> int:
    """The port a PORT or EPRT command names for the client's own address; 0 = none (RFC 2577: no bounce)."""
    old = _PORT.match(payload) if flow.family == 4 else None
    if old is not None:
        numbers = [int(one) for one in old.groups()]
        if max(numbers) > 255 or bytes(numbers[:4]) != flow.client:
            return 0
        return numbers[4] << 8 | numbers[5]
    new = _EPRT.match(payload)
    if new is None or packed(new[3].decode("ascii")) != flow.client:
        return 0
    port = int(new[4])
    return port if port < 65536 else 0


def _answer(
    payload: bytes, flow: Flow, table: FlowTable, states: States, total: Cells, now: float
) -> tuple[int, bytes, bytes] | None:
    """Where in a reply which bytes must give way to which others, or None when it stays."""
    if not flow.mode or flow.state != tcp.ESTABLISHED:
        return None
    pattern = _REPLY_227 if flow.mode == "pasv" else _REPLY_229
    found = pattern.match(payload)
    if found is None:
        return None
    if flow.mode == "epsv":
        port, change = int(found[2]), None
    else:
        numbers = [int(one) for one in found.groups()]
        if max(numbers) > 255:
            return None
        port = numbers[4] << 8 | numbers[5]
        text = ",".join(str(one) for one in (*flow.virtual, port >> 8, port & 255)).encode("ascii")
        change = found.start(1), payload[found.start(1) : found.end(6)], text
    flow.mode = ""
    if not 0 < port < 65536:
        return None
    _expect(flow, 0, port, port, table, states, total, now)
    return change


def _expect(
    control: Flow, cport: int, vport: int, dport: int, table: FlowTable, states: States, total: Cells,
    now: float,
) -> None:  # fmt: skip
    """A data flow in LISTEN, controlled by the control flow; a full table or a taken key means none."""
    if table.full or control.lease is None:
        return
    flow = Flow(TCP, control.client, cport, control.virtual, vport, now)
    flow.target, flow.dport, flow.method, flow.mark = control.target, dport, control.method, control.mark
    if not table.free(flow):
        return
    flow.bind(control.service, ledger.claim(control.server, inactive=True))
    flow.control = control
    control.controls += 1
    states.enter(flow, tcp.LISTEN)
    table.add(flow)
    for cells in (flow.server_traffic, flow.service_traffic, total):
        cells[CONNS] += 1


def _replace(packet: Packet, payload: bytes, offload: bytes) -> bytes:
    """Put another payload into a packet, lengths and checksums with it; its virtio header afterwards."""
    frame, start, before = packet.frame, packet.payload(), packet.end - packet.l4
    packet.end = start + len(payload)
    frame[start:] = payload
    if packet.family == IPV4:
        frame[L3 + 2 : L3 + 4] = packet.length.to_bytes(2, "big")
        ipv4.sign(frame)
    else:
        frame[L3 + 4 : L3 + 6] = (packet.length - 40).to_bytes(2, "big")
    if packet.offload.partial:
        place = packet.l4 + CHECKED[TCP]
        longer = delta(before.to_bytes(2, "big"), (packet.end - packet.l4).to_bytes(2, "big"))
        field = adjust_partial(frame[place] << 8 | frame[place + 1], longer)
        frame[place : place + 2] = field.to_bytes(2, "big")
    else:
        complete(packet, packet.source, packet.destination)
    if packet.offload.kind != vnet.GSO_NONE and len(payload) <= packet.offload.gso_size:
        # One segment is no super-frame any more, and the kernel refuses it as one.
        packet.offload = packet.offload._replace(gso_type=vnet.GSO_NONE, gso_size=0)
        return vnet.write(packet.offload)
    return offload
