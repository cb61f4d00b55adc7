"""The nftables rules that take the director's packets away from the host's own stack.

Pure: a plan in, text for `nft -f -` out.  The chains hook in at netdev ingress, behind the
taps, so packet sockets still see every frame and the stack sees none of them.  The whole
table is replaced in one transaction; there is no moment without rules.

What is dropped, per interface:
* packets to a service's address and port;
* packets from a NAT server's address and port, unless they are for this host itself;
* ICMP errors of the server's side about such packets (the director sends them translated);
* ESP and AH where a service may own an ISAKMP flow, in the same sets with all ports (the two bytes
  where a port would stand may be anything; over IPv6, nftables looks behind extension headers but AH);
* fragments to a service's address, or from a NAT server's to others: whose they are is seen once they
  are put together, and only the director sees all of them.
Everything else passes: other ports of the virtual address, echo requests, ARP.  ICMP errors
sent to a virtual address pass too; the stack has no socket for them and ignores them.

What was taken and is not the director's is given back, a datagram in fragments as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from director.l4.io.plan import FRAGMENT_HEADER, Address, CapturePlan, Endpoint, Wide

_CHAIN = """\
    meta pkttype != host accept
    ip frag-off & 0x3fff != 0 goto pieces4
    exthdr frag exists goto pieces6
    meta protocol ip meta l4proto . ip daddr . th dport @keep4 accept
    meta protocol ip6 meta l4proto . ip6 daddr . th dport @keep6 accept
    jump networks
    meta protocol ip meta l4proto . ip daddr . th dport @virtual4 counter name taken drop
    meta protocol ip ip daddr @local4 accept
    meta protocol ip meta l4proto . ip saddr . th sport @answer4 counter name taken drop
    meta protocol ip6 meta l4proto . ip6 daddr . th dport @virtual6 counter name taken drop
    meta protocol ip6 ip6 daddr @local6 accept
    meta protocol ip6 meta l4proto . ip6 saddr . th sport @answer6 counter name taken drop
    ip protocol icmp icmp type { 3, 4, 11 } goto errors
    ip6 nexthdr icmpv6 icmpv6 type 1-4 goto errors
"""


def table_name(director: str) -> str:
    """The name of a director's table: `director-NAME`, with what nft does not take replaced."""
    return "director-" + re.sub(r"[^A-Za-z0-9._-]", "_", director)


def removal(table: str) -> str:
    """Text that removes the table, whether it is there or not."""
    return f"add table netdev {table}\ndelete table netdev {table}\n"


def ruleset(
    table: str, owner: str, plan: CapturePlan, interfaces: Sequence[str], local: Iterable[Address]
) -> str:
    """Text that replaces the table by one for `plan` on `interfaces`.

    `owner` is kept as the comment of a chain that nothing calls; `local` holds the host's own addresses.
    """
    here = tuple(local)
    services, servers = (
        tuple(dict.fromkeys(one.address for one in found)) for found in (plan.virtuals, plan.answers)
    )
    sets = "".join(
        _endpoint_set(f"{name}{version}", version, endpoints)
        for name, endpoints in (("virtual", plan.virtuals), ("answer", plan.answers), ("keep", plan.keep))
        for version in (4, 6)
    )
    hosts = "".join(
        _set(f"{name}{version}", _TYPES[version], [str(one) for one in addresses if one.version == version])
        for name, addresses in (("local", here), ("service", services), ("server", servers))
        for version in (4, 6)
    )
    chains = "".join(_chain(number, interface) for number, interface in enumerate(interfaces))
    owned = f'  counter taken {{ }}\n  chain owner {{ accept comment "{owner}"\n  }}\n'
    content = owned + sets + hosts + _pieces_chains(plan.wide) + _errors_chain(plan.answers)
    content += _networks_chain(plan.wide) + chains
    return f"{removal(table)}table netdev {table} {{\n{content}}}\n"


_TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}


def _set(name: str, kind: str, elements: Sequence[str], flags: str = "") -> str:
    content = f" elements = {{ {', '.join(elements)} }};" if elements else ""
    return f"  set {name} {{ type {kind};{flags}{content} }}\n"


def _endpoint_set(name: str, version: int, endpoints: Iterable[Endpoint]) -> str:
    wanted = _joined([one for one in endpoints if one.address.version == version])
    # An interval set is a slower structure than a hash: only where ranges ask for it.
    flags = " flags interval;" if any(one.first != one.last for one in wanted) else ""
    kind = f"inet_proto . {_TYPES[version]} . inet_service"
    return _set(name, kind, [_element(one) for one in wanted], flags)


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
    pieces = [Endpoint(FRAGMENT_HEADER, host, 0, 65535) for host in hosts]
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
    return match if (one.first, one.last) == (0, 65535) else f"{match} {port} {_ports(one)}"
