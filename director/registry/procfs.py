"""The texts of `/proc/net/ip_vs*` as the kernel writes them (`lvs-semantics` H).

From values that whoever has them reports, so the commands can write them as well as the program.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from director.model.virtual import L4Service, L4Settings
from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionEntry
from director.registry.snapshot import RegistrySnapshot, ServerSnapshot

VERSION = "1.2.1"
"""Of the interface that is spoken here; `ipvsadm` prints it."""
TICKS = 250
"""Of the kernel in a second (HZ of Debian's), in which it shows the time of persistence."""
CONNECTIONS_HEAD = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
ORIGINS_HEAD = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"


def services(seen: RegistrySnapshot) -> Iterator[str]:
    """`ip_vs`: services of layer 4 with their servers, those that were added last coming first."""
    settings = seen.configuration.l4_settings or L4Settings()
    yield f"IP Virtual Server version {VERSION} (size={1 << settings.conn_tab_bits})\n"
    yield "Prot LocalAddress:Port Scheduler Flags\n"
    yield "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
    for one in seen.services.values():
        if isinstance(one.config, L4Service):
            pool = seen.pools[one.config.pool]
            yield _service(one.config, (one.config.scheduler or pool.config.scheduler).name)
            yield from (_server(server, one.config) for server in reversed(pool.servers))


def _service(config: L4Service, scheduler: str) -> str:
    virtual = config.virtual
    if virtual.fwmark:
        name = f"FWM  {virtual.fwmark:08X}"
    else:
        name = f"{virtual.protocol.upper()}  {_address(virtual.host)}:{virtual.port:04X}"
    line = f"{name} {scheduler} {'ops ' if config.ops else ''}"
    if config.persistent is None:
        return f"{line}\n"
    return f"{line}persistent {int(config.persistent * TICKS)} {_mask(config):08X}\n"


def _mask(config: L4Service) -> int:
    """A mask of IPv4, the length of a prefix of IPv6 (B.2)."""
    if config.virtual.family == 6:
        return 128 if config.netmask is None else config.netmask
    bits = 32 if config.netmask is None else config.netmask
    return (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF


def _server(one: ServerSnapshot, service: L4Service) -> str:
    where = one.config.address
    method = (one.config.forward or service.forward).method.listed
    counts = f"{method:<7} {one.weight:<6} {one.active:<10} {one.inactive:<10}"
    return f"  -> {_address(where.host)}:{where.port:04X}      {counts}\n"


def connections(entries: Iterable[ConnectionEntry]) -> str:
    """`ip_vs_conn`: flows and templates."""
    return CONNECTIONS_HEAD + "".join(map(connection, entries))


def connection(one: ConnectionEntry) -> str:
    """One line of `ip_vs_conn`."""
    engine = f" {one.engine} {one.data}" if one.engine else ""
    return f"{_entry(one)} {int(one.expires):7d}{engine}\n"


def origin(one: ConnectionEntry) -> str:
    """One line of `ip_vs_conn_sync`: the same, with who told of it."""
    return f"{_entry(one)} {one.origin:<6} {int(one.expires):7d}\n"


def _entry(one: ConnectionEntry) -> str:
    places = " ".join(map(_place, (one.client, one.virtual, one.target)))
    return f"{one.protocol:<3} {places} {one.state:<11}"


def stats(total: TrafficFigures) -> str:
    """`ip_vs_stats`: the whole."""
    conns, inpkts, outpkts, inbytes, outbytes = total.shown
    cps, inpps, outpps, inbps, outbps = total.rates
    return (
        "   Total Incoming Outgoing         Incoming         Outgoing\n"
        "   Conns  Packets  Packets            Bytes            Bytes\n"
        f"{conns:8X} {inpkts:8X} {outpkts:8X} {inbytes:16X} {outbytes:16X}\n\n"
        " Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
        f"{cps:8X} {inpps:8X} {outpps:8X} {inbps:16X} {outbps:16X}\n"
    )


def _place(text: str) -> str:
    """`ADDRESS:PORT` as a connection has it: in hexadecimal, IPv6 without brackets."""
    host, _, port = text.rpartition(":")
    return f"{_address(host.strip('[]')).strip('[]')} {int(port):04X}"


def _address(host: str) -> str:
    """In hexadecimal, in network order; IPv6 in groups, and in brackets as its port stands beside it."""
    packed = ipaddress.ip_address(host).packed
    if len(packed) == 4:
        return packed.hex().upper()
    groups = (packed[at : at + 2].hex() for at in range(0, 16, 2))
    return f"[{':'.join(groups)}]"
