"""What people and tools see of the flow table, and the texts of `/proc/net/ip_vs*` (`lvs-semantics` H).

Pure reading: rows are copies, made on demand.  `ipvsadm -Lc` shows `connections`, the API and the pages
`newest`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from director.l4.flows import Entry, Flow, FlowTable, Template
from director.l4.services import packed
from director.l4.states import transitions
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.model.pools import Network
from director.registry.counters import Zeroable

PROTOCOLS = {0: "IP", TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}
VERSION = "1.2.1"
LOOKED_AT = 100_000
"""Entries that one question looks at: some hundredths of a second."""
Fits = Callable[[Entry], bool]


@frozen
class Connection:
    """One flow or template; addresses packed, `expires` in seconds from now, `data` the engine's.

    `number` tells it apart from all others of its table; the newest has the largest.
    """

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
    number: int = 0


def connections(table: FlowTable, now: float) -> Iterator[Connection]:
    """Rows for all entries."""
    for entry in list(table.entries):
        yield _row(entry, max(0.0, entry.deadline - now))


def newest(
    table: FlowTable, now: float, fits: Fits, limit: int, after: int | None = None
) -> tuple[list[Connection], int | None]:
    """Up to `limit` rows of entries that fit, newest first, of those older than number `after`.

    With them comes the `after` of what is left, None when nothing is: also where no more than `LOOKED_AT`
    entries were looked at, for packets wait meanwhile.
    """
    rows: list[Connection] = []
    looked = 0
    for number, entry in reversed(table.by_age.items()):
        if after is not None and number >= after:
            continue
        if looked >= LOOKED_AT or len(rows) >= limit:
            return rows, number + 1
        looked += 1
        if fits(entry):
            rows.append(_row(entry, max(0.0, entry.deadline - now)))
    return rows, None


def fitting(client: Network | None = None, service: str = "", server: str = "") -> Fits:
    """The test for entries of clients in a network, of a service and of a server.

    A service goes by its name or key (`l4:NAME`), a server by its name, `POOL/NAME`, or address with or
    without port.
    """
    network = None
    if client is not None:
        shift = client.max_prefixlen - client.prefixlen
        network = client.max_prefixlen // 8, shift, int(client.network_address) >> shift

    def fits(entry: Entry) -> bool:
        assert isinstance(entry, Flow | Template)  # noqa: S101 - the table holds nothing else
        if network is not None:
            address = entry.client if isinstance(entry, Flow) else entry.fields.client
            size, shift, wanted = network
            if len(address) != size or int.from_bytes(address, "big") >> shift != wanted:
                return False
        if service and service not in (entry.service.name, entry.service.key):
            return False
        return not server or server in _names(entry)

    return fits


def _names(entry: Flow | Template) -> tuple[str, ...]:
    """What the server of an entry is called by."""
    if isinstance(entry, Flow) and entry.lease is None:
        return ()
    server = entry.server
    return server.name, f"{server.pool.name}/{server.name}", server.address.host, str(server.address)


def _row(entry: Entry, expires: float) -> Connection:
    if isinstance(entry, Template):
        return _template_row(entry, expires)
    assert isinstance(entry, Flow)  # noqa: S101 - the table holds nothing else
    server = entry.server.name if entry.lease is not None else ""
    return Connection(
        PROTOCOLS[entry.protocol], entry.client, entry.cport, entry.virtual, entry.vport,
        entry.target, entry.dport,
        transitions.name(entry), expires, entry.service.name, server,
        entry.method.listed, entry.in_pkts, template=False, number=entry.number,
    )  # fmt: skip


def _template_row(entry: Template, expires: float) -> Connection:
    about, config = entry.fields, entry.service.config
    target = packed(entry.server.address.host) or b""
    return Connection(
        PROTOCOLS[about.protocol], about.client, 0, about.virtual, about.vport, target, about.dport,
        "ASSURED" if entry.assured else "NONE", expires, entry.service.name, entry.server.name,
        entry.service.method(entry.server.config).listed, 0, template=True,
        engine=config.engine if about.data else "", data=about.data, number=entry.number,
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
