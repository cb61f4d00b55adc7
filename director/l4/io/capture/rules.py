"""The nftables rules that take the director's packets away from the host's own stack.

Pure: a plan in, text for `nft -f -` out.  The chains hook in at netdev ingress, behind the
taps, so packet sockets still see every frame and the stack sees none of them.  `tables` puts
the text into a table, or two, whole and in one transaction; there is no moment without rules.

What is dropped, per interface:
* packets to a service's address and port;
* packets from a NAT server's address and port, unless they are for this host itself;
* ICMP errors of the server's side about such packets (the director sends them translated);
* ESP and AH where a service may own an ISAKMP flow, as if they had ports and all of them were meant (over
  IPv6, nftables looks behind extension headers but AH);
* fragments to a service's address, or from a NAT server's to others: whose they are is seen once they
  are put together, and only the director sees all of them.
Everything else passes: other ports of the virtual address, echo requests, ARP.  ICMP errors
sent to a virtual address pass too; the stack has no socket for them and ignores them.

Every packet passes these rules, so there are few of them: a chain for each IP version, without rules
for what the plan does not have, and endpoints with all ports in sets that need no interval.

What was taken and is not the director's is given back, a datagram in fragments as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from director.l4.io.capture.plan import Address, CapturePlan, Endpoint, Wide
from director.l4.wire import ipv6

_VERSIONS = {4: "ip", 6: "ip6"}
_TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}
_PIECES = {4: "ip frag-off & 0x3fff != 0 goto pieces4", 6: "exthdr frag exists goto pieces6"}
_ERRORS = {
    4: "ip protocol icmp icmp type { 3, 4, 11 } goto errors",
    6: "ip6 nexthdr icmpv6 icmpv6 type 1-4 goto errors",
}
_DROP = "counter name taken drop"
_CHAIN = """\
    meta pkttype != host accept
    meta protocol ip goto packets4
    meta protocol ip6 goto packets6
"""


def table_name(director: str) -> str:
    """The name of a director's table: `director-NAME`, with what nft does not take replaced."""
    return "director-" + re.sub(r"[^A-Za-z0-9._-]", "_", director)


def content(owner: str, plan: CapturePlan, interfaces: Sequence[str], local: Iterable[Address]) -> str:
    """What stands in the table for `plan` on `interfaces`.

    `owner` is kept as the comment of a chain that nothing calls; `local` holds the host's own addresses.
    """
    here = tuple(local)
    services, servers = (
        tuple(dict.fromkeys(one.address for one in found)) for found in (plan.virtuals, plan.answers)
    )
    found_sets = {
        f"{name}{version}": _EndpointSets(f"{name}{version}", version, endpoints)
        for name, endpoints in (("virtual", plan.virtuals), ("answer", plan.answers), ("keep", plan.keep))
        for version in _VERSIONS
    }
    sets = "".join(one.text for one in found_sets.values())
    hosts = "".join(
        _set(f"{name}{version}", _TYPES[version], [str(one) for one in addresses if one.version == version])
        for name, addresses in (("local", here), ("service", services), ("server", servers))
        for version in (4, 6)
    )
    chains = "".join(_packets_chain(version, found_sets, bool(plan.wide)) for version in _VERSIONS)
    chains += "".join(_chain(number, interface) for number, interface in enumerate(interfaces))
    owned = f'  counter taken {{ }}\n  chain owner {{ accept comment "{owner}"\n  }}\n'
    text = owned + sets + hosts + _pieces_chains(plan.wide) + _errors_chain(plan.answers)
    return text + _networks_chain(plan.wide) + chains


def _set(name: str, kind: str, elements: Sequence[str], flags: str = "") -> str:
    listed = f" elements = {{ {', '.join(elements)} }};" if elements else ""
    return f"  set {name} {{ type {kind};{flags}{listed} }}\n"


class _EndpointSets:
    """The endpoints of one kind and IP version as sets of nftables, and the rules that ask them.

    Those with all ports are in a set without any, which is a hash; an interval set, which is slower, is
    only where other ranges ask for it.
    """

    def __init__(self, name: str, version: int, endpoints: Iterable[Endpoint]) -> None:
        wanted = _joined([one for one in endpoints if one.address.version == version])
        whole = [f"{one.protocol} . {one.address}" for one in wanted if _whole(one)]
        some = [one for one in wanted if not _whole(one)]
        flags = " flags interval;" if any(one.first != one.last for one in some) else ""
        kind = f"inet_proto . {_TYPES[version]}"
        self._key = f"meta l4proto . {_VERSIONS[version]}"
        self._sets = [(f"{name}whole", "")] if whole else []
        self._sets += [(name, " . th {}port")] if some else []
        self.text = _set(f"{name}whole", kind, whole) if whole else ""
        self.text += (
            _set(name, f"{kind} . inet_service", [_element(one) for one in some], flags) if some else ""
        )

    def rules(self, side: str, verdict: str) -> list[str]:
        """`verdict` for packets whose `side` (d = destination, s = source) is one of the endpoints."""
        return [f"{self._key} {side}addr{ports.format(side)} @{name} {verdict}" for name, ports in self._sets]


def _whole(one: Endpoint) -> bool:
    return (one.first, one.last) == (0, 65535)


def _packets_chain(version: int, sets: Mapping[str, _EndpointSets], wide: bool) -> str:
    """What becomes of a packet of that IP version; what matches nothing is the stack's."""
    rules = (
        _PIECES[version],
        *sets[f"keep{version}"].rules("d", "accept"),
        *(("jump networks",) if wide else ()),
        *sets[f"virtual{version}"].rules("d", _DROP),
        f"{_VERSIONS[version]} daddr @local{version} accept",
        *sets[f"answer{version}"].rules("s", _DROP),
        _ERRORS[version],
    )
    return f"  chain packets{version} {{\n" + "".join(f"    {rule}\n" for rule in rules) + "  }\n"


def _joined(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Without those that lie inside another of the same address; interval sets refuse overlaps."""
    result: list[Endpoint] = []
    order = sorted(endpoints, key=lambda one: (one.protocol, one.address.packed, one.first, -one.last))
    for one in order:
        last = result[-1] if result else None
        if last and (last.protocol, last.address) == (one.protocol, one.address) and one.first <= last.last:
            result[-1] = Endpoint(one.protocol, one.address, last.first, max(last.last, one.last))
        else:
            result.append(one)
    return result


def _element(one: Endpoint) -> str:
    return f"{one.protocol} . {one.address} . {_ports(one)}"


def _ports(one: Endpoint) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _chain(number: int, interface: str) -> str:
    hook = f'type filter hook ingress device "{interface}" priority -450; policy accept;'
    return f"  chain ingress{number} {{\n    {hook}\n{_CHAIN}  }}\n"


def _networks_chain(wide: Iterable[Wide]) -> str:
    """Mark rules may overlap as they like, which sets do not allow; they are few, so each is a rule."""
    rules = "".join(f"    {_wide_match(one)}\n" for one in wide)
    return f"  chain networks {{\n{rules}  }}\n"


def _wide_match(one: Wide) -> str:
    version = one.network.version
    family = "ip" if version == 4 else "ip6"
    ports = f"{one.first}-{one.last}"
    return (
        f"meta protocol {family} meta l4proto {one.protocol} {family} daddr {one.network} "
        f"th dport {ports} counter name taken drop"
    )


def _pieces_chains(wide: Iterable[Wide]) -> str:
    """Fragments carry no ports but in the first: they go by their addresses."""
    networks = dict.fromkeys(one.network for one in wide)
    return "".join(
        f"  chain pieces{version} {{\n"
        f"    {family} daddr @service{version} counter name taken drop\n"
        + "".join(
            f"    {family} daddr {one} counter name taken drop\n"
            for one in networks
            if one.version == version
        )
        + f"    {family} daddr @local{version} accept\n"
        f"    {family} saddr @server{version} counter name taken drop\n"
        "  }\n"
        for version, family in ((4, "ip"), (6, "ip6"))
    )


def _errors_chain(answers: Iterable[Endpoint]) -> str:
    """ICMP errors quote the packet the server got: its destination is the server.

    Offsets are bits from the ICMP header (8 bytes); the quoted IPv4 header has no options,
    an IPv6 one at most a fragment header, and then no port is asked for.  Others pass, untranslated.
    """
    wanted = list(answers)
    hosts = dict.fromkeys(one.address for one in wanted if one.address.version == 6)
    pieces = [Endpoint(ipv6.FRAGMENT, host, 0, 65535) for host in hosts]
    rules = "".join(f"    {_error_match(one)} counter name taken drop\n" for one in _joined(wanted + pieces))
    return f"  chain errors {{\n{rules}  }}\n"


def _error_match(one: Endpoint) -> str:
    number = int(one.address)
    if one.address.version == 4:
        match = f"meta protocol ip @th,64,8 0x45 @th,136,8 {one.protocol} @th,192,32 0x{number:08x}"
        port = "@th,240,16"
    else:
        match = f"meta protocol ip6 @th,112,8 {one.protocol} @th,256,128 0x{number:032x}"
        port = "@th,400,16"
    return match if _whole(one) else f"{match} {port} {_ports(one)}"
