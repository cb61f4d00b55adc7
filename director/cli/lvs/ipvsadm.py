"""The grammar of `ipvsadm`: which command, about what, with which options (`lvs-semantics` I.1, I.2).

`parse` makes an `Order` of the arguments, or raises BadOptionError with the tool's own words and exit status.
Options are looked at one by one as they come, so the first mistake is the one that is told; what a command
needs and allows is looked up in `legality` when all were read.
Checked against ipvsadm 1.31 (tests/conformance/lvs).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from director.cli.lvs import addresses
from director.cli.lvs.addresses import NoAddressError, number
from director.cli.lvs.legality import LEGAL, NAMES, TUNNEL, TUNNELS, lawful
from director.cli.lvs.popt import BadOptionError, Met, Option, Takes, read
from director.cli.lvs.table import Daemon, Destination, IpvsService
from director.model.pools import LARGEST_COUNT, Forward, Tunnel
from director.model.virtual import Virtual

HINT = "Try `{program} -h' or '{program} --help' for more information."
LONGEST_TIMEOUT = 31 * 24 * 3600
STANDARD_TIMEOUT = 360
"""Seconds that a bare `-p` asks for (IP_VS_PERSISTENT_TIMEOUT)."""
LARGEST_MARK = 2**32 - 1
LARGEST_SYNCID = 255
LARGEST_SYNC_MESSAGE = 65507
SCHEDULER_FLAGS = {"sh-fallback": "sh", "sh-port": "sh", "mh-fallback": "mh", "mh-port": "mh"}
PLAIN_FLAGS = frozenset({"flag-1", "flag-2", "flag-3"})

COMMANDS: Mapping[str, str] = {
    "add-service": "add-service", "edit-service": "edit-service", "delete-service": "delete-service",
    "clear": "flush", "add-server": "add-server", "edit-server": "edit-server",
    "delete-server": "delete-server", "list": "list", "zero": "zero", "set": "set",
    "start-daemon": "start-daemon", "stop-daemon": "stop-daemon", "restore": "restore", "save": "save",
    "help": "help", "version": "version",
}  # fmt: skip
"""Long name of each command, and what messages call it."""

_V, _P = Takes.VALUE, Takes.PERHAPS
OPTIONS = (
    Option("A", "add-service"), Option("E", "edit-service"), Option("D", "delete-service"),
    Option("C", "clear"), Option("R", "restore"), Option("S", "save"), Option("a", "add-server"),
    Option("e", "edit-server"), Option("d", "delete-server"), Option("L", "list"), Option("l", "list"),
    Option("Z", "zero"), Option("", "set"), Option("", "start-daemon", _V), Option("", "stop-daemon", _V),
    Option("h", "help"), Option("v", "version"),
    Option("t", "tcp-service", _V), Option("u", "udp-service", _V), Option("", "sctp-service", _V),
    Option("f", "fwmark-service", _V), Option("6", "ipv6"), Option("s", "scheduler", _V),
    Option("p", "persistent", _P), Option("M", "netmask", _V), Option("", "pe", _V), Option("o", "ops"),
    Option("b", "sched-flags", _V), Option("r", "real-server", _V), Option("g", "gatewaying"),
    Option("i", "ipip"), Option("m", "masquerading"), Option("", "tun-type", _V), Option("", "tun-port", _V),
    Option("", "tun-nocsum"), Option("", "tun-csum"), Option("", "tun-remcsum"), Option("w", "weight", _V),
    Option("x", "u-threshold", _V), Option("y", "l-threshold", _V), Option("n", "numeric"),
    Option("c", "connection"), Option("", "timeout"), Option("", "daemon"), Option("", "stats"),
    Option("", "rate"), Option("", "thresholds"), Option("", "persistent-conn"), Option("", "tun-info"),
    Option("", "nosort"), Option("", "sort"), Option("X", "exact"), Option("", "syncid", _V),
    Option("", "sync-maxlen", _V), Option("", "mcast-interface", _V), Option("", "mcast-group", _V),
    Option("", "mcast-port", _V), Option("", "mcast-ttl", _V),
)  # fmt: skip

CHECKSUMS = {"tun-nocsum": "none", "tun-csum": "csum", "tun-remcsum": "remcsum"}
METHODS = {"gatewaying": Forward.DR, "ipip": Forward.TUN, "masquerading": Forward.NAT}
PROTOCOLS = {"tcp-service": "tcp", "udp-service": "udp", "sctp-service": "sctp"}


@define
class Order:
    """What was asked.  `options` are the names (of `NAMES`) that were given; the rest are their values."""

    command: str
    options: set[str] = field(factory=set)
    virtual: Virtual = field(factory=Virtual)
    scheduler: str = "wlc"
    flags: tuple[str, ...] = ()
    persistent: int | None = None
    netmask: int | None = None
    engine: str = ""
    host: str = ""
    port: int | None = None
    forward: Forward = Forward.DR
    tunnel: str = "ipip"
    tunnel_port: int = 0
    weight: int = 1
    upper: int = 0
    lower: int = 0
    timeouts: tuple[int, int, int] = (0, 0, 0)
    daemon: Daemon = field(factory=lambda: Daemon(""))

    def has(self, name: str) -> bool:
        """An option was given."""
        return name in self.options

    @property
    def service(self) -> IpvsService:
        """The service to add or edit."""
        return IpvsService(
            self.virtual,
            self.scheduler,
            self.flags,
            self.persistent,
            self.netmask,
            self.engine,
            self.has("ops"),
        )

    @property
    def destination(self) -> Destination:
        """The real server to add, edit or delete."""
        checksum = next((CHECKSUMS[name] for name in CHECKSUMS if self.has(name)), "none")
        tunnel = Tunnel(self.tunnel, self.tunnel_port, checksum)
        port = self.virtual.port if self.port is None else self.port
        return Destination(self.host, port, self.forward, self.weight, self.upper, self.lower, tunnel)


def parse(words: Sequence[str], program: str = "ipvsadm") -> Order:
    """The order that arguments (without the program's name) give.  Raises BadOptionError."""
    leftover: list[str] = []
    met = read(OPTIONS, words, leftover)
    try:
        first = next(met, None)
    except BadOptionError as error:
        raise BadOptionError(HINT.format(program=program), 255) from error
    if first is None:
        if leftover:
            raise BadOptionError(HINT.format(program=program), 255)
        return Order("list")
    command = COMMANDS.get(first.option.long)
    if command is None:
        raise BadOptionError(HINT.format(program=program), 255)
    order = Order(command)
    if command in {"help", "version"}:
        return order
    if command in {"start-daemon", "stop-daemon"}:
        _role(order, first.value or "")
    for each in met:
        _take(order, each)
    if command == "set":
        _three_timeouts(order, leftover)
    if leftover:
        raise BadOptionError(f"unexpected argument {leftover[0]}")
    _check(order)
    return order


# --- one option after the other ------------------------------------------------------------------


def _take(order: Order, met: Met) -> None:
    name = met.option.long
    if name in COMMANDS:
        raise BadOptionError(f"invalid option `{met.word}'")
    reader = READERS.get(name)
    value = met.value or ""
    if name in PROTOCOLS:
        _once(order, "service-address")
        _address(order, PROTOCOLS[name], value)
    elif name in METHODS:
        _once(order, "forwarding-method")
        order.forward = METHODS[name]
    elif name in CHECKSUMS or reader is None:
        if name not in {"sort", "ipv6"}:
            _once(order, name)
        if name == "ipv6":
            _as_ipv6(order)
    else:
        _once(order, "service-address" if name == "fwmark-service" else name)
        reader(order, value if met.value is not None or name != "persistent" else str(STANDARD_TIMEOUT))


def _once(order: Order, name: str) -> None:
    if name in order.options:
        raise BadOptionError(f"multiple '{name}' options specified")
    order.options.add(name)


def _address(order: Order, protocol: str, value: str) -> None:
    try:
        host, port = addresses.endpoint(value, protocol)
    except NoAddressError as error:
        raise BadOptionError("illegal virtual server address[:port] specified") from error
    order.virtual = Virtual(protocol, host, port or 0, 0, 6 if ":" in host else 4)


def _mark(order: Order, value: str) -> None:
    mark = number(value, 1, LARGEST_MARK)
    if mark is None:
        raise BadOptionError(f"invalid fwmark value `{value}' specified")
    order.virtual = Virtual(fwmark=mark)


def _as_ipv6(order: Order) -> None:
    if not order.virtual.fwmark:
        raise BadOptionError("-6 used before -f\n")
    order.virtual = Virtual(fwmark=order.virtual.fwmark, family=6)


def _scheduler(order: Order, value: str) -> None:
    order.scheduler = value


def _flags(order: Order, value: str) -> None:
    """Kept as they are: whether the scheduler knows them is looked at when all options were read."""
    order.flags = tuple(one for one in value.split(",") if one)
    for one in order.flags:
        if one not in PLAIN_FLAGS and one not in SCHEDULER_FLAGS:
            raise BadOptionError(f"invalid scheduler flag `{one}'")


def _persistent(order: Order, value: str) -> None:
    order.persistent = _timeout(value, 1)


def _timeout(value: str, least: int) -> int:
    seconds = number(value, least, LONGEST_TIMEOUT)
    if seconds is None:
        raise BadOptionError(f"invalid timeout value `{value}' specified")
    return seconds


def _netmask(order: Order, value: str) -> None:
    if order.virtual.family == 6:
        order.netmask = number(value, 1, 128)
        if order.netmask is None:
            raise BadOptionError("illegal ipv6 netmask specified")
        return
    try:
        mask = socket.inet_ntoa(socket.inet_aton(value))
        order.netmask = ipaddress.IPv4Network(f"0.0.0.0/{mask}").prefixlen
    except (OSError, ValueError) as error:
        raise BadOptionError("illegal virtual server persistent mask specified") from error


def _pe(order: Order, value: str) -> None:
    order.engine = value


def _real_server(order: Order, value: str) -> None:
    try:
        order.host, order.port = addresses.endpoint(value, order.virtual.protocol)
    except NoAddressError as error:
        raise BadOptionError("illegal real server address[:port] specified") from error


def _tunnel_type(order: Order, value: str) -> None:
    if value not in TUNNELS:
        raise BadOptionError("illegal tunnel type specified")
    order.tunnel = value


def _numbered(attribute: str, least: int, most: int, complaint: str) -> Callable[[Order, str], None]:
    """A reader of a number into an attribute of the order."""

    def take(order: Order, value: str) -> None:
        found = number(value, least, most)
        if found is None:
            raise BadOptionError(complaint)
        setattr(order, attribute, found)

    return take


def _of_daemon(attribute: str, least: int, most: int) -> Callable[[Order, str], None]:
    """A reader of a number into an attribute of the daemon."""

    def take(order: Order, value: str) -> None:
        found = number(value, least, most)
        if found is None:
            name = {"syncid": "syncid", "port": "mcast-port", "ttl": "mcast-ttl", "maxlen": "sync-maxlen"}
            raise BadOptionError(f"illegal {name[attribute]} specified")
        order.daemon = _evolved(order.daemon, attribute, found)

    return take


def _evolved(daemon: Daemon, attribute: str, value: object) -> Daemon:
    known = {name: getattr(daemon, name) for name in Daemon.__annotations__}
    return Daemon(**{**known, attribute: value})


def _role(order: Order, value: str) -> None:
    if value not in {"master", "backup"}:
        stopping = order.command == "stop-daemon"  # whose message is the tool's own slip
        raise BadOptionError(f"illegal {'start_daemon' if stopping else 'start-daemon parameter'} specified")
    order.daemon = Daemon(value)


def _interface(order: Order, value: str) -> None:
    order.daemon = _evolved(order.daemon, "interface", value)


def _group(order: Order, value: str) -> None:
    family = "IPv6" if ":" in value else "IPv4"
    try:
        fine = ipaddress.ip_address(value).is_multicast
    except ValueError:
        fine = False
    if not fine:
        raise BadOptionError(f"invalid {family} mcast-group `{value}'")
    order.daemon = _evolved(order.daemon, "group", value)


READERS: Mapping[str, Callable[[Order, str], None]] = {
    "fwmark-service": _mark, "scheduler": _scheduler, "sched-flags": _flags, "persistent": _persistent,
    "netmask": _netmask, "pe": _pe, "real-server": _real_server, "tun-type": _tunnel_type,
    "tun-port": _numbered("tunnel_port", 1, addresses.LARGEST_PORT, "illegal tunnel port specified"),
    "weight": _numbered("weight", 0, LARGEST_COUNT, "illegal weight specified"),
    "u-threshold": _numbered("upper", 0, LARGEST_COUNT, "illegal u_threshold specified"),
    "l-threshold": _numbered("lower", 0, LARGEST_COUNT, "illegal l_threshold specified"),
    "syncid": _of_daemon("syncid", 0, LARGEST_SYNCID),
    "sync-maxlen": _of_daemon("maxlen", 1, LARGEST_SYNC_MESSAGE),
    "mcast-port": _of_daemon("port", 1, addresses.LARGEST_PORT),
    "mcast-ttl": _of_daemon("ttl", 1, 255),
    "mcast-interface": _interface, "mcast-group": _group,
}  # fmt: skip


def _three_timeouts(order: Order, leftover: list[str]) -> None:
    if len(leftover) < 3:
        raise BadOptionError("--set option requires 3 timeout values")
    tcp, tcpfin, udp = (_timeout(leftover.pop(0), 0) for _ in range(3))
    order.timeouts = (tcp, tcpfin, udp)


# --- all of them together -------------------------------------------------------------------------


def _check(order: Order) -> None:
    lawful(order.options, LEGAL[order.command], f"the '{order.command}' command")
    if order.command in {"add-service", "edit-service"}:
        _check_service(order)
    elif order.command in {"add-server", "edit-server", "delete-server"}:
        _check_server(order)
    elif order.command == "list":
        figures = {"stats", "rate", "thresholds"} & order.options
        table = {"connection", "timeout", "daemon"} & order.options
        if (table and figures) or (order.has("persistent-conn") and {"timeout", "daemon"} & order.options):
            raise BadOptionError("options conflicts in the list command")


def _check_service(order: Order) -> None:
    virtual = order.virtual
    for flag in order.flags:
        if flag in SCHEDULER_FLAGS and SCHEDULER_FLAGS[flag] != order.scheduler:
            raise BadOptionError(f"incompatible scheduler flag `{flag}'")
    if not virtual.fwmark and virtual.port == 0 and order.persistent is None:
        raise BadOptionError("Zero port specified for non-persistent service")
    if order.has("ops") and not virtual.fwmark and virtual.protocol != "udp":
        raise BadOptionError("One-Packet Scheduling is only for UDP virtual services")


def _check_server(order: Order) -> None:
    virtual = order.virtual
    tunnels = [name for name in NAMES if name.startswith("tun-") and name != "tun-info" and order.has(name)]
    if order.forward is Forward.TUN:
        where = f"the '{order.tunnel}' tunnel type"
        lawful(order.options, TUNNELS[order.tunnel], where, [name for name in NAMES if name in TUNNEL])
    elif tunnels:
        raise BadOptionError("Tunnel options conflict with forward method")
    if (6 if ":" in order.host else 4) != virtual.family and order.forward is not Forward.TUN:
        raise BadOptionError("Different address family is allowed only for tunneling servers")
    if order.command != "delete-server" and not virtual.fwmark and order.forward is not Forward.NAT:
        order.port = virtual.port  # direct routing and tunnels leave the port as it came (B.3)
