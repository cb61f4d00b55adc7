"""What `ipvsadm -S` writes and `-R` reads (`lvs-semantics` I.4).

Thresholds are written, which ipvsadm 1.31 forgets ([REC]); a file without them is the same octet for octet.
"""

from __future__ import annotations

from collections.abc import Iterator

from director.cli.lvs.addresses import shown
from director.cli.lvs.listing import mask, ordered, ordered_services
from director.cli.lvs.table import Destination, IpvsService
from director.model.pools import Forward

KINDS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
METHODS = {Forward.NAT: "-m", Forward.DR: "-g", Forward.TUN: "-i", Forward.LOCAL: "-g"}
CHECKSUMS = {"none": "--tun-nocsum", "csum": "--tun-csum", "remcsum": "--tun-remcsum"}


def rules(services: tuple[IpvsService, ...], *, numeric: bool) -> Iterator[str]:
    """Lines that make these services again."""
    for service in ordered_services(services):
        name = _name(service, numeric=numeric)
        yield f"-A {name} -s {service.scheduler}{_settings(service)}"
        for one in ordered(service.destinations):
            place = shown(one.host, one.port, service.virtual.protocol, numeric=numeric)
            line = f"-a {name} -r {place} {METHODS[one.forward]} -w {one.weight}"
            yield line + _tunnel(one) + _thresholds(one)


def _name(service: IpvsService, *, numeric: bool) -> str:
    virtual = service.virtual
    if virtual.fwmark:
        return f"-f {virtual.fwmark}{' -6' if virtual.family == 6 else ''}"
    place = shown(virtual.host, virtual.port, virtual.protocol, numeric=numeric)
    return f"{KINDS[virtual.protocol]} {place}"


def _settings(service: IpvsService) -> str:
    text = ""
    if service.persistent is not None:
        text += f" -p {service.persistent}"
        whole = 128 if service.virtual.family == 6 else 32
        if service.netmask not in {None, whole}:
            text += f" -M {mask(service)}"
        if service.engine:
            text += f" --pe {service.engine}"
    text += " -o" if service.ops else ""
    return f"{text} -b {','.join(service.flags)}" if service.flags else text


def _tunnel(one: Destination) -> str:
    if one.forward is not Forward.TUN:
        return ""
    tunnel = one.tunnel
    if tunnel.kind == "ipip":
        return f" --tun-type {tunnel.kind}"
    port = f" --tun-port {tunnel.port}" if tunnel.kind == "gue" else ""
    return f" --tun-type {tunnel.kind}{port} {CHECKSUMS[tunnel.checksum]}"


def _thresholds(one: Destination) -> str:
    upper = f" -x {one.upper}" if one.upper else ""
    return f"{upper} -y {one.lower}" if one.lower else upper
