"""What people and tools see of the flow table, and the texts of `/proc/net/ip_vs*` (`lvs-semantics` H).

Pure reading: rows are copies, made on demand.  `ipvsadm -Lc`, the API and the pages show `connections`.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from director.l4.flows import Entry, Flow, FlowTable, Template
from director.l4.services import packed
from director.l4.states import transitions
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.registry.counters import Zeroable

PROTOCOLS = {0: "IP", TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}
VERSION = "1.2.1"


@frozen
class Connection:
    """One flow or template; addresses packed, `expires` in seconds from now, `data` the engine's."""

    protocol: str
    client: bytes
    cport: int
    virtual: bytes
    vport: int
    target: bytes
    dport: int
    state: str
    expires: float
    service: str
    server: str
    forward: str
    packets: int
    template: bool
    engine: str = ""
    data: bytes = b""


def connections(table: FlowTable, now: float, limit: int = 0) -> Iterator[Connection]:
    """Rows for all entries, or the first `limit`."""
    entries = table.entries[:limit] if limit else list(table.entries)
    for entry in entries:
        yield _row(entry, max(0.0, entry.deadline - now))


def _row(entry: Entry, expires: float) -> Connection:
    if isinstance(entry, Template):
        return _template_row(entry, expires)
    assert isinstance(entry, Flow)  # noqa: S101 - the table holds nothing else
    server = entry.server.name if entry.lease is not None else ""
    return Connection(
        PROTOCOLS[entry.protocol], entry.client, entry.cport, entry.virtual, entry.vport,
        entry.target, entry.dport,
        transitions.name(entry), expires, entry.service.name, server,
        entry.method.listed, entry.in_pkts, template=False,
    )  # fmt: skip


def _template_row(entry: Template, expires: float) -> Connection:
    about, config = entry.fields, entry.service.config
    target = packed(entry.server.address.host) or b""
    return Connection(
        PROTOCOLS[about.protocol], about.client, 0, about.virtual, about.vport, target, about.dport,
        "ASSURED" if entry.assured else "NONE", expires, entry.service.name, entry.server.name,
        entry.service.method(entry.server.config).listed, 0, template=True,
        engine=config.engine if about.data else "", data=about.data,
    )  # fmt: skip


def _hex(address: bytes) -> str:
    """As /proc shows an address: hexadecimal, in network order; IPv6 in groups."""
    if len(address) == 4:
        return address.hex().upper()
    groups = (address[at : at + 2].hex() for at in range(0, 16, 2))
    return f"[{':'.join(groups)}]"


def proc_connections(table: FlowTable, now: float) -> str:
    """The text of `/proc/net/ip_vs_conn`."""
    lines = ["Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"]
    for one in connections(table, now):
        engine = f" {one.engine} {one.data.decode('ascii', 'replace')}" if one.engine else ""
        lines.append(
            f"{one.protocol:<3} {_hex(one.client)} {one.cport:04X} {_hex(one.virtual)} {one.vport:04X} "
            f"{_hex(one.target)} {one.dport:04X} {one.state:<11} {int(one.expires):7d}{engine}"
        )
    return "\n".join(lines) + "\n"


def proc_stats(total: Zeroable) -> str:
    """The text of `/proc/net/ip_vs_stats`."""
    conns, inpkts, outpkts, inbytes, outbytes = total.shown()
    cps, inpps, outpps, inbps, outbps = total.estimator.rates()
    return (
        "   Total Incoming Outgoing         Incoming         Outgoing\n"
        "   Conns  Packets  Packets            Bytes            Bytes\n"
        f"{conns:8X} {inpkts:8X} {outpkts:8X} {inbytes:16X} {outbytes:16X}\n\n"
        " Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
        f"{cps:8X} {inpps:8X} {outpps:8X} {inbps:16X} {outbps:16X}\n"
    )
