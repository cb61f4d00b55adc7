"""What the director takes away from the host's own stack: the plan, as values.

Pure: services and pools in, a `CapturePlan` out.  `filter` makes the packet filter of the
rings from it and `rules` the drops in the kernel, so both always speak of the same packets.
`Taken` answers for one frame what those drops do with it.

The rule that keeps it exact: a packet is dropped from the stack only when a virtual service
owns its protocol, address and port (or a NAT server's answer could belong to one).  Other
ports of a virtual address stay with the host, for a layer-7 listener beside it.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from director.l4.wire.ends import Ends, ends_of
from director.l4.wire.ethernet import IPV4, IPV6, L3, kind
from director.l4.wire.protocols import ICMP, ICMPV6, IPSEC, PORTS, TCP, UDP
from director.model.pools import Network, Pool, Server
from director.model.virtual import PROTOCOLS, L4Service, Mark

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Frame = bytes | bytearray | memoryview
ALL_PORTS = (0, 65535)
OWED_PORTS = 64
"""Ports of one server that left which are named one by one."""
ROUTE = "route "
"""What the shell's troubles about a server's route begin with; the server's address follows."""
FTP_PORTS = ((20, 21), (1024, 65535))
"""An FTP service owns its data connections too: port 20 and the passive ports (`lvs-semantics` V4)."""
ISAKMP = 500
"""A UDP service on this port takes the ESP and AH packets of its clients too: they follow (D.5)."""
ERRORS = {(IPV4, ICMP): frozenset({3, 4, 11}), (IPV6, ICMPV6): frozenset({1, 2, 3, 4})}
"""ICMP errors that may be about a flow (`lvs-semantics` D.6)."""


@frozen
class Endpoint:
    """A protocol number, an address and an inclusive range of ports; all of them for ESP and AH."""

    protocol: int
    address: Address
    first: int
    last: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= 65535:
            raise ValueError(f"ports {self.first}-{self.last} of {self.address} are no range of ports")


@frozen
class Wide:
    """A whole network that a mark rule sends to a service; it is nobody's address here."""

    protocol: int
    network: Network
    first: int
    last: int


@frozen
class CapturePlan:
    """What belongs to the director.

    `virtuals` are destinations of clients' packets, and so are `wide` ones; `answers` are
    sources of NAT servers' packets; `keep` are listeners of this host that win over all.
    """

    virtuals: tuple[Endpoint, ...] = ()
    answers: tuple[Endpoint, ...] = ()
    keep: tuple[Endpoint, ...] = ()
    wide: tuple[Wide, ...] = ()

    def beside(self, other: CapturePlan) -> CapturePlan:
        """What either plan takes; what this one keeps."""
        return evolve(
            self,
            virtuals=_once((*self.virtuals, *other.virtuals)),
            answers=_once((*self.answers, *other.answers)),
            wide=tuple(dict.fromkeys((*self.wide, *other.wide))),
        )

    @property
    def everything(self) -> bool:
        """The rings need all IP traffic: a filter of addresses cannot hold a network."""
        return bool(self.wide)

    def addresses(self, version: int) -> tuple[Address, ...]:
        """Every address of the plan of one IP version, each once, in order."""
        found = (endpoint.address for endpoint in (*self.virtuals, *self.answers))
        return tuple(dict.fromkeys(address for address in found if address.version == version))

    def virtual_addresses(self) -> tuple[Address, ...]:
        """The virtual addresses, each once, in order."""
        return tuple(dict.fromkeys(endpoint.address for endpoint in self.virtuals))


def capture_plan(
    services: Iterable[L4Service],
    pools: Mapping[str, Pool],
    keep: Iterable[Endpoint] = (),
    marks: Iterable[Mark] = (),
) -> CapturePlan:
    """The plan for `services`, whose pools are found by name in `pools`; `marks` are the mark rules.

    A service whose virtual host or a server whose address is not an IP address is left out:
    names are resolved, or refused, before they come here.
    """
    virtuals: list[Endpoint] = []
    answers: list[Endpoint] = []
    wide: list[Wide] = []
    rules = tuple(marks)
    for service in services:
        virtuals += virtual_endpoints(service)
        for one in _marked(service, rules):
            if one.network.prefixlen == one.network.max_prefixlen:
                address = one.network.network_address
                virtuals.append(Endpoint(one.protocol, address, one.first, one.last))
            else:
                wide.append(one)
        if service.pool in pools:
            for server in pools[service.pool].servers:
                answers += answer_endpoints(service, server)
    return CapturePlan(_once(virtuals), _once(answers), tuple(keep), tuple(dict.fromkeys(wide)))


def _marked(service: L4Service, marks: Iterable[Mark]) -> list[Wide]:
    """What the mark rules send to `service`; empty for an addressed one."""
    found: list[Wide] = []
    for rule in marks:
        if rule.mark == service.virtual.fwmark and rule.network.version == service.virtual.family:
            protocols = (rule.protocol,) if rule.protocol else PROTOCOLS.values()
            found += [Wide(number, rule.network, *rule.ports) for number in protocols]
            if UDP in protocols and rule.ports[0] <= ISAKMP <= rule.ports[1]:
                found += [Wide(number, rule.network, *ALL_PORTS) for number in IPSEC]
    return found


def virtual_endpoints(service: L4Service) -> list[Endpoint]:
    """Where clients of `service` send their packets; empty for a mark service."""
    virtual = service.virtual
    address = parse_address(virtual.host)
    if virtual.fwmark or address is None:
        return []
    spans = _spans(PROTOCOLS[virtual.protocol], virtual.port)
    return [Endpoint(protocol, address, *ports) for protocol, ports in spans]


def answer_endpoints(service: L4Service, server: Server) -> list[Endpoint]:
    """Where `server` answers from, when its answers go back through the director (NAT)."""
    if not (server.forward or service.forward).method.answers_return:
        return []
    address = parse_address(server.address.host)
    if address is None or address.is_loopback:
        return []
    if service.virtual.fwmark:
        return [Endpoint(number, address, *ALL_PORTS) for number in (*PROTOCOLS.values(), *IPSEC)]
    protocol, port = PROTOCOLS[service.virtual.protocol], service.virtual.port
    own = port == 0 or (protocol, port) == (TCP, 21)
    spans = _spans(protocol, port if own else server.address.port or port)
    return [Endpoint(number, address, *ports) for number, ports in spans]


def owed_endpoints(places: Iterable[tuple[int, bytes, int]]) -> tuple[Endpoint, ...]:
    """Where servers that left answer from (`Forwarder.left`); all ports of one with flows on very many."""
    ports: dict[tuple[int, bytes], list[int]] = {}
    for protocol, server, port in sorted(places):
        ports.setdefault((protocol, server), []).append(port)
    return tuple(
        Endpoint(protocol, ipaddress.ip_address(server), *span)
        for (protocol, server), named in ports.items()
        for span in ([(port, port) for port in named] if len(named) <= OWED_PORTS else [ALL_PORTS])
    )


def server_addresses(services: Iterable[L4Service], pools: Mapping[str, Pool]) -> list[bytes]:
    """The servers of the services, packed, each once."""
    names = {service.pool for service in services}
    servers = [server for name in sorted(names & pools.keys()) for server in pools[name].servers]
    found = (parse_address(server.address.host) for server in servers)
    return list(dict.fromkeys(address.packed for address in found if address is not None))


def parse_address(text: str) -> Address | None:
    """`text` as an IP address, or None when it is not one."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _spans(protocol: int, port: int) -> list[tuple[int, tuple[int, int]]]:
    """Protocols and ranges of ports that belong to a service (or a server) on `port`."""
    if (protocol, port) == (TCP, 21):
        return [(TCP, ports) for ports in FTP_PORTS]
    found = [(protocol, ALL_PORTS if port == 0 else (port, port))]
    if protocol == UDP and port in (0, ISAKMP):
        found += [(number, ALL_PORTS) for number in IPSEC]
    return found


def _once(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(dict.fromkeys(endpoints))


class Side(enum.IntEnum):
    """Whose packet the drops took: nobody's, a client's to a service, or a NAT server's answer."""

    NEITHER = 0
    VIRTUAL = 1
    ANSWER = 2


class Taken:
    """Says of one frame whether the drops of a plan take it from the host's stack.

    Mirrors `rules`, for the rare frame that was taken and turns out not to be the director's:
    the shell then gives it back.
    """

    def __init__(self, plan: CapturePlan, local: Iterable[bytes] = ()) -> None:
        """`local` holds the host's own addresses, packed."""
        self._virtuals = _Ports(plan.virtuals)
        self._answers = _Ports(plan.answers)
        self._keep = _Ports(plan.keep)
        self._wide = plan.wide
        self._services = frozenset(one.address.packed for one in plan.virtuals)
        self._servers = frozenset(one.address.packed for one in plan.answers)
        self.local = frozenset(local)

    def __call__(self, frame: Frame, *, pieces: bool = False) -> Side:
        """Why the stack never saw `frame` (an Ethernet frame), if it did not; `pieces`: it came in some."""
        packet = ends_of(frame, L3, len(frame), least=0)
        if packet is None or packet.family != kind(frame):
            return Side.NEITHER
        if pieces or packet.piece:
            return self._in_pieces(packet.source, packet.destination)
        if packet.protocol in IPSEC:
            return self._side(packet.protocol, packet.source, 0, packet.destination, 0)
        if packet.protocol in PORTS:
            ends = packet.source, packet.sport, packet.destination, packet.dport
            return self._side(packet.protocol, *ends)
        return self._error(frame, packet)

    def _in_pieces(self, source: bytes, destination: bytes) -> Side:
        """Fragments are taken by their addresses alone."""
        if destination in self._services or self._in_wide_network(destination):
            return Side.VIRTUAL
        return Side.ANSWER if destination not in self.local and source in self._servers else Side.NEITHER

    def _side(self, protocol: int, source: bytes, sport: int, destination: bytes, dport: int) -> Side:
        if self._keep.has(protocol, destination, dport):
            return Side.NEITHER
        if self._virtuals.has(protocol, destination, dport) or self._in_wide(protocol, destination, dport):
            return Side.VIRTUAL
        if destination not in self.local and self._answers.has(protocol, source, sport):
            return Side.ANSWER
        return Side.NEITHER

    def _error(self, frame: Frame, error: Ends) -> Side:
        """An ICMP error that quotes a packet to a NAT server, as far as the rules can read quotes."""
        kinds = ERRORS.get((error.family, error.protocol), ())
        seen = error.plain or error.family == IPV4
        if not seen or len(frame) <= error.l4 or frame[error.l4] not in kinds:
            return Side.NEITHER
        quote = ends_of(frame, error.l4 + 8, len(frame))
        if quote is None or error.destination in self.local:
            return Side.NEITHER
        if quote.piece and quote.family != IPV4:
            about = quote.destination in self._servers
        else:
            about = quote.plain and self._answers.has(quote.protocol, quote.destination, quote.dport)
        return Side.ANSWER if about else Side.NEITHER

    def _in_wide_network(self, destination: bytes) -> bool:
        return bool(self._wide) and any(
            ipaddress.ip_address(destination) in one.network for one in self._wide
        )

    def _in_wide(self, protocol: int, destination: bytes, port: int) -> bool:
        if not self._wide:
            return False
        address = ipaddress.ip_address(destination)
        return any(
            one.protocol == protocol and one.first <= port <= one.last and address in one.network
            for one in self._wide
        )


class _Ports:
    """A set of endpoints, asked by packed address."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._ranges: dict[tuple[int, bytes], list[tuple[int, int]]] = {}
        for endpoint in endpoints:
            key = (endpoint.protocol, endpoint.address.packed)
            self._ranges.setdefault(key, []).append((endpoint.first, endpoint.last))

    def has(self, protocol: int, address: bytes, port: int) -> bool:
        ranges = self._ranges.get((protocol, address), ())
        return any(first <= port <= last for first, last in ranges)
