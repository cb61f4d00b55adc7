"""What people and tools see of the flow table (`lvs-semantics` H).

Pure reading: rows are copies, made on demand.  `registry.procfs` writes them as the kernel does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from director.l4.flows import Entry, Flow, FlowTable, Template
from director.l4.services import packed, shown
from director.l4.states import transitions
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.model.pools import Address, Network
from director.registry.reports import ConnectionEntry

PROTOCOLS = {0: "IP", TCP: "TCP", UDP: "UDP", SCTP: "SCTP"}
LOOKED_AT = 100_000
"""Entries that one question looks at: some hundredths of a second."""
Fits = Callable[[Entry], bool]


def connections(table: FlowTable, now: float) -> Iterator[ConnectionEntry]:
    """Rows for all entries."""
    for entry in list(table.entries):
        yield _row(entry, max(0.0, entry.deadline - now))


def newest(
    table: FlowTable, now: float, fits: Fits, limit: int, after: int | None = None
) -> tuple[list[ConnectionEntry], int | None]:
    """Up to `limit` rows of entries that fit, newest first, of those older than number `after`.

    With them comes the `after` of what is left, None when nothing is: also where no more than `LOOKED_AT`
    entries were looked at, for packets wait meanwhile.
    """
    rows: list[ConnectionEntry] = []
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


def _row(entry: Entry, expires: float) -> ConnectionEntry:
    if isinstance(entry, Template):
        return _template_row(entry, expires)
    assert isinstance(entry, Flow)  # noqa: S101 - the table holds nothing else
    server = entry.server.name if entry.lease is not None else ""
    return ConnectionEntry(
        PROTOCOLS[entry.protocol], _place(entry.client, entry.cport), _place(entry.virtual, entry.vport),
        _place(entry.target, entry.dport), transitions.name(entry), expires, entry.service.name, server,
        entry.method.listed, entry.in_pkts, template=False, id=entry.number, origin=_origin(entry),
    )  # fmt: skip


def _origin(entry: Entry) -> str:
    return "SYNC" if entry.replica else "LOCAL"


def _place(address: bytes, port: int) -> str:
    return str(Address(shown(address), port))


def _template_row(entry: Template, expires: float) -> ConnectionEntry:
    about, config = entry.fields, entry.service.config
    target = packed(entry.server.address.host) or b""
    return ConnectionEntry(
        PROTOCOLS[about.protocol], _place(about.client, 0), _place(about.virtual, about.vport),
        _place(target, about.dport) if target else str(entry.server.address),
        "ASSURED" if entry.assured else "NONE", expires, entry.service.name, entry.server.name,
        entry.service.method(entry.server.config).listed, 0, template=True, id=entry.number,
        engine=config.engine if about.data else "", data=about.data.decode("ascii", "replace"),
        origin=_origin(entry),
    )  # fmt: skip
