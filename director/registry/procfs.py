"""The texts of `/proc/net/ip_vs*` as the kernel writes them (`lvs-semantics` H).

From values that whoever has them reports, so the commands can write them as well as the program.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from director.registry.counters import TrafficFigures
from director.registry.reports import ConnectionEntry

VERSION = "1.2.1"
"""Of the interface that is spoken here; `ipvsadm` prints it."""


def connections(entries: Iterable[ConnectionEntry]) -> str:
    """`ip_vs_conn`: flows and templates."""
    lines = ["Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData"]
    for one in entries:
        engine = f" {one.engine} {one.data}" if one.engine else ""
        places = " ".join(map(_place, (one.client, one.virtual, one.target)))
        lines.append(f"{one.protocol:<3} {places} {one.state:<11} {int(one.expires):7d}{engine}")
    return "\n".join(lines) + "\n"


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
    """`ADDRESS:PORT` in hexadecimal, in network order; IPv6 in groups."""
    host, _, port = text.rpartition(":")
    packed = ipaddress.ip_address(host.strip("[]")).packed
    if len(packed) == 4:
        return f"{packed.hex().upper()} {int(port):04X}"
    groups = (packed[at : at + 2].hex() for at in range(0, 16, 2))
    return f"[{':'.join(groups)}] {int(port):04X}"
