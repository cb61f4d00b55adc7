"""What `ipvsadm -L` prints (`lvs-semantics` I.3): headings, columns, order, numbers.

Pure but for names of hosts and ports, which `addresses` looks up unless numbers are wanted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator

from director.cli.lvs.addresses import service_name, shown
from director.cli.lvs.ipvsadm import Order
from director.cli.lvs.table import ConnectionLine, Daemon, Destination, Figures, IpvsService
from director.model.pools import Forward

VERSION = "1.2.1"
FORWARD = {Forward.NAT: "Masq", Forward.DR: "Route", Forward.TUN: "Tunnel", Forward.LOCAL: "Local"}
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
CHECKSUM_FLAGS = {"none": "-c", "csum": "+c", "remcsum": "r+c"}
SERVICE_WIDTH, SERVER_WIDTH = 33, 28
UNITS = ((10**8, 1, ""), (10**9, 10**3, "K"), (10**11, 10**6, "M"), (10**14, 10**9, "G"))
"""Numbers below the first are shown divided by the second; larger ones in T."""


def version(size: int) -> str:
    """The line above a full listing."""
    return f"IP Virtual Server version {VERSION} (size={size})"


def large(number: int, *, exact: bool) -> str:
    """A counter in nine columns, with a unit when it is long; `exact` shows all its digits."""
    if exact:
        digits = str(number)
        return f"{digits:>9}" if len(digits) <= 8 else f" {digits}"
    for limit, divisor, unit in UNITS:
        if number < limit:
            return f"{number // divisor:>9}" if not unit else f"{number // divisor:>8}{unit}"
    return f"{number // 10**12:>8}T"


def heading(order: Order) -> Iterator[str]:
    """The two lines above services and servers."""
    servers = "  -> RemoteAddress:Port"
    first = "Prot LocalAddress:Port"
    if order.has("stats"):
        yield f"{first:<33} {'Conns':>8} {'InPkts':>8} {'OutPkts':>8} {'InBytes':>8} {'OutBytes':>8}"
    elif order.has("rate"):
        yield f"{first:<33} {'CPS':>8} {'InPPS':>8} {'OutPPS':>8} {'InBPS':>8} {'OutBPS':>8}"
    elif order.has("thresholds"):
        yield f"{first:<33} {'Uthreshold':<10} {'Lthreshold':<10} {'ActiveConn':<10} {'InActConn':<10}"
    elif order.has("persistent-conn"):
        yield f"{first:<33} {'Weight':<9} {'PersistConn':<11} {'ActiveConn':<10} {'InActConn':<10}"
    else:
        yield f"{first} Scheduler Flags"
        columns = (
            "Forward TunnelInfo    Weight ActiveConn InActConn"
            if order.has("tun-info")
            else ("Forward Weight ActiveConn InActConn")
        )
        servers = f"{servers}           {columns}"
    yield servers


def service_lines(service: IpvsService, order: Order) -> Iterator[str]:
    """One service and its destinations."""
    numeric, exact = order.has("numeric"), order.has("exact")
    virtual = service.virtual
    if order.has("stats") or order.has("rate"):
        name = service_name(virtual, numeric=numeric, width=SERVICE_WIDTH)
        found = service.stats if order.has("stats") else service.rates
        yield f"{name:<33}" + "".join(large(one, exact=exact) for one in found)
    else:
        yield f"{service_name(virtual, numeric=numeric)} {described(service)}"
    print_destination = _printer(order)
    for one in ordered(service.destinations) if not order.has("nosort") else service.destinations:
        place = shown(one.host, one.port, virtual.protocol, numeric=numeric)
        if ":" not in one.host:
            place = place[:SERVER_WIDTH]
        yield "  -> " + print_destination(one, place)


def described(service: IpvsService) -> str:
    """Scheduler, flags, persistence and mask, engine, one-packet scheduling."""
    text = service.scheduler
    if service.flags:
        text += f" ({','.join(service.flags)})"
    if service.persistent is not None:
        text += f" persistent {service.persistent}"
        whole = 128 if service.virtual.family == 6 else 32
        if service.netmask not in {None, whole}:
            text += f" mask {mask(service)}"
        if service.engine:
            text += f" pe {service.engine}"
    return f"{text} ops" if service.ops else text


def mask(service: IpvsService) -> str:
    """The mask of persistence as the tool writes it: dotted for IPv4, a length for IPv6."""
    if service.virtual.family == 6:
        return str(service.netmask)
    return str(ipaddress.IPv4Network(f"0.0.0.0/{service.netmask}").netmask)


Printer = Callable[[Destination, str], str]


def _printer(order: Order) -> Printer:
    exact = order.has("exact")
    if order.has("stats"):
        return lambda one, place: f"{place:<28}" + _figures(one.stats, exact=exact)
    if order.has("rate"):
        return lambda one, place: _rates(one.rates, place, exact=exact)
    if order.has("thresholds"):
        return lambda one, place: (
            f"{place:<28} {one.upper:<10} {one.lower:<10} {one.active:<10} {one.inactive:<10}"
        )
    if order.has("persistent-conn"):
        return lambda one, place: (
            f"{place:<28} {one.weight:<9} {one.persistent:<11} {one.active:<10} {one.inactive:<10}"
        )
    if order.has("tun-info"):
        return lambda one, place: (
            f"{place:<28} {FORWARD[one.forward]:<7} {_tunnel(one):<13} {one.weight:<6} "
            f"{one.active:<10} {one.inactive:<10}"
        )
    return lambda one, place: (
        f"{place:<28} {FORWARD[one.forward]:<7} {one.weight:<6} {one.active:<10} {one.inactive:<10}"
    )


def _figures(found: Figures, *, exact: bool) -> str:
    return "".join(large(one, exact=exact) for one in found)


def _rates(found: Figures, place: str, *, exact: bool) -> str:
    conns, inpkts, outpkts, inbytes, outbytes = found
    numbers = f"{conns:>8} {inpkts:>8} {outpkts:>8}"
    return f"{place:<28} {numbers}{large(inbytes, exact=exact)}{large(outbytes, exact=exact)}"


def _tunnel(one: Destination) -> str:
    if one.forward is not Forward.TUN:
        return "n/a"
    flag = CHECKSUM_FLAGS[one.tunnel.checksum]
    if one.tunnel.kind == "gue":
        return f"gue:{one.tunnel.port}:{flag}"
    return f"gre:{flag}" if one.tunnel.kind == "gre" else one.tunnel.kind


def ordered(destinations: tuple[Destination, ...]) -> list[Destination]:
    """Destinations by address and port."""
    return sorted(destinations, key=lambda one: (*_sortable(one.host), one.port))


def ordered_services(services: Iterable[IpvsService]) -> list[IpvsService]:
    """Services by mark, family, protocol, address, port."""

    def key(service: IpvsService) -> tuple[object, ...]:
        virtual = service.virtual
        place = ("", b"") if virtual.fwmark else _sortable(virtual.host)
        return (virtual.fwmark, virtual.family, PROTOCOLS[virtual.protocol], place[1], virtual.port)

    return sorted(services, key=key)


def _sortable(host: str) -> tuple[str, bytes]:
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        return host, b""
    return "", packed


def entries(found: tuple[ConnectionLine, ...], order: Order) -> Iterator[str]:
    """The connection table."""
    numeric, more = order.has("numeric"), order.has("persistent-conn")
    yield "IPVS connection entries"
    head = f"pro expire {'state':<11} {'source':<18} {'virtual':<18} "
    yield head + (f"{'destination':<18} {'pe name':<16} pe_data" if more else "destination")
    for one in found:
        protocol = one.protocol.lower()
        source, virtual, target = (
            shown(host, port, protocol, numeric=numeric)
            for host, port in (one.source, one.virtual, one.destination)
        )
        expires = f"{one.expires // 60:02d}:{one.expires % 60:02d}"
        line = f"{one.protocol:<3} {expires:<6} {one.state:<11} {source:<18} {virtual:<18} "
        yield line + (f"{target:<18} {one.engine:<16} {one.data}" if more else target)


def timeouts(found: tuple[int, int, int]) -> str:
    """The answer to `-L --timeout`."""
    return "Timeout (tcp tcpfin udp): {} {} {}".format(*found)


def daemon(found: Daemon) -> str:
    """One line of `-L --daemon`."""
    parts = [f"mcast={found.interface}", f"syncid={found.syncid}"]
    parts += [f"maxlen={found.maxlen}"] if found.maxlen else []
    parts += [f"group={found.group}"] if found.group else []
    parts += [f"port={found.port}"] if found.port else []
    parts += [f"ttl={found.ttl}"] if found.ttl else []
    return f"{found.role} sync daemon ({', '.join(parts)})"
